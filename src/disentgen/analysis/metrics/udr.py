"""UDR: unsupervised disentanglement ranking, of runs that differ in their seed alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from disentgen.analysis.metrics import Codes, Metric, Result
from disentgen.analysis.metrics.arrays import as_finite, check_codes, describe_sample
from disentgen.errors import UsageError

#: Latents of no larger KL say nothing of the image (Duan et al. 2020, section 4).
INFORMATIVE_KL = 0.01


def measure_udr(codes: Sequence[ArrayLike], kl: Sequence[ArrayLike]) -> Result:
    """Unsupervised disentanglement ranking (Duan et al. 2020, equations 2 and 3).

    Latents of a disentangled model are found again, one by one, in another one trained alike.
    Similarity is Spearman's rank correlation (their UDR-S), between latents alone that are live in
    their own model: a rank correlation knows no scale, so that in a dead latent it would find
    factors of which there is next to nothing.

    Args:
        codes: (n, latents) of the same images, from each of two or more models.
        kl: (latents,) mean KL of each model's posterior from the prior, in nats.

    Returns:
        ``score_per_model``: (models,) in 0..1, the median over all others;
        ``live_latents_per_model``: (models,); ``images``; a ``warning`` where there are as many
        latents as images.

    Raises:
        UsageError: fewer than two models, codes of unequal numbers of images, arrays of other
            shapes or with values that are not finite.
    """
    checked, live = check_models(codes, kl)
    scores = np.full((len(checked), len(checked)), np.nan)
    for i, first in enumerate(checked):
        for j in range(i + 1, len(checked)):
            matched = compare_models(first[:, live[i]], checked[j][:, live[j]])
            scores[i, j] = scores[j, i] = matched
    sample = describe_sample(len(checked[0]), max(part.shape[1] for part in checked))
    return sample | {
        "score_per_model": np.nanmedian(scores, axis=1),
        "live_latents_per_model": np.array([mask.sum() for mask in live]),
    }


def check_models(
    codes: Sequence[ArrayLike], kl: Sequence[ArrayLike]
) -> tuple[list[Codes], list[NDArray[np.bool_]]]:
    """Codes of several models, (n, latents) each, and which latents are live, (latents,) each.

    Raises:
        UsageError: as :func:`measure_udr` says.
    """
    if len(codes) < 2 or len(kl) != len(codes):
        raise UsageError(
            "UDR compares models: it needs codes and KL of two or more; given: codes of "
            f"{len(codes)}, KL of {len(kl)}."
        )
    checked = [check_codes(part) for part in codes]
    if len({len(part) for part in checked}) > 1:
        shapes = ", ".join(str(part.shape) for part in checked)
        raise UsageError(f"UDR needs codes (images, latents) of the same images; given: {shapes}.")
    live = []
    for part, values in zip(checked, kl, strict=True):
        nats = as_finite("KL", np.asarray(values))
        if nats.shape != part.shape[1:]:
            raise UsageError(
                f"KL must be a number for each of {part.shape[1]} latents; given: {nats.shape}."
            )
        live.append(nats > INFORMATIVE_KL)
    return checked, live


def compare_models(first: Codes, second: Codes) -> float:
    """How well the live latents of two models match one to one (equation 2).

    Args:
        first: (n, latents) codes of the live latents of one model.
        second: those of the other one, of the same images.
    """
    if not first.shape[1] or not second.shape[1]:
        return 0.0
    similarity = np.abs(rank_codes(first).T @ rank_codes(second))
    matched = sum(share_largest(matrix).sum() for matrix in (similarity, similarity.T))
    return float(matched / sum(similarity.shape))


def rank_codes(codes: Codes) -> NDArray[np.float64]:
    """(n, latents) ranks of each latent, centred and of length 1; 0 where it does not vary."""
    from scipy.stats import rankdata

    ranks: NDArray[np.float64] = rankdata(codes, axis=0)
    centred = ranks - ranks.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    unit: NDArray[np.float64] = centred / np.where(length > 0, length, 1)
    return unit


def share_largest(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """The square of each column's largest entry over its sum, (columns,); 0 where all are.

    Args:
        similarity: (rows, columns), none negative.
    """
    total = similarity.sum(axis=0)
    largest = similarity.max(axis=0) ** 2
    shares: NDArray[np.float64] = np.zeros_like(total)
    np.divide(largest, total, out=shares, where=total > 0)
    return shares


METRICS = (Metric("udr", "UDR", measure_udr, "Duan et al. 2020", of="runs"),)
