"""One training, from configuration to results: the body of every experiment."""

import math
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import torch
from ignite.engine import Engine, Events
from ignite.handlers import LRScheduler

from disentgen.dataset import Dataset
from disentgen.dataset.batches import ScoringBatches, TensorImages, TrainingBatches
from disentgen.dataset.split import SIDES
from disentgen.dataset.tasks import Task
from disentgen.errors import DivergenceError, UsageError
from disentgen.models import LatentGaussianModel, build_model
from disentgen.models.layers import Shape
from disentgen.runs import RunDirectory
from disentgen.training import engine as handlers
from disentgen.training.config import (
    ProcessSettings,
    open_dataset,
    read_process_settings,
    read_training_settings,
)
from disentgen.training.engine import Recorder, Row
from disentgen.training.evaluation import Scores, score
from disentgen.training.losses import Loss, build_loss
from disentgen.training.settings import (
    TrainingSettings,
    build_optimizer,
    choose_device,
    prepare_process,
)


@dataclass
class Training:
    """Everything that one training is made of."""

    config: Mapping[str, Any]
    family: str
    task: Task
    settings: TrainingSettings
    process: ProcessSettings
    device: torch.device
    dataset: Dataset
    model: LatentGaussianModel
    loss: Loss
    optimizer: torch.optim.Optimizer
    batches: TrainingBatches
    history: list[Row] = field(default_factory=list)

    @property
    def image_shape(self) -> Shape:
        height, width, channels = self.dataset.spec.image_shape
        return (channels, height, width)

    @property
    def description(self) -> dict[str, Any]:
        """What was built, for ``model.json``."""
        return {
            "family": self.family,
            "image_shape": list(self.image_shape),
            "factors": list(self.dataset.spec.grid.names),
            "parameters": {**self.config["model"], **self.model.layers},
        }

    def score(self, side: str, most: int | None) -> Scores | None:
        """Score the model on a sample of a side; None where the side is empty."""
        indices = self.dataset.split.sample(side, most)
        if not len(indices):
            return None
        images = TensorImages(self.dataset.images, self.device)
        batches = ScoringBatches(images, self.task, indices)
        return score(self.model, batches, len(indices), self.device)


def assemble(config: Mapping[str, Any], family: str, task: Task) -> Training:
    """Build all parts of a training.

    This is also how a configuration is checked before anything is written.

    Args:
        config: with the sections ``dataset``, ``model``, ``training``.
        family: of the model.
        task: what is asked of it.

    Raises:
        UsageError, DataFileError: something in the configuration cannot be used.
    """
    settings, process = read_training_settings(config), read_process_settings(config)
    device = choose_device(process.device)
    dataset = open_dataset(config)
    torch.manual_seed(process.seed)
    height, width, channels = dataset.spec.image_shape
    model = build_model(family, (channels, height, width), config["model"])
    loss = build_loss(settings.loss.name, settings.loss.params, model).to(device)
    model = model.to(device).to(memory_format=torch.channels_last)
    batches = TrainingBatches(
        TensorImages(dataset.images, device),
        task,
        dataset.split.trained_on(),
        settings.batch_size,
        # A control makes as many steps as the run that it is compared with.
        settings.epoch_length or int(dataset.split.mask("train").sum()) // settings.batch_size,
        process.seed,
    )
    if settings.batch_size < loss.minimum_batch:
        raise UsageError(
            f"training.batch_size={settings.batch_size}: the loss '{loss.name}' needs at least "
            f"{loss.minimum_batch} images in a batch."
        )
    return Training(
        config=config,
        family=family,
        task=task,
        settings=settings,
        process=process,
        device=device,
        dataset=dataset,
        model=model,
        loss=loss,
        optimizer=build_optimizer(settings, model),
        batches=batches,
    )


def train(
    config: Mapping[str, Any],
    directory: RunDirectory,
    recorder: Recorder,
    family: str,
    task: Task,
) -> dict[str, Any]:
    """Train a model, or go on training it from the directory's checkpoint, and score it.

    Args:
        config: with the sections ``dataset``, ``model``, ``training``, and seed and device.
        directory: where the run is kept.
        recorder: told every epoch's terms and scores.
        family: of the model.
        task: what is asked of it.

    Returns:
        What ``results.json`` holds.

    Raises:
        UsageError, DataFileError: something in the configuration cannot be used.
        DivergenceError: a term of the objective is not finite.
    """
    times = {"started": handlers.now()}
    prepare_process(read_process_settings(config).resolve_threads())
    training = assemble(config, family, task)
    directory.clear()
    print(describe(training), flush=True)
    trainer = prepare_trainer(training, directory, recorder)
    handlers.attach_first_batch(trainer, times)
    if not is_finished(training):
        trainer.run(max_epochs=training.settings.epochs, epoch_length=len(training.batches))
    if len(training.history) < training.settings.epochs:
        print(f"stopped early after epoch {len(training.history)}", flush=True)
    best = directory.load_model().to(training.device)
    training.model.load_state_dict(best.state_dict())
    results = collect_results(training, times)
    directory.save_results(results)
    print(format_scores(results["scores"]), flush=True)
    return results


def prepare_trainer(training: Training, directory: RunDirectory, recorder: Recorder) -> Engine:
    """The trainer with its handlers, in the order in which an epoch's end calls them."""
    settings, history, device = training.settings, training.history, training.device
    trainer = handlers.create_trainer(
        training.model, training.loss, training.optimizer, settings.precision, device
    )
    images = len(training.batches) * settings.batch_size
    to_save: dict[str, Any] = {
        "model": training.model,
        "optimizer": training.optimizer,
        "loss": training.loss,
    }
    handlers.attach_data(trainer, training.batches, training.process.seed)
    handlers.attach_averages(trainer, device)
    handlers.attach_guard(trainer, device)
    handlers.attach_progress(trainer, settings.batch_size)
    timer = handlers.attach_timer(trainer)
    handlers.attach_history(trainer, history, timer, images, lambda: validate(training))
    if settings.lr_decay is not None:
        decay = torch.optim.lr_scheduler.ExponentialLR(training.optimizer, settings.lr_decay)
        scheduler = LRScheduler(decay)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, scheduler)
        to_save["lr_scheduler"] = scheduler
    if settings.early_stopping is not None:
        to_save["early_stopping"] = handlers.attach_early_stopping(
            trainer, history, settings.early_stopping
        )
    resume(trainer, training, directory, recorder, to_save)
    clock = Clock(time.monotonic(), len(history), settings.epochs)
    handlers.attach_keeping(
        trainer,
        history,
        lambda row: save(training, directory, to_save),
        lambda row: handlers.record_row(recorder, row),
        lambda row: print(handlers.describe_row(row, settings.epochs, clock.left(row)), flush=True),
    )
    return trainer


@dataclass(frozen=True)
class Clock:
    """Tells from the epochs of this process how long the others will take."""

    started: float
    done_before: int
    epochs: int

    def left(self, row: Row) -> float:
        """Seconds until the last epoch has ended, as of the end of an epoch."""
        pace = (time.monotonic() - self.started) / (row["epoch"] - self.done_before)
        return pace * (self.epochs - row["epoch"])


def validate(training: Training) -> Row:
    """Validation scores as columns of the history."""
    scores = training.score("validation", training.settings.validation_images)
    assert scores is not None  # a split always has validation images
    if not math.isfinite(scores.nll):
        raise DivergenceError(
            f"validation NLL is {scores.nll} after epoch {len(training.history) + 1}. "
            "A lower training.lr may help; epochs finished before are kept."
        )
    return {
        "validation.nll": scores.nll,
        "validation.kl": scores.kl,
        **handlers.number_latents("validation.kl_per_latent", list(scores.kl_per_latent)),
        "lr": training.optimizer.param_groups[0]["lr"],
    }


def save(training: Training, directory: RunDirectory, to_save: Mapping[str, Any]) -> None:
    """Keep the best model and the last epoch; a row in ``history.csv`` says that both are there."""
    history = training.history
    if best_epoch(history) == history[-1]["epoch"]:
        directory.save_model(training.model, training.description)
    state = {name: item.state_dict() for name, item in to_save.items()}
    directory.save_checkpoint({**state, "history": history})
    directory.save_history(history)


def best_epoch(history: list[Row]) -> int:
    """The (first) epoch of the lowest validation NLL."""
    return int(min(history, key=lambda row: row["validation.nll"])["epoch"])


def is_finished(training: Training) -> bool:
    """Whether all epochs are there, or as many without improvement as early stopping allows."""
    history, patience = training.history, training.settings.early_stopping
    if not history:
        return False
    stalled = patience is not None and len(history) - best_epoch(history) >= patience
    return stalled or len(history) >= training.settings.epochs


def resume(
    trainer: Engine,
    training: Training,
    directory: RunDirectory,
    recorder: Recorder,
    to_load: Mapping[str, Any],
) -> None:
    """Go on after the last finished epoch, if the directory knows of one."""
    checkpoint = directory.load_checkpoint()
    if checkpoint is None:
        return
    for name, item in to_load.items():
        item.load_state_dict(checkpoint[name])
    training.history.extend(checkpoint["history"])
    for row in training.history:
        handlers.record_row(recorder, row)
    trainer.load_state_dict(
        {
            "epoch": len(training.history),
            "epoch_length": len(training.batches),
            "max_epochs": training.settings.epochs,
        }
    )
    print(f"resuming after epoch {len(training.history)}", flush=True)


def collect_results(training: Training, times: Mapping[str, str]) -> dict[str, Any]:
    """Score the model on every side and gather everything about the run."""
    most = training.settings.score_images
    scores = {side: training.score(side, most) for side in SIDES}
    trained = sum(row["seconds"] for row in training.history)
    images = len(training.history) * len(training.batches) * training.settings.batch_size
    return {
        "data": {
            "name": training.dataset.spec.name,
            "label": training.dataset.label,
            "source": training.dataset.images.source,
        },
        "split": training.dataset.split.describe(),
        "images_trained_on": len(training.batches.indices),
        "scores": {side: value and value.as_record() for side, value in scores.items()},
        "best_epoch": best_epoch(training.history),
        "epochs": len(training.history),
        "seed": training.process.seed,
        "device": str(training.device),
        "threads": torch.get_num_threads(),
        "speed": {"images_per_second": images / trained},
        "seconds": trained,
        "times": {**times, "ended": handlers.now()},
        "parameters": sum(parameter.numel() for parameter in training.model.parameters()),
        "versions": {
            "python": platform.python_version(),
            **{
                name: version(name)
                for name in ("disent-and-gen", "torch", "pytorch-ignite", "numpy")
            },
        },
    }


def describe(training: Training) -> str:
    """The first lines of a run: data, sides, model."""
    split = training.dataset.split.describe()
    parameters = sum(parameter.numel() for parameter in training.model.parameters())
    expression = training.dataset.split.expressions["held_out"]
    held_out = (
        f"{split['held_out']['count']:,} held out ({expression})" if expression else "none held out"
    )
    control = "; control: trained on both sides" if training.dataset.split.control else ""
    return (
        f"{training.dataset.note}\n"
        f"{training.dataset.label}: {len(training.batches.indices):,} images to train on, "
        f"{split['validation']['count']:,} for validation, {held_out}{control}\n"
        f"{training.config['model'].get('name') or training.family}: {parameters:,} parameters, "
        f"loss {training.settings.loss.name}, {training.device}, "
        f"seed {training.process.seed}"
    )


def format_scores(scores: Mapping[str, Any]) -> str:
    """A table of the scores of each side."""
    lines = [f"{'nats per image':<16}{'NLL':>10}{'± s.e.':>9}{'floor':>9}{'KL':>9}{'images':>9}"]
    for side, value in scores.items():
        if value is None:
            lines.append(f"{side.replace('_', '-'):<16}{'no images on this side':>33}")
            continue
        lines.append(
            f"{side.replace('_', '-'):<16}{value['nll']:>10.2f}{value['nll_standard_error']:>9.2f}"
            f"{value['nll_floor']:>9.2f}{value['kl']:>9.2f}{value['images']:>9,}"
        )
    return "\n".join(lines)
