"""Metrics that fix a factor and look at what stays: the β-VAE (Higgins) and FactorVAE scores."""

import numpy as np

from disentgen.analysis.metrics import Metric, Result, Sampler


def measure_higgins(
    sampler: Sampler, points: int = 300, batch: int = 32, kept_back: float = 1 / 3
) -> Result:
    """The β-VAE score (Higgins et al. 2017, section 3).

    A point is the mean absolute difference of codes over a batch of pairs that share one factor's
    class; a linear classifier says which factor. The score is its accuracy on points that were kept
    back; chance is one over the number of factors that vary.

    Args:
        sampler: draws and encodes images.
        points: how many, over all factors.
        batch: pairs that a point is the mean of.
        kept_back: share of the points that the classifier is tested on.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    factors = sampler.varying()
    chosen = sampler.rng.choice(factors, points)
    differences = []
    for factor in chosen:
        pairs = sampler.draw_sharing(factor, batch, 2)
        codes = sampler.encode(pairs.ravel()).reshape(batch, 2, -1)
        differences.append(np.abs(codes[:, 0] - codes[:, 1]).mean(axis=0))
    features, tested = np.array(differences), int(points * kept_back)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))
    model.fit(features[tested:], chosen[tested:])
    return {
        "score": float(model.score(features[:tested], chosen[:tested])),
        "accuracy_fitted": float(model.score(features[tested:], chosen[tested:])),
        "chance": 1 / len(factors),
    }


def measure_factor_vae(
    sampler: Sampler,
    votes: int = 300,
    batch: int = 32,
    scale_images: int = 3_000,
    alive: float = 0.05,
    kept_back: float = 1 / 3,
) -> Result:
    """The FactorVAE score (Kim & Mnih 2018, section 4).

    Of a batch that shares one factor's class, the latent with the smallest variance, in units of
    its variance over all images, votes for that factor. The score is the accuracy of the majority
    vote on votes that were kept back.

    Args:
        sampler: draws and encodes images.
        votes: how many, over all factors.
        batch: images in each.
        scale_images: images that variances are measured on.
        alive: latents whose standard deviation is below so much of the largest one do not vote.
        kept_back: share of the votes that the majority is tested on.
    """
    factors = sampler.varying()
    spread = sampler.encode(sampler.draw(scale_images)).std(axis=0)
    voting = np.flatnonzero((spread > 0) & (spread >= alive * spread.max()))
    table = np.zeros((len(spread), len(sampler.grid.sizes)))
    if not len(voting):
        chance = 1 / len(factors)
        return {"score": chance, "votes": table, "alive": 0, "chance": chance}
    chosen = sampler.rng.choice(factors, votes)
    winners = []
    for factor in chosen:
        codes = sampler.encode(sampler.draw_sharing(factor, 1, batch)[0])
        variance = codes[:, voting].var(axis=0, ddof=1) / spread[voting] ** 2
        winners.append(voting[variance.argmin()])
    latents, tested = np.array(winners), int(votes * kept_back)
    np.add.at(table, (latents[tested:], chosen[tested:]), 1)
    majority = table.argmax(axis=1)
    return {
        "score": float((majority[latents[:tested]] == chosen[:tested]).mean()),
        "votes": table,
        "alive": len(voting),
        "chance": 1 / len(factors),
    }


METRICS = (
    Metric("higgins", "β-VAE score", measure_higgins, "Higgins et al. 2017", samples=True),
    Metric(
        "factor_vae", "FactorVAE score", measure_factor_vae, "Kim & Mnih 2018", samples=True
    ),
)  # fmt: skip
