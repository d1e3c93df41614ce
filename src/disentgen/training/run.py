"""One training, from configuration to results: the body of every experiment."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from ignite.engine import Engine, Events
from ignite.handlers import LRScheduler

from disentgen.errors import DivergenceError, UsageError
from disentgen.run_directory import RunDirectory
from disentgen.training import handlers
from disentgen.training.assembly import Training, assemble
from disentgen.training.config import Config
from disentgen.training.console import describe_row, describe_start, format_results
from disentgen.training.continuing import list_changes
from disentgen.training.divergence import ADVICE, attach_guard
from disentgen.training.handlers import Recorder
from disentgen.training.loggers import open_loggers
from disentgen.training.machine import prepare_process
from disentgen.training.progress import Clock, attach_progress
from disentgen.training.results import collect_results
from disentgen.training.terms import Row, number_latents


def train(config: Config, directory: RunDirectory, *recorders: Recorder) -> Training:
    """Train a model, or go on training it from the directory's checkpoint, and score it.

    Args:
        config: says all about it.
        directory: where the run is kept.
        recorders: each is handed every epoch's terms and scores.

    Returns:
        The training, with the weights that were selected; its ``results`` are what
        ``results.json`` holds.

    Raises:
        UsageError: the directory holds a run of another configuration.
        DataFileError: the images cannot be opened, or the run cannot be written.
        DivergenceError: a term of the objective is not finite.
    """
    if (saved := directory.load_config()) not in (None, config.plain()):
        list_changes(Config.read_saved(saved, config.experiment, config.family), config)
    settings = {name: value for name, (value, _) in config.flat().items()}
    with open_loggers(config.training.loggers, directory.path, settings) as loggers:
        return train_and_score(config, directory, [*recorders, *loggers])


def train_and_score(
    config: Config, directory: RunDirectory, recorders: Sequence[Recorder]
) -> Training:
    """What :func:`train` does, once its loggers are there.

    Args:
        config: says all about it.
        directory: where the run is kept.
        recorders: each is handed every epoch's terms and scores.
    """
    times = {"started": handlers.now()}
    prepare_process(config.threads)
    directory.save_config(config)
    training = assemble(config)
    directory.save_split(training.dataset.split)
    print(describe_start(training), flush=True)
    trainer = prepare_trainer(training, directory, recorders)
    directory.clear()
    handlers.attach_first_batch(trainer, times)
    if not training.is_finished:
        trainer.run(max_epochs=config.training.epochs, epoch_length=len(training.batches))
    if len(training.history) < config.training.epochs:
        print(f"stopped early after epoch {len(training.history)}", flush=True)
    selected = directory.load_model().to(training.device)
    training.model.load_state_dict(selected.state_dict())
    training.results = collect_results(training, times)
    directory.save_results(training.results)
    print(format_results(training.results, training.model.output.unit), flush=True)
    return training


def prepare_trainer(
    training: Training, directory: RunDirectory, recorders: Sequence[Recorder]
) -> Engine:
    """The trainer with its handlers, in the order in which an epoch's end calls them.

    Args:
        training: whose model is to be trained; its history grows.
        directory: where the run is kept.
        recorders: each is handed every row of the history.
    """
    settings, device = training.config.training, training.device
    trainer = handlers.create_trainer(
        training.model, training.loss, training.optimizer, settings.precision, device
    )
    handlers.attach_data(trainer, training.batches, training.config.seed)
    handlers.attach_averages(trainer, device)
    attach_guard(trainer, device)
    attach_progress(trainer, settings.batch_size)
    images, timer = len(training.batches) * settings.batch_size, handlers.attach_timer(trainer)
    handlers.attach_history(trainer, training.history, timer, images, lambda: validate(training))
    to_save = attach_chosen(trainer, training)
    resume(trainer, training, directory, recorders, to_save)
    clock = Clock(time.monotonic(), len(training.history), settings.epochs)
    sampled = training.model.output.sampled
    handlers.attach_keeping(
        trainer,
        training.history,
        lambda row: save(training, directory, to_save),
        lambda row: handlers.record_row(recorders, row),
        lambda row: print(describe_row(row, settings.epochs, clock.left(row), sampled), flush=True),
    )
    return trainer


def attach_chosen(trainer: Engine, training: Training) -> dict[str, Any]:
    """Attach what a configuration may ask for; then all that has a state of its own, by name."""
    settings = training.config.training
    stateful: dict[str, Any] = {
        "model": training.model, "optimizer": training.optimizer, "loss": training.loss,
    }  # fmt: skip
    if settings.lr_decay is not None:
        decay = torch.optim.lr_scheduler.ExponentialLR(training.optimizer, settings.lr_decay)
        scheduler = LRScheduler(decay)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, scheduler)
        stateful["lr_scheduler"] = scheduler
    if settings.early_stopping is not None:
        stateful["early_stopping"] = handlers.attach_early_stopping(
            trainer, training.history, settings.early_stopping
        )
    return stateful


def validate(training: Training) -> Row:
    """Validation scores as columns of the history."""
    scores = training.score("validation", training.config.training.validation_images)
    if scores is None:
        raise UsageError("no validation image can be scored: none has a partner to compose with.")
    if not math.isfinite(scores.nll):
        raise DivergenceError(
            f"validation NLL is {scores.nll} after epoch {len(training.history) + 1}. {ADVICE}"
        )
    row = {"validation.nll": scores.nll}
    if scores.kl is not None:
        row["validation.kl"] = scores.kl
    for name, values in scores.details.items():
        numbered = number_latents(f"validation.{name}", list(values))
        row |= {key: value for key, value in numbered.items() if not math.isnan(value)}
    return row | {"lr": training.optimizer.param_groups[0]["lr"]}


def save(training: Training, directory: RunDirectory, to_save: Mapping[str, Any]) -> None:
    """Keep the selected model and the last epoch; a row in ``history.csv`` says that both are.

    Args:
        training: at the end of an epoch.
        directory: where the run is kept.
        to_save: whatever has a state of its own, by the name under which the checkpoint holds it.
    """
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
    recorders: Sequence[Recorder],
    to_load: Mapping[str, Any],
) -> None:
    """Go on after the last finished epoch, if the directory has a checkpoint of one.

    Args:
        trainer: whose state is put to the end of that epoch.
        training: whose history is filled.
        directory: where the run is kept.
        recorders: each is handed the rows of the epochs that are done.
        to_load: whatever has a state of its own, as in :func:`save`.

    Raises:
        DataFileError: the checkpoint is damaged.
    """
    checkpoint = directory.load_checkpoint()
    if checkpoint is None:
        return
    for name, item in to_load.items():
        item.load_state_dict(checkpoint[name])
    training.history.extend(checkpoint["history"])
    for row in training.history:
        handlers.record_row(recorders, row)
    trainer.load_state_dict(
        {
            "epoch": len(training.history),
            "epoch_length": len(training.batches),
            "max_epochs": training.config.training.epochs,
        }
    )
    print(f"resuming after epoch {len(training.history)}", flush=True)
