"""What is fixed of each objective: its name in tables, its defaults and their limits."""

import json
import math
from dataclasses import FrozenInstanceError

import pytest
import torch

from disentgen.errors import UsageError
from disentgen.models.autoencoder import AutoencoderOutput
from disentgen.models.families.composer import ComposerOutput
from disentgen.models.families.lgm import LatentGaussianOutput
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.models.outputs import Output
from disentgen.training.likelihood import Bounds
from disentgen.training.losses import build_loss, check_judged, check_loss, losses
from disentgen.training.losses.base import Loss
from disentgen.training.schedules import Linear

WAE = {"prior_variance": 2}
#: Title, parameter that the label goes on with, smallest batch, published defaults.
OBJECTIVES = {
    "nll": ("NLL", None, 1, {}),
    "vae": ("VAE", None, 1, {}),
    "beta": ("β-VAE", "beta", 1, {"beta": 4, "schedule": None}),
    "cci": ("CCI-VAE", "gamma", 1, {"gamma": 50, "capacity": Linear(0, 20, 10_000)}),
    "factor": ("FactorVAE", "gamma", 4, {"gamma": 100, "beta": 1, "discriminator_lr": 1e-5,
                                         "discriminator_units": 1000}),
    "btcvae": ("β-TCVAE", "beta", 2, {"alpha": 1, "beta": 6, "gamma": 1}),
    "dip1": ("DIP-VAE-I", None, 2, {"off_diagonal": 10, "diagonal": 100}),
    "dip2": ("DIP-VAE-II", None, 2, {"off_diagonal": 10, "diagonal": 10}),
    "waemmd": ("WAE-MMD", None, 2, {"weight": 100, **WAE}),
    "waegan": ("WAE-GAN", None, 1, {"weight": 10, **WAE, "discriminator_lr": 3e-4,
                                    "discriminator_units": 512}),
    "adagvae": ("Ada-GVAE", "beta", 1, {"beta": 1, "schedule": None}),
}  # fmt: skip


class FiveLatents(torch.nn.Module):
    latent_size = 5


def make(name, **params):
    return build_loss(name, params, FiveLatents())


def make_output(count, latents=5):
    """A model's output for some random images, and these images."""
    torch.manual_seed(0)
    posterior = DiagonalGaussian(torch.randn(count, latents), torch.randn(count, latents))
    output = LatentGaussianOutput(torch.randn(count, 1, 4, 4), posterior, posterior.sample())
    return output, torch.rand(count, 1, 4, 4)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_titles_batches_and_published_defaults(name):
    title, named_by, minimum_batch, defaults = OBJECTIVES[name]
    kind = losses()[name]
    assert (kind.name, kind.title, kind.named_by) == (name, title, named_by)
    assert kind.minimum_batch == minimum_batch
    assert kind.counts_kl == (name not in {"nll", "waemmd", "waegan", "consistency"})
    assert kind.paired == (name == "adagvae")
    judged = {"nll": Output, "adagvae": LatentGaussianOutput}
    assert kind.judges is judged.get(name, AutoencoderOutput)
    assert check_loss(name, {}) == defaults


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name != "adagvae"])
def test_the_smallest_batch_has_finite_terms(name):
    _, _, size, defaults = OBJECTIVES[name]
    small = {"discriminator_units": 8} if "discriminator_units" in defaults else {}
    loss, (output, target) = make(name, **small), make_output(size)
    terms = loss(output, target, 0) | loss.after_step(output)
    assert all(torch.isfinite(term).all() for term in terms.values())


@pytest.mark.parametrize("name", OBJECTIVES)
def test_what_an_objective_makes_stands_on_the_device_of_the_output(name):
    """On one that holds shapes alone, and refuses tensors of another."""
    small = {"discriminator_units": 8} if "discriminator_units" in OBJECTIVES[name][3] else {}
    loss = make(name, **small).to("meta")
    latents = torch.zeros(8, 5, device="meta")
    images = torch.zeros(8, 1, 4, 4, device="meta")
    output = LatentGaussianOutput(images, DiagonalGaussian(latents, latents), latents)
    terms = loss(output, images, 0) | loss.after_step(output)
    assert {term.device.type for term in terms.values()} == {"meta"}


LIMITS = {
    "at least 0": [("beta", "beta"), ("cci", "gamma"), ("factor", "gamma"), ("factor", "beta"),
                   ("btcvae", "alpha"), ("btcvae", "beta"), ("btcvae", "gamma"),
                   ("dip1", "off_diagonal"), ("dip1", "diagonal"), ("dip2", "off_diagonal"),
                   ("dip2", "diagonal"), ("waemmd", "weight"), ("waegan", "weight"),
                   ("adagvae", "beta")],
    "above 0": [("factor", "discriminator_lr"), ("waemmd", "prior_variance"),
                ("waegan", "prior_variance"), ("waegan", "discriminator_lr")],
    "from 1": [("factor", "discriminator_units"), ("waegan", "discriminator_units")],
}  # fmt: skip
ACCEPTED = {"at least 0": (0, 0.5), "above 0": (1e-9, 0.5), "from 1": (1, 2)}
REFUSED = {
    "at least 0": (-1e-9, math.inf, math.nan),
    "above 0": (0, math.inf, math.nan),
    "from 1": (0, 1.5),
}


@pytest.mark.parametrize(
    ("limit", "name", "parameter"),
    [(limit, *place) for limit, places in LIMITS.items() for place in places],
)
def test_parameters_at_their_limits(limit, name, parameter):
    for value in ACCEPTED[limit]:
        assert check_loss(name, {parameter: value})[parameter] == value
    for value in REFUSED[limit]:
        with pytest.raises(UsageError, match=rf"training\.loss\.params\.{parameter}"):
            check_loss(name, {parameter: value})


def test_every_parameter_has_a_limit_or_is_a_schedule():
    limited = {place for places in LIMITS.values() for place in places}
    given = {(name, key) for name, row in OBJECTIVES.items() for key in row[3]}
    schedules = {("beta", "schedule"), ("adagvae", "schedule"), ("cci", "capacity")}
    assert given == limited | schedules


def test_what_the_model_gives_cannot_be_set():
    for name in ("factor", "waegan"):
        assert make(name).discriminator[0].in_features == 5
        with pytest.raises(UsageError, match="latent_size"):
            check_loss(name, {"latent_size": 3})


def test_reconstruction_and_pairs_are_judged_as_asked():
    plain = build_loss("vae", {}, FiveLatents())
    assert (plain.reconstruction, plain.pair_kl) == ("bce", "sum")
    other = build_loss("vae", {}, FiveLatents(), "mse", "mean")
    assert (other.reconstruction, other.pair_kl) == ("mse", "mean")
    output, target = make_output(4)
    for words, cost in (('["bce", "sum"]', "nll"), ('["mse", "sum"]', "squared_error")):
        # As they come from a file.
        loss = build_loss("vae", {}, FiveLatents(), *json.loads(words))
        terms = loss(output, target, 0)
        torch.testing.assert_close(terms["loss"], terms[cost] + terms["kl"])
    latents = torch.randn(8, 5)
    composed = ComposerOutput(output.reconstruction, DiagonalGaussian(latents, latents), latents,
                              torch.eye(4, 5))  # fmt: skip
    for words, count in (('["bce", "sum"]', 2), ('["bce", "mean"]', 1)):
        terms = build_loss("vae", {}, FiveLatents(), *json.loads(words))(composed, target, 0)
        torch.testing.assert_close(terms["loss"], terms["nll"] + count * terms["kl"])
    assert (Loss.reconstruction, Loss.pair_kl, Loss.counts_kl, Loss.paired) == (
        "bce", "sum", True, False
    )  # fmt: skip


def test_objectives_that_a_family_cannot_use_are_answered_with_those_that_it_can():
    check_judged("adagvae", LatentGaussianOutput)
    with pytest.raises(UsageError) as refused:
        check_judged("adagvae", ComposerOutput)
    others = ", ".join(name for name in losses() if name not in ("adagvae", "consistency"))
    assert str(refused.value) == (
        "training.loss.name=adagvae cannot judge what this experiment's models make; "
        f"accepted: {others}."
    )
    for mistake in (lambda: check_judged("vea", ComposerOutput), lambda: check_loss("vea", {})):
        with pytest.raises(UsageError, match=r"unknown loss \(training.loss.name\) 'vea'"):
            mistake()


def test_an_objective_must_say_its_terms_and_may_learn_nothing_of_its_own():
    with pytest.raises(NotImplementedError):
        Loss()(None, torch.zeros(1), 0)
    assert Loss().after_step(None) == {}
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        type("Other", (Loss,), {}, titel="Other")


def test_a_schedule_is_a_straight_line():
    line = Linear(start=2, stop=4, steps=8)
    assert [line(step) for step in (0, 1, 4, 8, 9, 10**9)] == [2, 2.25, 3, 4, 4, 4]
    assert [Linear(3, -1, 1)(step) for step in (0, 1, 2)] == [3, -1, -1]
    with pytest.raises(FrozenInstanceError):
        line.start = 0
    with pytest.raises(FrozenInstanceError):
        Bounds(1, 1, 0.0, 0.0, 0.0, 0.0).elbo = 0


@pytest.mark.parametrize(
    ("schedule", "word"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": 1.5}, "steps"),
        ({"steps": 1, "stap": 1}, "stap"),
        ({}, "steps"),
    ],
)
def test_schedules_that_are_no_lines_are_refused(schedule, word):
    with pytest.raises(UsageError, match=f"training.loss.params.schedule.*{word}"):
        check_loss("beta", {"schedule": {"start": 0, "stop": 1, **schedule}})
    assert check_loss("beta", {"schedule": {"start": 0, "stop": 1, "steps": 1}})["schedule"](1) == 1
