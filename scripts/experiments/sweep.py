"""The runs of a published study, one after the other: a run is one of the study's rows with a seed.

cd scripts
python -m experiments.sweep decoders --dry-run

Studies are the folders of ``disentgen.studies``; where there are several, ``--study`` names one.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from disentgen.errors import DataFileError, UsageError
from disentgen.paths import data_folder
from disentgen.registry import choose, unknown
from disentgen.schema import positive
from disentgen.streams import run_command
from disentgen.studies import Study, load_studies
from disentgen.studies.protocols import load_protocols
from experiments.planned import MARK, SMOKE, PlannedRun, plan_runs

if TYPE_CHECKING:
    from disentgen.runs import Run

# What opens runs takes seconds to import, and is imported where a run is made.


def find_named(experiment: str, root: Path | None = None) -> Iterator[tuple[str, Path]]:
    """Names and folders of all runs of studies of an experiment, the oldest first."""
    folder = (root or data_folder() / "sims") / experiment
    for path in sorted(folder.glob("*/run.json"), key=lambda path: path.stat().st_mtime):
        try:
            comment = json.loads(path.read_text(encoding="utf-8"))["meta"].get("comment", "")
        except (json.JSONDecodeError, KeyError):
            continue  # just being written
        if comment.startswith(MARK):
            yield comment, path.parent


def counts(run: "Run", planned: PlannedRun) -> bool:
    """Whether a run is a planned one as it would be made now.

    An earlier run of the same words may have had other defaults; one that cannot be read is none.
    """
    from disentgen.training.identity import cell_settings

    try:
        settings = cell_settings(run.settings, run.sides)
    except DataFileError as error:
        print(f"left aside: {error}", file=sys.stderr, flush=True)
        return False
    if settings["dataset.source"] != planned.source:
        return False
    named = any("=" not in word for word in planned.extra)  # which may set any key
    changed = {word.partition("=")[0] for word in planned.extra}
    protocol = {} if named else load_protocols(planned.study)[planned.row]
    return all(
        settings.get(key) == value
        for key, value in protocol.items()
        if key != "steps" and not is_part(key, changed)
    )


def is_part(key: str, settings: Collection[str]) -> bool:
    """Whether a key is one of some settings, or below one."""
    return any(key == setting or key.startswith(f"{setting}.") for setting in settings)


def make_run(planned: PlannedRun, jobs: int = 1) -> str:
    """Make a run unless it is finished; go on with it where it was interrupted.

    Runs on the stand-in do not count once the published file is there.

    Args:
        planned: which.
        jobs: how many are made beside each other. Where it is more than one, each takes one thread
            (two processes of two threads on two cores hinder each other), and its printing is kept
            in its run's folder alone.

    Returns:
        ``finished before``, ``running``, ``done`` or ``failed``.
    """
    from disentgen.runs import open_run

    named = find_named(planned.row.experiment)
    opened = [open_run(path) for name, path in named if name == planned.name]
    same = [run for run in opened if counts(run, planned)]
    if any(run.status == "COMPLETED" for run in same):
        return "finished before"
    if any(run.status == "RUNNING" for run in same):
        return "running"
    command = planned.command
    for run in same:
        if run.path.joinpath("checkpoint.pt").exists():
            command = [*command[:4], "with", f"resume={run.path}"]
    return "done" if call(command, jobs) else "failed"


def call(command: list[str], jobs: int) -> bool:
    """Whether a command ends well; of several at a time what they print only where one does not."""
    if jobs == 1:
        return subprocess.run(command, check=False).returncode == 0
    ended = subprocess.run([*command, "threads=1"], check=False, capture_output=True, text=True)
    if ended.returncode:
        print(ended.stderr, file=sys.stderr, flush=True)
    return ended.returncode == 0


def make_runs(planned: Sequence[PlannedRun], jobs: int = 1) -> int:
    """Make runs, so many at a time; the number of those that failed."""

    def make(number: int, run: PlannedRun) -> bool:
        print(f"[{number}/{len(planned)}] {run}", flush=True)
        outcome = make_run(run, jobs)
        print(f"[{number}/{len(planned)}] {outcome}", flush=True)
        return outcome == "failed"

    with ThreadPoolExecutor(jobs) as pool:
        return sum(pool.map(make, range(1, len(planned) + 1), planned))


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


def build_parser() -> argparse.ArgumentParser:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
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
        "--jobs", type=positive, default=1, help="runs at a time, of one thread each"
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
    try:
        study = choose_study(given.study)
        check_names(study, given)
    except UsageError as error:
        parser.error(str(error))
    extra = ("dataset.control=True",) * given.control + SMOKE * given.smoke + tuple(given.words)
    seeds = range(1, given.seeds + 1)
    planned = plan_runs(study, given.experiment, seeds, given.dataset, given.model, extra)
    if given.dry_run:
        print("\n".join(map(str, planned)))
        return
    failed = make_runs(planned, given.jobs)
    if failed:
        raise SystemExit(f"{failed} of {len(planned)} runs failed; see above.")


if __name__ == "__main__":
    run_command(main)
