"""Medians, ranges, ratios inside rounds, and the share of a machine that others used."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Spread:
    """The median of some values, with the smallest and the largest."""

    median: float
    min: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """The spread of one value or more."""
        return cls(statistics.median(values), min(values), max(values))


def compare(ones: Sequence[float], others: Sequence[float]) -> Spread:
    """The ratio of two programs inside rounds, where they were measured one soon after the other.

    Raises:
        ValueError: they were not measured in the same rounds.
    """
    return Spread.of([one / other for one, other in zip(ones, others, strict=True)])


@dataclass(frozen=True)
class Usage:
    """How long a machine's cores have worked so far, in seconds.

    Args:
        at: the time.
        busy: of all cores, for whatever process.
        own: for the processes that are measured.
    """

    at: float
    busy: float
    own: float


def compute_share(before: Usage, after: Usage, cores: int) -> float:
    """The share of a machine that other processes used between two moments, 0..1.

    Args:
        before: at the earlier one.
        after: at the later one.
        cores: of the machine.
    """
    others = (after.busy - before.busy) - (after.own - before.own)
    return min(max(others / (cores * (after.at - before.at)), 0.0), 1.0)
