"""InfoMEC: modularity, compactness and explicitness in terms of information (Hsu et al. 2023)."""

import warnings

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.metrics import Classes, Codes, Metric, Result
from disentgen.analysis.metrics.arrays import measure_spread, metric_of_arrays
from disentgen.analysis.metrics.information import (
    hold_back,
    mean_known,
    number_fitted,
    standardise,
)

#: Of the estimate of mutual information.
NEIGHBOURS = 10
#: How many times the largest information of permuted images is taken for none.
BEYOND_CHANCE = 2.0
#: Of a standardised latent: values so close are equal, whatever rounding made of them.
EQUAL = 1e-9


@metric_of_arrays()
def measure_infomec(codes: Codes, classes: Classes) -> Result:
    """InfoM, InfoC and InfoE (Hsu et al. 2023; equations as in their code).

    Of the mutual information of each latent and factor, as a share of the factor's entropy: InfoM
    is how far a latent's largest share exceeds its others, and InfoC a factor's; both are means of
    (largest / sum − 1/n) / (1 − 1/n), over latents and over factors. InfoE is by how much a
    multinomial logistic regression of the latents, without penalty, lowers the log loss of the
    factor, as a share of what it is without latents.

    The reading is ours in these points. Which latents take part is a matter of information, not of
    range: a share of no more than twice the largest one that is left when the images are permuted
    counts as none, and latents without any are left out of all three scores. So no score depends
    on a latent's scale, noise scores 0 in all, and a factor that no latent informs of has a
    compactness of 0. Equal codes are neighbours at a distance of 0, all of which count, so that
    quantised latents need no estimator of their own. Log losses are of a fifth of the images, to
    which nothing was fitted; without latents, it is that of the classes' shares. Factors that do
    not vary are left out.

    Args:
        codes: (n, latents).
        classes: (n, factors).

    Returns:
        ``infom``, ``infoc``, ``infoe``; ``active``, how many latents take part;
        ``explicitness_per_factor``, NaN of those that do not vary; ``information``, (latents,
        factors), as shares of the factors' entropies.
    """
    information = remove_chance(codes, classes)
    active = information.max(axis=1) > 0
    varying = np.ptp(classes, axis=0) > 0
    shares = information[active][:, varying]
    explicit = np.full(classes.shape[1], np.nan)
    for factor in np.flatnonzero(varying):
        explicit[factor] = measure_explicitness(codes[:, active], classes[:, factor])
    return {
        "infom": mean_known(concentrate(shares), 0.0),
        "infoc": mean_known(concentrate(shares.T), 0.0),
        "infoe": mean_known(explicit, 0.0),
        "active": int(active.sum()),
        "explicitness_per_factor": explicit,
        "information": information,
    }


def concentrate(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """(largest / sum − 1/n) / (1 − 1/n) of (rows, n): (rows,); 0 of an empty row.

    Where there is one column, there is nothing to share with: 1.
    """
    rows, columns = shares.shape
    if not columns:
        return np.zeros(rows)
    total = shares.sum(axis=1)
    largest: NDArray[np.float64]
    largest = np.divide(shares.max(axis=1), total, out=np.zeros(rows), where=total > 0)
    if columns == 1:
        return largest
    excess: NDArray[np.float64] = (largest - 1 / columns) / (1 - 1 / columns)
    return np.where(total > 0, excess, 0.0)


def remove_chance(codes: Codes, classes: Classes) -> NDArray[np.float64]:
    """Information of latents and factors as shares of entropies, 0 where it may be by chance.

    Args:
        codes: (n, latents).
        classes: (n, factors).

    Returns:
        (latents, factors), each in 0 … 1.
    """
    spread = measure_spread(codes)
    moving = np.flatnonzero(spread > 0)
    shares = np.zeros((codes.shape[1], classes.shape[1]))
    if len(moving):
        scaled = (codes[:, moving] - codes[:, moving].mean(axis=0)) / spread[moving]
        by_chance = share_information(np.random.default_rng(0).permutation(scaled), classes)
        given = share_information(scaled, classes)
        shares[moving] = np.where(given > BEYOND_CHANCE * by_chance.max(), given, 0.0)
    return np.clip(shares, 0.0, 1.0)


def share_information(codes: Codes, classes: Classes) -> NDArray[np.float64]:
    """Mutual information of latents and factors over what factors share with themselves.

    Args:
        codes: (n, latents), standardised.
        classes: (n, factors).

    Returns:
        (latents, factors); 0 of factors that do not vary.
    """
    shares = np.zeros((codes.shape[1], classes.shape[1]))
    for factor in np.flatnonzero(np.ptp(classes, axis=0)):
        labels = classes[:, factor]
        whole = estimate_information(labels[:, None].astype(np.float64), labels)
        # Of classes of one image each, nothing can be said.
        shares[:, factor] = estimate_information(codes, labels) / np.where(whole > 0, whole, 1.0)
    return shares


def estimate_information(
    codes: Codes, labels: Classes, neighbours: int = NEIGHBOURS
) -> NDArray[np.float64]:
    """Mutual information of each latent with a factor, in nats: (latents,); not below 0.

    By nearest neighbours (Ross 2014, equation 2): the mean of ψ(n) − ψ(images of the class) +
    ψ(k) − ψ(m), where k images of the class, and m of all, are as near as the k-th of the class.
    Where several are equally near, all of them count (Gao et al. 2017), so that of a quantised
    latent it is the information of a table of counts, of little bias.

    Args:
        codes: (n, latents).
        labels: (n,) classes of a factor.
        neighbours: of the same class, or all others if there are fewer. Classes of a single image
            are left out.
    """
    from scipy.special import digamma

    counts = np.bincount(labels)
    codes, labels = codes[counts[labels] > 1], labels[counts[labels] > 1]
    if not len(labels):
        return np.zeros(codes.shape[1])
    ordered = np.sort(codes, axis=0)
    total = np.zeros(codes.shape[1])
    for label in np.unique(labels):
        own = np.sort(codes[labels == label], axis=0)
        reach = find_reach(own, min(neighbours, len(own) - 1)) + EQUAL
        inside = count_within(own, own, reach), count_within(ordered, own, reach)
        total += (digamma(inside[0]) - digamma(inside[1]) - digamma(len(own))).sum(axis=0)
    information: NDArray[np.float64] = total / len(labels) + digamma(len(labels))
    return np.maximum(information, 0.0)


def find_reach(ordered: Codes, neighbours: int) -> Codes:
    """How far away the k-th nearest other value is: (n, latents).

    Args:
        ordered: (n, latents), each latent in ascending order.
        neighbours: k, below n.
    """
    edge = np.full((neighbours, ordered.shape[1]), np.inf)
    padded, count = np.concatenate([-edge, ordered, edge]), len(ordered)
    reach = np.full(ordered.shape, np.inf)
    # The k nearest are among the k windows of k + 1 values in a row that hold the value itself.
    for before in range(neighbours + 1):
        low = ordered - padded[neighbours - before :][:count]
        high = padded[2 * neighbours - before :][:count] - ordered
        reach = np.minimum(reach, np.maximum(low, high))
    return reach


def count_within(ordered: Codes, centres: Codes, reach: Codes) -> NDArray[np.int64]:
    """How many values lie within reach of each centre, which is one of them and not counted.

    Args:
        ordered: (n, latents), each latent in ascending order.
        centres: (some, latents).
        reach: (some, latents).
    """
    counts = [
        np.searchsorted(values, centre + far, side="right") - np.searchsorted(values, centre - far)
        for values, centre, far in zip(ordered.T, centres.T, reach.T, strict=True)
    ]
    return np.column_stack(counts) - 1


def measure_explicitness(codes: Codes, labels: Classes) -> float:
    """InfoE of a factor: the share of its log loss that a logistic regression of codes removes.

    Args:
        codes: (n, latents).
        labels: (n,) classes of a factor that varies.

    Returns:
        In 0 … 1; 0 without latents.
    """
    from scipy.special import log_softmax
    from sklearn.linear_model import LogisticRegression

    fitted, kept = hold_back(len(codes))
    numbered = number_fitted(labels, fitted)
    kept = kept[numbered[kept] >= 0]
    if not codes.shape[1] or numbered.max() < 1 or not len(kept):
        return 0.0
    scaled = standardise(codes, fitted)
    with warnings.catch_warnings():  # of separable classes it never converges
        warnings.simplefilter("ignore")
        model = LogisticRegression(C=np.inf, max_iter=200).fit(scaled[fitted], numbered[fitted])
    scores = model.decision_function(scaled[kept])
    if scores.ndim == 1:  # of two classes
        scores = np.column_stack([np.zeros(len(scores)), scores])
    likely = log_softmax(scores, axis=1)[np.arange(len(kept)), numbered[kept]]
    shares = np.bincount(numbered[fitted]) / len(fitted)
    null = -np.log(shares[numbered[kept]]).mean()
    return float(np.clip(1 + likely.mean() / null, 0.0, 1.0))


METRICS = (
    Metric(
        "infomec",
        "InfoMEC",
        measure_infomec,
        "Hsu et al. 2023; estimator of Ross 2014",
        "infom",
        ("infoc", "infoe"),
    ),
)
