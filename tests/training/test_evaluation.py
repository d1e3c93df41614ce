import numpy as np
import pytest
import scipy.stats
import torch

from configs.cnnvae import ARCHITECTURES
from configs.decoders import DECODERS
from disentgen.models import build_model
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.models.outputs import bernoulli_entropy, bernoulli_nll
from disentgen.training.evaluation import score
from scoring import CPU, OneBatch, batch


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return build_model("lgm", (1, 64, 64), 5, ARCHITECTURES["fast"])


def test_entropy_agrees_with_scipy_and_is_zero_for_binary_images():
    images = torch.rand(3, 1, 5, 5)
    both = np.stack([images.numpy(), 1 - images.numpy()])
    expected = scipy.stats.entropy(both, axis=0).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(bernoulli_entropy(images), expected, rtol=1e-5)
    assert bernoulli_entropy(images.round()).tolist() == [0, 0, 0]


def test_no_reconstruction_is_below_the_floor():
    images = torch.rand(4, 1, 5, 5).clamp(0.01, 0.99)
    perfect = bernoulli_nll(torch.logit(images), images)
    torch.testing.assert_close(perfect, bernoulli_entropy(images))


def test_scores_are_means_at_the_posterior_mean(model):
    images = torch.rand(23, 1, 64, 64)
    model.eval()
    with torch.no_grad():
        output = model(images)
    nll = bernoulli_nll(output.reconstruction, images).double().numpy()
    kl = output.posterior.kl_from_standard_normal().double().numpy()
    scores = score(model.train(), batch(images, 5), CPU)
    assert scores.images == 23
    assert scores.nll == pytest.approx(nll.mean(), rel=1e-6)
    assert scores.nll_standard_error == pytest.approx(scipy.stats.sem(nll), rel=1e-3)
    assert scores.nll_floor == pytest.approx(bernoulli_entropy(images).mean().item(), rel=1e-6)
    assert scores.kl == pytest.approx(kl.sum(axis=1).mean(), rel=1e-5)
    np.testing.assert_allclose(scores.details["kl_per_latent"], kl.mean(axis=0), rtol=1e-5)


def test_a_single_image_has_no_standard_error(model):
    scores = score(model, batch(torch.rand(1, 1, 64, 64), 5), CPU)
    assert scores.nll_standard_error is None
    assert "nll_standard_error" not in scores.as_record(())


def test_a_unit_is_active_if_its_posterior_mean_varies_by_more_than_a_hundredth(model, monkeypatch):
    # Of latents that are -s and s for every other image the variance is s².
    spreads = torch.tensor([0.0, 0.09, 0.099, 0.101, 0.2, 5.0, 0.0, 0.0, 0.0, 0.0])
    offsets = torch.tensor([0.0, 3.0, 9.0, -9.0, 0.0, 1.0, 0.5, 100.0, 0.0, 0.0])

    def encode(self, images):
        signs = images[:, 0, 0, :1] * 2 - 1
        return DiagonalGaussian(offsets + spreads * signs, torch.zeros(len(images), 10))

    monkeypatch.setattr(type(model), "encode", encode)
    images = (torch.arange(12) % 2).float().reshape(12, 1, 1, 1).expand(12, 1, 64, 64)
    assert score(model, batch(images, 5), CPU).active_units == 3


def test_models_without_a_posterior_have_no_active_units():
    decoder = build_model("decoder", (1, 64, 64), 5, DECODERS["fast"])
    scores = score(decoder, OneBatch(torch.rand(6, 5), torch.rand(6, 1, 64, 64)), CPU)
    assert scores.active_units is None
    assert {"active_units", "kl"}.isdisjoint(scores.as_record(["shape"]))


def test_active_units_of_composers_are_over_both_images(monkeypatch):
    composer = build_model("composer", (1, 64, 64), 5, ARCHITECTURES["fast"])
    # Black references and white others: latents are 0 and these, their variance their squares / 4.
    values = torch.tensor([0.0, 0.19, 0.21, -0.21, 1.0, 0.1, 0.1, 0.1, 0.1, 0.1])

    def encode(self, images):
        means = images[:, 0, 0, :1] * values
        return DiagonalGaussian(means, torch.zeros_like(means))

    monkeypatch.setattr(type(composer), "encode", encode)
    black, white = torch.zeros(6, 1, 64, 64), torch.ones(6, 1, 64, 64)
    pairs = OneBatch((black, white, torch.eye(5)[torch.arange(6) % 5]), white)
    assert score(composer, pairs, CPU).active_units == 3


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_an_image_that_cannot_be_scored_shows(model, monkeypatch, wrong):
    decode = type(model).decode

    def spoil(self, latents):
        logits = decode(self, latents)
        logits[0, 0, 0, 0] = wrong
        return logits

    monkeypatch.setattr(type(model), "decode", spoil)
    scores = score(model, batch(torch.zeros(4, 1, 64, 64), 4), CPU)
    assert not np.isfinite(scores.nll)
    assert np.isfinite(scores.kl)


def test_scores_do_not_depend_on_the_batch_size(model):
    images = torch.rand(30, 1, 64, 64)
    one, other = (score(model, batch(images, size), CPU) for size in (7, 30))
    assert one.nll == pytest.approx(other.nll, rel=1e-6)
    assert one.details["kl_per_latent"] == pytest.approx(other.details["kl_per_latent"], rel=1e-4)


def test_scoring_draws_no_random_numbers(model):
    state = torch.get_rng_state()
    score(model, batch(torch.rand(4, 1, 64, 64), 2), CPU)
    fresh = torch.Generator()
    fresh.set_state(state)
    torch.rand(4, 1, 64, 64, generator=fresh)
    assert torch.equal(torch.get_rng_state(), fresh.get_state())
