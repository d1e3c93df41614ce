"""The trainer of all experiments, and the handlers that make a run of it."""

import datetime
import logging
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Protocol, cast

import numpy as np
import torch
from ignite.engine import Engine, Events
from ignite.handlers import EarlyStopping, EMAHandler, Timer
from ignite.metrics import Average

from disentgen.dataset.batches import Batch
from disentgen.models import Model
from disentgen.training.losses import Terms
from disentgen.training.signals import signals_held_back
from disentgen.training.terms import Row, flatten_terms, name_terms, read_terms
from disentgen.training.update import Update

#: The share of a step in the average of weights, by its name in the trainer's state.
SHARE = "ema_momentum"


class Recorder(Protocol):
    """Whatever keeps scalars as training goes on: Sacred's run, a file, a test."""

    def log_scalar(self, metric_name: str, value: float, step: int | None = None) -> object:
        """Keep a value.

        Args:
            metric_name: of a column of the history.
            value: of that column.
            step: the epoch.
        """
        ...


def create_trainer(update: Update) -> Engine:
    """An engine whose step updates the model once and yields the terms of the objective."""

    def take_step(engine: Engine, batch: Batch) -> Terms:
        return update(batch, engine.state.iteration - 1)

    trainer = Engine(take_step)
    # Ignite logs every exception with its traceback before raising it again; once is enough.
    trainer.logger.setLevel(logging.CRITICAL)
    return trainer


def attach_noise(trainer: Engine, seed: int) -> None:
    """Seed every epoch's noise: a function of (seed, epoch) alone, as its batches are.

    Args:
        trainer: of :func:`create_trainer`.
        seed: of the training.
    """

    @trainer.on(Events.EPOCH_STARTED)
    def seed_epoch(engine: Engine) -> None:
        words = np.random.SeedSequence([seed, engine.state.epoch]).generate_state(1, np.uint64)
        torch.manual_seed(int(words[0]))


def attach_rate(
    trainer: Engine, optimizer: torch.optim.Optimizer, rate: Callable[[int], float]
) -> None:
    """Set the learning rate of every step before it is taken.

    Args:
        trainer: of :func:`create_trainer`.
        optimizer: of the model's parameters.
        rate: of a step, counted from 0.
    """

    @trainer.on(Events.ITERATION_STARTED)
    def set_rate(engine: Engine) -> None:
        for group in optimizer.param_groups:
            group["lr"] = rate(engine.state.iteration - 1)


def attach_weight_average(trainer: Engine, model: Model, decay: float) -> Model:
    """Average a model's weights over steps, exponentially; the steps of a start have equal shares.

    Args:
        trainer: of :func:`create_trainer`.
        model: that is trained.
        decay: share of the average that a step leaves, once there were 1 / (1 - decay) of them.

    Returns:
        A model of the averaged weights, whose state is all that there is.
    """
    # Ignite averages parameters; of buffers all or none, also those that are constant.
    handler = EMAHandler(model, momentum=1 - decay, handle_buffers="ema_train")
    average = cast(Model, handler.ema_model)
    statistics = average.state_dict().keys() - dict(average.named_parameters()).keys()

    @trainer.on(Events.ITERATION_COMPLETED)
    def average_statistics(engine: Engine) -> None:
        share = max(1 - decay, 1 / engine.state.iteration)
        setattr(engine.state, SHARE, share)
        trained, averaged = model.state_dict(), average.state_dict()
        for name in statistics:
            if averaged[name].is_floating_point():
                averaged[name].lerp_(trained[name], share)
            else:
                averaged[name].copy_(trained[name])

    handler.attach(trainer, SHARE)
    return average


def attach_averages(trainer: Engine, device: torch.device) -> Average:
    """Average the terms of the objective over each epoch, as the metric ``terms``."""
    average = Average(flatten_terms, device=device)
    average.attach(trainer, "terms")
    return average


def attach_first_batch(trainer: Engine, times: dict[str, str]) -> None:
    """Put the time at which the first batch was done into ``times``, as ``first_batch``."""

    @trainer.on(Events.ITERATION_COMPLETED(once=trainer.state.iteration + 1))
    def record(engine: Engine) -> None:
        times["first_batch"] = now()


def now() -> str:
    """The time, UTC, as ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def attach_timer(trainer: Engine) -> Timer:
    """A timer of the training steps of an epoch, without validation and saving."""
    timer = Timer()
    return timer.attach(
        trainer,
        start=Events.EPOCH_STARTED,
        resume=Events.EPOCH_STARTED,
        pause=Events.EPOCH_COMPLETED,
    )


def attach_start_of_steps(trainer: Engine, held: ExitStack) -> None:
    """Let signals wait from before a batch is drawn; to be attached before any other handler.

    Args:
        trainer: of :func:`create_trainer`.
        held: of signals; it is closed by :func:`attach_end_of_steps`.
    """

    @trainer.on(Events.GET_BATCH_STARTED)
    def hold() -> None:
        held.enter_context(signals_held_back())


def attach_end_of_steps(trainer: Engine, held: ExitStack) -> None:
    """Let signals through at the end of each step and epoch; to be attached after all others.

    Between these moments model, optimiser, averages and batches are all as of the same step.

    Args:
        trainer: of :func:`create_trainer`.
        held: of signals.
    """
    trainer.add_event_handler(Events.ITERATION_COMPLETED, held.close)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, held.close)


def attach_history(
    trainer: Engine,
    history: list[Row],
    timer: Timer,
    images: int,
    validate: Callable[[], Row],
    held: ExitStack,
) -> None:
    """At the end of each epoch, add a row of training averages and validation scores.

    Args:
        trainer: with :func:`attach_averages`.
        history: that rows are added to.
        timer: of :func:`attach_timer`.
        images: in an epoch.
        validate: gives the columns of validation scores.
        held: of signals, which wait from here on until the epoch is kept.
    """

    @trainer.on(Events.EPOCH_COMPLETED)
    def add_row(engine: Engine) -> None:
        seconds = timer.value()
        row = {
            "epoch": engine.state.epoch,
            "step": engine.state.iteration,
            **name_terms("train", read_terms(engine), engine.state.metrics["terms"]),
            **validate(),
            "seconds": seconds,
            "images_per_second": images / seconds,
        }
        held.enter_context(signals_held_back())
        history.append(row)


def attach_keeping(trainer: Engine, history: list[Row], *keep: Callable[[Row], object]) -> None:
    """Hand each epoch's row to whatever keeps or prints it.

    Args:
        trainer: with :func:`attach_history`.
        history: whose last row is handed on.
        keep: called with the row, in this order.
    """

    @trainer.on(Events.EPOCH_COMPLETED)
    def keep_epoch(engine: Engine) -> None:
        for keeper in keep:
            keeper(history[-1])


def attach_early_stopping(trainer: Engine, history: list[Row], patience: int) -> EarlyStopping:
    """Stop after some epochs without a better validation NLL.

    Args:
        trainer: with :func:`attach_history`.
        history: its rows, with ``validation.nll``.
        patience: how many epochs.
    """
    handler = EarlyStopping(patience, lambda engine: -history[-1]["validation.nll"], trainer)
    handler.logger.setLevel(logging.CRITICAL)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, handler)
    return handler


def record_row(recorders: Iterable[Recorder], row: Row) -> None:
    """Log a row of the history, its epoch as the step."""
    for recorder in recorders:
        for name, value in row.items():
            if name != "epoch":
                recorder.log_scalar(name, value, int(row["epoch"]))
