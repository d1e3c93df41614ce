import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Bernoulli

from configs.cnnvae import ARCHITECTURES
from configs.training import LOSSES
from disentgen.errors import UsageError
from disentgen.models import build_model
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.models.lgm import LatentGaussianOutput
from disentgen.training.losses import build_loss, losses, nll_per_image, permute_latents
from disentgen.training.schedules import Linear


class FiveLatents(torch.nn.Module):
    latent_size = 5


@pytest.fixture
def output():
    torch.manual_seed(0)
    posterior = DiagonalGaussian(torch.randn(8, 5), torch.randn(8, 5))
    return LatentGaussianOutput(torch.randn(8, 3, 4, 4), posterior, torch.randn(8, 5))


@pytest.fixture
def target():
    return torch.rand(8, 3, 4, 4)


def make(name, **params):
    return build_loss(name, params, FiveLatents())


def closed_form_kl(posterior):
    """KL(N(μ, σ²) ‖ N(0, 1)) written out for each latent of each image."""
    mean, variance = posterior.mean.numpy(), np.exp(posterior.log_variance.numpy())
    return (mean**2 + variance - np.log(variance) - 1) / 2


def test_nll_agrees_with_torch_distributions(output, target):
    images = target.round()
    expected = -Bernoulli(logits=output.reconstruction).log_prob(images).sum((1, 2, 3))
    torch.testing.assert_close(nll_per_image(output.reconstruction, images), expected)


def test_nll_of_a_blank_guess_is_log_2_for_each_pixel():
    assert nll_per_image(torch.zeros(1, 1, 64, 64), torch.ones(1, 1, 64, 64)).item() == (
        pytest.approx(4096 * math.log(2))
    )


def test_vae_is_nll_plus_kl(output, target):
    terms = make("vae")(output, target, 0)
    kl = closed_form_kl(output.posterior)
    np.testing.assert_allclose(terms["kl"], kl.sum(axis=1).mean(), rtol=1e-5)
    np.testing.assert_allclose(terms["kl_per_latent"], kl.mean(axis=0), rtol=1e-5)
    torch.testing.assert_close(terms["loss"], terms["nll"] + terms["kl"])


def test_beta_of_1_is_the_vae(output, target):
    expected = make("vae")(output, target, 0)["loss"]
    torch.testing.assert_close(make("beta", beta=1)(output, target, 0)["loss"], expected)


@pytest.mark.parametrize(
    ("named", "step", "weight"),
    [
        ("beta", 10**9, 4),
        ("banneal", 0, 10),
        ("banneal", 345_600, 6.544),
        ("banneal", 2_000_000, 1),
        ("bsched", 0, 0),
        ("bsched", 345_600, 3.456),
        ("bsched", 2_000_000, 10),
    ],
)
def test_published_weights_of_the_kl(output, target, named, step, weight):
    terms = make(**as_arguments(LOSSES[named]))(output, target, step)
    torch.testing.assert_close(terms["loss"], terms["nll"] + weight * terms["kl"])


@pytest.mark.parametrize(("step", "capacity"), [(0, 0), (2_500, 5), (10_000, 20), (99_999, 20)])
def test_cci_holds_the_kl_at_its_capacity(output, target, step, capacity):
    terms = make(**as_arguments(LOSSES["cci"]))(output, target, step)
    expected = terms["nll"] + 50 * (terms["kl"] - capacity).abs()
    torch.testing.assert_close(terms["loss"], expected)


def as_arguments(config):
    return {"name": config["loss"]["name"], **config["loss"].get("params", {})}


@given(st.floats(-5, 5), st.floats(-5, 5), st.integers(1, 100), st.integers(0, 300))
def test_linear_schedule_stays_between_its_ends(start, stop, steps, step):
    value = Linear(start=start, stop=stop, steps=steps)(step)
    assert min(start, stop) - 1e-9 <= value <= max(start, stop) + 1e-9
    if step >= steps:
        assert value == pytest.approx(stop, abs=1e-9)


def test_factor_vae_adds_up(output, target):
    loss = make("factor", gamma=7, beta=3)
    terms = loss(output, target, 0)
    whole = make("vae")(output, target, 0)
    half = closed_form_kl(output.posterior)[:4]
    torch.testing.assert_close(terms["nll"], whole["nll"])
    np.testing.assert_allclose(terms["kl"], half.sum(axis=1).mean(), rtol=1e-5)
    logits = loss.discriminator(output.latents[:4])
    torch.testing.assert_close(terms["total_correlation"], (logits[:, 0] - logits[:, 1]).mean())
    expected = terms["nll"] + 3 * terms["kl"] + 7 * terms["total_correlation"]
    torch.testing.assert_close(terms["loss"], expected)


def test_factor_vae_discriminator_is_the_published_one():
    class TenLatents(torch.nn.Module):
        latent_size = 10

    loss = build_loss("factor", {}, TenLatents())
    assert sum(parameter.numel() for parameter in loss.discriminator.parameters()) == 5_018_002
    (group,) = loss.optimizer.param_groups
    assert (group["lr"], group["betas"], group["weight_decay"]) == (1e-5, (0.5, 0.9), 0)


def test_factor_vae_gradients_reach_the_model_only(output, target):
    latents = output.latents.clone().requires_grad_()
    loss = make("factor")
    loss(LatentGaussianOutput(output.reconstruction, output.posterior, latents), target, 0)[
        "loss"
    ].backward()
    assert latents.grad[:4].abs().sum() > 0
    assert latents.grad[4:].abs().sum() == 0
    assert all(parameter.grad is None for parameter in loss.discriminator.parameters())


def test_discriminator_estimates_total_correlation():
    """Two latents with correlation ρ have a total correlation of -½ log(1 - ρ²)."""
    torch.manual_seed(0)
    correlation = 0.9
    loss = make("factor", discriminator_lr=1e-3, discriminator_units=64)
    posterior = DiagonalGaussian(torch.zeros(1024, 5), torch.zeros(1024, 5))

    def draw():
        latents = torch.randn(1024, 5)
        latents[:, 1] = correlation * latents[:, 0] + (1 - correlation**2) ** 0.5 * latents[:, 1]
        return LatentGaussianOutput(torch.zeros(1024, 1, 1, 1), posterior, latents)

    for _ in range(400):
        after = loss.after_step(draw())
    estimates = [
        loss(draw(), torch.zeros(1024, 1, 1, 1), 0)["total_correlation"].item() for _ in range(20)
    ]
    assert np.mean(estimates) == pytest.approx(-0.5 * math.log(1 - correlation**2), rel=0.2)
    assert 0.6 < after["discriminator_accuracy"] < 0.9


def test_permutation_keeps_each_latent_and_breaks_rows():
    torch.manual_seed(0)
    latents = torch.arange(300.0).reshape(100, 3)
    permuted = permute_latents(latents)
    torch.testing.assert_close(permuted.sort(dim=0).values, latents)
    rows = {tuple(row) for row in latents.tolist()}
    assert sum(tuple(row) in rows for row in permuted.tolist()) < 10


def test_factor_vae_state_holds_discriminator_and_its_optimiser(output, tmp_path):
    first, second = make("factor"), make("factor")
    first.after_step(output)
    torch.save(first.state_dict(), tmp_path / "state.pt")
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for loss in (first, second):
        torch.manual_seed(1)
        loss.after_step(output)
    for ours, theirs in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_every_named_loss_builds_on_a_model():
    model = build_model("lgm", (1, 64, 64), ARCHITECTURES["fast"])
    images = torch.rand(6, 1, 64, 64)
    for config in LOSSES.values():
        loss = build_loss(config["loss"]["name"], config["loss"].get("params", {}), model)
        terms = loss(model(images), images, 1)
        terms["loss"].backward()
        assert {"loss", "nll", "kl", "kl_per_latent"} <= set(terms)


def test_names_and_mistakes():
    assert set(losses()) == {"vae", "beta", "cci", "factor"}
    with pytest.raises(UsageError, match="unknown loss .*'betta'.*Did you mean 'beta'"):
        make("betta")
    with pytest.raises(UsageError, match="'betta'; accepted: beta, schedule"):
        make("beta", betta=4)
    with pytest.raises(UsageError, match="'latent_size'"):
        make("factor", latent_size=3)
    with pytest.raises(UsageError, match="training.loss.params.capacity.step"):
        make("cci", capacity={"start": 0, "stop": 1, "step": 2})
