"""Metrics that fix a factor and look at what stays: the β-VAE (Higgins) and FactorVAE scores.

By default on as many points as Locatello et al. 2019 (their appendix B): 10,000 to fit, 5,000 to
test, each of 64 pairs or images.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.metrics import Metric, Result, Sampler
from disentgen.analysis.metrics.arrays import ALIVE, Codes, find_alive, measure_spread
from disentgen.analysis.metrics.sampling import Indices, metric_of_sampler

FITTED, TESTED, BATCH = 10_000, 5_000, 64
#: The metrics draw from so many images, each of which is encoded once.
MANY_IMAGES = 50_000
#: Images whose codes are gathered at once.
BLOCK = 65_536


@metric_of_sampler
def measure_higgins(
    sampler: Sampler, fitted: int = FITTED, tested: int = TESTED, batch: int = BATCH
) -> Result:
    """The β-VAE score (Higgins et al. 2017, section 3).

    A point is the mean absolute difference of codes over a batch of pairs that share one factor's
    class; a linear classifier says which factor. The score is its accuracy on points that it was
    not fitted to; chance is one over the number of factors that vary.

    Args:
        sampler: draws and encodes images.
        fitted: points that the classifier is fitted to, over all factors.
        tested: points that it is tested on.
        batch: pairs that a point is the mean of.

    Returns:
        ``score`` with its binomial ``standard_error`` over the tested points, ``accuracy_fitted``,
        ``chance``. The score is NaN where fewer than two factors vary.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(sampler.varying()) < 2:
        return describe_accuracy(np.empty(0, np.bool_), sampler)
    chosen, groups = draw_points(sampler, fitted + tested, batch, 2)
    features = summarise_groups(
        sampler, groups, lambda codes: np.abs(codes[:, :, 0] - codes[:, :, 1]).mean(axis=1)
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))
    model.fit(features[:fitted], chosen[:fitted])
    right = model.predict(features) == chosen
    return describe_accuracy(right[fitted:], sampler) | {
        "accuracy_fitted": float(right[:fitted].mean())
    }


@metric_of_sampler
def measure_factor_vae(
    sampler: Sampler,
    fitted: int = FITTED,
    tested: int = TESTED,
    batch: int = BATCH,
    scale_images: int = 10_000,
    alive: float = ALIVE,
) -> Result:
    """The FactorVAE score (Kim & Mnih 2018, section 4).

    Of a batch that shares one factor's class, the latent with the smallest variance, in units of
    its variance over all images, votes for that factor. The score is the accuracy of the majority
    vote on votes that it was not made from.

    Args:
        sampler: draws and encodes images.
        fitted: votes that the majority is made from, over all factors.
        tested: votes that it is tested on.
        batch: images in each.
        scale_images: images that variances are measured on.
        alive: latents whose standard deviation is below so much of the largest one do not vote.

    Returns:
        ``score`` with its binomial ``standard_error`` over the tested votes, ``votes`` (latents,
        factors), ``alive`` (how many latents vote), ``chance``. The score is NaN where fewer than
        two factors vary, and chance where no latent votes.
    """
    if len(sampler.varying()) < 2:
        return describe_accuracy(np.empty(0, np.bool_), sampler)
    spread = measure_spread(sampler.codes(sampler.draw(scale_images)))
    voting = find_alive(spread, alive)
    votes = np.zeros((len(spread), len(sampler.grid.sizes)))
    parts = {"votes": votes, "alive": len(voting)}
    if not len(voting):
        untested = describe_accuracy(np.empty(0, np.bool_), sampler)
        return untested | {"score": untested["chance"]} | parts
    chosen, groups = draw_points(sampler, fitted + tested, 1, batch)
    variance = summarise_groups(sampler, groups, lambda codes: codes[:, 0].var(axis=1, ddof=1))
    latents = voting[(variance[:, voting] / spread[voting] ** 2).argmin(axis=1)]
    np.add.at(votes, (latents[:fitted], chosen[:fitted]), 1)
    right = votes.argmax(axis=1)[latents] == chosen
    return describe_accuracy(right[fitted:], sampler) | parts


def draw_points(
    sampler: Sampler, count: int, groups: int, size: int
) -> tuple[NDArray[np.int64], Indices]:
    """Factors drawn uniformly from those that vary, and images that share their class.

    Args:
        sampler: draws images.
        count: points.
        groups: of images in each point; each has a class of its own.
        size: images of each group.

    Returns:
        (count,) factors and (count, groups, size) images.
    """
    factors = sampler.varying()
    chosen = sampler.rng.choice(factors, count)
    images = np.empty((count, groups, size), np.int64)
    for factor in factors:
        points = np.flatnonzero(chosen == factor)
        drawn = sampler.draw_sharing(factor, len(points) * groups, size)
        images[points] = drawn.reshape(len(points), groups, size)
    return chosen, images


def summarise_groups(sampler: Sampler, images: Indices, summary: Callable[[Codes], Codes]) -> Codes:
    """Apply a summary to the codes of each point, some points at a time.

    Args:
        sampler: encodes images.
        images: (points, groups, size) indices.
        summary: of (points, groups, size, latents) codes to (points, latents).
    """
    step = max(BLOCK // images[0].size, 1)
    parts = [summary(sampler.codes(images[i : i + step])) for i in range(0, len(images), step)]
    return np.concatenate(parts)


def describe_accuracy(right: NDArray[np.bool_], sampler: Sampler) -> Result:
    """Share of points that were classified correctly, its standard error, and chance.

    Args:
        right: (points,) whether each one was; the score is NaN where there are none.
        sampler: whose varying factors say what chance is.
    """
    chance = 1 / max(len(sampler.varying()), 1)
    if not len(right):
        return {"score": float("nan"), "standard_error": float("nan"), "chance": chance}
    score = float(right.mean())
    error = float(np.sqrt(score * (1 - score) / len(right)))
    return {"score": score, "standard_error": error, "chance": chance}


METRICS = (
    Metric(
        "higgins", "β-VAE score", measure_higgins, "Higgins et al. 2017",
        images=MANY_IMAGES, of="sampler", revision=2,
    ),
    Metric(
        "factor_vae", "FactorVAE score", measure_factor_vae, "Kim & Mnih 2018",
        images=MANY_IMAGES, of="sampler", revision=2,
    ),
)  # fmt: skip
