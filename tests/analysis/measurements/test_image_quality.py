"""PSNR and SSIM beside their definitions, computed by numpy and scipy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from conftest import REPOSITORY
from disentgen.analysis.measure import Measurements
from disentgen.analysis.measurements.image_quality import (
    COMPARED,
    SquaredErrors,
    compare_images,
    fit_window,
    limit_comparison,
    makes_images,
    measure_quality,
)
from disentgen.analysis.places import Place
from disentgen.analysis.tables import interval
from disentgen.dataset.batches import ScoringBatches
from disentgen.runs import open_run

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"


def psnr_of(made, target):
    errors = ((made - target) ** 2).mean(axis=(1, 2, 3))
    return (-10 * np.log10(errors)).mean()


def ssim_of(made, target, window=(11, 11)):
    """Equation 13 with Gaussian moments; scipy mirrors at edges as torch reflects."""

    def blur(images):
        radius = [(size - 1) // 2 for size in window]
        return gaussian_filter(images, 1.5, axes=(2, 3), radius=radius, mode="mirror")

    means = blur(made), blur(target)
    variances = [blur(part**2) - mean**2 for part, mean in zip((made, target), means, strict=True)]
    covariance = blur(made * target) - means[0] * means[1]
    first, second = 0.01**2, 0.03**2
    similarity = (2 * means[0] * means[1] + first) * (2 * covariance + second)
    similarity /= (means[0] ** 2 + means[1] ** 2 + first) * (sum(variances) + second)
    return similarity.mean()


def draw_images(shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("shape", "window"),
    [((3, 16, 20), (11, 11)), ((1, 11, 64), (11, 11)), ((3, 10, 4), (9, 3)), ((1, 3, 1), (3, 1))],
)
def test_they_are_those_of_an_independent_implementation(shape, window):
    made, target = draw_images((7, *shape)), draw_images((7, *shape), 1)
    assert fit_window(shape) == window
    # Batches of unequal size: means are over images, not over batches.
    pairs = [(made[:5], target[:5]), (made[5:], target[5:])]
    psnr, ssim = compare_images(pairs, shape)
    arrays = made.numpy().astype(float), target.numpy().astype(float)
    assert psnr == pytest.approx(psnr_of(*arrays), rel=1e-6)
    assert ssim == pytest.approx(ssim_of(*arrays, window), abs=2e-5)


def test_closed_forms():
    black, grey = torch.zeros(2, 1, 64, 64), torch.full((2, 1, 64, 64), 0.1)
    psnr, ssim = compare_images([(black, grey)], (1, 64, 64))
    assert psnr == pytest.approx(20)
    # Without variance, what is left of SSIM is its comparison of means.
    assert ssim == pytest.approx(1e-4 / (0.01 + 1e-4), rel=1e-3)
    image = draw_images((2, 3, 64, 64))
    assert compare_images([(image, image)], (3, 64, 64)) == pytest.approx((100, 1))
    psnr, ssim = compare_images([(image, 1 - image)], (3, 64, 64))
    assert ssim < 0


@pytest.mark.parametrize("name", ["disent/mpi3d-toy", "decoders/1", "composition/mlp"])
def test_images_are_those_that_the_run_was_scored_on(name, tmp_path):
    run = open_run(EARLIER / name)
    measured = Measurements(run)
    measured.place = Place(tmp_path)
    found = measured.get("image_quality")
    assert list(found) == ["validation", "held_out"]
    for side, result in found.items():
        task = run.task(side)
        indices = task.usable(run.split.sample(side, run.config["training"]["score_images"]))
        batches = ScoringBatches(run.dataset.observe(), task, indices)
        with torch.no_grad():
            pairs = [(run.model(inputs), target) for inputs, target in batches]
        made = torch.cat([torch.sigmoid(output.reconstruction) for output, _ in pairs])
        made = made.numpy().astype(float)
        arrays = made, torch.cat([target for _, target in pairs]).numpy()
        assert result["images"] == len(indices) == run.results["scores"][side]["images"]
        assert result["psnr"] == pytest.approx(psnr_of(*arrays), rel=1e-5)
        assert result["ssim"] == pytest.approx(ssim_of(*arrays), abs=1e-4)
        error, spread = ((made - arrays[1]) ** 2).sum(), arrays[1].var(axis=0).sum() * len(indices)
        assert result["squared_error"] == pytest.approx(error / len(indices), rel=1e-5)
        assert result["image_r2"] == pytest.approx(1 - error / spread, rel=1e-5)


def test_r2_is_1_of_originals_0_of_their_mean_and_undefined_where_nothing_varies():
    images = draw_images((6, 3, 8, 8))
    mean = images.mean(dim=0, keepdim=True).expand_as(images)
    for made, expected in ((images, 1), (mean, 0), (2 * mean - images, -3)):
        errors = SquaredErrors()
        assert len(list(errors.watch([(made[:4], images[:4]), (made[4:], images[4:])]))) == 2
        assert errors.r2 == pytest.approx(expected, abs=1e-6)
    alike = SquaredErrors()
    list(alike.watch([(images[:2], torch.zeros(2, 3, 8, 8))]))
    assert alike.r2 is None
    assert alike.mean == pytest.approx(images[:2].square().sum().item() / 2)


def test_no_more_images_than_scored_or_asked_for():
    run = open_run(EARLIER / "disent" / "1")
    scored = run.config["training"]["score_images"]
    assert limit_comparison(run, None) == limit_comparison(run, 5_000) == scored < COMPARED
    assert limit_comparison(run, 10) == 10
    run.config["training"]["score_images"] = None
    assert limit_comparison(run, None) == COMPARED
    assert measure_quality(Measurements(run), 10, "held_out")["images"] == 10


def test_what_has_none(tmp_path):
    assert not makes_images(open_run(EARLIER / "supervised" / "1"))
    measured = Measurements(open_run(EARLIER / "disent" / "other-nothing-held-out"), 5)
    measured.place = Place(tmp_path)
    assert list(measured.get("image_quality")) == ["validation"]


def test_ssim_has_an_interval_on_logits_where_it_can():
    shares, mixed = np.array([0.5, 0.7, 0.9]), np.array([-0.1, 0.1, 0.3])
    assert interval(shares, "logit or plain") == interval(shares, "logit")
    assert interval(mixed, "logit or plain") == interval(mixed, "plain")
    assert np.isfinite(interval(mixed, "logit or plain")).all()
    edge = np.array([0.5, 0.7, 1.0])
    assert interval(edge, "logit or plain") == interval(edge, "plain")
