"""Objectives, in nats per image: sums over pixels or latents, averaged over the batch.

A class is an objective; its ``name`` is the word for it in configurations, its keyword parameters
are what can be set there.
"""

import math
import sys
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, cast

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from disentgen.errors import UsageError
from disentgen.models.families.lgm import (
    AutoencoderOutput,
    LatentGaussianModel,
    LatentGaussianOutput,
)
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.models.outputs import Output
from disentgen.registry import choose, collect
from disentgen.schema import check, signature
from disentgen.training.schedules import Linear

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Reconstruction = Literal["bce", "mse"]
PairKL = Literal["sum", "mean"]
Terms = dict[str, Tensor]


class Loss(nn.Module):
    """An objective; its ``state_dict`` holds all that resuming needs."""

    name: ClassVar[str]
    #: What models trained by it are called, and the parameter that their name goes on with.
    title: ClassVar[str]
    strength: ClassVar[str | None] = None
    #: The kind of output that it can judge.
    judges: ClassVar[type[Output]] = AutoencoderOutput
    #: The smallest batch that the objective can be computed on.
    minimum_batch: ClassVar[int] = 1
    #: Whether the KL from the prior is a part of it.
    counts_kl: ClassVar[bool] = True
    #: Whether it wants images together with partners that differ from them in one factor.
    paired: ClassVar[bool] = False
    #: How a reconstruction is judged: ``bce`` by its NLL, ``mse`` by its squared error.
    reconstruction: Reconstruction = "bce"
    #: How the KL of several images that are encoded for one target counts.
    pair_kl: PairKL = "sum"

    def run(self, model: nn.Module, inputs: Any) -> Any:
        """The model's output that is to be judged."""
        return model(inputs)

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

    def judge(self, output: Output, target: Tensor) -> tuple[Tensor, Terms]:
        """What the reconstruction costs, averaged over the batch, and the same under its name."""
        if self.reconstruction == "bce":
            cost = output.nll(target).mean()
            return cost, {"nll": cost}
        cost = output.squared_error(target).mean()
        return cost, {"squared_error": cost}

    def cost_kl(self, output: AutoencoderOutput, mean: Tensor) -> Tensor:
        """What a KL costs for each target, from its mean over the images that were encoded.

        Composers encode two images for each target; the study's objective sums over both.
        """
        return mean * output.encoded_images if self.pair_kl == "sum" else mean


class NLL(Loss):
    """NLL alone, for models without latents: ground-truth decoders, supervised encoders."""

    name = "nll"
    title = "NLL"
    counts_kl = False
    judges = Output

    def forward(self, output: Output, target: Tensor, step: int) -> Terms:
        cost, terms = self.judge(output, target)
        return {"loss": cost, **terms}


class Adversarial(Loss):
    """An objective with a discriminator of codes, which learns beside the model.

    Args:
        widths: of the discriminator's layers, from the latents to its logits.
        activation: between them.
        lr: learning rate of its Adam.
        betas: of its Adam.
    """

    def __init__(
        self, widths: list[int], activation: nn.Module, lr: float, betas: tuple[float, float]
    ):
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), activation]
        self.discriminator = nn.Sequential(*layers[:-1])
        self.optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=lr, betas=betas)

    def judge_codes(self, codes: Tensor, learn: bool) -> Tensor:
        """The discriminator's logits; gradients reach it only where it is to learn."""
        self.discriminator.requires_grad_(learn)
        return self.discriminator(codes)

    def teach(self, loss: Tensor) -> None:
        """One step of the discriminator."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def get_extra_state(self) -> dict[str, Any]:
        return self.optimizer.state_dict()

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state)


class VAE(Loss):
    """NLL + KL (Kingma & Welling 2014, equation 7)."""

    name = "vae"
    title = "VAE"

    def forward(self, output: AutoencoderOutput, target: Tensor, step: int) -> Terms:
        cost, terms = self.judge(output, target)
        terms |= kl_terms(output)
        return {"loss": cost + self.cost_kl(output, terms["kl"]), **terms}


class BetaVAE(Loss):
    """NLL + β·a·KL (Higgins et al. 2017, equation 4).

    Args:
        beta: β, the weight of the KL term.
        schedule: a as a function of the step; 1 throughout by default.
    """

    name = "beta"
    title = "β-VAE"
    strength = "beta"

    def __init__(self, beta: NonNegative = 4.0, schedule: Linear | None = None):
        super().__init__()
        self.beta = beta
        self.schedule = schedule

    def forward(self, output: AutoencoderOutput, target: Tensor, step: int) -> Terms:
        cost, terms = self.judge(output, target)
        terms |= kl_terms(output)
        weight = self.beta * (self.schedule(step) if self.schedule else 1.0)
        return {"loss": cost + weight * self.cost_kl(output, terms["kl"]), **terms}


class CCIVAE(Loss):
    """NLL + γ·|KL − C| (controlled capacity increase; Burgess et al. 2018, equation 8).

    Args:
        gamma: γ.
        capacity: C, in nats, as a function of the step.
    """

    name = "cci"
    title = "CCI-VAE"
    strength = "gamma"

    def __init__(
        self,
        gamma: NonNegative = 50.0,
        capacity: Linear = Linear(start=0.0, stop=20.0, steps=10_000),
    ):
        super().__init__()
        self.gamma = gamma
        self.capacity = capacity

    def forward(self, output: AutoencoderOutput, target: Tensor, step: int) -> Terms:
        cost, terms = self.judge(output, target)
        terms |= kl_terms(output)
        excess = (self.cost_kl(output, terms["kl"]) - self.capacity(step)).abs()
        return {"loss": cost + self.gamma * excess, **terms}


class FactorVAE(Adversarial):
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
    title = "FactorVAE"
    strength = "gamma"
    # Half a batch of one image cannot be permuted.
    minimum_batch = 4

    def __init__(
        self,
        latent_size: int,
        gamma: NonNegative = 100.0,
        beta: NonNegative = 1.0,
        discriminator_lr: Positive = 1e-5,
        discriminator_units: Annotated[int, Field(ge=1)] = 1000,
    ):
        widths = [latent_size, *[discriminator_units] * 6, 2]
        super().__init__(widths, nn.LeakyReLU(0.01), discriminator_lr, betas=(0.5, 0.9))
        self.gamma = gamma
        self.beta = beta

    def forward(self, output: AutoencoderOutput, target: Tensor, step: int) -> Terms:
        half = len(output.latents) // 2
        cost, terms = self.judge(output, target)
        terms |= kl_terms(output, slice(half))
        logits = self.judge_codes(output.latents[:half], learn=False)
        total_correlation = (logits[:, 0] - logits[:, 1]).mean()
        kl = self.cost_kl(output, terms["kl"])
        loss = cost + self.beta * kl + self.gamma * total_correlation
        return {"loss": loss, **terms, "total_correlation": total_correlation}

    def after_step(self, output: AutoencoderOutput) -> Terms:
        half = len(output.latents) // 2
        latents = output.latents.detach()
        joint, marginal = latents[:half], permute_latents(latents[half : 2 * half])
        logits = self.judge_codes(torch.cat([joint, marginal]), learn=True)
        classes = torch.arange(2, device=logits.device).repeat_interleave(half)
        # The mean over both halves is half the sum of their two cross-entropies.
        loss = F.cross_entropy(logits, classes)
        self.teach(loss)
        accuracy = (logits.argmax(dim=1) == classes).float().mean()
        return {"discriminator_loss": loss.detach(), "discriminator_accuracy": accuracy}


class BetaTCVAE(Loss):
    """NLL + α·MI + β·TC + γ·dimension-wise KL (Chen et al. 2018, equation 4).

    The three parts of the KL are estimated inside the batch, whose images stand for all (their
    equation 5 without log N, which has no gradient). With α = γ = 1 it is NLL + KL + (β − 1)·TC.

    Args:
        alpha: α, the weight of the mutual information of index and code.
        beta: β, the weight of the total correlation.
        gamma: γ, the weight of the dimension-wise KL.
    """

    name = "btcvae"
    title = "β-TCVAE"
    strength = "beta"
    minimum_batch = 2

    def __init__(self, alpha: NonNegative = 1.0, beta: NonNegative = 6.0, gamma: NonNegative = 1.0):
        super().__init__()
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma

    def forward(self, output: AutoencoderOutput, target: Tensor, step: int) -> Terms:
        cost, terms = self.judge(output, target)
        parts = decompose_kl(output.posterior, output.latents)
        loss = (
            cost
            + self.alpha * self.cost_kl(output, parts["mutual_information"])
            + self.beta * self.cost_kl(output, parts["total_correlation"])
            + self.gamma * self.cost_kl(output, parts["dimension_wise_kl"])
        )
        return {"loss": loss, **terms, **kl_terms(output), **parts}


class DIPVAE1(Loss):
    """NLL + KL + λ·distance of Cov(μ) from the identity (Kumar et al. 2018, equation 6).

    Args:
        off_diagonal: λ of the covariances.
        diagonal: λ of the variances' distances from 1.
    """

    name = "dip1"
    title = "DIP-VAE-I"
    minimum_batch = 2

    def __init__(self, off_diagonal: NonNegative = 10.0, diagonal: NonNegative = 100.0):
        super().__init__()
        self.off_diagonal = off_diagonal
        self.diagonal = diagonal

    def covariance(self, posterior: DiagonalGaussian) -> Tensor:
        """(latents, latents) of the posterior means over the batch."""
        centred = posterior.mean - posterior.mean.mean(dim=0)
        return centred.T @ centred / len(centred)

    def forward(self, output: AutoencoderOutput, target: Tensor, step: int) -> Terms:
        cost, terms = self.judge(output, target)
        terms |= kl_terms(output)
        covariance = self.covariance(output.posterior)
        diagonal = covariance.diagonal()
        covariances = covariance.square().sum() - diagonal.square().sum()
        variances = (diagonal - 1).square().sum()
        kl = self.cost_kl(output, terms["kl"])
        loss = cost + kl + self.off_diagonal * covariances + self.diagonal * variances
        return {"loss": loss, **terms, "covariances": covariances, "variances": variances}


class DIPVAE2(DIPVAE1):
    """NLL + KL + λ·distance of Cov(z) from the identity (Kumar et al. 2018, equation 7).

    Args:
        off_diagonal: λ of the covariances.
        diagonal: λ of the variances' distances from 1.
    """

    name = "dip2"
    title = "DIP-VAE-II"

    def __init__(self, off_diagonal: NonNegative = 10.0, diagonal: NonNegative = 10.0):
        super().__init__(off_diagonal, diagonal)

    def covariance(self, posterior: DiagonalGaussian) -> Tensor:
        """(latents, latents) of the aggregated posterior: Cov(μ) + E[σ²] on the diagonal."""
        within = posterior.log_variance.exp().mean(dim=0).diag()
        return super().covariance(posterior) + within


class WAEMMD(Loss):
    """Reconstruction + λ·MMD(codes, prior) (Tolstikhin et al. 2018, algorithm 2).

    Args:
        weight: λ.
        prior_variance: of the Gaussian prior's components.
    """

    name = "waemmd"
    title = "WAE-MMD"
    counts_kl = False
    minimum_batch = 2

    def __init__(self, weight: NonNegative = 100.0, prior_variance: Positive = 2.0):
        super().__init__()
        self.weight = weight
        self.prior_variance = prior_variance

    def forward(self, output: AutoencoderOutput, target: Tensor, step: int) -> Terms:
        cost, terms = self.judge(output, target)
        prior = draw_prior(output.latents, self.prior_variance)
        discrepancy = measure_discrepancy(output.latents, prior, self.prior_variance)
        loss = cost + self.weight * discrepancy
        return {"loss": loss, **terms, **kl_terms(output), "mmd": discrepancy}


class WAEGAN(Adversarial):
    """Reconstruction − λ·log D(codes) (Tolstikhin et al. 2018, algorithm 1).

    A discriminator D tells draws of the prior from codes; the encoder learns to deceive it.

    Args:
        latent_size: of the model.
        weight: λ.
        prior_variance: of the Gaussian prior's components.
        discriminator_lr: learning rate of the discriminator's Adam.
        discriminator_units: width of its four hidden layers.
    """

    name = "waegan"
    title = "WAE-GAN"
    counts_kl = False

    def __init__(
        self,
        latent_size: int,
        weight: NonNegative = 10.0,
        prior_variance: Positive = 2.0,
        discriminator_lr: Positive = 3e-4,
        discriminator_units: Annotated[int, Field(ge=1)] = 512,
    ):
        widths = [latent_size, *[discriminator_units] * 4, 1]
        super().__init__(widths, nn.ReLU(), discriminator_lr, betas=(0.5, 0.999))
        self.weight = weight
        self.prior_variance = prior_variance

    def forward(self, output: AutoencoderOutput, target: Tensor, step: int) -> Terms:
        cost, terms = self.judge(output, target)
        # −log D for D = sigmoid of the logit.
        penalty = F.softplus(-self.judge_codes(output.latents, learn=False)).mean()
        loss = cost + self.weight * penalty
        return {"loss": loss, **terms, **kl_terms(output), "penalty": penalty}

    def after_step(self, output: AutoencoderOutput) -> Terms:
        codes = output.latents.detach()
        from_prior = self.judge_codes(draw_prior(codes, self.prior_variance), learn=True)
        from_codes = self.judge_codes(codes, learn=True)
        loss = F.softplus(-from_prior).mean() + F.softplus(from_codes).mean()
        self.teach(loss)
        accuracy = ((from_prior > 0).float().mean() + (from_codes < 0).float().mean()) / 2
        return {"discriminator_loss": loss.detach(), "discriminator_accuracy": accuracy}


class AdaGVAE(BetaVAE):
    """β-VAE on pairs whose shared latents are averaged (Locatello et al. 2020, section 4.1).

    The images of a pair differ in one factor. Latents whose KL between the two posteriors is below
    the midpoint of the smallest and the largest one count as shared; both posteriors get the mean
    of their means and of their variances there.

    Args:
        beta: β, the weight of the KL term.
        schedule: a as a function of the step; 1 throughout by default.
    """

    name = "adagvae"
    title = "Ada-GVAE"
    strength = "beta"
    judges = LatentGaussianOutput
    paired = True

    def __init__(self, beta: NonNegative = 1.0, schedule: Linear | None = None):
        super().__init__(beta, schedule)

    def run(self, model: nn.Module, inputs: Tensor) -> LatentGaussianOutput:
        """What a Latent Gaussian Model makes of images and, in the second half, their partners."""
        model = cast(LatentGaussianModel, model)
        posterior = average_shared(model.encode(inputs))
        latents = posterior.sample()
        return LatentGaussianOutput(model.decode(latents), posterior, latents)


def kl_terms(output: AutoencoderOutput, part: slice = slice(None)) -> Terms:
    """KL from the standard normal, of all latents and of each, over a part of the batch."""
    kl = output.posterior.kl_from_standard_normal()[part].mean(dim=0)
    return {"kl": kl.sum(), "kl_per_latent": kl}


def decompose_kl(posterior: DiagonalGaussian, latents: Tensor) -> Terms:
    """Mutual information, total correlation and dimension-wise KL (Chen et al. 2018, equation 2).

    The aggregated posterior is the mixture of the batch's posteriors.

    Args:
        posterior: (batch, latents).
        latents: a draw of it.
    """
    # Axes: draw, posterior, latent.
    log_density = posterior.log_density(latents[:, None])
    log_count = math.log(len(latents))
    log_own = log_density.diagonal(dim1=0, dim2=1).sum(dim=0)
    log_joint = log_density.sum(dim=2).logsumexp(dim=1) - log_count
    log_marginals = (log_density.logsumexp(dim=1) - log_count).sum(dim=1)
    standard = DiagonalGaussian(torch.zeros_like(latents), torch.zeros_like(latents))
    log_prior = standard.log_density(latents).sum(dim=1)
    return {
        "mutual_information": (log_own - log_joint).mean(),
        "total_correlation": (log_joint - log_marginals).mean(),
        "dimension_wise_kl": (log_marginals - log_prior).mean(),
    }


def draw_prior(like: Tensor, variance: float) -> Tensor:
    """Draws of N(0, variance) of the shape of a tensor."""
    return variance**0.5 * torch.randn_like(like)


def measure_discrepancy(codes: Tensor, prior: Tensor, variance: float) -> Tensor:
    """Unbiased estimate of the squared maximum mean discrepancy of two samples of equal size.

    Kernel: inverse multiquadratic, C / (C + ‖x − y‖²), C = 2·latents·variance (Tolstikhin et al.
    2018, section 4).

    Args:
        codes: (n, latents).
        prior: (n, latents).
        variance: of the prior.
    """
    scale = 2 * codes.shape[1] * variance

    def kernel(first: Tensor, second: Tensor) -> Tensor:
        return scale / (scale + torch.cdist(first, second).square())

    count = len(codes)
    within = kernel(codes, codes) + kernel(prior, prior)
    # A point beside itself counts nothing; its kernel is 1 in each of both samples.
    return (within.sum() - 2 * count) / (count * (count - 1)) - 2 * kernel(codes, prior).mean()


def average_shared(posterior: DiagonalGaussian) -> DiagonalGaussian:
    """Average the latents that pairs share (Locatello et al. 2020, section 4.1).

    Args:
        posterior: of the first images of all pairs, then of their partners.
    """
    first, second = posterior.split()
    distance = first.kl_from(second)
    threshold = (distance.amax(dim=1) + distance.amin(dim=1))[:, None] / 2
    mean = (first.mean + second.mean) / 2
    log_variance = torch.logaddexp(first.log_variance, second.log_variance) - math.log(2)
    shared = (distance < threshold).repeat(2, 1)
    return DiagonalGaussian(
        torch.where(shared, mean.repeat(2, 1), posterior.mean),
        torch.where(shared, log_variance.repeat(2, 1), posterior.log_variance),
    )


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


def check_judged(name: str, output: type[Output]) -> None:
    """Check that an objective can judge what a model makes.

    Raises:
        UsageError: it cannot, or there is no such objective.
    """
    kind = choose("loss (training.loss.name)", name, losses())
    if not issubclass(output, kind.judges):
        fit = [other for other, kind in losses().items() if issubclass(output, kind.judges)]
        raise UsageError(
            f"training.loss.name={name} cannot judge what this experiment's models make; "
            f"accepted: {', '.join(fit)}."
        )


def build_loss(
    name: str,
    params: Mapping[str, Any],
    model: nn.Module,
    reconstruction: Reconstruction = "bce",
    pair_kl: PairKL | None = None,
) -> Loss:
    """An objective for a model, from ``training.loss`` of a configuration.

    Args:
        name: of the objective.
        params: its parameters.
        model: that it is to train.
        reconstruction: see :class:`Loss`.
        pair_kl: see :class:`Loss`; None for models that encode one image for each target.
    """
    checked = check_loss(name, params)
    kind = losses()[name]
    if "latent_size" in signature(kind):
        checked["latent_size"] = model.latent_size
    loss = kind(**checked)
    loss.reconstruction = reconstruction
    loss.pair_kl = pair_kl or loss.pair_kl
    return loss
