"""Scores: the same for every objective."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import torch
from ignite.engine import Engine
from ignite.metrics import Average
from torch import Tensor, nn

from disentgen.dataset.batches import Batch, ScoringBatches
from disentgen.models.outputs import Output
from disentgen.training.machine import find_exact_device, make_exact
from disentgen.training.progress import attach_progress

#: How the names of details end that have a value for each factor, of images to which it applies.
PER_FACTOR = "_per_factor"
#: A latent is active if the variance of its posterior mean over images is larger than this (Burda
#: et al. 2016, on the latent space representation).
ACTIVE_VARIANCE = 0.01


@dataclass(frozen=True)
class Scores:
    """Means over images, in nats per image.

    Args:
        images: how many were scored.
        nll: negative log-likelihood at the posterior mean, as published.
        nll_standard_error: of that mean; None of a single image.
        nll_floor: the entropy floor, the pixels' own entropy, which no model's NLL can fall below;
            0 if binary.
        details: means of whatever else the output gives, (latents,) or (factors,) each; over the
            images to which a value applies, NaN where there were none.
        active_units: number of latents whose posterior mean varies over the images; None for models
            without a posterior.
        single: further scores by name, such as joint accuracy.
    """

    images: int
    nll: float
    nll_standard_error: float | None
    nll_floor: float
    details: dict[str, tuple[float, ...]]
    active_units: int | None = None
    single: dict[str, float] = field(default_factory=dict)

    @property
    def kl(self) -> float | None:
        """KL of the posterior from the standard normal, for models that have one."""
        parts = self.details.get("kl_per_latent")
        return None if parts is None else sum(parts)

    def as_record(self, factors: Sequence[str]) -> dict[str, Any]:
        """Plain data for ``results.json``; values for each factor stand by the factors' names.

        Args:
            factors: names of the dataset's factors.
        """
        given = {**vars(self), "kl": self.kl, **self.single}
        record = {
            name: value
            for name, value in given.items()
            if name not in ("details", "single") and value is not None
        }
        for name, values in self.details.items():
            named = zip(factors, values, strict=False)
            known = {factor: value for factor, value in named if not math.isnan(value)}
            record[name] = known if name.endswith(PER_FACTOR) else list(values)
        return record


def measure(output: Output, target: Tensor) -> dict[str, Tensor]:
    """All scores of each image, (batch, n) each: NLL and entropy floor, then details.

    Args:
        output: of a model, for a batch.
        target: what it should have made.
    """
    basic = {"nll": output.nll(target)[:, None], "floor": output.floor(target)[:, None]}
    return {name: make_exact(value) for name, value in (basic | output.details(target)).items()}


class Measured(NamedTuple):
    """What is measured of a batch, in double precision.

    Args:
        values: by name, (batch, n) each.
        codes: posterior means of all images that were encoded, (images, latents).
        output: of the model.
    """

    values: dict[str, Tensor]
    codes: Tensor
    output: Output

    @property
    def joined(self) -> Tensor:
        """All values beside each other, (batch, columns); 0 where one does not apply."""
        parts = [value.masked_fill(lacks(name, value), 0.0) for name, value in self.values.items()]
        return torch.cat(parts, dim=1)

    @property
    def applies(self) -> Tensor:
        """1 where a value applies, 0 elsewhere: (batch, columns)."""
        parts = [1 - lacks(name, value).double() for name, value in self.values.items()]
        return torch.cat(parts, dim=1)


def lacks(name: str, value: Tensor) -> Tensor:
    """Where (batch, n) values do not apply: NaN of values by factor; others must be numbers."""
    return value.isnan() & name.endswith(PER_FACTOR)


def create_evaluator(model: nn.Module, device: torch.device) -> Engine:
    """An engine that measures a model's outputs, image by image.

    Each step yields a :class:`Measured`. The engine's metrics are means over images: of the values
    (``mean``), of whether they apply (``applies``), of their squares (``mean_square``), and of the
    codes (``code_mean``, ``code_mean_square``).

    Args:
        model: of any family, on the device.
        device: that the model is on.
    """

    @torch.no_grad()
    def step(engine: Engine, batch: Batch) -> Measured:
        model.eval()
        inputs, target = batch
        output: Output = model(inputs)
        codes = make_exact(output.posterior_means(target))
        return Measured(measure(output, target), codes, output)

    evaluator = Engine(step)
    # Codes stand apart: sums over more columns beside each other might round otherwise.
    transforms: dict[str, Callable[[Measured], Tensor]] = {
        "mean": lambda measured: measured.joined,
        "applies": lambda measured: measured.applies,
        "mean_square": lambda measured: measured.joined.square(),
        "code_mean": lambda measured: measured.codes,
        "code_mean_square": lambda measured: measured.codes.square(),
    }
    for name, transform in transforms.items():
        Average(transform, find_exact_device(device)).attach(evaluator, name)
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
    measured = cast(Measured, state.output)
    widths = {name: value.shape[1] for name, value in measured.values.items()}
    parts = dict(zip(widths, means.split(list(widths.values())), strict=True))
    nll, floor = parts.pop("nll"), parts.pop("floor")
    details, single = measured.output.summarise(parts)
    variance = (state.metrics["mean_square"][0] - nll.square()).clamp(min=0).item()
    return Scores(
        images=images,
        nll=nll.item(),
        # The sample's variance divides by n - 1, the error of its mean by n.
        nll_standard_error=(variance / (images - 1)) ** 0.5 if images > 1 else None,
        nll_floor=floor.item(),
        details={name: tuple(values.tolist()) for name, values in details.items()},
        active_units=count_active(state.metrics["code_mean"], state.metrics["code_mean_square"]),
        single={name: value.item() for name, value in single.items()},
    )


def count_active(mean: Tensor, mean_square: Tensor) -> int | None:
    """The number of latents whose posterior mean varies over images (``ACTIVE_VARIANCE``).

    Args:
        mean: of the posterior means over images, (latents,).
        mean_square: of their squares, likewise.

    Returns:
        None where there are no latents.
    """
    if not len(mean):
        return None
    return int((mean_square - mean.square() > ACTIVE_VARIANCE).sum())
