"""Topographic similarity: closed forms, units of factors and of codes, pairs."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from code_kinds import measure_kind
from disentgen.analysis.metrics import topography
from disentgen.analysis.metrics.topography import choose_pairs, measure_topographic_similarity

RNG = np.random.default_rng(0)
CLASSES = RNG.integers(0, [2, 40], (300, 2))
SCALED = (CLASSES - CLASSES.mean(axis=0)) / CLASSES.std(axis=0)


@pytest.mark.parametrize("cells", ["complete", "tenth"])
@pytest.mark.parametrize("kind", ["perfect", "permuted", "rotated", "duplicated", "partly dead"])
def test_codes_that_keep_distances_are_perfect(kind, cells):
    assert measure_kind("topographic_similarity", kind, cells, 500)["score"] > 0.999


@pytest.mark.parametrize("cells", ["complete", "tenth"])
def test_noise_and_constants_keep_none(cells):
    assert measure_kind("topographic_similarity", "noise", cells, 500)["score"] < 0.05
    result = measure_kind("topographic_similarity", "constant", cells, 500)
    assert result["score"] == 0
    assert np.isnan(result["correlation"])


def test_factors_count_alike_whatever_their_number_of_values():
    assert measure_topographic_similarity(SCALED, CLASSES)["score"] == pytest.approx(1, abs=1e-4)
    unscaled = measure_topographic_similarity(CLASSES, CLASSES)["score"]
    assert unscaled == pytest.approx(spearmanr(pdist(CLASSES), pdist(SCALED)).statistic, abs=1e-3)
    assert unscaled < 0.9


def test_it_is_the_rank_correlation_of_all_distances():
    codes = RNG.normal(size=(300, 3)) + SCALED[:, :1]
    expected = spearmanr(pdist(SCALED), pdist(codes)).statistic
    result = measure_topographic_similarity(codes, CLASSES)
    assert result["score"] == result["correlation"] == pytest.approx(expected, abs=1e-4)
    assert result["pairs"] == 300 * 299 // 2


def test_what_is_alike_being_far_apart_scores_nothing():
    codes = np.array([0.0, 1, 2, 3, 4, 5])[:, None]
    classes = np.array([0, 5, 1, 4, 2, 3])[:, None]
    result = measure_topographic_similarity(codes, classes)
    assert result["correlation"] < 0 == result["score"]


def test_equal_distances_stay_equal_for_all_the_rounding_of_codes():
    classes = np.array([(a, b) for a in range(4) for b in range(4)])
    rotated = classes @ np.array([[0.6, 0.8], [-0.8, 0.6]]) / 3
    assert measure_topographic_similarity(rotated, classes)["score"] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("count", "pairs"), [(30, 435), (200, 1_000)])
def test_pairs_are_of_two_images_all_or_many(count, pairs, monkeypatch):
    monkeypatch.setattr(topography, "PAIRS", 1_000)
    first, second = choose_pairs(count)
    assert len(first) == len(second) == pairs
    assert (first != second).all()
    assert set(first) | set(second) == set(range(count))
    assert len(set(zip(first, second, strict=True))) > 0.95 * pairs
    assert np.array_equal(choose_pairs(count), (first, second))


def test_a_sample_of_pairs_says_what_all_of_them_say(monkeypatch):
    codes = RNG.normal(size=(300, 3)) + SCALED[:, :1]
    exact = measure_topographic_similarity(codes, CLASSES)["score"]
    monkeypatch.setattr(topography, "PAIRS", 20_000)
    assert measure_topographic_similarity(codes, CLASSES)["score"] == pytest.approx(exact, abs=0.02)
