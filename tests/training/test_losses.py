import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch.distributions import Bernoulli, Normal, kl_divergence

from configs.cnnvae import ARCHITECTURES
from configs.training import LOSSES
from disentgen.errors import UsageError
from disentgen.models import FAMILIES, build_model
from disentgen.models.families.composer import ComposerOutput
from disentgen.models.families.lgm import LatentGaussianOutput
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.models.outputs import bernoulli_nll
from disentgen.training.losses import build_loss, check_judged, losses
from disentgen.training.losses.adagvae import average_shared
from disentgen.training.losses.btcvae import decompose_kl
from disentgen.training.losses.factor import permute_latents
from disentgen.training.losses.wae import draw_prior, measure_discrepancy
from disentgen.training.schedules import Linear
from disentgen.training.settings import LossChoice


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


@pytest.fixture
def composed(output):
    """Of four pairs, whose eight images are encoded."""
    return ComposerOutput(output.reconstruction[:4], output.posterior, output.latents,
                          torch.eye(4, 5))  # fmt: skip


@pytest.mark.parametrize("name", ["vae", "beta", "cci", "factor", "btcvae", "dip1", "dip2"])
def test_the_study_counts_the_kl_of_both_images_of_a_pair(name, composed, target):
    """Summed over both and divided by the number of pairs: twice the mean over images."""
    torch.manual_seed(1)
    summed = build_loss(name, {}, FiveLatents(), pair_kl="sum")
    torch.manual_seed(1)
    halved = build_loss(name, {}, FiveLatents(), pair_kl="mean")
    terms, halves = summed(composed, target[:4], 0), halved(composed, target[:4], 0)
    kl = closed_form_kl(composed.posterior).sum(axis=1)
    weight = {"beta": 4.0, "cci": 50.0}.get(name, 1.0)
    if name == "btcvae":
        expected = (terms["mutual_information"] + 6 * terms["total_correlation"]
                    + terms["dimension_wise_kl"]).item()  # fmt: skip
    else:
        expected = weight * kl[: 4 if name == "factor" else 8].mean()
    assert (terms["loss"] - halves["loss"]).item() == pytest.approx(expected, rel=1e-5)
    if name == "vae":
        nll = bernoulli_nll(composed.reconstruction, target[:4]).sum()
        assert terms["loss"].item() == pytest.approx((nll.item() + kl.sum()) / 4, rel=1e-5)
    assert terms["kl"] == halves["kl"]


def test_nll_agrees_with_torch_distributions(output, target):
    images = target.round()
    expected = -Bernoulli(logits=output.reconstruction).log_prob(images).sum((1, 2, 3))
    torch.testing.assert_close(bernoulli_nll(output.reconstruction, images), expected)


def test_nll_of_a_blank_guess_is_log_2_for_each_pixel():
    assert bernoulli_nll(torch.zeros(1, 1, 64, 64), torch.ones(1, 1, 64, 64)).item() == (
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
    expected = np.interp(step, [0, steps], [start, stop])
    assert value == pytest.approx(expected, abs=1e-9)


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


def judge_halves(discriminator, latents):
    """FactorVAE's cross-entropy, by hand: one half as it is, of the other each latent permuted."""
    half = len(latents) // 2
    joint, marginal = latents[:half], permute_latents(latents[half : 2 * half])
    logits = [discriminator(part) for part in (joint, marginal)]
    shares = [torch.softmax(part, dim=1) for part in logits]
    cost = -(shares[0][:, 0].log().mean() + shares[1][:, 1].log().mean()) / 2
    return cost, ((shares[0][:, 0] > 0.5).sum() + (shares[1][:, 1] > 0.5).sum()) / (2 * half)


def judge_prior(discriminator, latents):
    """WAE-GAN's, by hand: draws of a prior of variance 3, then codes."""
    prior = torch.sigmoid(discriminator(3**0.5 * torch.randn_like(latents)))
    codes = torch.sigmoid(discriminator(latents))
    right = (prior > 0.5).sum() + (codes < 0.5).sum()
    return -(prior.log().mean() + (1 - codes).log().mean()), right / (2 * len(latents))


@pytest.mark.parametrize(
    ("name", "params", "judge", "betas"),
    [
        ("factor", {}, judge_halves, (0.5, 0.9)),
        ("waegan", {"prior_variance": 3}, judge_prior, (0.5, 0.999)),
    ],
)
def test_discriminators_learn_by_adam_from_each_batch_alone(output, name, params, judge, betas):
    loss = make(name, discriminator_units=8, discriminator_lr=1e-2, **params)
    twin = copy.deepcopy(loss.discriminator)
    adam = torch.optim.Adam(twin.parameters(), lr=1e-2, betas=betas)
    latents = torch.randn(9, 5)  # of nine images one is left over where halves are compared
    nine = LatentGaussianOutput(
        torch.zeros(9, 1, 1, 1), DiagonalGaussian(latents, latents), latents
    )
    for seed in range(3):
        torch.manual_seed(seed)
        cost, accuracy = judge(twin, latents)
        adam.zero_grad()
        cost.backward()
        adam.step()
        torch.manual_seed(seed)
        after = loss.after_step(nine)
        torch.testing.assert_close(after["discriminator_loss"], cost.detach())
        assert not after["discriminator_loss"].requires_grad
        torch.testing.assert_close(after["discriminator_accuracy"], accuracy)
        loss(nine, torch.zeros(9, 1, 1, 1), seed)
    for parameter, other in zip(loss.discriminator.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(parameter, other)


@pytest.mark.parametrize(
    ("name", "units", "hidden", "outputs", "activation"),
    [("factor", 1000, 6, 2, "LeakyReLU(negative_slope=0.01)"), ("waegan", 512, 4, 1, "ReLU()")],
)
def test_discriminators_are_the_published_ones(name, units, hidden, outputs, activation):
    layers = list(make(name).discriminator)
    assert {str(layer) for layer in layers[1::2]} == {activation}
    sizes = [(layer.in_features, layer.out_features) for layer in layers[::2]]
    assert sizes == [(5, units), *[(units, units)] * (hidden - 1), (units, outputs)]


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
    model = build_model("lgm", (1, 64, 64), 5, ARCHITECTURES["fast"])
    images = torch.rand(6, 1, 64, 64)
    for config in LOSSES.values():
        choice = LossChoice(**config["loss"])
        loss = build_loss(choice.name, choice.params, model, choice.reconstruction)
        terms = loss(model(images), images, 1)
        terms["loss"].backward()
        cost = {"bce": "nll", "mse": "squared_error"}[choice.reconstruction]
        assert {"loss", cost, "kl", "kl_per_latent"} <= set(terms)


def test_squared_error_in_place_of_the_nll(output, target):
    loss = make("vae")
    loss.reconstruction = "mse"
    terms = loss(output, target, 0)
    expected = (torch.sigmoid(output.reconstruction) - target).square().sum((1, 2, 3)).mean()
    torch.testing.assert_close(terms["squared_error"], expected)
    torch.testing.assert_close(terms["loss"], expected + terms["kl"])
    assert "nll" not in terms


def test_nll_alone(output, target):
    terms = make("nll")(output, target, 0)
    torch.testing.assert_close(terms["loss"], output.nll(target).mean())


def test_log_densities_and_kl_between_posteriors_agree_with_torch_distributions():
    torch.manual_seed(0)
    first, second = (DiagonalGaussian(torch.randn(6, 3), torch.randn(6, 3)) for _ in range(2))
    normals = [Normal(p.mean, (0.5 * p.log_variance).exp()) for p in (first, second)]
    values = torch.randn(6, 3)
    torch.testing.assert_close(first.log_density(values), normals[0].log_prob(values))
    torch.testing.assert_close(first.kl_from(second), kl_divergence(*normals))


def test_decomposed_kl_adds_up_to_its_estimate(output):
    """MI + TC + dimension-wise KL = mean of log q(z|x) − log p(z) (Chen et al. 2018, eq. 2)."""
    posterior = output.posterior
    latents = posterior.sample()
    parts = decompose_kl(posterior, latents)
    normal = Normal(posterior.mean, (0.5 * posterior.log_variance).exp())
    expected = (normal.log_prob(latents) - Normal(0, 1).log_prob(latents)).sum(dim=1).mean()
    torch.testing.assert_close(sum(parts.values()), expected)


def test_decomposed_kl_of_known_mixtures():
    """Codes without information have none; two codes that always agree share log 2 nats."""
    torch.manual_seed(0)
    same = DiagonalGaussian(torch.zeros(400, 2), torch.zeros(400, 2))
    parts = decompose_kl(same, same.sample())
    assert all(abs(value) < 0.1 for value in parts.values())
    # Half of the images at (5, 5), half at (-5, -5), hardly any noise.
    side = torch.tensor([[5.0], [-5.0]]).repeat(200, 2)
    narrow = DiagonalGaussian(side, torch.full((400, 2), -4.0))
    parts = decompose_kl(narrow, narrow.sample())
    assert parts["mutual_information"].item() == pytest.approx(math.log(2), abs=0.02)
    assert parts["total_correlation"].item() == pytest.approx(math.log(2), abs=0.02)


def test_the_parts_of_a_kl_are_those_of_the_batch_s_mixture():
    """Written out for three images of two latents (Chen et al. 2018, equation 2)."""
    means = np.array([[0.0, 1.0], [0.5, -1.0], [2.0, 0.3]])
    deviations = np.array([[1.0, 0.5], [0.7, 1.2], [0.4, 2.0]])
    draws = np.array([[0.1, 0.8], [1.0, -0.5], [1.9, 1.5]])
    posterior = DiagonalGaussian(torch.tensor(means), torch.tensor(2 * np.log(deviations)))
    density = stats.norm.pdf(draws[:, None], means, deviations)  # draw, image, latent
    joint, marginal = density.prod(axis=2).mean(axis=1), density.mean(axis=1).prod(axis=1)
    own = np.array([density[i, i].prod() for i in range(3)])
    prior = stats.norm.pdf(draws).prod(axis=1)
    parts = decompose_kl(posterior, torch.tensor(draws))
    expected = {
        "mutual_information": np.log(own / joint).mean(),
        "total_correlation": np.log(joint / marginal).mean(),
        "dimension_wise_kl": np.log(marginal / prior).mean(),
    }
    assert {name: part.item() for name, part in parts.items()} == pytest.approx(expected)


def test_btcvae_is_weighted(output, target):
    loss = make("btcvae", alpha=2, beta=5, gamma=3)
    terms = loss(output, target, 0)
    expected = (
        terms["nll"]
        + 2 * terms["mutual_information"]
        + 5 * terms["total_correlation"]
        + 3 * terms["dimension_wise_kl"]
    )
    torch.testing.assert_close(terms["loss"], expected)


@pytest.mark.parametrize("name", ["dip1", "dip2"])
def test_dip_penalties_are_those_of_numpy_covariances(output, target, name):
    terms = make(name, off_diagonal=3, diagonal=7)(output, target, 0)
    covariance = np.cov(output.posterior.mean.numpy().T, bias=True)
    if name == "dip2":
        covariance += np.diag(output.posterior.log_variance.exp().mean(dim=0).numpy())
    variances = np.diag(covariance)
    outside = (covariance - np.diag(variances)) ** 2
    expected = 3 * outside.sum() + 7 * ((variances - 1) ** 2).sum()
    found = terms["loss"] - terms["nll"] - terms["kl"]
    assert found.item() == pytest.approx(expected, rel=1e-3)


def test_dip_of_white_codes_is_nothing(target):
    half = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    posterior = DiagonalGaussian(half, torch.zeros(4, 2))
    output = LatentGaussianOutput(torch.zeros(4, 3, 4, 4), posterior, half)
    terms = make("dip1")(output, target[:4], 0)
    assert terms["covariances"] == terms["variances"] == 0


def test_discrepancy_is_the_sum_written_out():
    torch.manual_seed(0)
    codes, prior = torch.randn(5, 3), torch.randn(5, 3)

    def kernel(x, y):
        return 12 / (12 + ((x - y) ** 2).sum().item())  # C = 2 · 3 latents · variance 2

    pairs = [(i, j) for i in range(5) for j in range(5) if i != j]
    within = sum(kernel(sample[i], sample[j]) for sample in (codes, prior) for i, j in pairs) / 20
    between = sum(kernel(x, y) for x in codes for y in prior) / 25
    assert measure_discrepancy(codes, prior, 2).item() == pytest.approx(
        within - 2 * between, rel=1e-4
    )


def test_discrepancy_is_nothing_on_average_for_the_prior_itself():
    torch.manual_seed(0)
    found = [
        measure_discrepancy(draw_prior(torch.empty(50, 4), 2), draw_prior(torch.empty(50, 4), 2), 2)
        for _ in range(300)
    ]
    values = np.array([value.item() for value in found])
    assert abs(values.mean()) < 4 * values.std() / 300**0.5
    far = measure_discrepancy(torch.full((50, 4), 9.0), draw_prior(torch.empty(50, 4), 2), 2)
    assert far > 100 * values.std()


@pytest.mark.parametrize("variance", [0.25, 2])
def test_prior_has_its_variance(variance):
    torch.manual_seed(0)
    drawn = draw_prior(torch.empty(100_000, 1), variance)
    assert drawn.var().item() == pytest.approx(variance, rel=0.03)


def test_waemmd_adds_up(output, target):
    loss = make("waemmd", weight=7, prior_variance=3)
    torch.manual_seed(1)
    terms = loss(output, target, 0)
    torch.manual_seed(1)
    prior = 3**0.5 * torch.randn_like(output.latents)
    torch.testing.assert_close(terms["mmd"], measure_discrepancy(output.latents, prior, 3))
    torch.testing.assert_close(terms["loss"], terms["nll"] + 7 * terms["mmd"])
    kl = closed_form_kl(output.posterior)
    np.testing.assert_allclose(terms["kl"], kl.sum(axis=1).mean(), rtol=1e-5)


def test_waegan_penalty_and_discriminator(output, target):
    torch.manual_seed(0)
    loss = make("waegan", weight=4, discriminator_units=16, discriminator_lr=1e-2)
    terms = loss(output, target, 0)
    expected = -torch.log(torch.sigmoid(loss.discriminator(output.latents))).mean()
    torch.testing.assert_close(terms["loss"], terms["nll"] + 4 * expected)
    far = LatentGaussianOutput(output.reconstruction, output.posterior, output.latents + 8)
    for _ in range(150):
        after = loss.after_step(far)
    assert after["discriminator_accuracy"] > 0.9
    assert after["discriminator_loss"] < 0.5
    assert loss(far, target, 0)["penalty"] > 2


@pytest.mark.parametrize("name", ["factor", "waegan"])
def test_discriminators_stay_as_they_are_while_the_model_learns(output, target, name):
    latents = output.latents.clone().requires_grad_()
    loss = make(name)
    loss(LatentGaussianOutput(output.reconstruction, output.posterior, latents), target, 0)[
        "loss"
    ].backward()
    assert latents.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in loss.discriminator.parameters())


def test_adagvae_averages_what_pairs_share():
    """By hand: KL of each latent, midpoint of extremes, arithmetic means below it."""
    mean = torch.tensor([[0.0, 0.0, 1.0], [0.1, 4.0, 1.0]])
    log_variance = torch.log(torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 3.0]]))
    averaged = average_shared(DiagonalGaussian(mean, log_variance))
    expected_mean = [[0.05, 0.0, 1.0], [0.05, 4.0, 1.0]]
    torch.testing.assert_close(averaged.mean, torch.tensor(expected_mean))
    expected = torch.tensor([[1.0, 1.0, 2.0], [1.0, 1.0, 2.0]])
    torch.testing.assert_close(averaged.log_variance.exp(), expected)


def test_adagvae_runs_images_with_their_partners():
    torch.manual_seed(0)
    model = build_model("lgm", (1, 64, 64), 5, ARCHITECTURES["fast"])
    images = torch.rand(6, 1, 64, 64)
    loss = build_loss("adagvae", {}, model)
    output = loss.run(model, images)
    expected = average_shared(model.encode(images))
    torch.testing.assert_close(output.posterior.mean, expected.mean)
    assert output.reconstruction.shape == images.shape
    torch.testing.assert_close(output.reconstruction, model.decode(output.latents))
    # Draws are around the averaged means, by the averaged variances.
    noise = (output.latents - expected.mean) / (0.5 * expected.log_variance).exp()
    assert 0.5 < noise.std() < 1.5
    terms = loss(output, images, 0)
    torch.testing.assert_close(terms["loss"], terms["nll"] + terms["kl"])
    schedule = {"start": 0, "stop": 1, "steps": 4}
    scheduled = build_loss("adagvae", {"beta": 3, "schedule": schedule}, model)
    terms = scheduled(output, images, 2)
    torch.testing.assert_close(terms["loss"], terms["nll"] + 1.5 * terms["kl"])


def test_latents_are_shared_below_the_midpoint_of_the_extremes():
    """KLs of 2, 4.5, 5.1 and 8 nats, half the squared distance: the midpoint is 5."""
    distance = torch.tensor([2.0, 3.0, 10.2**0.5, 4.0])
    mean = torch.stack([torch.zeros(4), distance])
    averaged = average_shared(DiagonalGaussian(mean, torch.zeros(2, 4)))
    changed = (averaged.mean != mean).tolist()
    assert changed == [[True, True, False, False]] * 2


def test_a_latent_at_the_midpoint_is_not_shared():
    """All KLs alike: their midpoint is theirs, and none is below it."""
    posterior = DiagonalGaussian(torch.tensor([[0.0, 1.0], [0.5, 1.5]]), torch.zeros(2, 2))
    averaged = average_shared(posterior)
    assert torch.equal(averaged.mean, posterior.mean)
    assert torch.equal(averaged.log_variance, posterior.log_variance)


@pytest.mark.parametrize(
    ("family", "accepted"),
    [
        ("decoder", {"nll"}),
        ("encoder", {"nll"}),
        ("lgm", {"nll", "vae", "factor", "waemmd", "adagvae"}),
    ],
)
def test_objectives_that_can_judge_a_family(family, accepted):
    output = FAMILIES[family].output
    for name in accepted:
        check_judged(name, output)
    for name in {"vae", "factor"} - accepted:
        with pytest.raises(UsageError, match=f"{name} cannot judge .* accepted: nll"):
            check_judged(name, output)


def test_names_and_mistakes():
    assert {
        "nll", "vae", "beta", "cci", "factor", "btcvae", "dip1", "dip2", "waemmd", "waegan",
        "adagvae",
    } <= set(losses())  # fmt: skip
    with pytest.raises(UsageError, match="unknown loss .*'betta'.*Did you mean 'beta'"):
        make("betta")
    with pytest.raises(UsageError, match="'betta'; accepted: beta, schedule"):
        make("beta", betta=4)
    with pytest.raises(UsageError, match="'latent_size'"):
        make("factor", latent_size=3)
    with pytest.raises(UsageError, match="training.loss.params.capacity.step"):
        make("cci", capacity={"start": 0, "stop": 1, "step": 2})
