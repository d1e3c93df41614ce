"""UDR: unsupervised disentanglement ranking, of runs that differ in their seed alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.metrics import Codes

#: Latents whose KL is below do not tell of the image (Duan et al. 2020, section 4).
INFORMATIVE_KL = 0.01


def measure_udr(codes: Sequence[Codes], kl: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Unsupervised disentanglement ranking (Duan et al. 2020, equations 2 and 3).

    Latents of a disentangled model are found again, one by one, in another one trained alike.
    Similarity is Spearman's rank correlation.

    Args:
        codes: (n, latents) of the same images, from each of two or more models.
        kl: (latents,) mean KL of each model's posterior from the prior, in nats.

    Returns:
        A score in 0..1 for each model: the median over all others.
    """
    if len(codes) < 2:
        raise ValueError("UDR compares models: it needs codes of two or more.")
    scores = np.full((len(codes), len(codes)), np.nan)
    for i, first in enumerate(codes):
        for j in range(i + 1, len(codes)):
            scores[i, j] = scores[j, i] = compare_models(first, codes[j], kl[i], kl[j])
    return np.nanmedian(scores, axis=1)


def compare_models(
    first: Codes, second: Codes, first_kl: NDArray[np.floating], second_kl: NDArray[np.floating]
) -> float:
    """How well the informative latents of two models match one to one (equation 2)."""
    from scipy.stats import rankdata

    alive = [kl > INFORMATIVE_KL for kl in (first_kl, second_kl)]
    count = int(alive[0].sum() + alive[1].sum())
    if count == 0:
        return 0.0
    ranked = [rankdata(values, axis=0) for values in (first, second)]
    centred = [ranks - ranks.mean(axis=0) for ranks in ranked]
    lengths = [np.sqrt((values**2).sum(axis=0)) for values in centred]
    units = [
        values / np.where(length > 0, length, 1)
        for values, length in zip(centred, lengths, strict=True)
    ]
    similarity = np.abs(units[0].T @ units[1])
    matched = 0.0
    for matrix, known in ((similarity, alive[1]), (similarity.T, alive[0])):
        total = matrix.sum(axis=0)
        share = np.divide(matrix.max(axis=0) ** 2, total, out=np.zeros_like(total), where=total > 0)
        matched += share[known].sum()
    return float(matched / count)
