"""The parts of a training, built from a configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from disentgen.dataset import Dataset
from disentgen.dataset.batches import ScoringBatches, TrainingBatches
from disentgen.dataset.images import Indices
from disentgen.dataset.tasks import ReconstructPairs, Task
from disentgen.models import FAMILIES, Model
from disentgen.schema import signature
from disentgen.training.config import Config
from disentgen.training.continuing import has_ended
from disentgen.training.evaluation import Scores, score
from disentgen.training.losses import Loss
from disentgen.training.machine import choose_device
from disentgen.training.optimizers import build_optimizer
from disentgen.training.terms import Row
from disentgen.training.update import Update, find_compiler


@dataclass
class Training:
    """Everything that one training is made of.

    Args:
        config: that it is made from.
        device: that model and objective are on.
        dataset: with split and images.
        model: that is trained.
        loss: the objective.
        optimizer: of the model's parameters.
        update: of model and objective by a batch.
        batches: that the model is trained on.
        history: a row for each finished epoch.
        tasks: what is asked of the model, by side, as far as they are made.
        results: what ``results.json`` holds, once the run has ended.
        average: of the model's weights over steps, as long as they are trained; None where none is
            asked for.
    """

    config: Config
    device: torch.device
    dataset: Dataset
    model: Model
    loss: Loss
    optimizer: torch.optim.Optimizer
    update: Update
    batches: TrainingBatches
    history: list[Row] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    average: Model | None = None

    @property
    def scored_model(self) -> Model:
        """The model whose scores and weights are those of the run."""
        return self.model if self.average is None else self.average

    def select(self, weights: Mapping[str, Tensor]) -> None:
        """End the training with the selected weights, averaged ones if so: (…,) each, by name."""
        self.average = None
        self.model.load_state_dict(weights)

    @property
    def description(self) -> dict[str, Any]:
        """What was built, for ``model.json``."""
        return {
            "family": self.config.family,
            "image_shape": list(self.dataset.spec.image_shape),
            "factors": list(self.dataset.spec.grid.names),
            "parameters": {**self.config.model, **self.model.layers},
            **self._describe_values(),
        }

    def _describe_values(self) -> dict[str, Any]:
        """The values of factors, where the model is built by them."""
        build = FAMILIES[self.config.family].build
        needed = "factor_values" in signature(build)
        return {"factor_values": self.config.factor_values} if needed else {}

    @property
    def best_epoch(self) -> int:
        """The (first) epoch of the lowest validation NLL; without validation, the last one."""
        validated = [row for row in self.history if "validation.nll" in row]
        best = min(validated, key=lambda row: row["validation.nll"], default=self.history[-1])
        return int(best["epoch"])

    @property
    def selected_epoch(self) -> int:
        """The epoch whose weights are kept and scored."""
        return self.best_epoch if self.config.training.select == "best" else len(self.history)

    @property
    def is_finished(self) -> bool:
        """Whether all epochs are there, or early stopping has ended them."""
        return has_ended(self.history, self.config.training)

    def make_task(self, side: str) -> Task:
        """What is asked of the model for images of a side, made once.

        Args:
            side: such as ``held_out``.
        """
        if side not in self.tasks:
            family = FAMILIES[self.config.family]
            self.tasks[side] = family.make_task(self.dataset.split, side)
        return self.tasks[side]

    def choose_images(self, side: str, limit: int | None) -> Indices:
        """The images of a side that the model is scored on: those that its task can be asked of.

        Args:
            side: such as ``held_out``.
            limit: how many are drawn, where the side has more; None is all.

        Returns:
            (images,) indices.
        """
        return self.make_task(side).usable(self.dataset.split.sample(side, limit))

    def score(self, side: str, limit: int | None, progress: str | None = None) -> Scores | None:
        """Score the model on images of a side; None where none can be scored.

        Args:
            side: such as ``held_out``.
            limit: how many images are scored, where the side has more; None is all.
            progress: what to call it in a progress bar; none by default.
        """
        indices = self.choose_images(side, limit)
        if not len(indices):
            return None
        batches = ScoringBatches(self.batches.observed, self.make_task(side), indices)
        return score(self.scored_model, batches, self.device, progress)


class Objects(NamedTuple):
    """What a program gives in the place of what a configuration describes.

    Args:
        model: that is trained.
        loss: the objective; None for that of the configuration.
        dataset: with split and images.
    """

    model: Model
    loss: Loss | None
    dataset: Dataset


def assemble(config: Config, objects: Objects | None = None) -> Training:
    """Build all parts of a training.

    Args:
        config: says all about it.
        objects: that are there already.

    Raises:
        DataFileError: the images cannot be opened.
        UsageError: the device is not there or lacks the precision, or cannot hold the images; or
            nothing can be compiled for it.
    """
    settings = config.training
    device = choose_device(config.device, settings.precision)
    dataset = config.open_dataset() if objects is None else objects.dataset
    torch.manual_seed(config.seed)
    model = config.build_model() if objects is None else objects.model
    given = None if objects is None else objects.loss
    loss = (config.build_loss(model) if given is None else given).to(device)
    model = model.to(device).to(memory_format=torch.channels_last)
    optimizer = build_optimizer(settings, model)
    compiler, clip_norm = find_compiler(settings.execution, device), settings.clip_norm
    batches = make_batches(dataset, config, loss, device)
    # A run is trained on what its train side is scored on; a control on more.
    own = isinstance(batches.task, FAMILIES[config.family].task) and not dataset.split.control
    return Training(
        config=config,
        device=device,
        dataset=dataset,
        model=model,
        loss=loss,
        optimizer=optimizer,
        update=Update(model, loss, optimizer, settings.precision, device, compiler, clip_norm),
        batches=batches,
        tasks={"train": batches.task} if own else {},
    )


def make_batches(
    dataset: Dataset, config: Config, loss: Loss, device: torch.device
) -> TrainingBatches:
    """The batches of a training: a task made of the images that may be shown.

    Args:
        dataset: with its split.
        config: of the training.
        loss: the objective, which may want images in pairs.
        device: that tensors are wanted on.
    """
    shown = dataset.split.trained_on()
    size, length = config.training.batch_size, config.training.epoch_length
    # A control makes as many steps as the run that it is compared with.
    counterpart = int(dataset.split.mask("train").sum())
    kind = ReconstructPairs if loss.paired else FAMILIES[config.family].task
    task = kind(dataset.spec.grid, shown)
    usable, weights = task.usable(shown), dataset.split.training_weights()
    return TrainingBatches(
        dataset.observe(device, config.dataset["resident"]),
        task,
        usable,
        size,
        length or counterpart // size,
        config.seed,
        None if weights is None else weights[np.searchsorted(shown, usable)],
    )
