"""Cells of a sweep: each is one run to be made, by the words of its command line."""

import importlib
import json
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from disentgen.errors import UsageError
from disentgen.paths import data_folder
from disentgen.plugins import list_flags
from disentgen.studies.rows import Words
from disentgen.text import make_visible
from engines import THREADS, Job

if TYPE_CHECKING:
    from disentgen.runs import Run
    from disentgen.training.config import Config

# What opens runs takes seconds to import, and is imported where a configuration is read.

#: A few iterations, to see that a run works.
SMOKE: Words = (
    "training.epochs=1", "training.epoch_length=2", "training.validation_images=64",
    "training.score_images=64", "training.find_duplicates=False",
)  # fmt: skip
#: Makes the control of a run.
CONTROL: Words = ("dataset.control=True",)
#: What a sweep says of the newest run that a cell has.
STATES = {
    "COMPLETED": "done", "RUNNING": "running", "INTERRUPTED": "interrupted", "DEAD": "interrupted",
    "FAILED": "failed",
}  # fmt: skip
MISSING = "missing"
#: The device that a sweep may choose.
AUTO = "auto"


@dataclass(frozen=True)
class Cell:
    """A run, made or not. However its words are ordered, it is the same run.

    Args:
        experiment: that trains it.
        words: of its command line, after ``with``.
        origin: begins the comment that its run has: what it was planned by.
        note: on the words.
    """

    experiment: str
    words: Words
    origin: str = "sweep"
    note: str = ""

    @property
    def comment(self) -> str:
        """That its run has."""
        return f"{self.origin}: {' '.join(self.words)}"

    @property
    def command(self) -> Words:
        """The command line for use inside ``scripts``: it starts the run or goes on with it."""
        return ("-m", f"experiments.{self.experiment}", *list_flags(), f"--comment={self.comment}",
                "with", "resume=auto", *self.words)  # fmt: skip

    def __str__(self) -> str:
        """The command line, with the note as a comment."""
        line = shlex.join(["python", *self.command])
        return make_visible(line + (f"  # {self.note}" if self.note else ""))

    @cached_property
    def config(self) -> "Config":
        """Its configuration.

        Raises:
            UsageError, DataFileError: it cannot be read.
        """
        return self._read[0]

    @cached_property
    def _read(self) -> "tuple[Config, Mapping[str, Any]]":
        """Its configuration; and seed, threads and device, as far as they are given."""
        from experiments.protocols import read_call

        call = read_call(self.experiment, self.words)
        return call.config, call.given

    @cached_property
    def identity(self) -> str:
        """What distinguishes it from all other runs of its experiment."""
        return self._identify(seed=True)

    @cached_property
    def kind(self) -> str:
        """The same without its seed."""
        return self._identify(seed=False)

    def _identify(self, seed: bool) -> str:
        from experiments.made import identify, name_identity

        return name_identity(identify(self.config, describe_sides(self.config), seed))

    def check(self) -> None:
        """Check what its own command checks before it trains, but for what depends on its seed.

        Raises:
            UsageError, DataFileError: it would be refused.
        """
        from disentgen.dataset.originals.find import check_root
        from experiments.checks import check_choices

        check_choices(self.config.plain(), self._load_experiment().sections)
        check_root(self.config.dataset["root"])
        self.config.check_whole()

    def give_seed(self) -> "Cell":
        """The same with a seed, the first where its words give none."""
        _, given = self._read
        return self if "seed" in given else replace(self, words=(*self.words, "seed=1"))

    def _load_experiment(self) -> Any:
        return importlib.import_module(f"experiments.{self.experiment}").experiment

    def make_job(self, number: int) -> Job:
        """It as a job of an engine, by its number in the sweep."""
        _, given = self._read
        threads = None if "threads" in given else THREADS
        return Job(number, self.command, threads, given.get("device", AUTO) != AUTO)


def describe_sides(config: "Config") -> dict[str, Any]:
    """Counts and hashes of a split's sides, kept for all cells of one split: a grid has many."""
    from disentgen.runs import describe_split

    return describe_split(json.dumps(config.dataset, sort_keys=True))


def list_choices(experiment: str) -> list[str]:
    """Named configurations of which each section of an experiment has one: ``model.kim``, …"""
    sections = importlib.import_module(f"experiments.{experiment}").experiment.sections
    return [f"{section.path}.{choice}" for section in sections for choice in section.choices]


def add_controls(cells: Iterable[Cell], also: bool, only: bool) -> list[Cell]:
    """Cells with their controls, which are trained on all images.

    Args:
        cells: without.
        also: a control behind each cell.
        only: the controls alone.
    """
    controlled = [(cell, replace(cell, words=(*cell.words, *CONTROL))) for cell in cells]
    if only:
        return [control for _, control in controlled]
    return [one for pair in controlled for one in (pair if also else pair[:1])]


def count_cells(cells: Sequence[Cell]) -> str:
    """How many there are, in words: ``1 cell``, ``30 cells``."""
    return f"{len(cells):,} cell{'s' if len(cells) != 1 else ''}"


def read_cells(cells: Sequence[Cell]) -> list[Cell]:
    """Cells with their seeds; all of them are checked.

    Raises:
        UsageError, DataFileError: one would be refused; the message names it.
    """
    read, checked = list[Cell](), set[str]()
    for cell in cells:
        try:
            seeded = cell.give_seed()
            if seeded.kind not in checked:
                seeded.check()
                checked.add(seeded.kind)
            read.append(seeded)
        except UsageError as error:
            where = f" (of the cell {shlex.join(cell.words)})" if len(cells) > 1 else ""
            raise UsageError(f"{error}{where}") from error
    return read


def drop_same(cells: Sequence[Cell]) -> list[Cell]:
    """Of cells that are the same the first one."""
    return list({cell.identity: cell for cell in reversed(cells)}.values())[::-1]


def find_runs_of(cells: Sequence[Cell]) -> dict[str, "Run"]:
    """The newest run of each cell that has one, by the cell's identity.

    Args:
        cells: of one experiment.
    """
    from experiments.made import find_made

    if not cells:
        return {}
    folder = data_folder() / "sims" / cells[0].experiment
    seeds = {cell.config.seed for cell in cells}
    made = find_made(folder, {cell.identity for cell in cells}, seeds)
    return {identity: runs[0] for identity, runs in made.items()}


def name_state(run: "Run | None") -> str:
    """What a sweep says of the newest run of a cell: ``done``, ``running``, … or ``missing``."""
    return MISSING if run is None else STATES.get(run.status, "interrupted")


def tabulate_states(cells: Sequence[Cell]) -> str:
    """A line for each cell, its state, folder and words; then how many there are of each state."""
    runs = find_runs_of(cells)
    states = {cell: name_state(runs.get(cell.identity)) for cell in cells}
    lines = []
    for cell, state in states.items():
        run = runs.get(cell.identity)
        folder = "" if run is None else f"{cell.experiment}/{run.path.name}"
        lines.append(f"{state:12} {folder:16} {shlex.join(cell.words)}")
    counts = Counter(states.values())
    known = dict.fromkeys([*STATES.values(), MISSING])
    summary = ", ".join(f"{counts[state]} {state}" for state in known)
    return make_visible("\n".join([*lines, f"{count_cells(cells)}: {summary}"]), keep="\n")
