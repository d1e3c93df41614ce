"""Codes that need no model: what every metric of disentanglement should be known to say of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.metrics import Codes, Metric, Result
from disentgen.dataset.grid import FactorGrid
from disentgen.registry import choose

Maker = Callable[[Codes, np.random.Generator, int], Codes]

#: Of the noise, and of codes that are constant.
LATENTS = 10
#: Standard deviation of the latents that are nearly dead, where a live one's is 1.
TRACE = 1e-3
#: Variance of the posteriors that codes are the means of, where a metric asks for one: narrow
#: beside the distance of any two of a factor's 40 values, which is 0.09.
VARIANCE = 0.01**2
#: Which of a grid's cells there are: all; a tenth at random; the tenth in which two factors go
#: together, so that one says much of the other.
CELLS = ("complete", "tenth", "diagonal")


def _permute(perfect: Codes, rng: np.random.Generator, latents: int) -> Codes:
    """Every factor in a latent of its own, in another order, every second with its sign flipped."""
    signs = np.where(np.arange(perfect.shape[1]) % 2 == 0, -1.0, 1.0)
    return perfect[:, ::-1] * signs


def _rotate(perfect: Codes, rng: np.random.Generator, latents: int) -> Codes:
    """Every factor in all latents: a random rotation."""
    turned: Codes = perfect @ np.linalg.qr(rng.standard_normal((perfect.shape[1],) * 2))[0]
    return turned


def _add_dead(perfect: Codes, rng: np.random.Generator, latents: int) -> Codes:
    """A latent for each factor, two that are constant, and two with but a trace of noise."""
    constant = np.full((len(perfect), 2), 0.1)
    return np.hstack([perfect, constant, TRACE * rng.standard_normal((len(perfect), 2))])


KINDS: dict[str, Maker] = {
    "perfect": lambda perfect, rng, latents: perfect,
    "permuted": _permute,
    "rotated": _rotate,
    "duplicated": lambda perfect, rng, latents: np.hstack([perfect, perfect]),
    "noise": lambda perfect, rng, latents: rng.standard_normal((len(perfect), latents)),
    "constant": lambda perfect, rng, latents: np.full((len(perfect), latents), 0.1),
    "partly dead": _add_dead,
}


def make_codes(
    kind: str,
    grid: FactorGrid,
    indices: NDArray[np.int64],
    rng: np.random.Generator,
    latents: int = LATENTS,
) -> Codes:
    """Codes of images that are made of the images' factors, or of nothing.

    Args:
        kind: one of ``KINDS``: ``perfect`` (each factor's value, standardised over the grid, in a
            latent of its own), ``permuted``, ``rotated``, ``duplicated`` (each factor in two
            latents), ``noise`` (Gaussian), ``constant``, ``partly dead``.
        grid: the factor grid.
        indices: (n,) of the images.
        rng: draws rotation and noise. Codes of one rotation are made in one call.
        latents: of kinds that are made of nothing; others have as many as their factors ask for.

    Returns:
        (n, latents).

    Raises:
        UsageError: there is no such kind.
    """
    make = choose("kind of codes", kind, KINDS)
    return make(grid.standardise(grid.values(indices)), rng, latents)


def choose_images(grid: FactorGrid, cells: str, images: int | None = None) -> NDArray[np.int64]:
    """Images of some of a grid's cells, drawn without replacement: sorted indices, (n,).

    Args:
        grid: the factor grid.
        cells: one of ``CELLS``; ``diagonal`` has those where the classes of the two factors with
            most values are nearest to each other, as shares of their numbers.
        images: how many, at most; all that there are by default.

    Raises:
        UsageError: there are no such cells.
    """
    choose("cells", cells, dict.fromkeys(CELLS))
    order = np.random.default_rng(0).permutation(grid.size)
    if cells == "diagonal":
        largest = np.argsort(grid.sizes)[-2:]
        places = grid.classes(order)[:, largest] / np.array(grid.sizes)[largest]
        order = order[np.argsort(np.ptp(places, axis=1), kind="stable")]
    there = order[: grid.size if cells == "complete" else round(grid.size / 10)]
    return np.sort(np.random.default_rng(1).permutation(there)[:images])


def measure_kind(
    metric: Metric,
    kind: str,
    grid: FactorGrid,
    indices: NDArray[np.int64],
    latents: int = LATENTS,
) -> Result:
    """A metric of one kind of codes.

    Args:
        metric: of single runs.
        kind: see :func:`make_codes`.
        grid: the factor grid.
        indices: (n,) of the images, sorted.
        latents: see :func:`make_codes`.
    """
    codes = make_codes(kind, grid, indices, np.random.default_rng(1), latents)
    return metric.measure(
        lambda some: codes[np.searchsorted(indices, some)],
        grid,
        indices,
        lambda some: np.full((len(some), codes.shape[1]), VARIANCE),
    )
