"""SNC and NK: what single latents say of their factors, and what is lost without them."""

import warnings

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.metrics import Classes, Codes, Metric, Result
from disentgen.analysis.metrics.arrays import (
    find_alive,
    measure_spread,
    metric_of_arrays,
    renumber,
)
from disentgen.analysis.metrics.information import (
    hold_back,
    information_of,
    mean_known,
    number_fitted,
    standardise,
)

#: Hidden units of the network that reads factors from latents, and iterations of its fit. The
#: published one has 256 and many epochs of Adam, which takes minutes and is no better on so few
#: images.
HIDDEN, ITERATIONS = 32, 120


@metric_of_arrays()
def measure_snc(codes: Codes, classes: Classes) -> Result:
    """Single-neuron classification (Mahon et al. 2024; as in their code).

    Each factor gets a latent of its own, so that the mutual information of factors and of their
    latents' bins is largest in sum. A latent has as many bins as its factor has classes, bins are
    matched with classes one to one, and the score is the accuracy on a fifth of the images on
    which neither was chosen, a mean over factors. Chance is not subtracted: see the floor.

    The reading is ours in three points. Bins hold the classes' own shares of images, in the order
    of the classes' mean codes, where the published ones are of equal mass. Equal codes stay in one
    bin, that of their middle rank; in the published code a flipped sign moves ties to other bins.
    Factors that no latent is left for are read by their most frequent class.

    Args:
        codes: (n, latents).
        classes: (n, factors).

    Returns:
        ``score``; ``accuracy_per_factor``, NaN of those that do not vary; ``latent_per_factor``,
        -1 of those without a latent.
    """
    fitted, kept = hold_back(len(codes))
    latents = assign_latents(codes[fitted], classes[fitted])
    accuracy = np.full(classes.shape[1], np.nan)
    for factor, column in enumerate(classes.T):
        labels = number_fitted(column, fitted)
        if labels.max() > 0:
            read = codes[:, latents[factor]] if latents[factor] >= 0 else np.zeros(len(codes))
            predicted = classify_by_bins(read, labels, fitted)
            accuracy[factor] = (predicted[kept] == labels[kept]).mean()
    return {
        "score": mean_known(accuracy, 0.0),
        "accuracy_per_factor": accuracy,
        "latent_per_factor": latents,
    }


@metric_of_arrays()
def measure_nk(codes: Codes, classes: Classes) -> Result:
    """Neuron knockout (Mahon et al. 2024).

    How much less accurately a network reads a factor from all latents but its own, which is that
    of :func:`measure_snc`, than from all of them: a mean over factors, at most one less chance.
    Accuracies are on a fifth of the images; a mean below 0 counts as 0.

    The reading is ours in these points. The published code keeps the two accuracies; here their
    difference is the score. Latents of a standard deviation below a twentieth of the largest one
    are left out. The network (tanh, 32 hidden units, standardised latents, L-BFGS) is small enough
    for a report: the best that codes can score is less than one less chance, see the ceiling.

    Args:
        codes: (n, latents).
        classes: (n, factors).

    Returns:
        ``score``; ``accuracy_per_factor`` with all latents and ``knocked_out_per_factor`` without
        the factor's own, NaN of factors that do not vary.
    """
    fitted, kept = hold_back(len(codes))
    alive = standardise(codes[:, find_alive(measure_spread(codes))], fitted)
    latents = assign_latents(alive[fitted], classes[fitted])
    accuracies = np.full((2, classes.shape[1]), np.nan)
    for factor, column in enumerate(classes.T):
        labels = number_fitted(column, fitted)
        if labels.max() > 0:
            left = np.delete(alive, latents[factor], axis=1) if latents[factor] >= 0 else alive
            for place, read in enumerate((alive, left)):
                predicted = classify_by_network(read, labels, fitted, kept)
                accuracies[place, factor] = (predicted == labels[kept]).mean()
    return {
        "score": max(mean_known(accuracies[0] - accuracies[1], 0.0), 0.0),
        "accuracy_per_factor": accuracies[0],
        "knocked_out_per_factor": accuracies[1],
    }


def assign_latents(codes: Codes, classes: Classes) -> NDArray[np.int64]:
    """A latent for each factor, no latent for two: (factors,) places, -1 where none is left.

    Args:
        codes: (n, latents).
        classes: (n, factors).
    """
    from scipy.optimize import linear_sum_assignment

    information = np.zeros((codes.shape[1], classes.shape[1]))
    for factor, column in enumerate(classes.T):
        labels = renumber(column)
        for latent, values in enumerate(codes.T):
            bins = bin_by_shares(values, labels)
            information[latent, factor] = information_of(bins, labels)
    assigned, factors = linear_sum_assignment(information, maximize=True)
    latents = np.full(classes.shape[1], -1)
    latents[factors] = assigned
    return latents


def classify_by_bins(
    values: NDArray[np.float64], labels: NDArray[np.int64], fitted: NDArray[np.int64]
) -> NDArray[np.int64]:
    """What a latent's bins say of a factor: (n,) labels.

    Args:
        values: (n,) of the latent.
        labels: (n,) 0 … k − 1; -1 of classes that no fitted image has.
        fitted: (some,) places of the images that bins are made of and matched on.
    """
    from scipy.optimize import linear_sum_assignment

    known, first = np.unique(values[fitted], return_index=True)
    bins = bin_by_shares(values[fitted], labels[fitted])
    table = np.zeros((labels.max() + 1, labels.max() + 1))
    np.add.at(table, (bins, labels[fitted]), 1)
    _, meant = linear_sum_assignment(table, maximize=True)
    # An image falls into the bin of the nearest value that bins were made of.
    nearest = np.searchsorted((known[1:] + known[:-1]) / 2, values)
    predicted: NDArray[np.int64] = meant[bins[first][nearest]]
    return predicted


def bin_by_shares(values: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """A bin for each class, with the class's share of images: (n,) bins 0 … k − 1.

    Bins lie in the order of the classes' mean values. Equal values are in one bin, that of their
    middle rank.

    Args:
        values: (n,) of a latent.
        labels: (n,) classes 0 … k − 1.
    """
    from scipy.stats import rankdata

    counts = np.bincount(labels)
    order = np.argsort(np.bincount(labels, values) / counts, kind="stable")
    bins: NDArray[np.int64] = np.searchsorted(
        np.cumsum(counts[order])[:-1], rankdata(values) - 0.5, side="right"
    )
    return bins


def classify_by_network(
    codes: Codes,
    labels: NDArray[np.int64],
    fitted: NDArray[np.int64],
    kept: NDArray[np.int64],
) -> NDArray[np.int64]:
    """What a small network says of a factor: labels of the kept images, (some,).

    Args:
        codes: (n, latents), standardised. Without latents, it is the most frequent label.
        labels: (n,) 0 … k − 1; -1 of classes that no fitted image has.
        fitted: places of the images that it is fitted to.
        kept: places of the images that are read.
    """
    from sklearn.neural_network import MLPClassifier

    if not codes.shape[1]:
        return np.full(len(kept), np.bincount(labels[fitted]).argmax())
    network = MLPClassifier(
        (HIDDEN,), activation="tanh", solver="lbfgs", max_iter=ITERATIONS, random_state=0
    )
    with warnings.catch_warnings():  # that it has not converged is meant
        warnings.simplefilter("ignore")
        network.fit(codes[fitted].astype(np.float32), labels[fitted])
    predicted: NDArray[np.int64] = network.predict(codes[kept].astype(np.float32))
    return predicted


METRICS = (
    Metric("snc", "SNC", measure_snc, "Mahon et al. 2024"),
    Metric("nk", "NK", measure_nk, "Mahon et al. 2024"),
)
