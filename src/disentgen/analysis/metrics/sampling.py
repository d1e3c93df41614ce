"""Drawing images by their factors, for metrics that ask for codes of their own choice."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Concatenate, ParamSpec, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from disentgen.analysis.metrics.arrays import (
    FEWEST_IMAGES,
    Codes,
    Result,
    check_codes,
    describe_sample,
)
from disentgen.dataset.grid import FactorGrid
from disentgen.errors import UsageError

P = ParamSpec("P")
Indices = NDArray[np.int64]

#: Images that are encoded at once.
CHUNK = 1_024


@dataclass(eq=False)
class Sampler:
    """Codes of images that are drawn by their factors; each image is encoded once at most.

    Args:
        encode: (n,) indices of images to their (n, latents) codes.
        grid: the factor grid.
        rng: draws the images.
        allowed: mask over the grid's images of those that may be drawn; all by default. With the
            held-in side, a metric does not see combinations that the model never saw.

    Raises:
        UsageError: the mask is not one over the grid's images.
    """

    encode: Callable[[Indices], ArrayLike]
    grid: FactorGrid
    rng: np.random.Generator
    allowed: NDArray[np.bool_] | None = None
    _ordered: dict[int, tuple[Indices, Indices]] = field(default_factory=dict, init=False)
    _encoded: Codes = field(default_factory=lambda: np.empty((0, 0)), init=False)

    def __post_init__(self) -> None:
        if self.allowed is not None:
            mask = np.asarray(self.allowed)
            if mask.shape != (self.grid.size,) or mask.dtype != np.bool_:
                raise UsageError(
                    f"the mask of allowed images must be {self.grid.size:,} truth values, one for "
                    f"each of the grid; given: {mask.dtype} of shape {mask.shape}."
                )

    @cached_property
    def pool(self) -> Indices:
        """The images that may be drawn.

        Raises:
            UsageError: there are none.
        """
        if self.allowed is None:
            return np.arange(self.grid.size)
        if not self.allowed.any():
            raise UsageError("no image may be drawn.")
        return np.flatnonzero(self.allowed)

    def varying(self) -> list[int]:
        """Factors with more than one class among the images that may be drawn."""
        classes = self.grid.classes(self.pool)
        return [int(axis) for axis in np.flatnonzero(classes.min(axis=0) < classes.max(axis=0))]

    def draw(self, count: int) -> Indices:
        """Images, uniformly."""
        return self.rng.choice(self.pool, count)

    def draw_sharing(self, factor: int, groups: int, size: int) -> Indices:
        """Groups of images that share their class of a factor: (groups, size) indices.

        The class is that of an image drawn uniformly, the others are uniform given the class.

        Args:
            factor: its place on the grid.
            groups: how many.
            size: images of each.
        """
        pool, counts = self._order_by_class(factor)
        ends = np.cumsum(counts)
        # Each image is as likely as any other to be the one that a class is that of.
        chosen = np.searchsorted(ends, self.rng.integers(len(pool), size=groups), side="right")
        within = self.rng.random((groups, size)) * counts[chosen][:, None]
        places: Indices = (ends - counts)[chosen][:, None] + within.astype(np.int64)
        return pool[places]

    def codes(self, indices: Indices) -> Codes:
        """Codes of images: indices of any shape to that shape and an axis of latents more.

        Raises:
            UsageError: ``encode`` does not give a finite code for each image.
        """
        rows = self._rows[indices]
        missing = np.unique(indices[rows < 0])
        if len(missing):
            added = [self._encode(missing[i : i + CHUNK]) for i in range(0, len(missing), CHUNK)]
            kept = [self._encoded] if len(self._encoded) else []
            self._rows[missing] = np.arange(len(missing)) + len(self._encoded)
            self._encoded = np.concatenate([*kept, *added])
            rows = self._rows[indices]
        return self._encoded[rows]

    @property
    def sample_shape(self) -> tuple[int, int]:
        """How many images were encoded so far, and the number of latents."""
        return self._encoded.shape

    @cached_property
    def _rows(self) -> NDArray[np.int32]:
        """Where among the encoded images each one of the grid stands; -1 before it is encoded."""
        return np.full(self.grid.size, -1, np.int32)

    def _encode(self, indices: Indices) -> Codes:
        codes = check_codes(self.encode(indices), fewest=1)
        latents = self._encoded.shape[1] or codes.shape[1]
        if codes.shape != (len(indices), latents):
            raise UsageError(
                f"the sampler's encode must give codes of shape (images, latents), for "
                f"{len(indices):,} images; given: {codes.shape}."
            )
        return codes

    def _order_by_class(self, factor: int) -> tuple[Indices, Indices]:
        """The pool in the order of a factor's classes, and how many images each class has."""
        if factor not in self._ordered:
            classes = self.grid.classes(self.pool)[:, factor]
            counts = np.bincount(classes, minlength=self.grid.sizes[factor])
            self._ordered[factor] = self.pool[np.argsort(classes, kind="stable")], counts
        return self._ordered[factor]


def metric_of_sampler(
    function: Callable[Concatenate[Sampler, P], Result],
) -> Callable[Concatenate[Sampler, P], Result]:
    """Decorate a metric of a sampler: its result says of how many ``images``.

    The sampler checks its codes itself; fewer than five images to draw from are refused. See
    :func:`~disentgen.analysis.metrics.arrays.metric_of_arrays`.
    """

    @functools.wraps(function)
    def measure(sampler: Sampler, *args: P.args, **kwargs: P.kwargs) -> Result:
        if len(sampler.pool) < FEWEST_IMAGES:
            raise UsageError(
                f"metrics need {FEWEST_IMAGES} or more images; {len(sampler.pool)} may be drawn."
            )
        result = function(sampler, *args, **kwargs)
        return describe_sample(*sampler.sample_shape) | result

    # mypy takes the argument for a named one only.
    return cast("Callable[Concatenate[Sampler, P], Result]", measure)
