"""The mean image's score beside its definition."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from conftest import REPOSITORY
from disentgen.analysis.measure import Measurements
from disentgen.analysis.measurements.constant import CONSTANT, MEASUREMENT, measure_constant
from disentgen.analysis.places import Place
from disentgen.errors import UsageError
from disentgen.runs import open_run

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"


@pytest.mark.parametrize("name", ["disent/mpi3d-toy", "decoders/1", "composition/mlp"])
@pytest.mark.parametrize("limit", [50, 20])
def test_it_is_the_nll_of_the_mean_of_the_scored_images_on_these(name, limit):
    run = open_run(EARLIER / name)
    indices = run.split.sample("train", limit)
    pixels = run.dataset.images(indices).astype(float)
    images = torch.from_numpy(pixels / (1 if pixels.max() == 1 else 255)).flatten(1)
    mean = images.mean(0, keepdim=True).expand_as(images)
    scores = F.binary_cross_entropy(mean, images, reduction="none").sum(1)
    own = F.binary_cross_entropy(images, images, reduction="none").sum(1)
    found = measure_constant(Measurements(run), limit)
    assert found["images"] == limit
    assert found["nll"] == pytest.approx(scores.mean().item(), rel=1e-6)
    assert found["floor"] == pytest.approx(own.mean().item(), rel=1e-5, abs=1e-6)
    assert found["excess"] == pytest.approx(found["nll"] - found["floor"])
    # Nothing that is the same for all images does better.
    other = F.binary_cross_entropy(0.9 * mean + 0.01, images, reduction="none").sum(1)
    assert other.mean() > found["nll"]


def test_models_of_factors_have_none():
    measured = Measurements(open_run(EARLIER / "supervised" / "1"))
    assert not measured.applies(CONSTANT)
    with pytest.raises(UsageError, match="'encoder' have no 'constant_image'"):
        measured.get(CONSTANT)


def test_it_is_kept_for_as_many_images_as_the_run_was_scored_on(tmp_path, monkeypatch):
    run = open_run(EARLIER / "decoders" / "1")
    measured = Measurements(run, 20)
    measured.place = Place(tmp_path)
    found = measured.get(CONSTANT)
    assert found["images"] == run.results["scores"]["train"]["images"]
    assert found["floor"] == pytest.approx(run.results["scores"]["train"]["nll_floor"], rel=1e-5)
    never = dataclasses.replace(MEASUREMENT, measure=lambda *given: pytest.fail("measured anew"))
    monkeypatch.setattr("disentgen.analysis.measure.load_measurements", lambda: {CONSTANT: never})
    assert measured.get(CONSTANT) == found
    assert np.isfinite(found["excess"])
