"""Posteriors of runs: means that are the codes, variances beside them, and what is kept."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from disentgen.analysis.measure import Measurements
from disentgen.analysis.measurements import posteriors
from disentgen.analysis.measurements.posteriors import load_posteriors
from disentgen.analysis.metrics.posteriors import measure_mig_posterior
from disentgen.models import FAMILIES
from disentgen.runs import open_run
from figure_data import EARLIER


@pytest.fixture(params=["disent/1", "composition/unbroken"])
def run(request, tmp_path):
    folder = tmp_path / request.param.replace("/", "-")
    shutil.copytree(EARLIER / request.param, folder)
    return open_run(folder)


def test_they_are_those_of_the_encoder_and_kept(run, monkeypatch):
    measured = Measurements(run, 40)
    found = measured.get("posteriors")
    assert np.array_equal(found.indices, run.split.sample("train", 40))
    assert found.codes == pytest.approx(measured.codes("train").codes, abs=1e-6)
    images = run.dataset.observe().images(found.indices)
    with torch.no_grad():
        posterior = run.model.eval().encode(images)
    assert found.variances == pytest.approx(posterior.log_variance.exp().numpy(), rel=1e-4)
    assert (found.variances > 0).all()
    metric = measured.get("metrics", "mig_posterior")
    direct = measure_mig_posterior(
        found.codes, found.variances, run.split.grid.classes(found.indices)
    )
    assert metric["score"] == direct["score"]
    assert metric["images"] == 40
    # Kept ones are not measured again.
    monkeypatch.setattr(posteriors, "ScoringBatches", None)
    again = Measurements(run, 40).get("posteriors")
    for kept, first in zip(again, found, strict=True):
        assert np.array_equal(kept, first)


def test_arrays_that_are_no_posteriors_are_not_taken():
    run = open_run(EARLIER / "disent/1")
    indices, codes = np.arange(3), np.zeros((3, 2))
    assert load_posteriors(
        run, {"indices": indices, "codes": codes, "log_variances": codes}
    ).variances == pytest.approx(1)
    for wrong in (np.zeros((3, 1)), np.zeros((2, 2)), np.array([["a"] * 2] * 3)):
        with pytest.raises(ValueError, match="there is not"):
            load_posteriors(run, {"indices": indices, "codes": codes, "log_variances": wrong})
    with pytest.raises(LookupError):
        load_posteriors(run, {"indices": indices, "codes": codes})


def test_families_whose_codes_are_means_have_posteriors():
    assert {name for name, family in FAMILIES.items() if family.posterior} >= {"lgm", "composer"}
    assert all(family.encode for family in FAMILIES.values() if family.posterior)


@pytest.mark.parametrize(
    ("family", "loss", "has"),
    [("lgm", "vae", True), ("composer", "beta", True), ("lgm", "consistency", False),
     ("encoder", "nll", False), ("lgm", "of a plugin", False)],
)  # fmt: skip
def test_posteriors_whose_variances_were_not_trained_are_none(family, loss, has):
    run = SimpleNamespace(family=family, config={"training": {"loss": {"name": loss}}})
    assert posteriors.has_posteriors(run) is has
