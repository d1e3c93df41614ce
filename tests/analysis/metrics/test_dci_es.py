import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import trapezoid
from sklearn.linear_model import LinearRegression, Ridge

from code_kinds import GRID, choose_images, make_codes
from disentgen.analysis.metrics.dci_es import CAPACITIES, RandomFeatures, measure_dci_es
from disentgen.analysis.metrics.information import hold_back

INDICES = choose_images("complete", 1_500)
CLASSES = GRID.classes(INDICES)
PERFECT = make_codes("perfect", GRID, INDICES, np.random.default_rng(0))


def test_explicitness_is_one_less_the_area_under_the_losses():
    bent = PERFECT**3
    found = measure_dci_es(bent, CLASSES)
    areas = trapezoid(found["loss"], CAPACITIES, axis=0) / CAPACITIES[-1]
    assert_allclose(found["explicitness_per_factor"], 1 - areas, atol=1e-12)
    assert found["explicitness"] == pytest.approx(1 - areas.mean())
    # More capacity reads bent latents better.
    assert (found["loss"][-1, 3:] < found["loss"][0, 3:] / 2).all()
    assert 0.8 < found["explicitness"] < 0.99


def test_the_first_loss_is_that_of_a_line():
    bent = PERFECT**3 + np.random.default_rng(0).normal(size=PERFECT.shape)
    rest, kept = hold_back(len(bent))
    fitted = rest[hold_back(len(rest))[0]]
    line = LinearRegression().fit(bent[fitted], CLASSES[fitted])
    errors = (line.predict(bent[kept]) - CLASSES[kept]) ** 2
    constant = (CLASSES[fitted].mean(axis=0) - CLASSES[kept]) ** 2
    expected = errors.mean(axis=0) / constant.mean(axis=0)
    assert_allclose(measure_dci_es(bent, CLASSES)["loss"][0], expected, atol=1e-3)


@pytest.mark.parametrize("count", [0, 7])
def test_probes_are_ridge_regressions(count):
    fitted = np.arange(300)
    probe = RandomFeatures(PERFECT, PERFECT**2, fitted, 1.0)
    features = probe.features[:, 1 : 1 + PERFECT.shape[1] + count]
    ridge = Ridge(alpha=1e-2 * 300).fit(features[fitted], PERFECT[fitted] ** 2)
    expected = (ridge.predict(features) - PERFECT**2) ** 2
    assert_allclose(probe.errors(count, 1e-2), expected, atol=1e-8)


@pytest.mark.filterwarnings("error")
def test_codes_that_no_probe_can_use_are_not_explicit():
    noise = np.random.default_rng(1).normal(size=(len(PERFECT), 10))
    assert measure_dci_es(noise, CLASSES)["explicitness"] < 0.01
    half = measure_dci_es(np.column_stack([PERFECT[:, 0], noise]), CLASSES)
    assert half["explicitness_per_factor"][0] == pytest.approx(1, abs=1e-3)
    assert half["explicitness"] == pytest.approx(1 / 5, abs=0.01)


def test_no_probe_is_chosen_on_the_images_that_its_loss_is_of():
    indices = choose_images("complete", 100)
    explicit = [
        measure_dci_es(np.random.default_rng(seed).normal(size=(100, 6)), GRID.classes(indices))
        for seed in range(4)
    ]
    # The least of sixty losses on 20 images is some way below 1 by chance.
    assert np.mean([found["explicitness"] for found in explicit]) < 0.01
