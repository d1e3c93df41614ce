"""MIG of posteriors: what samples of each image's posterior, rather than its code, say of factors.

On a factor grid there is one image of each combination, and so one code: how uncertain a model is
shows in the variances of its posteriors alone.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from disentgen.analysis.metrics import Classes, Metric, Result
from disentgen.analysis.metrics.arrays import as_finite, as_table, check_arrays, describe_sample
from disentgen.analysis.metrics.information import summarise_gaps
from disentgen.errors import UsageError

#: Samples whose density under all posteriors is held in memory at once.
BLOCK = 512
#: Deviations from a mean beyond which a density is 0 in single precision.
FARTHEST = 100.0


def measure_mig_posterior(codes: ArrayLike, variances: ArrayLike, classes: ArrayLike) -> Result:
    """Mutual information gap of posteriors (Chen et al. 2018, equations 5 and 6, appendix B).

    A latent is a draw from the Gaussian posterior q(z | n) of an image n. What it says of a factor
    is I(z; v) = E log q(z | v) - E log q(z), where q(z) is the mixture of the posteriors of all
    images, q(z | v) of those with the factor's value v. The gap is that of MIG; no bins limit it.
    Where combinations are missing it is of the images that there are.

    Our reading: the published mixtures are of the whole dataset, with 10,000 draws; these are of
    the images given, one draw of each, the same ones each time. An image's own posterior is part of
    its mixtures. Where posteriors are so narrow that those of different images hardly overlap, each
    draw is therefore known again, and information is overestimated, of all latents alike.

    Args:
        codes: (n, latents) means of the posteriors.
        variances: (n, latents) of the posteriors, above 0.
        classes: (n, factors); only whether two of them are equal counts.

    Returns:
        ``score``, ``gap_per_factor``, ``mutual_information`` in nats (latents, factors),
        ``images``.

    Raises:
        UsageError: arrays that cannot be judged, or variances that are not above 0.
    """
    means, labels = check_arrays(codes, classes)
    spread = as_finite("variances", as_table("variances", variances, "latents"))
    if spread.shape != means.shape or (spread <= 0).any():
        raise UsageError(
            "MIG of posteriors needs a variance above 0 for each code; given: codes "
            f"{means.shape}, variances {spread.shape}, the smallest {spread.min():g}."
        )
    draws = means + np.sqrt(spread) * np.random.default_rng(0).standard_normal(means.shape)
    latents = zip(draws.T, means.T, np.sqrt(spread).T, strict=True)
    information = np.array([inform(*latent, labels) for latent in latents])
    return describe_sample(*means.shape) | summarise_gaps(information, labels)


def inform(
    draws: NDArray[np.float64],
    means: NDArray[np.float64],
    deviations: NDArray[np.float64],
    classes: Classes,
) -> NDArray[np.float64]:
    """What draws of one latent say of each factor, in nats: (factors,), none negative.

    Args:
        draws: (n,) one of each posterior.
        means: (n,) of the posteriors.
        deviations: (n,) standard deviations of the posteriors.
        classes: (n, factors) 0, 1, ….
    """
    shares, starts = mix_posteriors(classes)
    total = np.zeros(classes.shape[1])
    # Densities are compared alone, so that they may be in any unit.
    heights = (deviations.max() / deviations).astype(np.float32)
    for start in range(0, len(draws), BLOCK):
        block = slice(start, start + BLOCK)
        # Distances in double, all else in single precision, which is faster.
        away = np.minimum(np.abs(draws[block, None] - means) / deviations, FARTHEST)
        density = np.exp(-0.5 * away.astype(np.float32) ** 2) * heights
        mixed = (density @ shares).astype(np.float64)
        given = np.take_along_axis(mixed, starts + classes[block], axis=1)
        total += np.log(given / mixed[:, -1:]).sum(axis=0)
    return np.maximum(total / len(draws), 0.0)


def mix_posteriors(classes: Classes) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The weights of images in the mixtures of each factor's values, and of all images.

    Args:
        classes: (n, factors) 0, 1, ….

    Returns:
        (n, mixtures) of sum 1 each, the last one that of all images; and the mixture of each
        factor's class 0, (factors,), which those of its other classes follow.
    """
    counts = [np.bincount(labels) for labels in classes.T]
    parts = [
        (labels[:, None] == np.arange(len(count))) / count
        for labels, count in zip(classes.T, counts, strict=True)
    ]
    shares = np.hstack([*parts, np.full((len(classes), 1), 1 / len(classes))])
    starts = np.cumsum([0, *(len(count) for count in counts[:-1])])
    return shares.astype(np.float32), starts


METRICS = (
    Metric(
        "mig_posterior", "MIG of posteriors", measure_mig_posterior, "Chen et al. 2018",
        of="posteriors",
    ),
)  # fmt: skip
