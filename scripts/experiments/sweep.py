"""The runs of a published study, one after the other: a run is one of the study's rows with a seed.

cd scripts
python -m experiments.sweep decoders --dry-run

Studies are the folders of ``disentgen.studies``; where there are several, ``--study`` names one.
"""

import argparse
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING

from disentgen.command_line import RUNNING, CommandParser, job_count, plain_errors, positive
from disentgen.errors import DisentgenError, UsageError
from disentgen.paths import data_folder
from disentgen.plain_settings import read_words
from disentgen.registry import choose, unknown
from disentgen.streams import run_command
from disentgen.studies import Study, load_studies
from experiments.children import Children
from experiments.interrupts import interrupt_on_signals
from experiments.planned import SMOKE, PlannedRun, plan_runs

if TYPE_CHECKING:
    from disentgen.runs import Run

# What opens runs takes seconds to import, and is imported where a run is made.

#: Of a run that is there already, by its status.
OUTCOMES = {"COMPLETED": "finished before", "RUNNING": "running"}
#: For what is one for all threads: the experiment that reads a command line, and the output.
READING = threading.Lock()
#: Trainings that run now.
CHILDREN = Children()


def find_made(planned: PlannedRun) -> "Run | None":
    """The newest run that is what a planned one would be now, whoever made it; None if none is.

    An earlier run of the same words may have had other defaults, or other images.

    Args:
        planned: which.
    """
    from experiments.claims import find_newest
    from experiments.protocols import read_protocol

    with READING:
        try:
            config = read_protocol(planned.row.experiment, planned.words)
        except DisentgenError:
            return None  # its own command says what is wrong with it
        return find_newest(data_folder() / "sims" / planned.row.experiment, config)


def make_run(planned: PlannedRun, jobs: int = 1) -> str:
    """Make a run unless it is finished; go on with it where it was interrupted.

    Its own command chooses between that, when no other command does, so that of several sweeps at
    once none makes a run that another makes.

    Args:
        planned: which.
        jobs: how many are made beside each other. Where it is more than one, each takes one thread
            (two processes of two threads on two cores hinder each other), and its printing is kept
            in its run's folder alone.

    Returns:
        ``finished before``, ``running``, ``done`` or ``failed``.
    """
    made = find_made(planned)
    if made is not None and made.status in OUTCOMES:
        return OUTCOMES[made.status]
    return {0: "done", RUNNING: "running"}.get(call(planned.command, jobs), "failed")


def call(command: list[str], jobs: int) -> int:
    """The exit status of a command; of several at a time what they print only where one fails.

    Args:
        command: with its words.
        jobs: how many are run beside each other.
    """
    if jobs == 1:
        return CHILDREN.call(command)[0]
    status, printed = CHILDREN.call([*command, "threads=1"], stdout=DEVNULL, stderr=PIPE)
    if status not in (0, RUNNING):
        print(printed, file=sys.stderr, flush=True)
    return status


def make_runs(planned: Sequence[PlannedRun], jobs: int = 1) -> int:
    """Make runs, so many at a time; the number of those that failed."""

    def say(number: int, what: object) -> None:
        with READING:
            print(f"[{number}/{len(planned)}] {what}", flush=True)

    def make(number: int, run: PlannedRun) -> bool:
        say(number, run)
        outcome = make_run(run, jobs)
        say(number, outcome)
        return outcome == "failed"

    with ThreadPoolExecutor(jobs) as pool:
        try:
            return sum(pool.map(make, range(1, len(planned) + 1), planned))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            CHILDREN.interrupt()
            raise


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
    """The options of the command line."""
    parser = CommandParser(
        prog="python -m experiments.sweep", description="Make the runs of a published study."
    )
    parser.add_argument("experiment", help="such as disent: one of the study's")
    parser.add_argument("--study", help=f"one of {', '.join(load_studies())}")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print the command lines, with notes on what is uncertain",
    )
    parser.add_argument("--smoke", action="store_true", help="a few iterations of each")
    parser.add_argument("--seeds", type=positive, default=1, help="runs of each row")
    parser.add_argument(
        "--jobs", type=job_count, default=1, help="runs at a time, of one thread each"
    )
    parser.add_argument("--dataset", help="this dataset alone")
    parser.add_argument("--model", action="append", help="this model alone; may stand repeatedly")
    parser.add_argument(
        "--control", action="store_true", help="train on all images, score on the same sides"
    )
    parser.add_argument("--with", nargs="*", default=[], dest="words", help="further settings")
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


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = build_parser()
    given = parser.parse_args(arguments)
    with plain_errors():
        study = choose_study(given.study)
        check_names(study, given)
        read_words(given.words)
    extra = ("dataset.control=True",) * given.control + SMOKE * given.smoke + tuple(given.words)
    seeds = range(1, given.seeds + 1)
    planned = plan_runs(study, given.experiment, seeds, given.dataset, given.model, extra)
    if given.dry_run:
        print("\n".join(map(str, planned)))
        return
    interrupt_on_signals()
    failed = make_runs(planned, given.jobs)
    if failed:
        raise SystemExit(f"{failed} of {len(planned)} runs failed; see above.")


if __name__ == "__main__":
    run_command(main)
