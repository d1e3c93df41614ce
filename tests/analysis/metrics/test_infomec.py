import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.feature_selection import mutual_info_classif
from sklearn.metrics import mutual_info_score

from code_kinds import GRID, choose_images, make_codes
from disentgen.analysis.metrics.infomec import (
    concentrate,
    estimate_information,
    measure_explicitness,
    measure_infomec,
)

INDICES = choose_images("complete")
CLASSES = GRID.classes(INDICES)
PERFECT = make_codes("perfect", GRID, INDICES, np.random.default_rng(0))
RNG = np.random.default_rng(2)
LABELS = RNG.integers(0, 6, 2_000)
#: Not one value twice: information in the place, in the spread, in nothing.
CONTINUOUS = np.column_stack([
    LABELS + RNG.normal(size=2_000),
    (1 + LABELS) * RNG.normal(size=2_000),
    RNG.normal(size=2_000),
])  # fmt: skip


def test_information_of_continuous_latents_is_that_of_scikit_learn():
    expected = mutual_info_classif(
        CONTINUOUS, LABELS, discrete_features=False, n_neighbors=10, random_state=0
    )
    assert expected[:2].min() > 0.2
    assert_allclose(estimate_information(CONTINUOUS, LABELS), expected, atol=1e-4)


def test_information_of_quantised_latents_is_that_of_their_counts_with_less_bias():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 32, 5_000)
    other = rng.integers(0, 40, 5_000)
    codes = np.column_stack([labels % 4, labels, other]).astype(float)
    found = estimate_information(codes, labels)
    assert_allclose(found[:2], np.log([4, 32]), atol=0.01)
    assert mutual_info_score(labels, other) > 0.1
    assert found[2] < 0.03


@pytest.mark.parametrize("scale", [1e-10, -1, 1e5])
def test_neither_scale_nor_sign_of_a_latent_matters(scale):
    mixed = np.column_stack([PERFECT[:, 0] + PERFECT[:, 1], PERFECT[:, 1:]])
    mixed[:, 4] += np.random.default_rng(0).normal(size=len(mixed)) / 2
    first, second = (
        measure_infomec(codes, CLASSES) for codes in (mixed, mixed * [scale, 1, 1, 1, 1])
    )
    for part in ("infom", "infoc", "active"):
        assert second[part] == pytest.approx(first[part], abs=1e-9)
    assert second["infoe"] == pytest.approx(first["infoe"], abs=0.01)
    assert first["active"] == 5
    assert 0.5 < first["infom"] < 0.99


def test_a_latent_of_two_factors_and_a_factor_of_two_latents():
    both = CLASSES[:, 0] * 2 + CLASSES[:, 1]
    shared = measure_infomec(np.column_stack([both, PERFECT[:, 2:]]), CLASSES)
    # Of five factors, the latent of two says as much of either.
    assert shared["infom"] == pytest.approx(((1 / 2 - 1 / 5) / (4 / 5) + 3) / 4, abs=1e-6)
    assert shared["infoc"] == pytest.approx(1)
    twice = measure_infomec(np.column_stack([PERFECT[:, 0], PERFECT]), CLASSES)
    assert twice["infom"] == pytest.approx(1)
    assert twice["infoc"] == pytest.approx(((1 / 2 - 1 / 6) / (5 / 6) + 4) / 5, abs=1e-6)


def test_a_factor_that_no_latent_informs_of_is_not_compact():
    found = measure_infomec(PERFECT[:, :4], CLASSES)
    assert found["infom"] == pytest.approx(1)
    assert found["infoc"] == pytest.approx(4 / 5)
    assert found["infoe"] == pytest.approx(4 / 5, abs=0.01)


def test_noise_takes_no_part():
    noise = np.random.default_rng(7).normal(size=(len(PERFECT), 6))
    found = measure_infomec(np.hstack([PERFECT, noise]), CLASSES)
    assert found["active"] == 5
    assert found["infom"] == found["infoc"] == pytest.approx(1)
    assert (found["information"][5:] == 0).all()
    assert measure_infomec(noise, CLASSES)["active"] == 0


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([[1.0, 0, 0], [2, 2, 2], [0, 0, 0], [1, 1, 0]], [1, 0, 0, 1 / 4]),
        ([[3.0], [0]], [1, 0]),
        (np.empty((2, 0)), [0, 0]),
    ],
)
def test_concentration_by_hand(shares, expected):
    assert_allclose(concentrate(np.asarray(shares)), expected, atol=1e-12)


def test_explicitness_is_measured_against_the_shares_of_classes():
    rng = np.random.default_rng(5)
    labels = (rng.random(4_000) < 0.05).astype(int)
    # log 2 in place of the entropy of such shares would make this 0.7.
    assert measure_explicitness(rng.normal(size=(4_000, 1)), labels) < 0.02
    # Told in three of four cases: the entropy that is left is 3/4 H(1/3) of log 2.
    read = np.where(rng.random(4_000) < 0.25, rng.integers(0, 2, 4_000), 2)
    labels = np.where(read < 2, read, rng.integers(0, 2, 4_000))
    one_hot = (read[:, None] == np.arange(2)).astype(float)
    assert measure_explicitness(one_hot, labels) == pytest.approx(1 / 4, abs=0.04)


def test_one_image_that_is_read_wrongly_does_not_undo_all_others():
    labels = np.arange(1_000) % 2
    codes = np.where(np.arange(1_000) == 17, 1 - labels, labels)[:, None] * 200.0
    assert 0.9 < measure_explicitness(codes, labels) < 1
