"""The trainer of all experiments, and the handlers that make a run of it."""

import contextlib
import datetime
import logging
import math
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, cast

import numpy as np
import torch
from ignite.engine import Engine, Events
from ignite.handlers import EarlyStopping, ProgressBar, Timer
from ignite.metrics import Average
from torch import Tensor, nn

from disentgen.dataset.batches import Batch, TrainingBatches
from disentgen.errors import DivergenceError
from disentgen.training.losses import Loss, Terms

Row = dict[str, float]


#: What may help against divergence.
ADVICE = "A new run with a lower training.lr may help; epochs finished before are kept."


class Recorder(Protocol):
    """Whatever keeps scalars as training goes on: Sacred's run, a file, a test."""

    def log_scalar(self, metric_name: str, value: float, step: int | None = None) -> object:
        """Keep a value of a metric at a step."""
        ...


def create_trainer(
    model: nn.Module,
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    precision: str,
    device: torch.device,
) -> Engine:
    """An engine whose step updates the model once and yields the terms of the objective."""

    def update(engine: Engine, batch: Batch) -> Terms:
        model.train()
        inputs, target = batch
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            output = loss.run(model, inputs)
        terms = loss(output, target, engine.state.iteration - 1)
        terms["loss"].backward()
        optimizer.step()
        later = loss.after_step(output)
        return {name: term.detach() for name, term in (terms | later).items()}

    trainer = Engine(update)
    # Ignite logs every exception with its traceback before raising it again; once is enough.
    trainer.logger.setLevel(logging.CRITICAL)
    return trainer


def attach_data(trainer: Engine, batches: TrainingBatches, seed: int) -> None:
    """Give every epoch its batches and its noise, both functions of (seed, epoch) alone.

    A run that goes on after an epoch's end therefore draws what it would have drawn.
    """

    @trainer.on(Events.EPOCH_STARTED)
    def draw_epoch(engine: Engine) -> None:
        epoch = engine.state.epoch
        torch.manual_seed(
            int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0])
        )
        engine.set_data(batches.epoch(epoch))


def attach_averages(trainer: Engine, device: torch.device) -> None:
    """Average the terms of the objective over each epoch, as the metric ``terms``."""
    Average(flatten_terms, device=device).attach(trainer, "terms")


def attach_guard(trainer: Engine, device: torch.device) -> None:
    """Stop at the first step with a term that is not finite.

    Reading a value waits for a GPU; there the first bad step is noted as it happens, but read only
    every 50 steps and at the end of an epoch, before anything of it is kept.

    Raises:
        DivergenceError: while the engine runs; names the step and the term.
    """
    every = 1 if device.type == "cpu" else 50
    first = FirstDivergence()
    trainer.add_event_handler(Events.ITERATION_COMPLETED, first.look)
    trainer.add_event_handler(Events.ITERATION_COMPLETED(every=every), first.tell)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, first.tell)


class FirstDivergence:
    """Remembers the first step with a term that is not finite, and that step's terms."""

    def __init__(self) -> None:
        self.step: Tensor | None = None
        self.values: Tensor | None = None

    def look(self, engine: Engine) -> None:
        """Note the step if it is the first bad one, on the device and without waiting for it."""
        values = flatten_terms(read_terms(engine))
        if self.step is None or self.values is None:
            step = torch.zeros((), dtype=torch.int64, device=values.device)
            self.step, self.values = step, values
        bad = ~torch.isfinite(values).all() & (self.step == 0)
        self.step = torch.where(bad, engine.state.iteration, self.step)
        self.values = torch.where(bad, values, self.values)

    def tell(self, engine: Engine) -> None:
        """Raise the error if there has been a bad step."""
        if self.step is None or self.values is None or not self.step:
            return
        named = name_terms("", read_terms(engine), self.values)
        wrong = {name: value for name, value in named.items() if not math.isfinite(value)}
        told = [f"{name.removeprefix('.')} = {value}" for name, value in wrong.items()]
        values = ", ".join(told[:4]) + (f" and {len(told) - 4} more" if len(told) > 4 else "")
        raise DivergenceError(
            f"training diverged at step {int(self.step)} (epoch {engine.state.epoch}): {values}. "
            f"{ADVICE}"
        )


def attach_progress(engine: Engine, batch_size: int, what: str = "") -> None:
    """A progress bar with images/s and the time left in the epoch, on a terminal only.

    It writes to the process's own stderr, past anything that captures the output of a run.
    """
    terminal = sys.__stderr__
    if terminal is not None and terminal.isatty():
        bar = ProgressBar(
            bar_format=None,
            file=terminal,
            desc=what,
            unit=" images",
            unit_scale=batch_size,
            ncols=88,
        )
        bar.attach(engine)


def attach_first_batch(trainer: Engine, times: dict[str, str]) -> None:
    """Note when the first batch was done, as ``first_batch``."""

    @trainer.on(Events.ITERATION_COMPLETED(once=trainer.state.iteration + 1))
    def note(engine: Engine) -> None:
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


def attach_history(
    trainer: Engine, history: list[Row], timer: Timer, images: int, validate: Callable[[], Row]
) -> None:
    """At the end of each epoch, add a row of training averages and validation scores."""

    @trainer.on(Events.EPOCH_COMPLETED)
    def add_row(engine: Engine) -> None:
        seconds = timer.value()
        history.append(
            {
                "epoch": engine.state.epoch,
                "step": engine.state.iteration,
                **name_terms("train", read_terms(engine), engine.state.metrics["terms"]),
                **validate(),
                "seconds": seconds,
                "images_per_second": images / seconds,
            }
        )


def attach_keeping(trainer: Engine, history: list[Row], *keep: Callable[[Row], object]) -> None:
    """Hand each epoch's row to those who keep or tell it; signals wait until they have."""

    @trainer.on(Events.EPOCH_COMPLETED)
    def keep_epoch(engine: Engine) -> None:
        with signals_held_back():
            for keeper in keep:
                keeper(history[-1])


@contextlib.contextmanager
def signals_held_back() -> Iterator[None]:
    """Let signals that end a process wait until the block has ended.

    Handlers are swapped rather than signals blocked, since another thread could take a signal and
    Python would run its handler in this one all the same.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, lambda number, frame: received.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for pending in received:
            signal.raise_signal(pending)


def attach_early_stopping(trainer: Engine, history: list[Row], patience: int) -> EarlyStopping:
    """Stop after ``patience`` epochs without a better validation NLL."""
    handler = EarlyStopping(patience, lambda engine: -history[-1]["validation.nll"], trainer)
    handler.logger.setLevel(logging.CRITICAL)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, handler)
    return handler


def describe_row(row: Row, epochs: int, seconds_left: float, sampled: bool) -> str:
    """A line that tells of an epoch.

    Args:
        row: of the history.
        epochs: how many there will be.
        seconds_left: until the last of them has ended.
        sampled: whether the model is trained on samples of a posterior; it is validated at its
            mean, so that what stands beside each other is not the same quantity.
    """
    names = {"nll": "NLL", "squared_error": "squared error", "kl": "KL"}
    sides = {"train": f"train ({'sampled' if sampled else 'over the epoch'})"}
    told = [
        f"{title} "
        + " ".join(
            f"{name} {row[f'{side}.{key}']:.2f}"
            for key, name in names.items()
            if f"{side}.{key}" in row
        )
        for side, title in (sides | {"validation": "validation"}).items()
    ]
    return (
        f"epoch {row['epoch']:.0f}/{epochs}  {'  '.join(told)}  "
        f"{row['images_per_second']:,.0f} images/s  {format_duration(seconds_left)} left"
    )


def record_row(recorders: Iterable[Recorder], row: Row) -> None:
    """Log a row of the history, its epoch as the step."""
    for recorder in recorders:
        for name, value in row.items():
            if name != "epoch":
                recorder.log_scalar(name, value, int(row["epoch"]))


def read_terms(engine: Engine) -> Terms:
    """The terms of the trainer's last step."""
    return cast(Terms, engine.state.output)


def flatten_terms(terms: Terms) -> Tensor:
    """All values of the terms in one vector."""
    return torch.cat([term.reshape(-1) for term in terms.values()])


def name_terms(prefix: str, terms: Terms, values: Tensor) -> Row:
    """A vector as made by :func:`flatten_terms`, under the terms' names again."""
    named: Row = {}
    parts = values.split([term.numel() for term in terms.values()])
    for (name, term), part in zip(terms.items(), parts, strict=True):
        if term.ndim:
            named |= number_latents(f"{prefix}.{name}", part.tolist())
        else:
            named[f"{prefix}.{name}"] = part.item()
    return named


def number_latents(name: str, values: list[float]) -> Row:
    """Values of each latent under names of their own: ``name_0``, ``name_1``, …"""
    return {f"{name}_{number}": value for number, value in enumerate(values)}


def format_duration(seconds: float) -> str:
    """Seconds as people say them: 40 s, 12 min, 3 h 5 min."""
    minutes = math.ceil(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
