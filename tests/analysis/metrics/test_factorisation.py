"""Linear factorisation: closed forms, grids with holes, directions that cannot be known."""

import numpy as np
import pytest

from code_kinds import measure_kind
from disentgen.analysis.metrics.factorisation import measure_factorisation
from disentgen.analysis.metrics.information import hold_back

RNG = np.random.default_rng(0)
CLASSES = RNG.integers(0, [2, 5, 7], (1_000, 3))
#: A direction of four latents for each value of each factor.
DIRECTIONS = [RNG.normal(size=(size, 4)) for size in (2, 5, 7)]
SUMS = sum(own[labels] for own, labels in zip(DIRECTIONS, CLASSES.T, strict=True))


@pytest.mark.parametrize("cells", ["complete", "tenth"])
@pytest.mark.parametrize("kind", ["perfect", "permuted", "rotated", "duplicated", "partly dead"])
def test_sums_of_orthogonal_directions_are_perfect_whatever_is_missing(kind, cells):
    result = measure_kind("factorisation", kind, cells)
    assert result["score"] == pytest.approx(1, abs=1e-5)
    assert result["orthogonality"] == pytest.approx(1, abs=1e-5)
    assert result["cosine_within"] == pytest.approx(1)
    assert result["components"] == 5
    assert result["cosines"] == pytest.approx(np.eye(5), abs=1e-5)


@pytest.mark.parametrize("cells", ["complete", "tenth"])
def test_noise_is_no_sum(cells):
    result = measure_kind("factorisation", "noise", cells)
    assert result["score"] == 0
    # 48 free directions are fitted to the noise of about 2,000 images.
    assert -0.05 < result["r2"] < -0.01
    assert result["orthogonality"] == pytest.approx(1 - (2 / (10 * np.pi)) ** 0.5, abs=0.03)


def test_constant_codes_have_no_directions():
    result = measure_kind("factorisation", "constant")
    assert (result["score"], result["components"]) == (0, 0)
    assert np.isnan(result["orthogonality"])


def test_any_sum_is_found_and_its_directions_are_the_ones_it_was_made_of():
    result = measure_factorisation(SUMS, CLASSES)
    assert result["score"] == pytest.approx(1)
    assert result["r2_unwhitened"] == pytest.approx(1)
    fitted, _ = hold_back(len(CLASSES))
    centred = [own - own[labels].mean(axis=0)
               for own, labels in zip(DIRECTIONS, CLASSES[fitted].T, strict=True)]  # fmt: skip
    units = [own / np.linalg.norm(own, axis=1, keepdims=True) for own in centred]
    assert result["cosines"][0, 2] == pytest.approx(np.abs(units[0] @ units[2].T).mean())
    within = np.abs(units[1] @ units[1].T)[~np.eye(5, dtype=bool)].mean()
    assert result["cosines"][1, 1] == pytest.approx(within)
    apart = [np.abs(units[i] @ units[j].T).mean() for i, j in ((0, 1), (0, 2), (1, 2))]
    assert result["cosine_across"] == pytest.approx(np.mean(apart))
    assert result["orthogonality"] == pytest.approx(1 - np.mean(apart))


def test_r2_is_the_share_of_variance_that_sums_explain():
    """Noise of half the variance, in one direction of two: whitening gives both as much weight."""
    size = 20_000
    classes = np.random.default_rng(1).integers(0, 2, (size, 2))
    clean = classes[:, 0] - 0.5
    noise = np.random.default_rng(2).normal(size=size)
    codes = np.column_stack([clean, 10 * (classes[:, 1] - 0.5 + 0.5 * noise)])
    result = measure_factorisation(codes, classes)
    assert result["score"] == pytest.approx((1 + 1 / 2) / 2, abs=0.02)
    assert result["r2_unwhitened"] == pytest.approx(1 / 2, abs=0.02)


def test_interactions_are_no_sums():
    classes = np.array([(a, b) for a in range(2) for b in range(2)]).repeat(250, axis=0)
    result = measure_factorisation((classes.sum(axis=1) % 2)[:, None], classes)
    assert result["score"] == pytest.approx(0, abs=0.01)


def test_traces_of_noise_are_not_whitened():
    codes = np.column_stack([SUMS, 1e-3 * RNG.normal(size=(1_000, 3))])
    result = measure_factorisation(codes, CLASSES)
    assert result["components"] == 4
    assert result["score"] == pytest.approx(1, abs=1e-4)


@pytest.mark.filterwarnings("error")
def test_directions_that_missing_combinations_leave_open_have_no_cosines():
    """Values 0 and 1 of both factors never meet 2 and 3: each half may be moved for itself."""
    a, b, half = RNG.integers(0, 2, (3, 500))
    classes = np.column_stack([a, b]) + 2 * half[:, None]
    codes = classes.astype(float)
    result = measure_factorisation(codes, classes)
    assert result["score"] == pytest.approx(1)
    assert np.isnan(result["orthogonality"])
    met = np.vstack([classes, [[0, 2]] * 5])
    assert measure_factorisation(met.astype(float), met)["orthogonality"] == pytest.approx(1)


@pytest.mark.filterwarnings("error")
def test_values_that_no_fitted_image_has_are_not_asked_for():
    kept = hold_back(1_000)[1]
    classes = CLASSES.copy()
    classes[kept[:3], 2] = 7
    codes = np.vstack([SUMS])
    codes[kept[:3]] = 1e6
    assert measure_factorisation(codes, classes)["score"] == pytest.approx(1)
    unknown = np.arange(5)[:, None]
    assert np.isnan(measure_factorisation(unknown, unknown)["score"])


def test_a_single_factor_is_orthogonal_to_none():
    result = measure_factorisation(SUMS, CLASSES[:, :1])
    assert np.isnan(result["orthogonality"])
    assert result["cosine_within"] == pytest.approx(1)  # two directions of mean 0 are opposite
