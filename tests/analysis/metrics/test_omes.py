import numpy as np
import pytest
from numpy.testing import assert_allclose

from disentgen.analysis.bounds import format_score, measure_bounds
from disentgen.analysis.metrics import Sampler, UndefinedError, load_metrics
from disentgen.analysis.metrics.omes import measure_omes, score_association
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.split import split_grid

GRID = FactorGrid({"on": (0, 1), "size": (1, 2, 5), "x": tuple(range(7)), "y": tuple(range(6))})
EVERYTHING = np.arange(GRID.size)
PERFECT = GRID.standardise(GRID.values(EVERYTHING))
RNG = np.random.default_rng(8)
MIXED = np.column_stack([
    PERFECT[:, 0] + 0.6 * PERFECT[:, 2], PERFECT[:, 1], PERFECT[:, 3] * PERFECT[:, 2],
    RNG.normal(size=GRID.size),
])  # fmt: skip
SOME = RNG.random(GRID.size) < 0.3


def measure(codes, allowed=None, grid=GRID):
    sampler = Sampler(lambda indices: codes[indices], grid, np.random.default_rng(0), allowed)
    return measure_omes(sampler)


def associate_by_hand(codes, allowed, factor):
    """1 − ρ of every latent over all pairs, each image's partners weighing as much as another's."""
    classes = GRID.classes(EVERYTHING)
    first, second, weights = [], [], []
    for one in np.flatnonzero(allowed):
        differs = classes != classes[one]
        partners = np.flatnonzero(allowed & differs[:, factor] & (differs.sum(axis=1) == 1))
        first += [one] * len(partners)
        second += partners.tolist()
        weights += [1 / max(len(partners), 1)] * len(partners)
    known = len(np.unique(classes[allowed][:, factor]))
    both = [
        np.cov(codes[first, i], codes[second, i], aweights=weights, bias=True) for i in range(4)
    ]
    correlation = np.array([matrix[0, 1] / matrix[0, 0] for matrix in both])
    return 1 - np.clip(1 / known + (1 - 1 / known) * correlation, 0, 1), len(first) // 2


@pytest.mark.parametrize("allowed", [SOME, np.ones(GRID.size, bool)], ids=["some", "all"])
def test_associations_are_those_of_all_pairs(allowed):
    found = measure(MIXED, allowed)
    for factor in range(4):
        expected, pairs = associate_by_hand(MIXED, allowed, factor)
        assert_allclose(found["association"][:, factor], expected, atol=1e-9)
        assert found["pairs_per_factor"][factor] == pairs


def test_a_latent_for_each_factor_is_perfect_be_it_binary_or_not():
    found = measure(PERFECT)
    assert_allclose(found["association"], np.eye(4), atol=1e-12)
    for part in ("score", "overlap", "multiple_encoding"):
        assert found[part] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("association", "overlap", "multiple"),
    [
        (np.eye(3), 1, 1),
        (np.ones((3, 3)), 1 / 3, 1 / 3),
        (np.zeros((2, 3)), 0, 0),
        # The first factor in two latents; of its best, half of either counts.
        ([[1, 0], [1, 0], [0, 1]], 1, (2 / 3 + 1) / 2),
        # Both factors in one latent.
        ([[1.0, 1], [0, 0]], 1 / 2, 1),
        # The first: (1 − (0.2 + 0.5)/2) · 0.8 and (1 − 0.2/2) · 0.8.
        ([[0.8, 0.5], [0, 1]], (0.65 * 0.8 + 1) / 2, (0.9 * 0.8 + 0.75) / 2),
        (np.empty((0, 2)), 0, 0),
    ],
)  # fmt: skip
def test_scores_of_associations_worked_out_by_hand(association, overlap, multiple):
    assert score_association(np.asarray(association, float)) == pytest.approx((overlap, multiple))


def test_dead_latents_do_not_count():
    trace = 1e-3 * RNG.normal(size=(GRID.size, 3))
    found = measure(np.hstack([PERFECT, trace, np.full((GRID.size, 1), 0.1)]))
    assert found["score"] == pytest.approx(1)
    assert (found["association"][4:] == 0).all()
    mixed, among_dead = measure(MIXED), measure(np.hstack([MIXED, trace]))
    assert among_dead["multiple_encoding"] == pytest.approx(mixed["multiple_encoding"])


def test_a_factor_without_pairs_is_named_and_left_out():
    # Where there is a size for every x, it never differs alone.
    classes = GRID.classes(EVERYTHING)
    found = measure(PERFECT, classes[:, 1] == classes[:, 2] % 3)
    assert found["pairs_per_factor"][1] == 0
    assert "without size: no two of 84 images differ in it alone" in found["warning"]
    assert np.isnan(found["association"][:, 1]).all()
    assert found["association"][0, 0] == pytest.approx(1)
    # Nor is x varied with all other classes as they are, but in steps of three.
    assert 0.8 < found["score"] < 1
    assert "warning" not in measure(PERFECT)


def test_where_no_two_images_differ_in_one_factor_it_is_refused():
    classes = GRID.classes(EVERYTHING)
    on, size, x, y = classes.T
    apart = (x == on + 2 * size) & (y == on + size)
    assert apart.sum() == 6
    with pytest.raises(
        UndefinedError, match="^OMES needs .* one factor alone; of .* images, no two"
    ):
        measure(PERFECT, apart)


def test_a_metric_that_is_not_defined_is_unknown_and_says_why(monkeypatch, tmp_path):
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))
    metric = load_metrics()["omes"]
    grid = FactorGrid({name: tuple(range(40)) for name in "abc"})
    images = np.array([0, 5_000, 30_001, 30_500, 63_999])
    found = metric.measure(lambda indices: indices[:, None] % [40, 7], grid, images)
    assert [found[part] for part in metric.scores] == pytest.approx([np.nan] * 3, nan_ok=True)
    assert found["images"] == 5
    assert "no two do" in found["warning"]
    split = split_grid(grid, None, None, 0.1, 0)
    bounds = measure_bounds("toy", split, 3, 5, [metric, load_metrics()["sap"]])
    assert bounds["omes", "score"] == {"ceiling": None, "floor": None}
    assert bounds["sap", "score"]["ceiling"] > 0.1
    assert format_score(found["score"], None) == "– / –"
