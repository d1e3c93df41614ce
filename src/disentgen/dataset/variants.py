"""Held-out conditions with names: rows in a dataset's specification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any


@dataclass(frozen=True)
class Variant:
    """A held-out condition with a name: a row in a dataset's specification.

    Args:
        condition: recombination to element, recombination to range, extrapolation, or the name of
            another kind of split.
        held_out: the expression that holds for the combinations never shown; None where a family
            of splits says which.
        held_in: the expression that holds for those shown; by default all others.
        source: where it was published; None for one that is of this project alone.
        note: what is to be known of it, if anything.
        split: the family of splits.
        split_params: of that family.
    """

    condition: str
    held_out: str | None = None
    held_in: str | None = None
    source: str | None = None
    note: str | None = None
    split: str | None = None
    split_params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rule(self) -> str:
        """What is held out, in a line."""
        if self.split is None:
            return str(self.held_out)
        params = ", ".join(f"{key}={value}" for key, value in self.split_params.items())
        return f"{self.split}({params})"


@dataclass(frozen=True)
class Thinning:
    """A part of a grid with a name: a row in a dataset's specification.

    Args:
        kept: the expression that holds for the combinations that stay.
        source: where it was published; None for one that is of this project alone.
        note: what is to be known of it, if anything.
    """

    kept: str
    source: str | None = None
    note: str | None = None


#: Where most conditions were published, and which of several a condition's name alone means.
STUDY = "Montero et al. 2021"
#: A condition of the study: a :class:`Variant` that says so.
published = partial(Variant, source=STUDY)
#: A condition, or a part of a grid, that the study's authors published later.
later = partial(Variant, source="Montero et al. 2024")
thinned = partial(Thinning, source="Montero et al. 2024")


def list_orthotopic(
    factors: Sequence[str], thresholds: Sequence[Sequence[int]]
) -> dict[str, Variant]:
    """The rungs that Camposampiero et al. 2025 published for a dataset, and ours of equal volume.

    Args:
        factors: that take part, by name.
        thresholds: of the rungs c = 0, 1, …, one for each factor.
    """
    unseen = "some values are never trained on"
    theirs = {
        f"orthotopic_c{c}": Variant(
            "orthotopic",
            split="orthotopic",
            split_params={"c": c, "thresholds": dict(zip(factors, row, strict=True))},
            source="Camposampiero et al. 2025",
            note=None if c else unseen,
        )
        for c, row in enumerate(thresholds)
    }
    ours = {
        f"matched_c{c}": Variant(
            "orthotopic_matched",
            split="orthotopic_matched",
            split_params={"c": c, "factors": list(factors)},
            note="the same number of training images for every c" + ("" if c else f"; {unseen}"),
        )
        for c in range(len(factors))
    }
    return theirs | ours


def list_correlated(
    rows: Mapping[str, tuple[float, Sequence[tuple[str, str]]]],
) -> dict[str, Variant]:
    """Correlations that Roth et al. 2023 published for a dataset.

    Args:
        rows: σ and the pairs of factors, by the published name.
    """
    return {
        name: Variant(
            "correlated",
            split="correlated",
            split_params={"sigma": sigma, "pairs": [list(pair) for pair in pairs]},
            source="Roth et al. 2023",
            note="combinations further than 2 sigma from the line are held out here; published: "
            "nothing is, and they are drawn as seldom as their weight says",
        )
        for name, (sigma, pairs) in rows.items()
    }


def list_doubles(
    *pairs: Sequence[tuple[str, str]],
) -> dict[str, tuple[float, Sequence[tuple[str, str]]]]:
    """Two correlated pairs in each of three strengths, by the names of Roth et al. 2023.

    Args:
        pairs: the first two pairs, the second two, …

    Returns:
        Rows for :func:`list_correlated`.
    """
    strengths = {"004": 0.04, "01": 0.1, "04": 0.4}
    return {
        f"double_{number}_{digits}": (sigma, both)
        for digits, sigma in strengths.items()
        for number, both in enumerate(pairs, start=1)
    }


def pair_with_all(factor: str, factors: Sequence[str]) -> list[tuple[str, str]]:
    """A factor paired with each of the others.

    Args:
        factor: by name.
        factors: all of them.
    """
    return [(factor, other) for other in factors if other != factor]
