"""Sides of a factor grid: which combinations may be shown, and which are held out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.expression import evaluate
from disentgen.dataset.grid import FactorGrid
from disentgen.errors import UsageError
from disentgen.text import shorten

Mask = NDArray[np.bool_]
Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Sides:
    """What a rule makes of a grid.

    Args:
        held_in: (images,) whether an image's combination may be shown.
        held_out: (images,) whether it is held out; combinations may be on neither side.
        words: what defined them, by ``held_out`` and ``held_in``; None where nothing did.
        weights: (images,) how often each is drawn in training, in proportion; None for once each.
    """

    held_in: Mask
    held_out: Mask
    words: Mapping[str, str | None]
    weights: Weights | None = None

    def add_words(self, **words: str) -> "Sides":
        """The same sides with further words of what defined them, by what these say."""
        return replace(self, words={**self.words, **words})

    def restrict(self, within: Mask) -> "Sides":
        """The same sides without the images outside a mask, (images,)."""
        weights = None if self.weights is None else self.weights * within
        held_in, held_out = self.held_in & within, self.held_out & within
        return replace(self, held_in=held_in, held_out=held_out, weights=weights)

    def check(self, total: int) -> None:
        """Check that something may be shown, and nothing is on both sides.

        Args:
            total: how many combinations there are, for messages.

        Raises:
            UsageError: a side is empty that should not be, or the sides overlap.
        """
        of_all = f"{total:,} combinations"
        held_out, held_in = (self.words[side] for side in ("held_out", "held_in"))
        shown, kept = shorten(held_in or ""), shorten(held_out or "")
        if held_out is not None and not self.held_out.any():
            raise UsageError(f"{kept!r} holds for none of {of_all}: nothing is held out.")
        if not self.held_in.any():
            what = f"{shown!r} holds for none" if held_in else f"{kept!r} holds for all"
            raise UsageError(f"{what} of {of_all}: nothing is left to train on.")
        if both := int((self.held_in & self.held_out).sum()):
            raise UsageError(
                f"held-in {shown!r} and held-out {kept!r} share {both:,} combinations; no image "
                "may be on both sides."
            )


def sides_by_expression(
    grid: FactorGrid, held_out: str | None, held_in: str | None = None
) -> Sides:
    """The sides that expressions define.

    Args:
        grid: the factor grid.
        held_out: of the combinations to hold out; none are where it is None.
        held_in: of those to show; by default all that are not held out.

    Raises:
        UsageError: an expression cannot be evaluated.
    """
    out = evaluate(held_out, grid) if held_out is not None else np.zeros(grid.size, dtype=bool)
    shown = evaluate(held_in, grid) if held_in is not None else ~out
    return Sides(shown, out, {"held_out": held_out, "held_in": held_in})
