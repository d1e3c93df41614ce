"""Rows of a published study, and how they were trained."""

from dataclasses import dataclass
from typing import NamedTuple

Words = tuple[str, ...]


class Row(NamedTuple):
    """A row of a study: runs of one row differ in their seed alone.

    Args:
        experiment: module in ``scripts/experiments`` that trains it.
        dataset: its name.
        variant: held-out combinations, by their name in the dataset.
        model: its name in the study's tables: model and strength, as in ``β-VAE 8``, the title of
            its family, or the name of its architecture where rows differ in that alone.
    """

    experiment: str
    dataset: str
    variant: str
    model: str


@dataclass(frozen=True)
class Entry:
    """How a row was trained.

    Args:
        words: of the command line, after ``with``.
        note: what of them is an inference, or is not known; empty where all of it is published.
        seed: of the published run, where it is known.
        undecidable: why runs of the row can decide no claim, whatever comes out; empty where they
            can.
    """

    words: Words
    note: str = ""
    seed: int | None = None
    undecidable: str = ""
