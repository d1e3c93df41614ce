from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy.special import ndtri
from scipy.stats import entropy, linregress, spearmanr
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import mutual_info_score

from disentgen.analysis.metrics import Sampler, load_metrics
from disentgen.analysis.metrics.dci import (
    BoostedTrees,
    measure_dci_lasso,
    measure_dci_trees,
    summarise_importances,
)
from disentgen.analysis.metrics.fixing import measure_factor_vae, measure_higgins
from disentgen.analysis.metrics.information import (
    bin_codes,
    entropy_of,
    explicitness,
    hold_back,
    information_of,
    measure_mig,
    measure_modularity,
    mutual_information,
    standardise,
)
from disentgen.analysis.metrics.robustness import measure_irs
from disentgen.analysis.metrics.separability import measure_sap, squared_correlation
from disentgen.analysis.metrics.udr import compare_models, measure_udr
from disentgen.dataset.grid import FactorGrid
from disentgen.errors import UsageError

GRID = FactorGrid(
    {name: tuple(range(size)) for name, size in [("shape", 3), ("scale", 4), ("x", 8), ("y", 8)]}
)
CLASSES = GRID.classes(np.arange(GRID.size))
PERFECT = (CLASSES - CLASSES.mean(axis=0)) / CLASSES.std(axis=0)
ROTATED = PERFECT @ np.linalg.qr(np.random.default_rng(5).normal(size=(4, 4)))[0]
NOISE = np.random.default_rng(6).random((GRID.size, 5))
MIXED = np.column_stack([
    PERFECT[:, 0] + 0.3 * PERFECT[:, 1],
    PERFECT[:, 1] - 0.5 * PERFECT[:, 2],
    PERFECT[:, 2],
    PERFECT[:, 3] + NOISE[:, 3],
    NOISE[:, 4],
])  # fmt: skip
#: These are in units of the latents.
IN_UNITS = {"dci_lasso", "irs", "topographic_similarity"}
#: A network is fitted ten times: test_neurons.py.
SLOW = {"nk"}
METRICS = sorted(set(load_metrics("codes", "sampler")) - SLOW)
OF_CODES = sorted(set(load_metrics("codes")) - SLOW)
CHANCE = 1 / 4
#: What metrics say of codes that are dead altogether, where it is not 0.
UNINFORMED = {"higgins": CHANCE, "factor_vae": CHANCE, "snc": np.mean([1 / k for k in GRID.sizes])}
#: How far the order of latents matters to fits.
FITTED = {"dci_trees": 0.02, "higgins": 0.02, "dci_lasso": 1e-4, "dci_es": 0.02}
#: Of a rotation nothing is to be seen by what reads all latents at once.
NOT_OF_AXES = {"dci_es", "factorisation", "topographic_similarity"}

#: Two binary factors; one latent is the first of them, the other is the sum of both.
TINY_CLASSES = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]).repeat(5, axis=0)
TINY = np.column_stack([TINY_CLASSES[:, 0], TINY_CLASSES.sum(axis=1)]).astype(float)


def sampler_of(codes, grid=GRID, allowed=None):
    return Sampler(lambda indices: codes[indices], grid, np.random.default_rng(0), allowed)


def measure(name, codes):
    metric = load_metrics()[name]
    return (
        metric.function(sampler_of(codes))
        if metric.of == "sampler"
        else metric.function(codes, CLASSES)
    )


def score(name, codes):
    return measure(name, codes)[load_metrics()[name].main]


@cache
def mixed_score(name):
    return score(name, MIXED)


def test_all_metrics_are_found_under_their_own_names():
    assert set(load_metrics()) >= {
        "dci_lasso", "dci_trees", "factor_vae", "higgins", "irs", "mig", "modularity", "sap", "udr",
    }  # fmt: skip
    for name, metric in load_metrics().items():
        assert metric.name == name
        assert metric.title
        assert metric.source


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.filterwarnings("error")
def test_a_latent_for_each_factor_is_perfect(name):
    assert score(name, PERFECT) == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize("name", sorted(set(METRICS) - NOT_OF_AXES))
def test_rotated_codes_are_worse(name):
    assert score(name, ROTATED) < 0.9


@pytest.mark.parametrize("name", ["factorisation", "topographic_similarity"])
def test_rotated_codes_are_the_same_to_what_reads_all_latents(name):
    assert score(name, ROTATED) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize(
    "codes", [NOISE, MIXED, 3e-6 * NOISE + 1], ids=["noise", "mixed", "hardly moving"]
)
def test_scores_are_shares_and_the_same_each_time(name, codes):
    first, second = measure(name, codes), measure(name, codes)
    main = load_metrics()[name].main
    assert isinstance(first[main], float)
    assert 0 <= first[main] <= 1
    assert first.keys() == second.keys()
    for part in first:
        assert np.array_equal(first[part], second[part], equal_nan=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda codes: codes[:, [3, 1, 4, 0, 2]],
        lambda codes: codes * [-1, 1, -1, -1, 1],
        lambda codes: codes * [4, 0.5, 1, 8, 2] + [0, 3, -1, 0, 10],
    ],
    ids=["permuted", "negated", "rescaled"],
)
@pytest.mark.parametrize("name", METRICS)
def test_order_and_sign_and_scale_of_latents_do_not_matter(name, change):
    if name in IN_UNITS and change(np.ones((1, 5))).max() > 1:
        return
    allowed = FITTED.get(name, 1e-9)
    assert score(name, change(MIXED)) == pytest.approx(mixed_score(name), abs=allowed)


def test_lasso_importances_are_in_units_of_the_latents():
    scaled = measure_dci_lasso(PERFECT * [1, 1, 2, 1], CLASSES)["importances"]
    assert scaled[2, 2] == pytest.approx(0.5, abs=0.02)
    assert scaled[3, 3] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("name", ["mig", "modularity", "sap", "irs"])
def test_order_of_images_does_not_matter(name):
    order = np.random.default_rng(1).permutation(len(MIXED))
    metric = load_metrics()[name]
    shuffled = metric.function(MIXED[order], CLASSES[order])
    assert shuffled["score"] == pytest.approx(mixed_score(name), abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dead", [0.0, 0.1, -1e6])
def test_a_dead_latent_changes_nothing(name, dead):
    with_dead = np.column_stack([MIXED, np.full(len(MIXED), dead)])
    allowed = 0.02 if name in {"dci_trees", "higgins"} else 1e-4
    assert score(name, with_dead) == pytest.approx(mixed_score(name), abs=allowed)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dead", [0.0, 0.1])
def test_codes_that_are_dead_altogether_score_at_chance(name, dead):
    found = score(name, np.full((GRID.size, 3), dead))
    assert found == pytest.approx(UNINFORMED.get(name, 0), abs=0.08)


@pytest.mark.parametrize("name", OF_CODES)
@pytest.mark.filterwarnings("error")
def test_a_factor_of_one_value_is_no_trouble(name):
    metric = load_metrics()[name]
    with_constant = np.column_stack([CLASSES, np.full(len(CLASSES), 2)])
    assert metric.function(PERFECT, with_constant)[metric.main] == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize("name", ["mig", "sap"])
def test_a_factor_of_one_value_counts_nothing(name):
    metric = load_metrics()[name]
    with_constant = np.column_stack([CLASSES, np.full(len(CLASSES), 2)])
    assert metric.function(MIXED, with_constant)["score"] == pytest.approx(mixed_score(name))


@pytest.mark.parametrize("function", [measure_higgins, measure_factor_vae])
@pytest.mark.filterwarnings("error")
def test_a_factor_of_one_value_is_not_asked_for(function):
    grid = FactorGrid({"colour": (0,), **GRID.factor_values})
    result = function(sampler_of(PERFECT, grid))
    assert result["score"] == pytest.approx(1, abs=0.01)
    assert result["chance"] == CHANCE


@pytest.mark.parametrize("name", OF_CODES)
def test_no_factor_varies(name):
    metric = load_metrics()[name]
    found = metric.function(MIXED, np.zeros((len(MIXED), 2), int))[metric.main]
    assert found == pytest.approx(0, abs=0.01)


@pytest.mark.filterwarnings("error")
def test_noise_tells_of_nothing():
    assert measure_mig(NOISE, CLASSES)["score"] < 0.03
    assert measure_sap(NOISE, CLASSES)["score"] < 0.02
    assert measure_irs(NOISE, CLASSES)["score"] < 0.1
    assert measure_modularity(NOISE, CLASSES)["explicitness"] == pytest.approx(0.5, abs=0.06)
    assert measure_dci_lasso(NOISE, CLASSES)["informativeness"] < 0.01
    chances = np.mean([1 / size for size in GRID.sizes])
    informativeness = measure_dci_trees(NOISE, CLASSES)["informativeness"]
    assert informativeness == pytest.approx(chances, abs=0.07)
    for function in (measure_higgins, measure_factor_vae):
        assert function(sampler_of(NOISE))["score"] == pytest.approx(CHANCE, abs=0.12)


def test_informative_codes_are_told_from_noise():
    for function in (measure_dci_lasso, measure_dci_trees):
        assert function(PERFECT, CLASSES)["informativeness"] > 0.99
    assert measure_modularity(PERFECT, CLASSES)["explicitness"] > 0.7
    one_hot = np.column_stack([value == CLASSES for value in range(8)]).astype(float)
    assert measure_modularity(one_hot, CLASSES)["explicitness"] > 0.999


def test_factors_in_two_latents_each_leave_no_gap():
    twice = np.column_stack([PERFECT, PERFECT])
    assert measure_mig(twice, CLASSES)["score"] == 0
    assert measure_sap(twice, CLASSES)["score"] == pytest.approx(0, abs=1e-12)
    assert measure_modularity(twice, CLASSES)["score"] == pytest.approx(1)
    assert measure_irs(twice, CLASSES)["score"] == pytest.approx(1)
    shared = summarise_importances(np.vstack([np.eye(4), np.eye(4)]))
    assert shared["disentanglement"] == pytest.approx(1)
    assert shared["completeness"] == pytest.approx(1 - np.log(2) / np.log(8))


def test_two_factors_in_one_latent_are_entangled():
    shared = summarise_importances(np.array([[1.0, 1.0, 0, 0], [0, 0, 1, 1]]))
    assert shared["completeness"] == pytest.approx(1)
    assert shared["disentanglement"] == pytest.approx(1 - np.log(2) / np.log(4))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("importances", "disentanglement", "completeness"),
    [
        (np.eye(3), 1, 1),
        (np.ones((5, 3)), 0, 0),
        (np.zeros((5, 3)), 0, 0),
        ([[1, 1], [0, 2]], 1 / 2, 1 / 4 + 3 / 4 * (5 / 3 - np.log2(3))),
        ([[7, 0], [0, 0], [0, 2]], 1, 1),
        ([[3, 0], [1, 0]], 1, 3 / 4 * np.log2(3) - 1),
        ([[2], [2]], 1, 0),
        ([[2, 2]], 0, 1),
    ],
)  # fmt: skip
def test_importances_worked_out_by_hand(importances, disentanglement, completeness):
    found = summarise_importances(np.asarray(importances, float))
    assert found["disentanglement"] == pytest.approx(disentanglement, abs=1e-12)
    assert found["completeness"] == pytest.approx(completeness, abs=1e-12)


def test_latents_and_factors_without_importance_are_told_apart():
    found = summarise_importances(np.array([[7.0, 0, 0], [0, 0, 0], [0, 2, 0]]))
    assert_allclose(found["disentanglement_per_latent"], [1, 0, 1])
    assert_allclose(found["completeness_per_factor"], [1, 1, 0])


@given(
    arrays(float, (4, 3), elements=st.floats(0, 10).map(lambda value: round(value, 3))),
    st.floats(0.01, 100),
    st.permutations(range(4)),
)
def test_importances_are_relative_and_have_no_order(importances, scale, order):
    found = summarise_importances(importances)
    other = summarise_importances(scale * importances[order][:, ::-1])
    turned = summarise_importances(importances.T)
    for part, opposite in (
        ("disentanglement", "completeness"),
        ("completeness", "disentanglement"),
    ):
        assert -1e-9 <= found[part] <= 1 + 1e-9
        assert other[part] == pytest.approx(found[part], abs=1e-9)
        assert turned[opposite] == pytest.approx(found[part], abs=1e-9)


def test_tiny_case_of_every_gap_by_hand():
    information = mutual_information(TINY, TINY_CLASSES)
    assert_allclose(information, np.log(2) * np.array([[1, 0], [0.5, 0.5]]), atol=1e-12)
    mig = measure_mig(TINY, TINY_CLASSES)
    assert_allclose(mig["gap_per_factor"], [0.5, 0.5])
    assert mig["score"] == pytest.approx(0.5)
    modularity = measure_modularity(TINY, TINY_CLASSES)
    assert_allclose(modularity["modularity_per_latent"], [1, 0], atol=1e-12)
    sap = measure_sap(TINY, TINY_CLASSES)
    assert_allclose(sap["squared_correlation"], [[1, 0], [0.5, 0.5]], atol=1e-12)
    assert sap["score"] == pytest.approx(0.5)
    irs = measure_irs(TINY, TINY_CLASSES)
    assert_allclose(irs["robustness"], [[1, 0], [0.5, 0.5]], atol=1e-12)
    assert irs["score"] == pytest.approx(2 / 3)


def test_a_single_latent_has_nothing_beside_it():
    assert measure_mig(PERFECT[:, :1], CLASSES)["gap_per_factor"] == pytest.approx([1, 0, 0, 0])
    assert measure_sap(PERFECT[:, :1], CLASSES)["gap_per_factor"] == pytest.approx([1, 0, 0, 0])


COLUMNS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=40)


@given(COLUMNS)
def test_information_and_entropy_are_those_of_other_libraries(pairs):
    first, second = np.array(pairs).T
    found = information_of(first, second)
    assert found == pytest.approx(mutual_info_score(first, second), abs=1e-12)
    assert found == pytest.approx(information_of(second, first), abs=1e-12)
    assert entropy_of(first) == pytest.approx(entropy(np.bincount(first)), abs=1e-12)
    assert information_of(first, first) == pytest.approx(entropy_of(first), abs=1e-12)
    assert 0 <= found <= min(entropy_of(first), entropy_of(second)) + 1e-12


@given(arrays(float, (30, 2), elements=st.floats(-1e6, 1e6)))
def test_bins_are_those_of_a_histogram(codes):
    binned = bin_codes(codes)
    assert binned.min() >= 0
    assert binned.max() <= 19
    for latent, places in zip(codes.T, binned.T, strict=True):
        if latent.max() - latent.min() > 1e-3:
            assert places[latent.argmin()] == 0
            assert places[latent.argmax()] == 19
            assert (np.diff(places[latent.argsort()]) >= 0).all()


def test_bins_are_of_equal_width():
    codes = np.linspace(-3, 5, 2_000)[:, None]
    assert_allclose(np.bincount(bin_codes(codes)[:, 0]), 100, atol=1)
    expected = np.histogram(NOISE[:, 0], 20)[0]
    assert np.array_equal(np.bincount(bin_codes(NOISE)[:, 0]), expected)


def test_squared_correlation_is_that_of_a_regression():
    found = squared_correlation(MIXED, CLASSES)
    expected = np.corrcoef(MIXED.T, CLASSES.T)[:5, 5:] ** 2
    assert_allclose(found, expected, atol=1e-12)
    line = linregress(MIXED[:, 1], CLASSES[:, 2])
    assert found[1, 2] == pytest.approx(line.rvalue**2)


@pytest.mark.parametrize("quantile", [0.5, 0.99, 1.0])
def test_irs_is_that_of_a_direct_loop(quantile):
    codes, classes = NOISE[:60, :3], CLASSES[::12][:60, 1:]
    robust = np.zeros((3, 3))
    reach = [max(abs(value - column.mean()) for value in column) for column in codes.T]
    for latent, column in enumerate(codes.T):
        for factor, labels in enumerate(classes.T):
            found = []
            for label in set(labels):
                there = [value for value, own in zip(column, labels, strict=True) if own == label]
                found.append(np.quantile(np.abs(np.array(there) - np.mean(there)), quantile))
            robust[latent, factor] = 1 - np.mean(found) / reach[latent]
    result = measure_irs(codes, classes, quantile)
    assert_allclose(result["robustness"], robust, atol=1e-12)
    assert result["score"] == pytest.approx(np.average(robust.max(axis=1), weights=reach))


def test_explicitness_knows_order_and_chance():
    quantiles = ndtri((np.arange(500) + 0.5) / 500)
    labels = (quantiles > 0).astype(int)
    assert explicitness(quantiles[:, None], labels) == 1
    assert explicitness(np.zeros((500, 2)), labels) == 0.5
    # No straight line has a class in the middle of eight on one side alone.
    ordered = np.repeat(np.arange(8), 100)
    found = explicitness(ordered[:, None] + 0.01 * np.random.default_rng(0).normal(size=(800, 1)),
                         ordered)  # fmt: skip
    assert 0.7 < found < 0.85
    assert np.isnan(explicitness(NOISE, np.zeros(len(NOISE), int)))


@given(st.integers(0, 200))
def test_a_fifth_is_kept_back(count):
    fitted, kept = hold_back(count)
    assert len(kept) == count // 5
    assert sorted([*fitted, *kept]) == list(range(count))


def orthonormal_codes(count, latents):
    """Codes whose fitted part is centred and of unit covariance."""
    rng = np.random.default_rng(3)
    fitted, _ = hold_back(count)
    codes = rng.normal(size=(count, latents))
    centred = codes[fitted] - codes[fitted].mean(axis=0)
    codes[fitted] = np.linalg.qr(centred)[0] * np.sqrt(len(fitted))
    return codes, fitted


def test_lasso_importances_are_soft_thresholds_of_orthonormal_latents():
    codes, fitted = orthonormal_codes(500, 5)
    classes = np.column_stack([
        np.digitize(codes[:, 0] + 0.2 * codes[:, 1], [-1, 0, 1]),
        np.digitize(codes[:, 2], [0]),
        np.digitize(codes[:, 3] - codes[:, 0] + 0.1 * codes[:, 4], np.linspace(-2, 2, 9)),
    ])  # fmt: skip
    covariance = codes[fitted].T @ standardise(classes, fitted)[fitted] / len(fitted)
    expected = np.maximum(np.abs(covariance) - 0.02, 0)
    found = measure_dci_lasso(codes, classes)["importances"]
    assert (expected == 0).any()
    assert_allclose(found, expected, atol=1e-6)


def test_lasso_informativeness_is_the_share_explained():
    codes, _ = orthonormal_codes(500, 2)
    labels = np.digitize(codes[:, 0], np.linspace(-3, 3, 600))
    noisy = np.digitize(codes[:, 0] + codes[:, 1], np.linspace(-5, 5, 600))
    found = measure_dci_lasso(codes[:, :1], np.column_stack([labels, noisy]))
    assert found["informativeness_per_factor"][0] > 0.99
    assert found["informativeness_per_factor"][1] == pytest.approx(0.5, abs=0.15)


def boosting_case():
    rng = np.random.default_rng(2)
    codes = rng.normal(size=(600, 5))
    mixed = np.column_stack([
        codes[:, 0] + 0.3 * rng.normal(size=600),
        codes[:, 1] + 0.6 * codes[:, 2],
        codes[:, 3] ** 2 + 0.5 * codes[:, 0],
    ])  # fmt: skip
    edges = [np.quantile(column, np.linspace(0, 1, size + 1)[1:-1])
             for column, size in zip(mixed.T, (3, 4, 4), strict=True)]  # fmt: skip
    labels = [np.digitize(column, edge) for column, edge in zip(mixed.T, edges, strict=True)]
    return codes, np.column_stack(labels)


def test_boosted_trees_find_the_importances_of_scikit_learn():
    codes, classes = boosting_case()
    ours, theirs = [], []
    for labels in classes.T:
        ours.append(BoostedTrees(codes, labels).importances)
        reference = GradientBoostingClassifier(
            n_estimators=100, max_depth=3, learning_rate=0.1, random_state=0
        )
        theirs.append(reference.fit(codes, labels).feature_importances_)
    ours, theirs = np.array(ours), np.array(theirs)
    assert np.array_equal(ours.argmax(axis=1), theirs.argmax(axis=1))
    assert np.abs(ours - theirs).mean() <= 0.02
    assert_allclose(ours.sum(axis=1), 1)
    ours, theirs = (summarise_importances(found.T) for found in (ours, theirs))
    assert ours["disentanglement"] == pytest.approx(theirs["disentanglement"], abs=0.05)


def test_first_trees_are_those_of_scikit_learn():
    rng = np.random.default_rng(4)
    codes = rng.normal(size=(200, 3))
    labels = np.tile([0, 1, 2, 3], 50)
    codes[:, 1] += labels
    reference = GradientBoostingClassifier(n_estimators=1, random_state=0).fit(codes, labels)
    ours = BoostedTrees(codes, labels, rounds=1)
    assert_allclose(ours.importances, reference.feature_importances_, atol=1e-6)
    assert np.array_equal(ours.predict(codes), reference.predict(codes))


def test_boosted_trees_tell_two_classes_by_any_name():
    codes, _ = boosting_case()
    labels = np.where(codes[:, 2] > 0.8, 7, 3)
    trees = BoostedTrees(codes[:400], labels[:400])
    assert trees.importances.argmax() == 2
    assert trees.importances[2] > 0.95
    assert (trees.predict(codes[400:]) == labels[400:]).mean() > 0.98


def test_boosted_trees_of_codes_that_tell_nothing_say_the_commonest_class():
    labels = np.array([0] * 10 + [4] * 30 + [5] * 20)
    trees = BoostedTrees(np.zeros((60, 2)), labels, rounds=3)
    assert not trees.importances.any()
    assert (trees.predict(np.zeros((5, 2))) == 4).all()


def test_boosted_trees_predict_classes_that_they_were_not_fitted_on():
    codes, classes = boosting_case()
    found = measure_dci_trees(codes, classes)
    assert 0.6 < found["informativeness"] < 0.95
    assert found["importances"].argmax(axis=0).tolist() == [0, 1, 3]


def test_factor_vae_votes_are_for_the_latent_of_each_factor():
    order = [2, 0, 3, 1]
    found = measure_factor_vae(sampler_of(PERFECT[:, order]))
    assert found["score"] == 1
    assert found["votes"].sum() == 10_000
    assert np.array_equal(found["votes"] > 0, np.eye(4, dtype=bool)[order])


def test_factor_vae_gives_no_vote_to_latents_that_hardly_move():
    codes = np.column_stack([PERFECT, 0.04 * NOISE[:, 0], 0.5 * NOISE[:, 1]])
    assert measure_factor_vae(sampler_of(codes))["alive"] == 5
    assert measure_factor_vae(sampler_of(codes), alive=0)["alive"] == 6


def test_factor_vae_of_dead_codes_has_the_parts_of_any_other():
    dead, living = (measure_factor_vae(sampler_of(codes)) for codes in (0 * PERFECT, PERFECT))
    assert dead.keys() == living.keys()
    assert dead["votes"].shape == living["votes"].shape
    assert dead["score"] == dead["chance"] == CHANCE


def test_higgins_is_tested_on_points_that_it_was_not_fitted_on():
    few = measure_higgins(sampler_of(NOISE), fitted=20, tested=200, batch=2)
    assert few["accuracy_fitted"] > few["score"]
    assert few["chance"] == CHANCE


@pytest.mark.parametrize("function", [measure_higgins, measure_factor_vae])
def test_only_images_that_are_allowed_are_encoded(function):
    allowed, asked = CLASSES[:, 2] < 4, []

    def encode(indices):
        asked.append(indices)
        return PERFECT[indices]

    sampler = Sampler(encode, GRID, np.random.default_rng(0), allowed)
    assert function(sampler)["score"] == pytest.approx(1, abs=0.02)
    assert allowed[np.concatenate(asked)].all()


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.integers(0, 2**32 - 1),
    st.data(),
)
@settings(max_examples=60)
def test_drawn_groups_are_allowed_and_share_their_class(sizes, seed, data):
    grid = FactorGrid({f"factor{i}": tuple(range(size)) for i, size in enumerate(sizes)})
    rng = np.random.default_rng(seed)
    allowed = rng.random(grid.size) < 0.5
    allowed[rng.integers(grid.size)] = True
    sampler = Sampler(lambda indices: indices, grid, rng, allowed)
    factor = data.draw(st.integers(0, len(sizes) - 1))
    groups = sampler.draw_sharing(factor, 7, 3)
    assert groups.shape == (7, 3)
    assert allowed[groups].all()
    shared = grid.classes(groups.ravel())[:, factor].reshape(7, 3)
    assert (shared == shared[:, :1]).all()
    assert allowed[sampler.draw(20)].all()
    classes = grid.classes(np.flatnonzero(allowed))
    assert sampler.varying() == [i for i in range(len(sizes)) if len(set(classes[:, i])) > 1]


def test_drawn_groups_are_uniform():
    grid = FactorGrid({"a": (0, 1), "b": (0, 1, 2)})
    allowed = np.array([True, False, False, True, True, True])
    drawn = sampler_of(np.arange(6), grid, allowed).draw_sharing(0, 4_000, 2)
    shares = np.bincount(drawn.ravel(), minlength=6) / drawn.size
    assert_allclose(shares, [1 / 4, 0, 0, 1 / 4, 1 / 4, 1 / 4], atol=0.02)
    second = drawn[drawn[:, 0] == 3, 1]
    assert_allclose(np.bincount(second)[3:] / len(second), 1 / 3, atol=0.05)


def test_nothing_is_drawn_of_nothing():
    sampler = sampler_of(PERFECT, allowed=np.zeros(GRID.size, bool))
    for draw in (lambda: sampler.draw(3), lambda: sampler.draw_sharing(0, 2, 2), sampler.varying):
        with pytest.raises(UsageError, match="no image may be drawn"):
            draw()


LIVE = np.ones(4)


def udr_scores(codes, kl):
    return measure_udr(codes, kl)["score_per_model"]


def test_models_alike_but_for_order_and_sign_match():
    turned = -np.exp(PERFECT[:, [2, 0, 3, 1]])
    found = measure_udr([PERFECT, turned], [LIVE, LIVE])
    assert found["score_per_model"] == pytest.approx([1, 1])
    assert found["live_latents_per_model"].tolist() == [4, 4]
    assert found["images"] == GRID.size
    assert compare_models(PERFECT, ROTATED) < 0.7
    assert compare_models(PERFECT, NOISE[:, :4]) < 0.1


def udr_by_loops(first, second, first_kl, second_kl):
    first, second = first[:, first_kl > 0.01], second[:, second_kl > 0.01]
    correlation = np.array([[abs(spearmanr(a, b).statistic) for b in second.T] for a in first.T])
    total = sum(column.max() ** 2 / column.sum() for column in correlation.T)
    total += sum(row.max() ** 2 / row.sum() for row in correlation)
    return total / (first.shape[1] + second.shape[1])


def test_udr_is_that_of_direct_loops():
    codes = [MIXED[::15, :3], ROTATED[::15, 1:], MIXED[::15, 1:] ** 2, PERFECT[::15]]
    kl = [np.array([1, 0.5, 0.001]), np.array([0.02, 3, 0.01]), np.array([1, 0, 2, 0.005]), LIVE]
    scores = [
        [udr_by_loops(codes[i], codes[j], kl[i], kl[j]) for j in range(4) if j != i]
        for i in range(4)
    ]
    assert udr_scores(codes, kl) == pytest.approx([np.median(row) for row in scores])
    assert measure_udr(codes, kl)["live_latents_per_model"].tolist() == [2, 2, 2, 4]


def test_dead_latents_that_hold_traces_of_factors_do_not_count():
    rng = np.random.default_rng(9)
    kl = np.array([2.0] * 4 + [0.01] * 5)
    models = []
    for _ in range(2):
        mixing = rng.normal(size=(4, 5))
        models.append(np.column_stack([PERFECT[:, rng.permutation(4)], 1e-7 * PERFECT @ mixing]))
    assert udr_scores(models, [kl, kl]) == pytest.approx([1, 1])
    assert udr_scores(models, [kl + 1, kl + 1]).max() < 0.6
    # A latent that is dead in one model alone has nothing to be found again in.
    one_dead = np.where(np.arange(9) == 0, 0.0, kl)
    assert udr_scores(models, [kl, one_dead]) == pytest.approx([6 / 7, 6 / 7], abs=0.01)


@pytest.mark.filterwarnings("error")
def test_dead_models_match_nothing():
    dead = np.full_like(PERFECT, 0.1)
    assert udr_scores([PERFECT, PERFECT], [0 * LIVE, 0 * LIVE]) == pytest.approx([0, 0])
    assert udr_scores([PERFECT, PERFECT], [0 * LIVE, LIVE]) == pytest.approx([0, 0])
    assert udr_scores([dead, dead], [LIVE, LIVE]) == pytest.approx([0, 0])


@pytest.mark.parametrize(
    ("codes", "kl", "message"),
    [
        ([PERFECT], [LIVE], "two or more; given: codes of 1, KL of 1"),
        ([PERFECT, PERFECT], [LIVE], "codes of 2, KL of 1"),
        ([PERFECT, PERFECT[1:]], [LIVE, LIVE], r"same images; given: \(768, 4\), \(767, 4\)"),
        ([PERFECT, PERFECT], [LIVE, LIVE[1:]], r"each of 4 latents; given: \(3,\)"),
        ([PERFECT, PERFECT], [LIVE, LIVE * np.nan], "KL must be finite"),
        ([PERFECT, PERFECT + np.inf], [LIVE, LIVE], "codes must be finite"),
        ([PERFECT[:4], PERFECT[:4]], [LIVE, LIVE], "5 or more images"),
    ],
)
def test_udr_refuses_what_cannot_be_compared(codes, kl, message):
    with pytest.raises(UsageError, match=message):
        measure_udr(codes, kl)
