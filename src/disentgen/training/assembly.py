"""The parts of a training, built from a configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from disentgen.dataset import Dataset
from disentgen.dataset.batches import Observations, ScoringBatches, TrainingBatches
from disentgen.dataset.tasks import ReconstructPairs, Task
from disentgen.errors import UsageError
from disentgen.models import FAMILIES, Model, build_model
from disentgen.training.config import (
    ProcessSettings,
    open_dataset,
    read_process_settings,
    read_training_settings,
)
from disentgen.training.engine import Row
from disentgen.training.evaluation import Scores, score
from disentgen.training.losses import Loss, build_loss
from disentgen.training.settings import TrainingSettings, build_optimizer, choose_device


@dataclass
class Training:
    """Everything that one training is made of."""

    config: Mapping[str, Any]
    family: str
    settings: TrainingSettings
    process: ProcessSettings
    device: torch.device
    dataset: Dataset
    model: Model
    loss: Loss
    optimizer: torch.optim.Optimizer
    batches: TrainingBatches
    history: list[Row] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)

    @property
    def description(self) -> dict[str, Any]:
        """What was built, for ``model.json``."""
        return {
            "family": self.family,
            "image_shape": list(self.dataset.spec.tensor_shape),
            "factors": list(self.dataset.spec.grid.names),
            "parameters": {**self.config["model"], **self.model.layers},
        }

    @property
    def best_epoch(self) -> int:
        """The (first) epoch of the lowest validation NLL."""
        return int(min(self.history, key=lambda row: row["validation.nll"])["epoch"])

    @property
    def selected_epoch(self) -> int:
        """The epoch whose weights are kept and scored."""
        return self.best_epoch if self.settings.select == "best" else len(self.history)

    @property
    def is_finished(self) -> bool:
        """Whether all epochs are there, or early stopping has ended them."""
        if not self.history:
            return False
        patience, done = self.settings.early_stopping, len(self.history)
        stalled = patience is not None and done - self.best_epoch >= patience
        return stalled or done >= self.settings.epochs

    def make_task(self, side: str) -> Task:
        """What is asked of the model for images of a side, made once."""
        if side not in self.tasks:
            self.tasks[side] = FAMILIES[self.family].make_task(self.dataset.split, side)
        return self.tasks[side]

    def score(self, side: str, most: int | None, progress: str | None = None) -> Scores | None:
        """Score the model on at most so many images of a side; None where the side is empty."""
        task = self.make_task(side)
        indices = task.usable(self.dataset.split.sample(side, most))
        if not len(indices):
            return None
        batches = ScoringBatches(self.batches.observed, task, indices)
        return score(self.model, batches, self.device, progress)


def assemble(config: Mapping[str, Any], family: str) -> Training:
    """Build all parts of a training.

    This is also how a configuration is checked before anything is written.

    Args:
        config: with the sections ``dataset``, ``model``, ``training``.
        family: of the model.

    Raises:
        UsageError, DataFileError: something in the configuration cannot be used.
    """
    settings, process = read_training_settings(config), read_process_settings(config)
    device = choose_device(process.device)
    dataset = open_dataset(config)
    torch.manual_seed(process.seed)
    spec = dataset.spec
    model = build_model(family, spec.tensor_shape, len(spec.grid.sizes), config["model"])
    loss = build_loss(
        settings.loss.name, settings.loss.params, model, settings.loss.reconstruction
    ).to(device)
    model = model.to(device).to(memory_format=torch.channels_last)
    check_batch_size(settings.batch_size, model, loss)
    return Training(
        config=config,
        family=family,
        settings=settings,
        process=process,
        device=device,
        dataset=dataset,
        model=model,
        loss=loss,
        optimizer=build_optimizer(settings, model),
        batches=make_batches(
            dataset,
            ReconstructPairs if loss.paired else FAMILIES[family].task,
            settings,
            process.seed,
            device,
        ),
    )


def check_batch_size(batch_size: int, model: Model, loss: Loss) -> None:
    """Check that model and objective can work on batches of a size.

    Raises:
        UsageError: they need larger ones.
    """
    needs = {f"the loss '{loss.name}'": loss.minimum_batch}
    if any(isinstance(module, torch.nn.modules.batchnorm._BatchNorm) for module in model.modules()):
        needs["batch normalisation"] = 2
    for name, least in needs.items():
        if batch_size < least:
            raise UsageError(
                f"training.batch_size={batch_size}: {name} needs at least {least} images in a "
                "batch."
            )


def make_batches(
    dataset: Dataset,
    kind: type[Task],
    settings: TrainingSettings,
    seed: int,
    device: torch.device,
) -> TrainingBatches:
    """The batches of a training: a task made of the images that may be shown."""
    grid, shown = dataset.spec.grid, dataset.split.trained_on()
    # A control makes as many steps as the run that it is compared with.
    counterpart = int(dataset.split.mask("train").sum())
    if counterpart < settings.batch_size:
        raise UsageError(
            f"training.batch_size={settings.batch_size} is more than the {counterpart} training "
            "images of the held-in side."
        )
    task = kind(grid, shown)
    return TrainingBatches(
        Observations(dataset.images, grid, device, dataset.factor_scale == "standardised"),
        task,
        task.usable(shown),
        settings.batch_size,
        settings.epoch_length or counterpart // settings.batch_size,
        seed,
    )
