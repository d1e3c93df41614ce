"""Topographic similarity: whether images whose factors are alike have codes that are alike."""

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.metrics import Classes, Codes, Metric, Result
from disentgen.analysis.metrics.arrays import metric_of_arrays

#: Pairs of images whose distances are measured, at most: beyond, more images would say more than
#: more pairs of the same ones.
PAIRS = 1_000_000
#: Decimals of distances, in units of the largest one: without rounding, distances that are equal
#: would have ranks of their own.
DECIMALS = 6


@metric_of_arrays(quantities=True)
def measure_topographic_similarity(codes: Codes, classes: Classes) -> Result:
    """Topographic similarity (Brighton & Kirby 2006; of representations, Xu et al. 2022).

    Spearman's rank correlation of the distances of pairs of images by their factors with those by
    their codes. It asks nothing of single latents, so that rotated codes score as high as any. The
    score is 0 where the correlation is negative, or where all distances are equal. Any pairs of
    images will do: it is defined where combinations are missing.

    The published codes are sequences of symbols, with edit distances, and factors are compared by
    the cosine of their classes. Distances here are Euclidean, as codes are numbers. Our reading:
    factors are in units of their standard deviation, so that one of 40 classes counts no more than
    one of 3 (perfect codes would score 0.76 on dSprites); codes are in their own units, so that
    dead latents count as little as they move.

    Args:
        codes: (n, latents).
        classes: (n, factors); read as quantities, nominal factors too.

    Returns:
        ``score``, ``correlation`` (-1 to 1, NaN where distances are all equal), ``pairs``.
    """
    from scipy.stats import spearmanr

    pairs = choose_pairs(len(codes))
    spread = classes.std(axis=0)
    scaled = classes[:, spread > 0] / spread[spread > 0]
    between = [measure_distances(columns, *pairs) for columns in (scaled, codes)]
    varies = all(distances.min() < distances.max() for distances in between)
    correlation = float(spearmanr(*between).statistic) if varies else float("nan")
    return {
        "score": max(correlation, 0.0) if varies else 0.0,
        "correlation": correlation,
        "pairs": len(pairs[0]),
    }


def choose_pairs(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of two of so many images: all of them, or the same random ones each time.

    Returns:
        The first and the second image of each pair, (pairs,) places each.
    """
    if count * (count - 1) // 2 <= PAIRS:
        first, second = np.triu_indices(count, 1)
        return first, second
    rng = np.random.default_rng(0)
    first = rng.integers(count, size=PAIRS)
    return first, (first + rng.integers(1, count, size=PAIRS)) % count


def measure_distances(
    columns: NDArray[np.float64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Squared Euclidean distances of pairs, rounded, in units of the largest one.

    Args:
        columns: (n, columns).
        first: (pairs,) places of images.
        second: (pairs,) places of the others.

    Returns:
        (pairs,).
    """
    squared = np.zeros(len(first))
    for column in columns.T:  # one at a time: a million pairs of many latents would not fit
        squared += (column[first] - column[second]) ** 2
    largest = squared.max()
    return squared if largest == 0 else np.round(squared / largest, DECIMALS)


METRICS = (
    Metric(
        "topographic_similarity", "topographic similarity", measure_topographic_similarity,
        "Brighton & Kirby 2006; Xu et al. 2022",
    ),
)  # fmt: skip
