"""One training, from configuration to results: the body of every experiment."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from ignite.engine import Engine, Events
from ignite.handlers import LRScheduler

from disentgen.errors import DivergenceError, UsageError
from disentgen.runs import RunDirectory
from disentgen.training import engine as handlers
from disentgen.training.assembly import Training, assemble
from disentgen.training.config import read_process_settings
from disentgen.training.engine import Recorder, Row
from disentgen.training.report import collect_results, describe, format_scores
from disentgen.training.settings import prepare_process


def train(
    config: Mapping[str, Any],
    directory: RunDirectory,
    recorder: Recorder,
    family: str,
) -> dict[str, Any]:
    """Train a model, or go on training it from the directory's checkpoint, and score it.

    Args:
        config: with the sections ``dataset``, ``model``, ``training``, and seed and device.
        directory: where the run is kept.
        recorder: told every epoch's terms and scores.
        family: of the model.

    Returns:
        What ``results.json`` holds.

    Raises:
        UsageError, DataFileError: something in the configuration cannot be used.
        DivergenceError: a term of the objective is not finite.
    """
    times = {"started": handlers.now()}
    prepare_process(read_process_settings(config).resolve_threads())
    training = assemble(config, family)
    print(describe(training), flush=True)
    trainer = prepare_trainer(training, directory, recorder)
    directory.clear()
    handlers.attach_first_batch(trainer, times)
    if not training.is_finished:
        trainer.run(max_epochs=training.settings.epochs, epoch_length=len(training.batches))
    if len(training.history) < training.settings.epochs:
        print(f"stopped early after epoch {len(training.history)}", flush=True)
    selected = directory.load_model().to(training.device)
    training.model.load_state_dict(selected.state_dict())
    results = collect_results(training, times)
    directory.save_results(results)
    print(format_scores(results["scores"], training.model.output.unit), flush=True)
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
        lambda row: print(
            handlers.describe_row(
                row, settings.epochs, clock.left(row), training.model.output.sampled
            ),
            flush=True,
        ),
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
    if scores is None:
        raise UsageError("no validation image can be scored: none has a partner to compose with.")
    if not math.isfinite(scores.nll):
        raise DivergenceError(
            f"validation NLL is {scores.nll} after epoch {len(training.history) + 1}. "
            f"{handlers.ADVICE}"
        )
    row = {"validation.nll": scores.nll}
    if scores.kl is not None:
        row["validation.kl"] = scores.kl
    for name, values in scores.details.items():
        numbered = handlers.number_latents(f"validation.{name}", list(values))
        row |= {key: value for key, value in numbered.items() if not math.isnan(value)}
    return row | {"lr": training.optimizer.param_groups[0]["lr"]}


def save(training: Training, directory: RunDirectory, to_save: Mapping[str, Any]) -> None:
    """Keep the selected model and the last epoch; a row in ``history.csv`` says that both are."""
    history = training.history
    if training.selected_epoch == history[-1]["epoch"]:
        directory.save_model(training.model, training.description)
    state = {name: item.state_dict() for name, item in to_save.items()}
    directory.save_checkpoint({**state, "history": history})
    directory.save_history(history)


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
