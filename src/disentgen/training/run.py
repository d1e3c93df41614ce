"""One training, from configuration to results: the body of every experiment."""

import math
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from ignite.engine import Engine, Events

from disentgen.dataset.batches import BatchStream
from disentgen.dataset.split import SIDES
from disentgen.errors import DivergenceError, UsageError, warn
from disentgen.provenance import note_start
from disentgen.run_directory import RunDirectory
from disentgen.training import handlers
from disentgen.training.assembly import Objects, Training, assemble
from disentgen.training.checkpoints import Checkpoints, UnfinishedEpoch
from disentgen.training.config import Config
from disentgen.training.console import (
    describe_position,
    describe_row,
    describe_start,
    describe_step,
    format_results,
)
from disentgen.training.continuing import (
    check_images,
    check_split,
    list_changes,
    require_checkpoint,
)
from disentgen.training.divergence import ADVICE, attach_guard, has_finite_weights
from disentgen.training.evaluation import Scores
from disentgen.training.handlers import Recorder
from disentgen.training.loggers import open_loggers
from disentgen.training.machine import prepare_process
from disentgen.training.progress import Clock, attach_announcements, attach_progress
from disentgen.training.rates import LearningRate
from disentgen.training.results import collect_results
from disentgen.training.signals import signals_held_back
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
        UsageError: the directory holds a run of another configuration, or another process is
            training in it.
        DataFileError: the images cannot be opened, or the run cannot be written; or it has lost the
            checkpoint that it would go on from.
        DivergenceError: a term of the objective is not finite.
    """
    with directory.held() as held:
        if (saved := directory.load_config()) not in (None, config.plain()):
            list_changes(Config.read_saved(saved, config.experiment, config.family), config)
        require_checkpoint(directory, config.training)
        note_start(held)
        return train_held(config, held, *recorders)


def train_held(
    config: Config,
    directory: RunDirectory,
    *recorders: Recorder,
    objects: Objects | None = None,
) -> Training:
    """:func:`train` in a directory that the caller holds, and whose start it has noted.

    Args:
        config: says all about it.
        directory: where the run is kept.
        recorders: each is handed every epoch's terms and scores.
        objects: see :func:`~disentgen.training.assembly.assemble`.
    """
    settings = {name: value for name, (value, _) in config.flat().items()}
    with open_loggers(config.training.loggers, directory.path, settings) as loggers:
        return train_and_score(config, directory, [*recorders, *loggers], objects)


def train_and_score(
    config: Config,
    directory: RunDirectory,
    recorders: Sequence[Recorder],
    objects: Objects | None = None,
) -> Training:
    """What :func:`train_held` does, once its loggers are there.

    Args:
        config: says all about it.
        directory: where the run is kept.
        recorders: each is handed every epoch's terms and scores.
        objects: see :func:`~disentgen.training.assembly.assemble`.
    """
    times = {"started": handlers.now()}
    prepare_process(config.threads)
    check_images(config.spec, directory.load_images())
    # Before anything is written: images that moved may turn out to be others, or not to be there.
    training = assemble(config, objects)
    check_split(training.dataset.split, directory.load_split())
    directory.save_config(config)
    directory.save_images(training.dataset.describe())
    print(describe_start(training), flush=True)
    check_sides(training)
    checkpoints, held = prepare_training(training, directory, recorders)
    directory.save_split(training.dataset.split)
    directory.clear()
    handlers.attach_first_batch(checkpoints.trainer, times)
    run_epochs(checkpoints, held)
    if len(training.history) < config.training.epochs:
        print(f"stopped early after epoch {len(training.history)}", flush=True)
    training.select(checkpoints.selected)
    training.results = collect_results(training, directory, times)
    directory.save_results(training.results)
    if not config.training.keep_checkpoint:
        directory.drop_checkpoint()
    print(format_results(training.results, training.model.output.unit), flush=True)
    return training


def run_epochs(checkpoints: Checkpoints, held: ExitStack) -> None:
    """Train to the end; what ends it before that leaves a checkpoint behind.

    Args:
        checkpoints: of the training.
        held: of signals.
    """
    training, trainer = checkpoints.training, checkpoints.trainer
    epochs, length = training.config.training.epochs, len(training.batches)
    try:
        with held:
            checkpoints.complete_epoch()
            if not training.is_finished:
                trainer.run(checkpoints.epoch.stream, max_epochs=epochs, epoch_length=length)
    except KeyboardInterrupt:
        with signals_held_back():
            checkpoints.save_step()
        if step := checkpoints.step_saved:
            position = describe_position(step, len(training.history), length, epochs)
            print(f"saved after {position}", flush=True)
        raise
    except Exception:
        checkpoints.save_epoch()
        raise


def check_sides(training: Training) -> None:
    """Warn of sides with images of which none can be scored, as one that has no partner.

    Raises:
        UsageError: early stopping lacks validation images.
    """
    settings = training.config.training
    limits = {"validation": settings.validation_images}
    for side in SIDES:
        limit = limits.get(side, settings.score_images)
        held = training.dataset.split.mask(side).any()
        if not held or len(training.choose_images(side, limit)):
            continue
        name, effect = side.replace("_", "-"), ""
        if side == "validation":
            if settings.early_stopping is not None:
                raise UsageError("training.early_stopping: no validation image can be scored.")
            effect = "; the last epoch is kept"
        warn(f"no {name} image can be scored, since none has a partner{effect}.")


def prepare_training(
    training: Training, directory: RunDirectory, recorders: Sequence[Recorder]
) -> tuple[Checkpoints, ExitStack]:
    """The trainer with its handlers, in the order in which the ends of step and epoch call them.

    Args:
        training: whose model is to be trained; its history grows.
        directory: where the run is kept.
        recorders: each is handed every row of the history.

    Returns:
        The training's checkpoints, which hold the trainer, and what holds signals back.
    """
    settings, device, held = training.config.training, training.device, ExitStack()
    trainer = handlers.create_trainer(training.update)
    handlers.attach_start_of_steps(trainer, held)
    handlers.attach_noise(trainer, training.config.seed)
    average = handlers.attach_averages(trainer, device)
    guard = attach_guard(trainer, device)
    attach_progress(trainer, settings.batch_size)
    # At the end of an epoch the guard has waited for the device before the timer is read.
    images, timer = len(training.batches) * settings.batch_size, handlers.attach_timer(trainer)
    score = partial(validate, training)
    handlers.attach_history(trainer, training.history, timer, images, score, held)
    epoch = UnfinishedEpoch(trainer, device, BatchStream(training.batches), average, timer)
    stateful = attach_chosen(trainer, training)
    checkpoints = Checkpoints(training, directory, trainer, guard, epoch, stateful)
    resume(checkpoints, recorders)
    attach_lines(checkpoints, recorders)
    trainer.add_event_handler(Events.ITERATION_COMPLETED, checkpoints.end_step)
    handlers.attach_end_of_steps(trainer, held)
    return checkpoints, held


def attach_lines(checkpoints: Checkpoints, recorders: Sequence[Recorder]) -> None:
    """Keep, record and print what every epoch comes to, and print lines in between.

    Args:
        checkpoints: that an epoch is kept by.
        recorders: each is handed every row of the history.
    """
    training, trainer = checkpoints.training, checkpoints.trainer
    settings, length = training.config.training, len(training.batches)
    done, sampled = trainer.state.iteration, training.model.output.sampled
    clock = Clock(settings.epochs * length, done)
    trainer.add_event_handler(Events.ITERATION_COMPLETED(once=done + 1), clock.start)

    def show_step(step: int) -> None:
        position = describe_position(step, len(training.history), length, settings.epochs)
        line = describe_step(position, settings.batch_size, clock.pace(step), clock.left(step))
        print(line, flush=True)

    def show_epoch(row: Row) -> None:
        left = clock.left(int(row["step"]))
        print(describe_row(row, settings.epochs, left, sampled), flush=True)

    record = partial(handlers.record_row, recorders)
    handlers.attach_keeping(trainer, training.history, checkpoints.end_epoch, record, show_epoch)
    attach_announcements(trainer, done, show_step)


def attach_chosen(trainer: Engine, training: Training) -> dict[str, Any]:
    """Attach what a configuration may ask for; then all that has a state of its own, by name."""
    settings = training.config.training
    stateful: dict[str, Any] = {
        "model": training.model, "optimizer": training.optimizer, "loss": training.loss,
    }  # fmt: skip
    rate = LearningRate(settings, len(training.batches))
    handlers.attach_rate(trainer, training.optimizer, rate)
    if settings.ema is not None:
        training.average = handlers.attach_weight_average(trainer, training.model, settings.ema)
        stateful["average"] = training.average
    if settings.early_stopping is not None:
        stateful["early_stopping"] = handlers.attach_early_stopping(
            trainer, training.history, settings.early_stopping
        )
    return stateful


def validate(training: Training) -> Row:
    """Scores after an epoch as columns of the history; none where no image can be scored.

    They are of validation images, of combinations that are set aside, and of held-out images where
    these are asked for.
    """
    settings = training.config.training
    scores = training.score("validation", settings.validation_images)
    rates = {"lr": training.optimizer.param_groups[0]["lr"]}
    epoch = len(training.history) + 1
    if scores is None and not has_finite_weights(training.model):
        raise DivergenceError(f"weights are not finite after epoch {epoch}. {ADVICE}")
    if scores is not None and not math.isfinite(scores.nll):
        raise DivergenceError(f"validation NLL is {scores.nll} after epoch {epoch}. {ADVICE}")
    row = name_scores("validation", scores)
    if training.dataset.split.set_aside is not None:
        aside = training.score("set_aside", settings.validation_images)
        row |= name_scores("set_aside", aside)
    if settings.oracle_images is not None:
        row |= name_scores("held_out", training.score("held_out", settings.oracle_images))
    return row | rates


def name_scores(side: str, scores: Scores | None) -> Row:
    """Scores as columns of the history.

    Args:
        side: that they are of.
        scores: None where none of its images can be scored.
    """
    if scores is None:
        return {}
    row = {f"{side}.nll": scores.nll}
    if scores.kl is not None:
        row[f"{side}.kl"] = scores.kl
    row |= {f"{side}.{name}": value for name, value in scores.single.items()}
    for name, values in scores.details.items():
        numbered = number_latents(f"{side}.{name}", list(values))
        row |= {key: value for key, value in numbered.items() if not math.isnan(value)}
    return row


def resume(checkpoints: Checkpoints, recorders: Sequence[Recorder]) -> None:
    """Go on after the last step that was saved, if there is one.

    Args:
        checkpoints: of the training, whose history is filled.
        recorders: each is handed the rows of the epochs that are done.

    Raises:
        DataFileError: the checkpoint is damaged; or there is none, and the run has not ended.
    """
    training = checkpoints.training
    if not checkpoints.restore():
        if checkpoints.directory.has_started:
            print("nothing was saved of this run; it starts again", flush=True)
        return
    for row in training.history:
        handlers.record_row(recorders, row)
    step, done, length = checkpoints.step_saved, len(training.history), len(training.batches)
    if step is None:
        print("there is no checkpoint; the model is scored as it is", flush=True)
        return
    position = describe_position(step, done, length, training.config.training.epochs)
    print(f"resuming after {position}", flush=True)
