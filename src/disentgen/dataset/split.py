"""Held-in and held-out sides of a factor grid."""

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.expression import evaluate
from disentgen.dataset.grid import FactorGrid
from disentgen.errors import UsageError
from disentgen.registry import choose
from disentgen.text import shorten

Mask = NDArray[np.bool_]
Side = Literal["train", "validation", "held_out"]
SIDES: tuple[Side, ...] = ("train", "validation", "held_out")

Condition = Literal["recomb2element", "recomb2range", "extrp"]


@dataclass(frozen=True)
class Variant:
    """A held-out condition with a name: a row in a dataset's specification.

    Args:
        condition: recombination to element, recombination to range, or extrapolation.
        held_out: the expression that holds for the combinations never shown.
        held_in: the expression that holds for those shown; by default all others.
        source: where it was published; None for one that is of this project alone.
        note: what is to be known of it, if anything.
    """

    condition: Condition
    held_out: str
    held_in: str | None = None
    source: str | None = None
    note: str | None = None


#: A condition of the study: a :class:`Variant` that says so.
published = partial(Variant, source="Montero et al. 2021")


@dataclass(frozen=True)
class Split:
    """Named sides of a grid, as masks over its images; some images may be on no side.

    The held-in combinations are those of ``train`` and ``validation`` together; validation images
    are never trained on, and selection never sees held-out ones.

    Args:
        grid: the factor grid that the masks are over.
        held_in: (images,) whether an image's combination may be shown.
        held_out: (images,) whether it is kept back.
        validation: (images,) the part of ``held_in`` that is kept for choosing the best epoch.
        expressions: what defined the sides, for the record.
        control: train on the held-out side too. The sides stay what they are, so that a control
            is scored on exactly the images that its counterpart is scored on.
    """

    grid: FactorGrid
    held_in: Mask
    held_out: Mask
    validation: Mask
    expressions: dict[str, str | None]
    control: bool = False

    def __repr__(self) -> str:
        counts = (f"{int(self.mask(side).sum()):,} {side}" for side in SIDES)
        given = (f"{k}={shorten(text)!r}" for k, text in self.expressions.items() if text)
        return f"Split({', '.join([*counts, *given])}{', control=True' * self.control})"

    def mask(self, side: str) -> Mask:
        """A side of the grid as a mask over its images, (images,).

        Args:
            side: ``train``, ``validation``, ``held_in`` or ``held_out``.

        Raises:
            UsageError: there is no such side.
        """
        masks = {
            "train": self.held_in & ~self.validation,
            "validation": self.validation,
            "held_in": self.held_in,
            "held_out": self.held_out,
        }
        return choose("side", side, masks)

    def indices(self, side: str) -> NDArray[np.int64]:
        """The images of a side as sorted indices, (n,)."""
        return np.flatnonzero(self.mask(side)).astype(np.int64)

    def trained_on(self) -> NDArray[np.int64]:
        """The images that a model is trained on, as sorted indices, (n,)."""
        shown = self.mask("train")
        return np.flatnonzero(shown | self.held_out if self.control else shown).astype(np.int64)

    def sample(self, side: str, limit: int | None) -> NDArray[np.int64]:
        """At most ``limit`` images of a side, drawn without replacement: sorted indices, (n,).

        The draw depends on the side alone, so that all runs on a split are scored on one sample.
        """
        indices = self.indices(side)
        if limit is None or len(indices) <= limit:
            return indices
        return np.sort(np.random.default_rng(0).choice(indices, limit, replace=False))

    def describe(self) -> dict[str, Any]:
        """Expressions, counts and hashes, as a run's results record them."""
        sides = {
            side: {"count": int(self.mask(side).sum()), "sha256": self.sha256(side)}
            for side in ("held_in", "held_out", "train", "validation")
        }
        return {**sides, "expressions": dict(self.expressions), "control": self.control}

    def sha256(self, side: str) -> str:
        """Hash of a side's sorted indices as little-endian int64."""
        return hashlib.sha256(self.indices(side).astype("<i8").tobytes()).hexdigest()


def split_grid(
    grid: FactorGrid,
    held_out: str | None,
    held_in: str | None,
    validation: float,
    seed: int,
    control: bool = False,
) -> Split:
    """Divide a grid by expressions.

    Args:
        grid: the factor grid.
        held_out: expression of the combinations to hold out; none are where it is None.
        held_in: expression of those to show; by default all that are not held out.
        validation: share of the held-in images that is kept out of training, in (0, 1).
        seed: seed of the validation draw; a property of the data, not of a run.
        control: see :class:`Split`.

    Raises:
        UsageError: an expression cannot be evaluated, the sides overlap, or a side is empty.
    """
    out_mask = evaluate(held_out, grid) if held_out is not None else np.zeros(grid.size, dtype=bool)
    in_mask = evaluate(held_in, grid) if held_in is not None else ~out_mask
    _check_sides(held_in, held_out, in_mask, out_mask)
    candidates = np.flatnonzero(in_mask)
    count = max(1, round(validation * len(candidates)))
    if count >= len(candidates):
        raise UsageError(
            f"dataset.validation={validation} leaves none of {len(candidates)} held-in images "
            "to train on."
        )
    chosen = np.random.default_rng(seed).choice(candidates, count, replace=False)
    validation_mask = np.zeros(grid.size, dtype=bool)
    validation_mask[chosen] = True
    expressions = {"held_out": held_out, "held_in": held_in}
    return Split(grid, in_mask, out_mask, validation_mask, expressions, control)


def _check_sides(held_in: str | None, held_out: str | None, in_mask: Mask, out_mask: Mask) -> None:
    total = f"{len(in_mask):,} combinations"
    shown, kept = (shorten(expression or "") for expression in (held_in, held_out))
    if held_out is not None and not out_mask.any():
        raise UsageError(f"{kept!r} holds for none of {total}: nothing is held out.")
    if not in_mask.any():
        what = f"{shown!r} holds for none" if held_in else f"{kept!r} holds for all"
        raise UsageError(f"{what} of {total}: nothing is left to train on.")
    if (in_mask & out_mask).any():
        raise UsageError(
            f"held-in {shown!r} and held-out {kept!r} share {int((in_mask & out_mask).sum()):,} "
            "combinations; no image may be on both sides."
        )
