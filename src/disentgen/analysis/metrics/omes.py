"""OMES: what interventions on single factors move (Dapueto et al. 2024)."""

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.metrics import Metric, Result, Sampler
from disentgen.analysis.metrics.arrays import (
    Codes,
    UndefinedError,
    find_alive,
    measure_spread,
)
from disentgen.analysis.metrics.sampling import metric_of_sampler

#: The metric looks for pairs among so many images. Of 5,000 images of a large grid, few differ in
#: one factor alone.
MANY_IMAGES = 50_000
#: Weight of the overlap; that of multiple encoding is the rest.
ALPHA = 0.5


@metric_of_sampler
def measure_omes(sampler: Sampler) -> Result:
    """Overlap and multiple encoding scores (Dapueto et al. 2024; equations as in their code).

    A latent is associated with a factor by 1 − |ρ|, where ρ is its correlation over pairs of
    images that differ in that factor alone: a latent that is not moved has none. Of a factor and a
    latent, one less the mean distance of the latent's associations (with all factors) from those
    of a latent that moves with this factor alone is the overlap score; multiple encoding is the
    same of the factor's associations (with all latents). Both are weighted by the association, the
    best latent counts, and the score is the mean over factors of half of either.

    The reading is ours in these points. An intervention draws a factor's class from all of its k
    classes, the image's own included, for which ρ is 1/k + (1 − 1/k) times that over pairs of
    different classes: then perfect codes score 1, and a binary factor is one like others. In the
    published code, pairs of different classes alone are correlated by −1/(k − 1) even where nothing
    but the factor is coded. A correlation below 0 is taken for 0. Every image is paired with all
    that differ from it in the factor alone, not with one. Latents of a standard deviation below a
    twentieth of the largest are left out. Factors in which alone no two images differ are left out
    of both scores, and a ``warning`` names them.

    Args:
        sampler: says which images there are, and encodes all of them.

    Returns:
        ``score``, ``overlap``, ``multiple_encoding``; ``association``, (latents, factors), NaN of
        factors that are left out and 0 of latents; ``pairs_per_factor``.

    Raises:
        UndefinedError: there is no pair for any factor.
    """
    groups = [group_partners(sampler, factor) for factor in range(len(sampler.grid.sizes))]
    pairs = np.array([count_pairs(group) for group in groups])
    if not pairs.any():
        raise UndefinedError(
            f"OMES needs images that differ in one factor alone; of {len(sampler.pool):,} images, "
            "no two do, whatever the factor."
        )
    codes = sampler.codes(sampler.pool)
    alive = find_alive(measure_spread(codes))
    association = np.full((codes.shape[1], len(groups)), np.nan)
    association[:, pairs > 0] = 0.0
    classes = sampler.grid.classes(sampler.pool)
    for factor in np.flatnonzero(pairs):
        known = len(np.unique(classes[:, factor]))
        association[alive, factor] = associate(codes[:, alive], groups[factor], known)
    overlap, multiple = score_association(association[alive][:, pairs > 0])
    return {
        "score": ALPHA * overlap + (1 - ALPHA) * multiple,
        "overlap": overlap,
        "multiple_encoding": multiple,
        "association": association,
        "pairs_per_factor": pairs,
    } | name_left_out(sampler, pairs)


def group_partners(sampler: Sampler, factor: int) -> NDArray[np.int64]:
    """Which images share the classes of all factors but one: (n,) numbers of groups.

    Args:
        sampler: says which n images there are.
        factor: the one, by its place on the grid.
    """
    step = int(np.prod(sampler.grid.sizes[factor + 1 :]))
    classes = sampler.grid.classes(sampler.pool)[:, factor]
    # What remains of an image's index where the factor's class is 0 is common to all partners.
    group: NDArray[np.int64] = np.unique(sampler.pool - classes * step, return_inverse=True)[1]
    return group


def count_pairs(group: NDArray[np.int64]) -> int:
    """How many pairs there are of two of (n,) images of the same group."""
    sizes = np.bincount(group)
    return int((sizes * (sizes - 1) // 2).sum())


def associate(codes: Codes, group: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """The association of each latent with a factor: (latents,) in 0 … 1.

    The correlation over pairs is 1 less half the mean squared difference of partners over the
    variance, and that half is the variance within groups.

    Args:
        codes: (n, latents).
        group: (n,) of images that differ in the factor alone.
        classes: of the factor.
    """
    sizes = np.bincount(group)
    paired = sizes[group] > 1
    known, group = np.unique(group[paired], return_inverse=True)
    sizes, moving = sizes[known], np.ptp(codes[paired], axis=0) > 0
    centred = codes[paired] - codes[paired].mean(axis=0)
    starts = np.cumsum(sizes) - sizes
    means = np.add.reduceat(centred[np.argsort(group)], starts, axis=0) / sizes[:, None]
    spread = (centred - means[group]) ** 2 * (sizes / (sizes - 1))[group, None]
    variance = np.where(moving, centred.var(axis=0), 1.0)
    moved = np.where(moving, spread.mean(axis=0), 0.0) / variance  # 1 − ρ
    return np.clip((1 - 1 / classes) * moved, 0.0, 1.0)


def score_association(association: NDArray[np.float64]) -> tuple[float, float]:
    """Overlap and multiple encoding, means over factors.

    Args:
        association: (latents, factors); without latents, both are 0.
    """
    latents, factors = association.shape
    if not latents:
        return 0.0, 0.0
    # Next to a latent that moves with this factor alone, the entry itself is too small and all
    # others are too large.
    entry = 1 - association
    overlap = 1 - (entry + association.sum(axis=1, keepdims=True) - association) / factors
    multiple = 1 - (entry + association.sum(axis=0, keepdims=True) - association) / latents
    weighted = (overlap * association, multiple * association)
    best = [float(each.max(axis=0).mean()) for each in weighted]
    return best[0], best[1]


def name_left_out(sampler: Sampler, pairs: NDArray[np.int64]) -> Result:
    """A ``warning`` that names factors without pairs, if there are any.

    Args:
        sampler: says which images there are.
        pairs: (factors,) how many there are.
    """
    names = [name for name, there in zip(sampler.grid.names, pairs, strict=True) if not there]
    if not names:
        return {}
    images = f"{len(sampler.pool):,} images"
    return {"warning": f"without {', '.join(names)}: no two of {images} differ in it alone"}


METRICS = (
    Metric(
        "omes", "OMES", measure_omes, "Dapueto et al. 2024",
        beside=("overlap", "multiple_encoding"), images=MANY_IMAGES, of="sampler",
    ),
)  # fmt: skip
