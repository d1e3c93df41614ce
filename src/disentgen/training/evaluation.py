"""Scores: one ruler for every objective."""

from dataclasses import dataclass
from typing import Any

import torch
from ignite.engine import Engine
from ignite.metrics import Average
from torch import Tensor, nn

from disentgen.dataset.batches import ScoringBatches
from disentgen.training.engine import attach_progress
from disentgen.training.losses import nll_per_image


@dataclass(frozen=True)
class Scores:
    """Means over images, in nats per image.

    Args:
        images: how many were scored.
        nll: negative log-likelihood at the posterior mean, as published.
        nll_standard_error: of that mean.
        nll_floor: the pixels' own entropy, which no model's NLL can fall below; 0 if binary.
        kl: KL of the posterior from the prior.
        kl_per_latent: the same for each latent.
    """

    images: int
    nll: float
    nll_standard_error: float
    nll_floor: float
    kl: float
    kl_per_latent: tuple[float, ...]

    def as_record(self) -> dict[str, Any]:
        """Plain data for ``results.json``."""
        return {**vars(self), "kl_per_latent": list(self.kl_per_latent)}


def entropy_per_image(images: Tensor) -> Tensor:
    """Entropy of images read as Bernoulli probabilities, in nats: (batch,)."""
    entropy = -(torch.xlogy(images, images) + torch.xlogy(1 - images, 1 - images))
    return entropy.flatten(1).sum(1)


def create_evaluator(model: nn.Module, device: torch.device) -> Engine:
    """An engine that measures a Latent Gaussian Model, image by image.

    Each step yields (batch, 2 + latents) columns: NLL, floor and KL of each latent. The engine's
    metrics are their means and the means of their squares.
    """

    @torch.no_grad()
    def measure(engine: Engine, batch: tuple[Tensor, Tensor]) -> Tensor:
        model.eval()
        inputs, target = batch
        output = model(inputs)
        nll = nll_per_image(output.reconstruction, target)
        kl = output.posterior.kl_from_standard_normal()
        return torch.column_stack([nll, entropy_per_image(target), kl]).double()

    evaluator = Engine(measure)
    Average(device=device).attach(evaluator, "mean")
    Average(output_transform=torch.square, device=device).attach(evaluator, "mean_square")
    return evaluator


def score(
    model: nn.Module, batches: ScoringBatches, device: torch.device, progress: str | None = None
) -> Scores:
    """Score a model on all of some images, in evaluation mode.

    Args:
        model: a Latent Gaussian Model.
        batches: of the images.
        device: that the model is on.
        progress: what to call it in a progress bar; none by default.
    """
    evaluator, images = create_evaluator(model, device), len(batches.indices)
    if progress is not None:
        attach_progress(evaluator, batches.batch_size, progress)
    state = evaluator.run(batches)
    nll, floor, *kl = state.metrics["mean"].tolist()
    variance = max(state.metrics["mean_square"][0].item() - nll**2, 0.0)
    return Scores(
        images=images,
        nll=nll,
        # The sample's variance divides by n - 1, the error of its mean by n.
        nll_standard_error=(variance / max(images - 1, 1)) ** 0.5,
        nll_floor=floor,
        kl=sum(kl),
        kl_per_latent=tuple(kl),
    )
