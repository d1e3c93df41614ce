"""FactorVAE."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from disentgen.models.autoencoder import AutoencoderOutput
from disentgen.schema import Units
from disentgen.training.losses.adversarial import Adversarial
from disentgen.training.losses.base import NonNegative, Positive, Terms, kl_terms
from disentgen.training.schedules import Step


class FactorVAE(Adversarial):
    """NLL + β·KL + γ·total correlation (Kim & Mnih 2018, equation 2 and algorithm 2).

    A discriminator distinguishes latents of the first half of a batch from those of the second half
    with each latent permuted over the batch; its logits estimate the total correlation. As in the
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
    named_by = "gamma"
    # Half a batch of one image cannot be permuted.
    minimum_batch = 4

    def __init__(
        self,
        latent_size: int,
        gamma: NonNegative = 100.0,
        beta: NonNegative = 1.0,
        discriminator_lr: Positive = 1e-5,
        discriminator_units: Units = 1000,
    ):
        widths = [latent_size, *[discriminator_units] * 6, 2]
        super().__init__(widths, nn.LeakyReLU(0.01), discriminator_lr, betas=(0.5, 0.9))
        self.gamma = gamma
        self.beta = beta

    def forward(self, output: AutoencoderOutput, target: Tensor, step: Step) -> Terms:
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
        self.update_discriminator(loss)
        accuracy = (logits.argmax(dim=1) == classes).float().mean()
        return {"discriminator_loss": loss.detach(), "discriminator_accuracy": accuracy}


def permute_latents(latents: Tensor) -> Tensor:
    """Shuffle each latent over the batch on its own (Kim & Mnih 2018, algorithm 1).

    Args:
        latents: (batch, latents).
    """
    order = torch.rand_like(latents).argsort(dim=0)
    return latents.gather(0, order)


LOSSES = (FactorVAE,)
