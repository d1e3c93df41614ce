"""The runs that a published study consists of, as command lines: a run is a row with a seed."""

import shlex
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from disentgen.studies import Study
from disentgen.studies.rows import Row, Words

#: A few iterations, to see that a run works.
SMOKE: Words = (
    "training.epochs=1", "training.epoch_length=2", "training.validation_images=64",
    "training.score_images=64", "training.find_duplicates=False",
)  # fmt: skip
#: Begins the comment by which the runs of a study are known.
MARK = "study: "


@dataclass(frozen=True)
class PlannedRun:
    """A run of a study, made or not.

    Args:
        study: that it is of.
        row: of the study.
        seed: of the run.
        extra: words that stand last on its command line.
    """

    study: Study
    row: Row
    seed: int
    extra: Words = ()

    @property
    def words(self) -> Words:
        """Of the command line, after ``with``."""
        return (*self.study.entries[self.row].words, f"seed={self.seed}", *self.extra)

    @property
    def name(self) -> str:
        """What distinguishes the run from all others; it is kept as its comment."""
        return f"{MARK}{' '.join(self.words)}"

    @property
    def command(self) -> list[str]:
        """The command line, for use inside ``scripts``: it starts the run or goes on with it."""
        module = f"experiments.{self.row.experiment}"
        return [
            sys.executable,
            "-m",
            module,
            f"--comment={self.name}",
            "with",
            "resume=auto",
            *self.words,
        ]

    def __str__(self) -> str:
        """The command line, with the note of its row as a comment."""
        note = self.study.entries[self.row].note
        return shlex.join(["python", *self.command[1:]]) + (f"  # {note}" if note else "")


def plan_runs(
    study: Study,
    experiment: str,
    seeds: Iterable[int] = (1,),
    dataset: str | None = None,
    models: Collection[str] | None = None,
    extra: Words = (),
) -> list[PlannedRun]:
    """The runs of an experiment, seed by seed, so that one of each row is there first.

    Args:
        study: whose rows are run.
        experiment: one of the study's.
        seeds: a run of each row for each.
        dataset: by name; all by default.
        models: by their names in the study's rows; all by default.
        extra: words that stand last on each command line.
    """
    return [
        PlannedRun(study, row, seed, extra)
        for seed in seeds
        for row in study.list_rows(experiment)
        if dataset in (None, row.dataset) and (models is None or row.model in models)
    ]
