"""Wasserstein autoencoders: WAE-MMD and WAE-GAN."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from disentgen.models.autoencoder import AutoencoderOutput
from disentgen.schema import Units
from disentgen.training.losses.adversarial import Adversarial
from disentgen.training.losses.base import Loss, NonNegative, Positive, Terms, kl_terms
from disentgen.training.schedules import Step


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

    def forward(self, output: AutoencoderOutput, target: Tensor, step: Step) -> Terms:
        cost, terms = self.judge(output, target)
        prior = draw_prior(output.latents, self.prior_variance)
        discrepancy = measure_discrepancy(output.latents, prior, self.prior_variance)
        loss = cost + self.weight * discrepancy
        return {"loss": loss, **terms, **kl_terms(output), "mmd": discrepancy}


class WAEGAN(Adversarial):
    """Reconstruction − λ·log D(codes) (Tolstikhin et al. 2018, algorithm 1).

    A discriminator D distinguishes draws of the prior from codes; the encoder learns to deceive it.

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
        discriminator_units: Units = 512,
    ):
        widths = [latent_size, *[discriminator_units] * 4, 1]
        super().__init__(widths, nn.ReLU(), discriminator_lr, betas=(0.5, 0.999))
        self.weight = weight
        self.prior_variance = prior_variance

    def forward(self, output: AutoencoderOutput, target: Tensor, step: Step) -> Terms:
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
        self.update_discriminator(loss)
        accuracy = ((from_prior > 0).float().mean() + (from_codes < 0).float().mean()) / 2
        return {"discriminator_loss": loss.detach(), "discriminator_accuracy": accuracy}


def draw_prior(like: Tensor, variance: float) -> Tensor:
    """Draws of N(0, variance) of the shape of a tensor.

    Args:
        like: a tensor of that shape, on the device wanted.
        variance: of each component.
    """
    deviation: float = variance**0.5
    return deviation * torch.randn_like(like)


def measure_discrepancy(codes: Tensor, prior: Tensor, variance: float) -> Tensor:
    """Unbiased estimate of the squared maximum mean discrepancy of two samples of equal size.

    Kernel: inverse multiquadratic, C / (C + ‖x − y‖²), C = 2·latents·variance (Tolstikhin et al.
    2018, section 4).

    Args:
        codes: (n, latents), n at least 2.
        prior: (n, latents), draws of the prior.
        variance: of the prior's components.
    """
    scale = 2 * codes.shape[1] * variance

    def kernel(first: Tensor, second: Tensor) -> Tensor:
        similarity: Tensor = scale / (scale + torch.cdist(first, second).square())
        return similarity

    count = len(codes)
    within = kernel(codes, codes) + kernel(prior, prior)
    # A point beside itself counts nothing; its kernel is 1 in each of both samples.
    return (within.sum() - 2 * count) / (count * (count - 1)) - 2 * kernel(codes, prior).mean()


LOSSES = (WAEMMD, WAEGAN)
