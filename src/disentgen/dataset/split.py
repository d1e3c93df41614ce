"""Held-in and held-out sides of a factor grid."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.expression import evaluate
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.sides import Mask, Sides, Weights, sides_by_expression
from disentgen.errors import UsageError
from disentgen.registry import choose
from disentgen.text import shorten

Side = Literal["train", "validation", "held_out"]
SIDES: tuple[Side, ...] = ("train", "validation", "held_out")


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
        weights: (images,) how often each is drawn in training, in proportion; None where every
            epoch shows each once.
        within: (images,) the combinations that there are images of, the only ones on any side;
            None where all are there.
        set_aside: (images,) combinations of ``held_in`` that are neither trained on nor among the
            validation images, so that an epoch can be chosen by combinations that are new; None
            where none are.
    """

    grid: FactorGrid
    held_in: Mask
    held_out: Mask
    validation: Mask
    expressions: dict[str, str | None]
    control: bool = False
    weights: Weights | None = None
    within: Mask | None = None
    set_aside: Mask | None = None

    def __repr__(self) -> str:
        counts = (f"{int(self.mask(side).sum()):,} {side}" for side in SIDES)
        given = (f"{k}={shorten(text)!r}" for k, text in self.expressions.items() if text)
        return f"Split({', '.join([*counts, *given])}{', control=True' * self.control})"

    def mask(self, side: str) -> Mask:
        """A side of the grid as a mask over its images, (images,).

        Args:
            side: ``train``, ``validation``, ``held_in``, ``held_out`` or ``set_aside``.

        Raises:
            UsageError: there is no such side.
        """
        aside = np.zeros_like(self.held_in) if self.set_aside is None else self.set_aside
        masks = {
            "train": self.held_in & ~self.validation & ~aside,
            "validation": self.validation,
            "held_in": self.held_in,
            "held_out": self.held_out,
            "set_aside": aside,
        }
        return choose("side", side, masks)

    def indices(self, side: str) -> NDArray[np.int64]:
        """The images of a side as sorted indices, (n,)."""
        return np.flatnonzero(self.mask(side)).astype(np.int64)

    def trained_on(self) -> NDArray[np.int64]:
        """The images that a model is trained on, as sorted indices, (n,)."""
        shown = self.mask("train")
        return np.flatnonzero(shown | self.held_out if self.control else shown).astype(np.int64)

    def training_weights(self) -> Weights | None:
        """How often each of :meth:`trained_on` is drawn, (n,); None for once in an epoch each.

        A control differs in its weights too: they are equal.
        """
        if self.weights is None:
            return None
        trained_on = self.trained_on()
        return np.ones(len(trained_on)) if self.control else self.weights[trained_on]

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
            for side in ("held_in", "held_out", "train", "validation", *self._further_sides())
        }
        drawn = {} if self.weights is None else {"weights": {"sha256": _hash(self.weights, "<f8")}}
        return {**sides, **drawn, "expressions": dict(self.expressions), "control": self.control}

    def _further_sides(self) -> tuple[str, ...]:
        return () if self.set_aside is None else ("set_aside",)

    def sha256(self, side: str) -> str:
        """Hash of a side's sorted indices as little-endian int64."""
        return _hash(self.indices(side), "<i8")


def _hash(array: NDArray[Any], kind: str) -> str:
    return hashlib.sha256(array.astype(kind).tobytes()).hexdigest()


def divide(
    grid: FactorGrid,
    sides: Sides,
    validation: float,
    seed: int,
    control: bool = False,
    within: Mask | None = None,
    set_aside: str | None = None,
) -> Split:
    """Make a split of the sides of a grid: draw the validation images.

    Args:
        grid: the factor grid.
        sides: what may be shown, and what is held out.
        validation: share of the held-in images that is kept out of training, in (0, 1).
        seed: seed of the validation draw; a property of the data, not of a run.
        control: see :class:`Split`.
        within: (images,) the combinations that there are; by default all.
        set_aside: expression of held-in combinations that are kept out of training whole.

    Raises:
        UsageError: the sides overlap, or one is empty.
    """
    if within is not None:
        sides = sides.restrict(within)
    sides.check(grid.size if within is None else int(within.sum()))
    aside = None if set_aside is None else choose_aside(grid, sides, set_aside)
    candidates = np.flatnonzero(sides.held_in if aside is None else sides.held_in & ~aside)
    count = max(1, round(validation * len(candidates)))
    if count >= len(candidates):
        raise UsageError(
            f"dataset.validation={validation} leaves none of {len(candidates)} held-in images "
            "to train on."
        )
    chosen = np.random.default_rng(seed).choice(candidates, count, replace=False)
    held_back = np.zeros(grid.size, dtype=bool)
    held_back[chosen] = True
    words = dict(sides.words) | ({} if set_aside is None else {"set_aside": set_aside})
    return Split(
        grid, sides.held_in, sides.held_out, held_back, words, control, sides.weights, within, aside
    )


def choose_aside(grid: FactorGrid, sides: Sides, set_aside: str) -> Mask:
    """The held-in combinations that an expression sets aside, (images,).

    Args:
        grid: the factor grid.
        sides: of it.
        set_aside: the expression.

    Raises:
        UsageError: it cannot be evaluated, or holds for none or all of the held-in combinations.
    """
    aside = evaluate(set_aside, grid) & sides.held_in
    if (count := int(aside.sum())) in (0, int(sides.held_in.sum())):
        raise UsageError(
            f"dataset.set_aside={shorten(set_aside)!r} holds for {'all' if count else 'none'} of "
            f"{int(sides.held_in.sum()):,} held-in combinations; give one that holds for some."
        )
    return aside


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
    sides = sides_by_expression(grid, held_out, held_in)
    return divide(grid, sides, validation, seed, control)
