"""Scores: one ruler for every objective."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from ignite.engine import Engine
from ignite.metrics import Average
from torch import Tensor, nn

from disentgen.dataset.batches import Batch, ScoringBatches
from disentgen.models.outputs import Output
from disentgen.training.engine import attach_progress

#: How the names of details end that are told for each factor, of images to which that applies.
PER_FACTOR = "_per_factor"


@dataclass(frozen=True)
class Scores:
    """Means over images, in nats per image.

    Args:
        images: how many were scored.
        nll: negative log-likelihood at the posterior mean, as published.
        nll_standard_error: of that mean.
        nll_floor: the pixels' own entropy, which no model's NLL can fall below; 0 if binary.
        details: means of whatever else the output tells, each a value for each latent or factor;
            of images to which a value applies, NaN where there were none.
    """

    images: int
    nll: float
    nll_standard_error: float
    nll_floor: float
    details: dict[str, tuple[float, ...]]

    @property
    def kl(self) -> float | None:
        """KL of the posterior from the standard normal, for models that have one."""
        parts = self.details.get("kl_per_latent")
        return None if parts is None else sum(parts)

    def as_record(self, factors: Sequence[str]) -> dict[str, Any]:
        """Plain data for ``results.json``; what is told for each factor, by the factors' names."""
        record = {name: value for name, value in vars(self).items() if name != "details"}
        if self.kl is not None:
            record["kl"] = self.kl
        for name, values in self.details.items():
            named = zip(factors, values, strict=False)
            known = {factor: value for factor, value in named if not math.isnan(value)}
            record[name] = known if name.endswith(PER_FACTOR) else list(values)
        return record


def measure(output: Output, target: Tensor) -> dict[str, Tensor]:
    """All that is told of each image, (batch, n) each: NLL and floor, then details."""
    basic = {"nll": output.nll(target)[:, None], "floor": output.floor(target)[:, None]}
    return {name: value.double() for name, value in (basic | output.details(target)).items()}


def create_evaluator(model: nn.Module, device: torch.device) -> Engine:
    """An engine that measures a model's outputs, image by image.

    Each step yields what :func:`measure` does. The engine's metrics are means over images: of the
    values (``mean``), of whether they apply (``applies``), of their squares (``mean_square``). What
    is told for each factor applies where it is a number; all else must be one.
    """

    @torch.no_grad()
    def step(engine: Engine, batch: Batch) -> dict[str, Tensor]:
        model.eval()
        inputs, target = batch
        return measure(model(inputs), target)

    def lacks(name: str, value: Tensor) -> Tensor:
        return value.isnan() & name.endswith(PER_FACTOR)

    def join(measured: dict[str, Tensor]) -> Tensor:
        parts = [value.masked_fill(lacks(name, value), 0.0) for name, value in measured.items()]
        return torch.cat(parts, dim=1)

    def count(measured: dict[str, Tensor]) -> Tensor:
        parts = [1 - lacks(name, value).double() for name, value in measured.items()]
        return torch.cat(parts, dim=1)

    evaluator = Engine(step)
    transforms = {
        "mean": join,
        "applies": count,
        "mean_square": lambda measured: join(measured).square(),
    }
    for name, transform in transforms.items():
        Average(output_transform=transform, device=device).attach(evaluator, name)
    return evaluator


def score(
    model: nn.Module, batches: ScoringBatches, device: torch.device, progress: str | None = None
) -> Scores:
    """Score a model on all of some images, in evaluation mode.

    Args:
        model: of any family.
        batches: of the images.
        device: that the model is on.
        progress: what to call it in a progress bar; none by default.
    """
    evaluator, images = create_evaluator(model, device), len(batches.indices)
    if progress is not None:
        attach_progress(evaluator, batches.batch_size, progress)
    state = evaluator.run(batches)
    means = state.metrics["mean"] / state.metrics["applies"]
    widths = {name: value.shape[1] for name, value in state.output.items()}  # type: ignore[union-attr]
    parts = dict(zip(widths, means.split(list(widths.values())), strict=True))
    nll, floor = parts.pop("nll"), parts.pop("floor")
    variance = (state.metrics["mean_square"][0] - nll.square()).clamp(min=0).item()
    return Scores(
        images=images,
        nll=nll.item(),
        # The sample's variance divides by n - 1, the error of its mean by n.
        nll_standard_error=(variance / max(images - 1, 1)) ** 0.5,
        nll_floor=floor.item(),
        details={name: tuple(values.tolist()) for name, values in parts.items()},
    )
