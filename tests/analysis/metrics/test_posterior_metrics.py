"""MIG of posteriors: closed forms of Gaussian mixtures, and what goes with codes without them."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from code_kinds import GRID, choose_images, make_codes
from disentgen.analysis.metrics import load_metrics
from disentgen.analysis.metrics.posteriors import inform, measure_mig_posterior, mix_posteriors
from disentgen.errors import UsageError

METRIC = load_metrics()["mig_posterior"]
#: Every combination of a binary factor and one of five values, 60 times.
CLASSES = np.array([(a, b) for a in range(2) for b in range(5)]).repeat(60, axis=0)
A, B = CLASSES.T.astype(float)


def information_of_mixture(means, deviation):
    """Of equally likely Gaussians, by integration, in nats: what a draw says of which it is of."""

    def integrand(place):
        parts = norm.pdf(place, means, deviation)
        return -parts.mean() * np.log(parts.mean()) if parts.mean() > 0 else 0.0

    low, high = min(means) - 8 * deviation, max(means) + 8 * deviation
    entropy = quad(integrand, low, high, limit=500, points=list(means))[0]
    return entropy - np.log(deviation * np.sqrt(2 * np.pi * np.e))


@pytest.mark.parametrize("deviation", [0.05, 0.5, 1.0, 4.0])
def test_information_of_wider_and_wider_posteriors(deviation):
    codes = np.column_stack([A, B])
    result = measure_mig_posterior(codes, np.full(codes.shape, deviation**2), CLASSES)
    expected = [information_of_mixture(range(size), deviation) for size in (2, 5)]
    # 600 draws: the error is of the order of 1 / √600.
    assert np.diag(result["mutual_information"]) == pytest.approx(expected, abs=0.06)
    assert result["mutual_information"][0, 1] == pytest.approx(0, abs=1e-6)
    gaps = np.array(expected) / np.log([2, 5])
    assert result["score"] == pytest.approx(gaps.mean(), abs=0.06)
    assert result["images"] == 600


def test_narrow_posteriors_say_all_and_no_bins_limit_them():
    labels = np.tile(np.arange(100), 10)[:, None]
    narrow = np.full((1_000, 1), 1e-6)
    result = measure_mig_posterior(labels, narrow, labels)
    assert result["mutual_information"][0, 0] == pytest.approx(np.log(100), abs=1e-5)
    assert result["score"] == pytest.approx(1, abs=1e-5)


def test_means_alike_with_spreads_that_differ_say_something():
    """What no code can say: both factors have the same means, one has wider posteriors."""
    variances = np.where(A == 0, 0.01, 1.0)[:, None] ** 2
    result = measure_mig_posterior(np.zeros((600, 1)), variances, CLASSES)
    assert result["mutual_information"][0, 0] > 0.5
    assert result["mutual_information"][0, 1] == pytest.approx(0, abs=1e-6)


def test_densities_are_those_of_a_direct_sum():
    rng = np.random.default_rng(0)
    means, deviations = rng.normal(size=40), rng.uniform(0.1, 2, 40)
    draws = means + deviations * rng.normal(size=40)
    classes = rng.integers(0, 3, (40, 2))
    density = norm.pdf(draws[:, None], means, deviations)
    expected = [
        np.mean([np.log(density[i, labels == labels[i]].mean() / density[i].mean())
                 for i in range(40)])
        for labels in classes.T
    ]  # fmt: skip
    assert inform(draws, means, deviations, classes) == pytest.approx(
        np.maximum(expected, 0), abs=1e-5
    )


def test_mixtures_are_of_equal_shares():
    shares, starts = mix_posteriors(CLASSES)
    assert shares.shape == (600, 2 + 5 + 1)
    assert shares.sum(axis=0) == pytest.approx(1, abs=1e-5)
    assert starts.tolist() == [0, 2]
    assert ((shares[:, 0] > 0) == (A == 0)).all() and ((shares[:, 6] > 0) == (B == 4)).all()


@pytest.mark.parametrize("cells", ["complete", "tenth"])
def test_kinds_of_codes(cells):
    indices = choose_images(cells, 500)
    classes = GRID.classes(indices)
    scores = {}
    for kind in ("perfect", "permuted", "rotated", "duplicated", "noise", "constant"):
        codes = make_codes(kind, GRID, indices, np.random.default_rng(0))
        scores[kind] = measure_mig_posterior(codes, np.full(codes.shape, 0.01**2), classes)["score"]
    assert scores["perfect"] > 0.85
    assert scores["permuted"] == pytest.approx(scores["perfect"], abs=0.02)
    assert scores["rotated"] < 0.5
    assert max(scores["duplicated"], scores["noise"]) < 0.03
    assert scores["constant"] < 1e-6


def test_it_is_the_same_each_time():
    codes, variances = np.column_stack([A, B]), np.full((600, 2), 0.3)
    first, second = (measure_mig_posterior(codes, variances, CLASSES) for _ in range(2))
    assert first["score"] == second["score"]


@pytest.mark.parametrize(
    "variances", [np.ones((600, 1)), np.zeros((600, 2)), -np.ones((600, 2)), np.ones((599, 2))]
)
def test_there_must_be_a_variance_for_each_code(variances):
    with pytest.raises(UsageError, match=r"variance above 0 for each code; given: codes \(600, 2"):
        measure_mig_posterior(np.column_stack([A, B]), variances, CLASSES)


def test_codes_without_variances_are_refused_by_name():
    with pytest.raises(UsageError, match=r"MIG of posteriors \('mig_posterior'\) needs the varian"):
        METRIC.measure(lambda some: np.zeros((len(some), 2)), GRID, np.arange(50))
