"""Objectives, in nats per image: sums over pixels or latents, averaged over the batch.

A class is an objective; its ``name`` is the word for it in configurations, its keyword parameters
are what can be set there.
"""

import sys
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from disentgen.models.lgm import LatentGaussianOutput
from disentgen.registry import check, choose, collect, signature
from disentgen.training.schedules import Linear

NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Terms = dict[str, Tensor]


def nll_per_image(logits: Tensor, images: Tensor) -> Tensor:
    """Negative log-likelihood of images under independent Bernoulli pixels, in nats: (batch,)."""
    return F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(1)


class Loss(nn.Module):
    """An objective; its ``state_dict`` holds all that resuming needs."""

    name: ClassVar[str]
    #: The smallest batch that the objective can be computed on.
    minimum_batch: ClassVar[int] = 1

    def forward(self, output: Any, target: Tensor, step: int) -> Terms:
        """The terms of the objective at a training step, the weighted total as ``loss``.

        Args:
            output: of the model.
            target: what it should have made.
            step: number of training steps before this one, for schedules.
        """
        raise NotImplementedError

    def after_step(self, output: Any) -> Terms:
        """Whatever else must learn once the model has been updated; terms to be logged."""
        return {}


class VAE(Loss):
    """NLL + KL (Kingma & Welling 2014, equation 7)."""

    name = "vae"

    def forward(self, output: LatentGaussianOutput, target: Tensor, step: int) -> Terms:
        terms = elbo_terms(output, target)
        return {"loss": terms["nll"] + terms["kl"], **terms}


class BetaVAE(Loss):
    """NLL + β·a·KL (Higgins et al. 2017, equation 4).

    Args:
        beta: β, the weight of the KL term.
        schedule: a as a function of the step; 1 throughout by default.
    """

    name = "beta"

    def __init__(self, beta: NonNegative = 4.0, schedule: Linear | None = None):
        super().__init__()
        self.beta = beta
        self.schedule = schedule

    def forward(self, output: LatentGaussianOutput, target: Tensor, step: int) -> Terms:
        terms = elbo_terms(output, target)
        weight = self.beta * (self.schedule(step) if self.schedule else 1.0)
        return {"loss": terms["nll"] + weight * terms["kl"], **terms}


class CCIVAE(Loss):
    """NLL + γ·|KL − C| (controlled capacity increase; Burgess et al. 2018, equation 8).

    Args:
        gamma: γ.
        capacity: C, in nats, as a function of the step.
    """

    name = "cci"

    def __init__(
        self,
        gamma: NonNegative = 50.0,
        capacity: Linear = Linear(start=0.0, stop=20.0, steps=10_000),
    ):
        super().__init__()
        self.gamma = gamma
        self.capacity = capacity

    def forward(self, output: LatentGaussianOutput, target: Tensor, step: int) -> Terms:
        terms = elbo_terms(output, target)
        excess = (terms["kl"] - self.capacity(step)).abs()
        return {"loss": terms["nll"] + self.gamma * excess, **terms}


class FactorVAE(Loss):
    """NLL + β·KL + γ·total correlation (Kim & Mnih 2018, equation 2 and algorithm 2).

    A discriminator tells latents of the first half of a batch from those of the second half with
    each latent permuted over the batch; its logits estimate the total correlation. As in the
    published study the NLL is that of the whole batch, KL and total correlation are those of the
    first half.

    Args:
        latent_size: of the model; the discriminator takes as many inputs.
        gamma: γ, the weight of the total correlation.
        beta: β, the weight of the KL term.
        discriminator_lr: learning rate of the discriminator's Adam.
        discriminator_units: width of its six hidden layers.
    """

    name = "factor"
    minimum_batch = 2

    def __init__(
        self,
        latent_size: int,
        gamma: NonNegative = 10.0,
        beta: NonNegative = 1.0,
        discriminator_lr: Positive = 1e-5,
        discriminator_units: Annotated[int, Field(ge=1)] = 1000,
    ):
        super().__init__()
        self.gamma = gamma
        self.beta = beta
        widths = [latent_size, *[discriminator_units] * 6]
        hidden: list[nn.Module] = []
        for before, after in pairwise(widths):
            hidden += [nn.Linear(before, after), nn.LeakyReLU(0.01)]
        self.discriminator = nn.Sequential(*hidden, nn.Linear(discriminator_units, 2))
        self.optimizer = torch.optim.Adam(
            self.discriminator.parameters(), lr=discriminator_lr, betas=(0.5, 0.9)
        )

    def forward(self, output: LatentGaussianOutput, target: Tensor, step: int) -> Terms:
        half = len(output.latents) // 2
        terms = elbo_terms(output, target, kl_of=slice(half))
        self.discriminator.requires_grad_(False)
        logits = self.discriminator(output.latents[:half])
        total_correlation = (logits[:, 0] - logits[:, 1]).mean()
        loss = terms["nll"] + self.beta * terms["kl"] + self.gamma * total_correlation
        return {"loss": loss, **terms, "total_correlation": total_correlation}

    def after_step(self, output: LatentGaussianOutput) -> Terms:
        half = len(output.latents) // 2
        latents = output.latents.detach()
        joint, marginal = latents[:half], permute_latents(latents[half : 2 * half])
        self.discriminator.requires_grad_(True)
        logits = self.discriminator(torch.cat([joint, marginal]))
        classes = torch.arange(2, device=logits.device).repeat_interleave(half)
        # The mean over both halves is half the sum of their two cross-entropies.
        loss = F.cross_entropy(logits, classes)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        accuracy = (logits.argmax(dim=1) == classes).float().mean()
        return {"discriminator_loss": loss.detach(), "discriminator_accuracy": accuracy}

    def get_extra_state(self) -> dict[str, Any]:
        return self.optimizer.state_dict()

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state)


def elbo_terms(output: LatentGaussianOutput, target: Tensor, kl_of: slice = slice(None)) -> Terms:
    """NLL, KL and KL of each latent; the KLs are those of a part of the batch."""
    kl = output.posterior.kl_from_standard_normal()[kl_of].mean(dim=0)
    nll = nll_per_image(output.reconstruction, target).mean()
    return {"nll": nll, "kl": kl.sum(), "kl_per_latent": kl}


def permute_latents(latents: Tensor) -> Tensor:
    """Shuffle each latent over the batch on its own (Kim & Mnih 2018, algorithm 1)."""
    order = torch.rand_like(latents).argsort(dim=0)
    return latents.gather(0, order)


def losses() -> dict[str, type[Loss]]:
    """All objectives, by the word for them."""
    return collect(sys.modules[__name__], Loss)


def check_loss(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an objective, checked, with its defaults filled in.

    Raises:
        UsageError: no such objective, or it does not take these parameters.
    """
    kind = choose("loss (training.loss.name)", name, losses())
    return check("training.loss.params", kind, params, supplied=("latent_size",))


def build_loss(name: str, params: Mapping[str, Any], model: nn.Module) -> Loss:
    """An objective for a model, from ``training.loss`` of a configuration."""
    checked = check_loss(name, params)
    kind = losses()[name]
    if "latent_size" in signature(kind):
        checked["latent_size"] = model.latent_size
    return kind(**checked)
