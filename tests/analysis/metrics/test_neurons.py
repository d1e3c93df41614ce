import numpy as np
import pytest
from numpy.testing import assert_allclose

from code_kinds import GRID, choose_images, make_codes
from disentgen.analysis.metrics.information import hold_back, number_fitted
from disentgen.analysis.metrics.neurons import (
    assign_latents,
    bin_by_shares,
    classify_by_bins,
    measure_nk,
    measure_snc,
)

INDICES = choose_images("complete", 1_500)
CLASSES = GRID.classes(INDICES)
PERFECT = make_codes("perfect", GRID, INDICES, np.random.default_rng(0))
NOISE = np.random.default_rng(1).normal(size=(len(INDICES), 3))
FITTED, KEPT = hold_back(len(INDICES))
#: Of three classes, of which one is had by half of all images.
UNEVEN = np.repeat([0, 1, 2], [500, 750, 250])


def luck(factors=slice(None)):
    """The share of images that the most frequent class of each factor is right of."""
    right = [
        (column[KEPT] == np.bincount(column[FITTED]).argmax()).mean()
        for column in CLASSES.T[factors]
    ]
    return np.mean(right)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("order", [[0, 1, 2], [1, 0, 2], [2, 0, 1]])
def test_tied_codes_of_uneven_classes_are_read_whatever_their_sign_and_order(sign, order):
    values = sign * np.array(order, float)[UNEVEN]
    assert np.array_equal(bin_by_shares(values, UNEVEN)[[0, 500, 1_499]], np.argsort(
        np.argsort(sign * np.array(order))
    ))  # fmt: skip
    assert np.array_equal(classify_by_bins(values, UNEVEN, np.arange(0, 1_500, 2)), UNEVEN)


def test_bins_of_distinct_values_have_the_shares_of_classes():
    values = np.random.default_rng(0).permutation(1_500).astype(float)
    bins = bin_by_shares(values, UNEVEN)
    assert sorted(np.bincount(bins)) == [250, 500, 750]
    assert (np.diff(bins[np.argsort(values)]) >= 0).all()


def test_bins_are_matched_with_classes_one_to_one():
    # Nine of ten images are of class 0 whatever the value: still one bin is read as class 1.
    labels = (np.arange(100) % 10 == 0).astype(int)
    values = np.arange(100.0)
    read = classify_by_bins(values, labels, np.arange(100))
    assert np.bincount(read).tolist() == [90, 10]


def test_images_fall_into_the_bin_of_the_nearest_fitted_value():
    values = np.array([0.0, 1, 10, 11, 4, 7])
    labels = np.array([0, 0, 1, 1, 0, 1])
    assert classify_by_bins(values, labels, np.arange(4)).tolist() == [0, 0, 1, 1, 0, 1]


def test_each_factor_has_a_latent_of_its_own():
    codes = np.column_stack([NOISE[:, 0], PERFECT[:, ::-1]])
    assert assign_latents(codes, CLASSES).tolist() == [5, 4, 3, 2, 1]
    # The best latent of the first is the second's only one.
    one = PERFECT[:, 3] + 0.01 * PERFECT[:, 4]
    other = PERFECT[:, 3] + 0.4 * NOISE[:, 0]
    latents = assign_latents(np.column_stack([other, one]), CLASSES[:, [3, 4]])
    assert sorted(latents) == [0, 1]
    assert assign_latents(PERFECT[:, [4]], CLASSES).tolist() == [-1, -1, -1, -1, 0]


@pytest.mark.filterwarnings("error")
def test_factors_without_a_latent_are_right_by_luck():
    found = measure_snc(PERFECT[:, 2:], CLASSES)
    assert found["latent_per_factor"].tolist() == [-1, -1, 0, 1, 2]
    assert_allclose(found["accuracy_per_factor"][2:], 1)
    assert found["score"] == pytest.approx((3 + 2 * luck(slice(2))) / 5)


def test_classes_that_no_fitted_image_has_are_not_read():
    assert number_fitted(np.array([5, 9, 7, 5, 8]), np.array([0, 1, 2])).tolist() == [
        0,
        2,
        1,
        0,
        -1,
    ]


@pytest.mark.filterwarnings("error")
def test_what_is_lost_without_its_latent_is_all_but_chance():
    few = slice(2)
    found = measure_nk(np.hstack([PERFECT, 1e-3 * NOISE])[:, [0, 1, 5, 6]], CLASSES[:, few])
    assert_allclose(found["accuracy_per_factor"], 1)
    assert found["knocked_out_per_factor"] == pytest.approx([1 / 3, 1 / 2], abs=0.08)
    assert found["score"] == pytest.approx(1 - found["knocked_out_per_factor"].mean(), abs=1e-12)


@pytest.mark.filterwarnings("error")
def test_nothing_is_lost_where_another_latent_says_the_same():
    twice = np.hstack([PERFECT[:, :2], -PERFECT[:, :2]])
    assert measure_nk(twice, CLASSES[:, :2])["score"] == pytest.approx(0, abs=0.01)
    # A latent that says half of it leaves half of what is lost.
    half = np.column_stack([PERFECT[:, 0], PERFECT[:, 0] > 0])
    lost = measure_nk(half, CLASSES[:, :1])["score"]
    assert lost == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "codes", [np.zeros((1_500, 3)), PERFECT[:, :0].sum(1, keepdims=True) + 0.1]
)
def test_dead_codes_lose_nothing(codes):
    found = measure_nk(codes, CLASSES[:, :2])
    assert found["score"] == 0
    assert found["accuracy_per_factor"].mean() == pytest.approx(luck(slice(2)))


def test_a_dead_latent_is_not_read_whatever_its_trace_holds():
    found = measure_nk(PERFECT[:, :2] * [1, 1e-3], CLASSES[:, :2])
    assert found["accuracy_per_factor"][0] == 1
    assert found["accuracy_per_factor"][1] == pytest.approx(1 / 2, abs=0.1)
    assert found["score"] == pytest.approx(1 / 3, abs=0.05)
