"""The making of a sweep's cells: which are to be made, and how each has ended."""

import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence

from disentgen.command_line import RUNNING
from disentgen.text import make_visible
from engines import Ended, Job, Workers
from experiments.cells import Cell, count_cells, find_runs_of, name_state

#: Of a cell that is not made now, by the state of its run.
PASSED_OVER = {"done": "finished before", "running": "running", "failed": "failed before"}
#: Outcomes after which a cell is not what it should be.
NOT_MADE = ("failed", "failed before", "interrupted")


class Sweep:
    """Cells that are made in the order in which they are given.

    Args:
        cells: of one experiment.
        retry: try those again whose last run has failed.
    """

    def __init__(self, cells: Sequence[Cell], retry: bool = False):
        self.cells = cells
        self.retry = retry
        self.outcomes: dict[int, str] = {}
        #: How the processes of cells have ended, by number.
        self.ended: dict[int, Ended] = {}

    def make(self, workers: Workers) -> int:
        """Make all cells that are not made yet; cells that were not are named at the end.

        Args:
            workers: that make them.

        Returns:
            The exit status: 0; 1 where some have failed or were interrupted; 3 where all is well
            but some are running elsewhere.
        """
        for job, ended in workers.run(self.list_jobs()):
            self.ended[job.number] = ended
            outcome = self.name_outcome(job.number, ended)
            if outcome in NOT_MADE and ended.printed:
                print(make_visible(ended.printed, keep="\n\t"), file=sys.stderr, flush=True)
            self.note(job.number, outcome)
        return self.close()

    def list_jobs(self) -> Iterator[Job]:
        """A job for each cell that is to be made; its state is looked up when its turn comes.

        Others may make it at the same time: its own command then sees that and leaves it.
        """
        before = find_runs_of(self.cells)
        for number, cell in enumerate(self.cells, 1):
            self.say(number, cell)
            run = before.get(cell.identity)
            if name_state(run) != "done":
                run = find_runs_of([cell]).get(cell.identity)
            state = name_state(run)
            if state in PASSED_OVER and not (state == "failed" and self.retry):
                self.note(number, PASSED_OVER[state])
            else:
                yield cell.make_job(number)

    def name_outcome(self, number: int, ended: Ended) -> str:
        """How a cell has come out.

        Args:
            number: of the cell.
            ended: its process.
        """
        if ended.status in (0, RUNNING):
            return "running" if ended.status else "done"
        cell = self.cells[number - 1]
        state = name_state(find_runs_of([cell]).get(cell.identity))
        return "interrupted" if state == "interrupted" else "failed"

    def note(self, number: int, outcome: str) -> None:
        """Keep how a cell has come out, and print it."""
        self.outcomes[number] = outcome
        self.say(number, outcome)

    def say(self, number: int, what: object) -> None:
        """Print a line about a cell."""
        print(f"[{number}/{len(self.cells)}] {what}", flush=True)

    def close(self) -> int:
        """Print what was not made and why, and how many cells came out how; the exit status."""
        counts = Counter(self.outcomes.values())
        for number, outcome in sorted(self.outcomes.items()):
            if outcome in NOT_MADE:
                ended = self.ended.get(number, Ended(1))
                line = f"{outcome}: {explain(self.cells[number - 1], ended)}"
                print(make_visible(line), file=sys.stderr, flush=True)
        parts = [f"{count} {outcome}" for outcome, count in counts.items()]
        has_failed = counts["failed"] + counts["failed before"] > 0
        advice = "; --retry tries failed ones again" * has_failed
        print(f"{count_cells(self.cells)}: {', '.join(parts)}{advice}", flush=True)
        if any(counts[outcome] for outcome in NOT_MADE):
            return 1
        return RUNNING if counts["running"] else 0


def explain(cell: Cell, ended: Ended) -> str:
    """The folder of a run and its error, or why its cell has none.

    Args:
        cell: of which it is.
        ended: its process.
    """
    run = find_runs_of([cell]).get(cell.identity)
    failure = None if run is None else run.record.failure
    why = ended.reason if failure is None else failure
    return f"{shlex.join(cell.words) if run is None else run.path}: {why}"
