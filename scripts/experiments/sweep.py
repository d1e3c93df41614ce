"""Many runs from one command line: a grid of any settings, or the rows of a published study.

cd scripts
python -m experiments.sweep disent with dataset.dsprites model.kim training.vae seed={1..3}
python -m experiments.sweep decoders --dry-run

What is given several times after ``with`` is an axis of a grid; without ``with``, the runs are
those of a study, a folder of ``disentgen.studies``.
"""

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence

from disentgen.command_line import RUNNING, CommandParser, plain_errors, positive
from disentgen.errors import UsageError
from disentgen.registry import choose, unknown
from disentgen.streams import run_command
from disentgen.studies import Study, load_studies
from disentgen.text import make_visible
from experiments.axes import describe_axes, list_points, read_axes
from experiments.cells import (
    SMOKE,
    Cell,
    add_controls,
    count_cells,
    find_runs_of,
    name_state,
    read_cells,
    tabulate_states,
)
from experiments.engines import Job, Workers, add_options, engines, open_engine
from experiments.interrupts import interrupt_on_signals
from experiments.planned import plan_runs

#: Experiments whose runs are trainings.
EXPERIMENTS = ("disent", "decoders", "composition", "supervised")
#: More cells than these are started without a question only where nobody can answer it.
ASKED_ABOVE = 20
#: Of a cell that is not made now, by the state of its run.
PASSED_OVER = {"done": "finished before", "running": "running", "failed": "failed before"}
#: Options that say which rows of a study are meant.
OF_STUDIES = ("study", "seeds", "dataset", "model", "words")

#: Options that take no value.
FLAGS = {
    "--dry-run": "print the command lines, with notes on what is uncertain, and what they cost",
    "--measure": "with --dry-run: train 100 steps of each kind of which there is no run",
    "--status": "print the state of each cell, and its folder",
    "--control": "each cell and its control, trained on all images, scored on the same sides",
    "--control-only": "the controls alone",
    "--smoke": "a few iterations of each",
    "--retry": "try those again whose last run has failed",
    "--yes": f"start more than {ASKED_ABOVE} cells without asking",
}


class Sweep:
    """The making of cells, in the order in which they are given.

    Args:
        cells: of one experiment.
        retry: try those again whose last run has failed.
    """

    def __init__(self, cells: Sequence[Cell], retry: bool = False):
        self.cells = cells
        self.retry = retry
        #: Numbers of cells that have failed, with what their commands printed.
        self.failed: dict[int, str] = {}

    def make(self, workers: Workers) -> None:
        """Make all cells that are not made yet.

        Args:
            workers: that make them.

        Raises:
            SystemExit: some have failed; each is named before, with its error.
        """
        for job, ended in workers.run(self.list_jobs()):
            outcome = {0: "done", RUNNING: "running"}.get(ended.status, "failed")
            self.say(job.number, outcome)
            if outcome == "failed":
                print(make_visible(ended.printed, keep="\n\t"), file=sys.stderr, flush=True)
                self.failed[job.number] = ended.printed
        for number, printed in sorted(self.failed.items()):
            print(explain_failure(self.cells[number - 1], printed), file=sys.stderr, flush=True)
        if self.failed:
            raise SystemExit(
                f"{len(self.failed)} of {len(self.cells)} runs failed; see above. --retry tries "
                "them again."
            )

    def list_jobs(self) -> Iterator[Job]:
        """A job for each cell that is to be made; its state is looked up when its turn comes.

        Others may make it at the same time: its own command then sees that and leaves it.
        """
        for number, cell in enumerate(self.cells, 1):
            self.say(number, cell)
            state = name_state(find_runs_of([cell]).get(cell.identity))
            if state == "failed" and not self.retry:
                self.failed[number] = ""
            if state in PASSED_OVER and not (state == "failed" and self.retry):
                self.say(number, PASSED_OVER[state])
            else:
                yield cell.make_job(number)

    def say(self, number: int, what: object) -> None:
        """Print a line about a cell."""
        print(f"[{number}/{len(self.cells)}] {what}", flush=True)


def explain_failure(cell: Cell, printed: str) -> str:
    """The folder of a failed run and its error, in a line.

    Args:
        cell: of which it is.
        printed: by its command; what of it is an error stands for a run that has no folder.
    """
    run = find_runs_of([cell]).get(cell.identity)
    if run is not None and run.record.failure is not None:
        return make_visible(f"failed: {run.path}: {run.record.failure}")
    errors = [line for line in printed.splitlines() if line.startswith("error: ")]
    why = errors[-1].removeprefix("error: ") if errors else "its command says above why"
    return make_visible(f"failed: {shlex.join(cell.words)}: {why}")


def choose_study(name: str | None) -> Study:
    """A study by name, or the only one.

    Raises:
        UsageError: there is none of this name, or there are several and none is named.
    """
    studies = load_studies()
    if name is None and len(studies) == 1:
        return next(iter(studies.values()))
    if name is None:
        raise UsageError(f"--study must name one of {', '.join(studies)}.")
    return choose("study", name, studies)


def build_parser() -> CommandParser:
    """The options of the command line, those of engines among them."""
    parser = CommandParser(
        prog="python -m experiments.sweep",
        usage="%(prog)s EXPERIMENT [options] [with WORDS]",
        description="Make many runs: a grid of the words after 'with', of which a key or a choice "
        "that is given several times is an axis; without 'with', the rows of a published study.",
    )
    parser.add_argument("experiment", help=f"one of {', '.join(EXPERIMENTS)}")
    for name, text in FLAGS.items():
        parser.add_argument(name, action="store_true", help=text)
    parser.add_argument("--engine", default="local", help=f"one of {', '.join(engines())}")
    add_options(parser)
    rows = parser.add_argument_group("of a study")
    rows.add_argument("--study", help=f"one of {', '.join(load_studies())}")
    rows.add_argument("--seeds", type=positive, help="runs of each row; 1 by default")
    rows.add_argument("--dataset", help="this dataset alone")
    rows.add_argument("--model", action="append", help="this model alone; may stand repeatedly")
    rows.add_argument("--with", nargs="*", dest="words", help="further settings")
    return parser


def check_names(study: Study, given: argparse.Namespace) -> None:
    """Refuse names that the study's rows do not have.

    Raises:
        UsageError: what was given, what is accepted, and the nearest.
    """
    rows = study.list_rows(given.experiment)
    if not rows:
        raise unknown("experiment", given.experiment, study.experiments)
    datasets, models = {row.dataset for row in rows}, {row.model for row in rows}
    if given.dataset not in (None, *datasets):
        raise unknown("dataset", given.dataset, sorted(datasets))
    for model in given.model or ():
        if model not in models:
            raise unknown("model", model, sorted(models))


def plan_study(given: argparse.Namespace) -> tuple[list[Cell], str]:
    """The cells of a study's rows, and the line that describes them."""
    study = choose_study(given.study)
    check_names(study, given)
    extra = SMOKE * given.smoke + tuple(given.words or ())
    seeds = range(1, (given.seeds or 1) + 1)
    cells = plan_runs(study, given.experiment, seeds, given.dataset, given.model, extra)
    return cells, f"{study.title}: row ({len(cells) // len(seeds)}) × seed ({len(seeds)})"


def plan_grid(given: argparse.Namespace, words: Sequence[str]) -> tuple[list[Cell], str]:
    """The cells of a grid, and the line that describes its axes.

    Args:
        given: options of the command line.
        words: that stand behind ``with``.
    """
    for option in OF_STUDIES:
        if getattr(given, option) is not None:
            name = "with" if option == "words" else option
            raise UsageError(f"--{name} is of a study; settings after 'with' make up a grid.")
    if given.experiment not in EXPERIMENTS:
        raise unknown("experiment", given.experiment, EXPERIMENTS)
    axes = read_axes(words)
    points = [(*point, *SMOKE * given.smoke) for point in list_points(axes)]
    return [Cell(given.experiment, point) for point in points], describe_axes(axes)


def plan(words: Sequence[str]) -> tuple[argparse.Namespace, list[Cell]]:
    """The options of a command line, and its cells, all of which were checked.

    Args:
        words: of the command line.

    Raises:
        UsageError, DataFileError: a cell would be refused.
    """
    words = list(words)
    place = words.index("with") if "with" in words else len(words)
    given = build_parser().parse_args(words[:place])
    cells, axes = plan_grid(given, words[place + 1 :]) if words[place:] else plan_study(given)
    cells = read_cells(add_controls(cells, given.control, given.control_only))
    controls = ", with controls" if given.control else ", controls" if given.control_only else ""
    print(f"{given.experiment}: {axes}{controls}: {count_cells(cells)}", flush=True)
    return given, cells


def print_plan(cells: Sequence[Cell], jobs: int, measure: bool) -> None:
    """Print command lines, and what those cost that are not made yet.

    Args:
        cells: all of a sweep.
        jobs: how many are made beside each other.
        measure: see :func:`~experiments.estimates.describe_costs`.
    """
    from experiments.estimates import describe_costs

    print("\n".join(map(str, cells)))
    runs = find_runs_of(cells)
    waiting = [cell for cell in cells if name_state(runs.get(cell.identity)) != "done"]
    print(describe_costs(waiting, jobs, measure))


def ask_to_start(count: int) -> None:
    """Ask on a terminal whether so many cells are to be started.

    Raises:
        SystemExit: they are not.
    """
    can_answer = sys.stdin.isatty() and sys.stdout.isatty()
    if count > ASKED_ABOVE and can_answer:
        answer = input(f"Start {count} cells? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            raise SystemExit("nothing was started.")


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    with plain_errors():
        given, cells = plan(sys.argv[1:] if arguments is None else arguments)
        if given.status:
            print(tabulate_states(cells))
        elif given.dry_run:
            print_plan(cells, given.jobs or 1, given.measure)
        else:
            workers = open_engine(given.engine, given)
            ask_to_start(0 if given.yes else len(cells))
            interrupt_on_signals()
            Sweep(cells, given.retry).make(workers)


if __name__ == "__main__":
    run_command(main)
