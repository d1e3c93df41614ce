"""Linear factorisation: codes as a sum of one direction for each factor's value."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.metrics import Classes, Codes, Metric, Result
from disentgen.analysis.metrics.arrays import find_alive, metric_of_arrays
from disentgen.analysis.metrics.information import hold_back, mean_known, number_fitted

#: Directions shorter than so much of the longest one are none: of values at the mean, there is but
#: a trace of noise.
SHORTEST = 0.01
Directions = NDArray[np.float64]


@metric_of_arrays()
def measure_factorisation(codes: Codes, classes: Classes) -> Result:
    """Linear factorisation and orthogonality of directions (Uselis et al. 2026, authors' code).

    Codes of a model that generalises to new combinations are a sum of one direction for each
    factor's value, and the directions of different factors are orthogonal. The score is the R² of
    such sums in whitened codes, where every direction counts alike; orthogonality is one minus the
    mean absolute cosine of two directions of different factors, in codes as they are. The score is
    the same for rotated codes.

    Our reading: the published directions are mean codes of a factor's value, which is the least
    squares fit where all combinations are equally frequent alone: of a sample, perfect codes of
    dSprites score 0.955. Here all directions are fitted at once, by least squares, so that perfect
    codes score 1 where combinations are missing. The R² is that of a fifth of the images that was
    kept back, and 0 where it is negative: of noise it is -0.01 to -0.03. The published codes of
    hundreds of dimensions are projected on the span of linear classifiers; of few latents this
    span is everything, so that principal components are left out whose deviation is below a
    twentieth of the largest one. Factors count alike in mean cosines, whatever their number of
    values. The mean absolute cosine of random directions of d latents is about (2 / πd)^½, so that
    noise of 10 latents is orthogonal by 0.75.

    Args:
        codes: (n, latents).
        classes: (n, factors).

    Returns:
        ``score`` and ``orthogonality``; ``r2`` (the score's, also where it is negative),
        ``r2_unwhitened``, ``cosine_within`` and ``cosine_across`` (mean absolute cosines of
        directions of one factor, and of two), ``cosines`` (factors, factors), ``components``
        (principal ones that count). Cosines are NaN where there are no two directions, or where
        missing combinations leave open which factor a direction is of.
    """
    fitted, kept = hold_back(len(codes))
    # The mean of a constant need not be that constant.
    centred = np.where(np.ptp(codes, axis=0) > 0, codes - codes[fitted].mean(axis=0), 0.0)
    numbered = np.column_stack([number_fitted(labels, fitted) for labels in classes.T])
    directions, identified = fit_directions(numbered[fitted], centred[fitted])
    # Nothing is known of a value that no fitted image has.
    known = kept[(numbered[kept] >= 0).all(axis=1)]
    sums = sum(own[labels] for own, labels in zip(directions, numbered[known].T, strict=True))
    whiten = make_whitening(centred[fitted])
    r2 = share_explained(centred[known] @ whiten, sums @ whiten)
    cosines = compare_directions(directions, identified)
    apart = ~np.eye(len(cosines), dtype=bool)
    across = mean_known(cosines[apart])
    return {
        "score": max(r2, 0.0),
        "orthogonality": 1 - across,
        "r2": r2,
        "r2_unwhitened": share_explained(centred[known], sums),
        "cosine_within": mean_known(cosines[~apart]),
        "cosine_across": across,
        "cosines": cosines,
        "components": whiten.shape[1],
    }


def fit_directions(classes: Classes, centred: Codes) -> tuple[list[Directions], bool]:
    """Directions of which codes are the sum, by least squares.

    Args:
        classes: (n, factors) 0, 1, ….
        centred: (n, latents) codes of mean 0.

    Returns:
        The directions of each factor's values, (values, latents), of mean 0 over the images; and
        whether there is but one such fit.
    """
    values = [labels[:, None] == np.arange(labels.max() + 1) for labels in classes.T]
    design = np.hstack(values).astype(np.float64)
    solution, _, rank, _ = np.linalg.lstsq(design, centred, rcond=None)
    ends = np.cumsum([part.shape[1] for part in values])[:-1]
    directions = [
        own - part.mean(axis=0) @ own
        for part, own in zip(values, np.split(solution, ends), strict=True)
    ]
    # Each factor's values share a constant with those of all others.
    return directions, int(rank) == design.shape[1] - len(values) + 1


def make_whitening(centred: Codes) -> NDArray[np.float64]:
    """(latents, components): what makes live principal components of variance 1.

    Args:
        centred: (n, latents) codes of mean 0.
    """
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    live = find_alive(lengths)
    whitening: NDArray[np.float64] = axes[live].T / lengths[live] * np.sqrt(len(centred))
    return whitening


def share_explained(codes: Codes, sums: Codes) -> float:
    """R² of sums beside the mean of the fitted codes, over all latents; NaN without images.

    Args:
        codes: (n, latents), of mean 0 over the fitted ones.
        sums: (n, latents) of directions.
    """
    if not len(codes):
        return float("nan")
    total = float((codes**2).sum())
    return 1 - float(((codes - sums) ** 2).sum()) / total if total > 0 else 0.0


def compare_directions(directions: Sequence[Directions], identified: bool) -> Directions:
    """Mean absolute cosines of the directions of two factors' values, (factors, factors).

    On the diagonal, of two values of one factor.

    Args:
        directions: of each factor's values, (values, latents).
        identified: whether they are known; if not, all cosines are NaN.
    """
    lengths = [np.linalg.norm(own, axis=1) for own in directions]
    shortest = SHORTEST * max(length.max() for length in lengths)
    units = [
        own[length > shortest] / length[length > shortest, None]
        for own, length in zip(directions, lengths, strict=True)
    ]
    cosines = np.full((len(units), len(units)), np.nan)
    for i, first in enumerate(units if identified else []):
        for j, second in enumerate(units):
            absolute = np.abs(first @ second.T)
            pairs = absolute[~np.eye(len(first), dtype=bool)] if i == j else absolute
            if pairs.size:
                cosines[i, j] = pairs.mean()
    return cosines


METRICS = (
    Metric(
        "factorisation", "linear factorisation", measure_factorisation, "Uselis et al. 2026",
        beside=("orthogonality",),
    ),
)  # fmt: skip
