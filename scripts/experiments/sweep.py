"""The study's cells, run one after the other: a cell is a row of the table with a seed.

cd scripts
python -m experiments.sweep decoders --dry-run
"""

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from disentgen.errors import DataFileError
from disentgen.paths import data_folder
from disentgen.registry import unknown
from disentgen.schema import positive
from disentgen.studies.montero2021.protocols import load_protocols
from disentgen.studies.montero2021.rows import MODELS, TABLE, VARIANTS, Row, Words

if TYPE_CHECKING:
    from disentgen.runs import Run

# What opens datasets and runs takes seconds to import, and is imported where a cell is run.

#: A few iterations, to see that a cell runs.
SMOKE: Words = (
    "training.epochs=1", "training.epoch_length=2", "training.validation_images=64",
    "training.score_images=64", "training.find_duplicates=False",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A run of the study.

    Args:
        row: of the study's table.
        seed: of the run.
        extra: words that stand last on its command line.
    """

    row: Row
    seed: int
    extra: Words = ()

    @property
    def words(self) -> Words:
        """Of the command line, after ``with``."""
        return (*TABLE[self.row].words, f"seed={self.seed}", *self.extra)

    @property
    def name(self) -> str:
        """What tells the cell from all others; runs keep it as their comment."""
        return f"study: {' '.join(self.words)}"

    @property
    def source(self) -> str:
        """Which images a run of the cell would be trained on now."""
        from disentgen.dataset.build import choose_source
        from disentgen.dataset.spec import find_spec

        settings = dict(word.split("=", 1) for word in self.words if "=" in word)
        return choose_source(
            find_spec(self.row.dataset, settings.get("dataset.version")),
            settings.get("dataset.root"),
            settings.get("dataset.source", "auto"),
        )

    @property
    def command(self) -> list[str]:
        """The command line, for use inside ``scripts``."""
        module = f"experiments.{self.row.experiment}"
        return [sys.executable, "-m", module, f"--comment={self.name}", "with", *self.words]

    def __str__(self) -> str:
        """The command line, with the note of its row as a comment."""
        note = TABLE[self.row].note
        return shlex.join(["python", *self.command[1:]]) + (f"  # {note}" if note else "")


def list_cells(
    experiment: str,
    seeds: Iterable[int] = (1,),
    datasets: Iterable[str] = VARIANTS,
    models: Iterable[str] | None = None,
    extra: Words = (),
) -> list[Cell]:
    """The cells of an experiment, seed by seed, so that one of each is there first.

    Args:
        experiment: ``disent``, ``decoders`` or ``composition``.
        seeds: a run of each cell for each.
        datasets: by name.
        models: by their names in the published tables; all by default.
        extra: words that stand last on each command line.
    """
    return [
        Cell(row, seed, extra)
        for seed in seeds
        for dataset in datasets
        for row in TABLE
        if (row.experiment, row.dataset) == (experiment, dataset)
        and (models is None or row.model in models)
    ]


def find_cells(experiment: str, root: Path | None = None) -> Iterator[tuple[str, Path]]:
    """Names and folders of all runs of cells of an experiment, the oldest first."""
    folder = (root or data_folder() / "sims") / experiment
    for path in sorted(folder.glob("*/run.json"), key=lambda path: path.stat().st_mtime):
        try:
            comment = json.loads(path.read_text(encoding="utf-8"))["meta"].get("comment", "")
        except (json.JSONDecodeError, KeyError):
            continue  # just being written
        if comment.startswith("study: "):
            yield comment, path.parent


def counts(run: "Run", cell: Cell) -> bool:
    """Whether a run is one of a cell as it would be run now.

    An earlier run of the same words may have had other defaults; one that cannot be read is none.
    """
    from disentgen.training.identity import cell_settings

    try:
        settings = cell_settings(run.settings, run.sides)
    except DataFileError as error:
        print(f"left aside: {error}", file=sys.stderr, flush=True)
        return False
    if settings["dataset.source"] != cell.source:
        return False
    named = any("=" not in word for word in cell.extra)  # which may set any key
    changed = {word.partition("=")[0] for word in cell.extra}
    protocol = {} if named else load_protocols()[cell.row]
    return all(
        settings.get(key) == value
        for key, value in protocol.items()
        if key not in ("steps", "note") and not is_part(key, changed)
    )


def is_part(key: str, settings: Collection[str]) -> bool:
    """Whether a key is one of some settings, or below one."""
    return any(key == setting or key.startswith(f"{setting}.") for setting in settings)


def run_cell(cell: Cell, jobs: int = 1) -> str:
    """Run a cell unless it is finished; go on with it where it was interrupted.

    Runs on the stand-in do not count once the published file is there.

    Args:
        cell: which.
        jobs: how many cells are run beside each other. Where it is more than one, each takes one
            thread (two processes of two threads on two cores hinder each other), and its printing
            is kept in its run's folder alone.

    Returns:
        ``finished before``, ``running``, ``done`` or ``failed``.
    """
    from disentgen.runs import open_run

    named = [open_run(path) for name, path in find_cells(cell.row.experiment) if name == cell.name]
    opened = [run for run in named if counts(run, cell)]
    if any(run.status == "COMPLETED" for run in opened):
        return "finished before"
    if any(run.status == "RUNNING" for run in opened):
        return "running"
    command = cell.command
    for run in opened:
        if run.path.joinpath("checkpoint.pt").exists():
            command = [*command[:4], "with", f"resume={run.path}"]
    if jobs == 1:
        return "done" if subprocess.run(command, check=False).returncode == 0 else "failed"
    ended = subprocess.run([*command, "threads=1"], check=False, capture_output=True, text=True)
    if ended.returncode == 0:
        return "done"
    print(ended.stderr, file=sys.stderr, flush=True)
    return "failed"


def run_study(cells: list[Cell], jobs: int = 1) -> int:
    """Run cells, so many at a time; the number of those that failed."""

    def run(number: int, cell: Cell) -> bool:
        print(f"[{number}/{len(cells)}] {cell}", flush=True)
        outcome = run_cell(cell, jobs)
        print(f"[{number}/{len(cells)}] {outcome}", flush=True)
        return outcome == "failed"

    with ThreadPoolExecutor(jobs) as pool:
        return sum(pool.map(run, range(1, len(cells) + 1), cells))


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="run", description="Run the published study.")
    parser.add_argument("experiment", choices=MODELS)
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print the command lines, with notes on what is uncertain",
    )
    parser.add_argument("--smoke", action="store_true", help="a few iterations of each")
    parser.add_argument(
        "--seeds", type=positive, default=1, help="runs of each cell (published: 1)"
    )
    parser.add_argument(
        "--jobs", type=positive, default=1, help="runs at a time, of one thread each"
    )
    parser.add_argument("--dataset", choices=VARIANTS, help="this dataset alone")
    parser.add_argument("--model", action="append", help="this model alone; may stand repeatedly")
    parser.add_argument(
        "--control", action="store_true", help="train on all images, score on the same sides"
    )
    parser.add_argument("--with", nargs="*", default=[], dest="words", help="further settings")
    given = parser.parse_args(arguments)
    known = {model for models in MODELS[given.experiment].values() for model in models}
    for model in given.model or ():
        if model not in known:
            parser.error(str(unknown("model", model, sorted(known))))
    extra = ("dataset.control=True",) * given.control + SMOKE * given.smoke + tuple(given.words)
    datasets = [given.dataset] if given.dataset else list(VARIANTS)
    seeds = range(1, given.seeds + 1)
    cells = list_cells(given.experiment, seeds, datasets, given.model, extra)
    if given.dry_run:
        print("\n".join(map(str, cells)))
        return
    failed = run_study(cells, given.jobs)
    if failed:
        raise SystemExit(f"{failed} of {len(cells)} cells failed; see above.")
