"""Bounds on log p(x) against closed forms and quadrature."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import torch

from configs.cnnvae import ARCHITECTURES
from disentgen.models import build_model
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.models.outputs import bernoulli_nll
from disentgen.training.likelihood import (
    BOUNDED_IMAGES,
    draw_noise,
    estimate_bounds,
    score_bounds,
)
from scoring import CPU, batch

MEAN, LOG_VARIANCE = 0.7, -1.0
#: Logits of the four pixels of the toy are these times the latent plus those.
SLOPES, OFFSETS = np.array([1.5, -2.0, 0.5, 3.0]), np.array([0.2, -0.4, 1.0, -1.0])
PIXELS = np.array([1.0, 0.0, 0.3, 1.0])


class Toy(torch.nn.Module):
    """Four pixels and a few latents with the same posterior for every image."""

    def __init__(self, mean=MEAN, log_variance=LOG_VARIANCE, latent_size=1, slopes=SLOPES):
        super().__init__()
        self.mean, self.log_variance, self.latent_size = mean, log_variance, latent_size
        self.slopes = torch.tensor(slopes).float()

    def encode(self, images):
        shape = (len(images), self.latent_size)
        return DiagonalGaussian(torch.full(shape, self.mean), torch.full(shape, self.log_variance))

    def decode(self, latents):
        logits = self.slopes * latents.sum(dim=1, keepdim=True) + torch.tensor(OFFSETS).float()
        return logits.reshape(-1, 1, 2, 2)


def toy_images(count):
    return torch.tensor(PIXELS).float().reshape(1, 1, 2, 2).repeat(count, 1, 1, 1)


def toy_nll(z):
    """NLL of the toy's pixels given its latent, written out."""
    probabilities = 1 / (1 + np.exp(-(SLOPES * z + OFFSETS)))
    return -(PIXELS * np.log(probabilities) + (1 - PIXELS) * np.log(1 - probabilities)).sum()


def draw(*shape):
    return torch.from_numpy(np.random.default_rng(3).standard_normal(shape))


def test_decoder_that_ignores_latents_leaves_weights_in_closed_form():
    toy, noise = Toy(latent_size=2, slopes=np.zeros(4)), draw(5, 3, 2)
    elbo, iw_nll = estimate_bounds(toy, toy_images(3), noise)
    deviation = np.exp(LOG_VARIANCE / 2)
    latents = MEAN + deviation * noise.numpy()
    log_ratio = scipy.stats.norm.logpdf(latents) - scipy.stats.norm.logpdf(latents, MEAN, deviation)
    weights = np.exp(log_ratio.sum(axis=2)).mean(axis=0)
    np.testing.assert_allclose(iw_nll, toy_nll(0.0) - np.log(weights), rtol=1e-6)
    kl = 2 * (MEAN**2 + deviation**2 - 1 - LOG_VARIANCE) / 2
    np.testing.assert_allclose(elbo, -toy_nll(0.0) - kl, rtol=1e-6)


def test_posterior_that_is_the_prior_leaves_the_nll_alone():
    toy = Toy(0.0, 0.0, slopes=np.zeros(4))
    for bound in estimate_bounds(toy, toy_images(3), draw(7, 3, 1)):
        np.testing.assert_allclose(bound.abs(), toy_nll(0.0), rtol=1e-6)


def test_bounds_agree_with_quadrature():
    """ELBO by the posterior's average of the NLL, importance-weighted NLL by p(x) itself."""
    deviation = np.exp(LOG_VARIANCE / 2)
    posterior = scipy.stats.norm(MEAN, deviation)
    expected = scipy.integrate.quad(lambda z: posterior.pdf(z) * toy_nll(z), -8, 8)[0]
    kl = (MEAN**2 + deviation**2 - 1 - LOG_VARIANCE) / 2
    evidence = scipy.integrate.quad(lambda z: scipy.stats.norm.pdf(z) * np.exp(-toy_nll(z)), -9, 9)
    elbo, iw_nll = estimate_bounds(Toy(), toy_images(200), draw(500, 200, 1))
    assert elbo.mean() == pytest.approx(-expected - kl, abs=0.01)
    assert iw_nll.mean() == pytest.approx(-np.log(evidence[0]), abs=0.005)
    assert -np.log(evidence[0]) < expected + kl - 0.05


def test_one_sample_is_the_elbo_on_average_and_more_lie_below_it():
    count = 20_000
    by_samples = {
        k: estimate_bounds(Toy(), toy_images(count), draw(k, count, 1)) for k in (1, 4, 16)
    }
    elbo, one = by_samples[1]
    difference = (one + elbo).numpy()
    assert abs(difference.mean()) < 4 * scipy.stats.sem(difference)
    means = [iw_nll.mean() for _, iw_nll in by_samples.values()]
    assert means[0] - 0.02 > means[1] > means[2] + 0.005
    evidence = scipy.integrate.quad(lambda z: scipy.stats.norm.pdf(z) * np.exp(-toy_nll(z)), -9, 9)
    assert means[2] > -np.log(evidence[0])


def test_noise_belongs_to_an_image():
    images = torch.zeros(40, 1, 2, 2)
    chosen = np.array([3, 8, 11, 30, 31])
    (together,) = draw_noise(batch(images, 9, chosen), 4, 2)
    assert together.shape == (4, 5, 2)
    apart = list(draw_noise(batch(images, 2, chosen), 4, 2))
    assert [part.shape[1] for part in apart] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(apart, axis=1), together)
    (other,) = draw_noise(batch(images, 9, np.array([30, 5])), 6, 2)
    np.testing.assert_array_equal(other[:4, 0], together[:, 3])
    assert len(np.unique(together)) == together.size
    assert (
        scipy.stats.kstest(next(draw_noise(batch(images, 40), 50, 3)).ravel(), "norm").pvalue > 0.01
    )


def test_noise_of_an_image_never_changes():
    (noise,) = draw_noise(batch(torch.zeros(40, 1, 2, 2), 9, np.array([3])), 1, 3)
    assert noise[0, 0] == pytest.approx([-0.280254, 0.516401, 0.617315], abs=1e-6)
    assert BOUNDED_IMAGES == 1_000


def test_a_single_image_has_no_standard_error():
    images = torch.rand(1, 1, 2, 2)
    bounds = score_bounds(Toy(), batch(images, 4), 2, CPU)
    assert (bounds.samples, bounds.sampled_images) == (2, 1)
    assert (bounds.elbo_standard_error, bounds.iw_nll_standard_error) == (None, None)


def test_progress_is_shown_if_it_has_a_name(monkeypatch):
    shown = []
    monkeypatch.setattr(
        "disentgen.training.likelihood.attach_progress",
        lambda engine, size, what: shown.append((size, what)),
    )
    batches = batch(torch.rand(6, 1, 2, 2), 4)
    score_bounds(Toy(), batches, 2, CPU)
    score_bounds(Toy(), batches, 2, CPU, "bounds")
    assert shown == [(4, "bounds")]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return build_model("lgm", (1, 64, 64), 5, ARCHITECTURES["fast"])


def test_scores_are_means_over_images_of_the_dataset(model):
    images = torch.rand(30, 1, 64, 64)
    chosen = np.arange(1, 30, 2)
    bounds = score_bounds(model.train(), batch(images, 4, chosen), 3, CPU)
    assert (bounds.samples, bounds.sampled_images) == (3, 15)
    assert not model.training
    posterior = model.eval().encode(images[chosen])
    (noise,) = draw_noise(batch(images, 30, chosen), 3, 10)
    nll = []
    with torch.no_grad():
        for sample in torch.from_numpy(noise).float():
            latents = posterior.mean + (posterior.log_variance / 2).exp() * sample
            nll.append(bernoulli_nll(model.decode(latents), images[chosen]).numpy())
        kl = posterior.kl_from_standard_normal().sum(dim=1).numpy()
    expected = -np.mean(nll, axis=0) - kl
    assert bounds.elbo == pytest.approx(expected.mean(), rel=1e-6)
    assert bounds.elbo_standard_error == pytest.approx(scipy.stats.sem(expected), rel=1e-4)


def test_scores_do_not_depend_on_the_batch_size(model):
    images = torch.rand(30, 1, 64, 64)
    one, other = (vars(score_bounds(model, batch(images, size), 4, CPU)) for size in (7, 30))
    assert one == pytest.approx(other, rel=1e-6)


def test_standard_error_of_the_importance_weighted_nll(model):
    images = torch.rand(12, 1, 64, 64)
    (noise,) = draw_noise(batch(images, 12), 4, 10)
    _, iw_nll = estimate_bounds(model.eval(), images, torch.from_numpy(noise))
    bounds = score_bounds(model, batch(images, 12), 4, CPU)
    assert bounds.iw_nll == pytest.approx(iw_nll.mean().item())
    assert bounds.iw_nll_standard_error == pytest.approx(scipy.stats.sem(iw_nll))


def test_no_random_numbers_of_others_are_drawn(model):
    images = torch.rand(4, 1, 64, 64)
    before = torch.get_rng_state(), np.random.get_state()[1]
    score_bounds(model, batch(images, 2), 2, CPU)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])
