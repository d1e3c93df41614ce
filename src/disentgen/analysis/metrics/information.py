"""Metrics by mutual information: MIG, modularity and explicitness; and what they share."""

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.metrics import Classes, Codes, Metric, Result
from disentgen.analysis.metrics.arrays import metric_of_arrays

#: Bins that a latent is divided into, of equal width, as in Locatello et al. 2019.
BINS = 20


@metric_of_arrays()
def measure_mig(codes: Codes, classes: Classes) -> Result:
    """Mutual information gap (Chen et al. 2018, equation 6).

    For each factor, how much more the most informative latent says of it than the second, as a
    share of the factor's entropy. Factors that do not vary count nothing. Latents are cut into 20
    bins, so that a factor of more classes cannot reach 1: perfect codes of dSprites score 0.89.

    Args:
        codes: (n, latents).
        classes: (n, factors).
    """
    return summarise_gaps(mutual_information(codes, classes), classes)


def summarise_gaps(information: NDArray[np.float64], classes: Classes) -> Result:
    """The gaps of equation 6 of Chen et al. 2018, and their mean over the factors that vary.

    Args:
        information: of every latent with every factor, in nats, (latents, factors).
        classes: (n, factors).
    """
    entropy = np.array([entropy_of(column) for column in classes.T])
    ordered = np.sort(np.vstack([information, np.zeros_like(entropy)]), axis=0)
    gap = np.divide(
        ordered[-1] - ordered[-2], entropy, out=np.full_like(entropy, np.nan), where=entropy > 0
    )
    return {
        "score": mean_known(gap, 0.0),
        "gap_per_factor": gap,
        "mutual_information": information,
    }


@metric_of_arrays()
def measure_modularity(codes: Codes, classes: Classes) -> Result:
    """Modularity and explicitness (Ridgeway & Mozer 2018, equations 2 and 3, section 3).

    A latent is modular if it says something of one factor alone. Factors are explicit if a linear
    classifier finds their classes: the mean area under its ROC curve, one class against all others,
    on a fifth of the codes that were kept back; 0.5 is chance. A line through one ordered latent
    cuts off its ends but no class in the middle, so that perfect codes are explicit by 0.78 on
    dSprites. Modularity takes mutual information as it is estimated, which is never 0, and looks
    at its profile over factors whatever its size: of noise it is 0.65 to 0.85.

    Args:
        codes: (n, latents).
        classes: (n, factors).
    """
    information = mutual_information(codes, classes)
    top = information.max(axis=1)
    others = (information**2).sum(axis=1) - top**2
    scale = top**2 * max(classes.shape[1] - 1, 1)
    alive = top > 0
    by_latent = np.where(alive, 1 - np.divide(others, scale, where=alive, out=others * 0), 0.0)
    explicit = np.array([explicitness(codes, column) for column in classes.T])
    known = explicit[~np.isnan(explicit)]
    return {
        "score": float(by_latent[alive].mean()) if alive.any() else 0.0,
        "modularity_per_latent": by_latent,
        "explicitness": float(known.mean()) if len(known) else float("nan"),
        "explicitness_per_factor": explicit,
    }


def explicitness(codes: Codes, labels: Classes) -> float:
    """Mean area under the ROC curve over classes; NaN if the factor does not vary.

    Each class has a logistic regression of its own against all others.

    Args:
        codes: (n, latents).
        labels: (n,) classes of one factor.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fitted, kept = hold_back(len(codes))
    if len(np.unique(labels[fitted])) < 2:
        return float("nan")
    single = OneVsRestClassifier(LogisticRegression(max_iter=200))
    model = make_pipeline(StandardScaler(), single).fit(codes[fitted], labels[fitted])
    # Not their probabilities, which are made to add up to 1 over classes.
    likely = model.decision_function(codes[kept])
    if likely.ndim == 1:  # of two classes
        likely = np.column_stack([-likely, likely])
    areas = [
        roc_auc_score(labels[kept] == known, likely[:, place])
        for place, known in enumerate(model.classes_)
        if 0 < (labels[kept] == known).mean() < 1
    ]
    return float(np.mean(areas)) if areas else float("nan")


def mutual_information(codes: Codes, classes: Classes) -> NDArray[np.float64]:
    """Of every latent, in bins, with every factor, in nats: (latents, factors)."""
    return information_matrix(bin_codes(codes), classes)


def information_matrix(binned: Classes, classes: Classes) -> NDArray[np.float64]:
    """Mutual information of (n, latents) bins with (n, factors) classes: (latents, factors)."""
    return np.array([[information_of(bins, column) for column in classes.T] for bins in binned.T])


def bin_codes(codes: Codes, count: int = BINS) -> Classes:
    """(n, latents) codes in bins of equal width, from each latent's smallest to largest value.

    Args:
        codes: (n, latents).
        count: of the bins.
    """
    low, high = codes.min(axis=0), codes.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    bins: Classes = np.minimum((codes - low) / width * count, count - 1).astype(np.int64)
    return bins


def information_of(first: Classes, second: Classes) -> float:
    """Mutual information of two columns of classes 0, 1, …, (n,) each, in nats."""
    # Whole numbers for as long as possible: a column that does not vary must give exactly 0.
    joint = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(joint, (first, second), 1)
    product = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    there = joint > 0
    ratio = len(first) * joint[there] / product[there]
    return max(float((joint[there] * np.log(ratio)).sum() / len(first)), 0.0)


def entropy_of(labels: Classes) -> float:
    """Entropy of a column of classes 0, 1, …, (n,), in nats."""
    shares = np.bincount(labels) / len(labels)
    shares = shares[shares > 0]
    return max(float(-(shares * np.log(shares)).sum()), 0.0)


def hold_back(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Four fifths of the places 0 … count − 1, to fit on, and the rest, (places,) each.

    They are the same ones each time.
    """
    order = np.random.default_rng(0).permutation(count)
    return np.sort(order[count // 5 :]), np.sort(order[: count // 5])


def number_fitted(labels: Classes, fitted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels (n,) numbered 0 … k − 1 among those of fitted images; -1 of all others.

    Args:
        labels: (n,) classes of one factor.
        fitted: (some,) places of the images that something is fitted to.
    """
    known = np.unique(labels[fitted])
    places = np.minimum(np.searchsorted(known, labels), len(known) - 1)
    return np.where(known[places] == labels, places, -1)


def mean_known(values: NDArray[np.floating], otherwise: float = float("nan")) -> float:
    """Mean of those of (n,) values that are not NaN; something else where all are."""
    return float(np.nanmean(values)) if not np.isnan(values).all() else otherwise


def standardise(classes: Classes, fitted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Classes as standard deviations from their mean, both of the fitted ones; constants are 0.

    Args:
        classes: (n, factors).
        fitted: (some,) places of the images that mean and deviation are of.

    Returns:
        (n, factors).
    """
    spread = classes[fitted].std(axis=0)
    centred: NDArray[np.float64] = classes - classes[fitted].mean(axis=0)
    return centred / np.where(spread > 0, spread, 1.0)


METRICS = (
    Metric("mig", "MIG", measure_mig, "Chen et al. 2018"),
    Metric(
        "modularity", "modularity", measure_modularity, "Ridgeway & Mozer 2018",
        beside=("explicitness",), revision=2,
    ),
)  # fmt: skip
