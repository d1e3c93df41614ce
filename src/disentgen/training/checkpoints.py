"""Checkpoints by time, from which a training goes on bit by bit, in the middle of an epoch too."""

import copy
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from ignite.handlers import Timer
from ignite.metrics import Average
from torch import Tensor

from disentgen.dataset.batches import BatchStream
from disentgen.errors import DataFileError
from disentgen.run_directory import RunDirectory
from disentgen.training.assembly import Training
from disentgen.training.checkpoint_shape import check_checkpoint, damage_named
from disentgen.training.divergence import FirstDivergence, has_finite_weights
from disentgen.training.terms import Row
from disentgen.weights import check_weights

#: A finished epoch is saved at the latest after so many seconds.
EPOCH_SECONDS = 60.0


@dataclass
class UnfinishedEpoch:
    """What the present epoch has come to, beside model, optimiser and objective.

    Args:
        trainer: at the end of a step.
        device: that it trains on.
        stream: that it draws its batches from.
        average: of the terms of the objective over the epoch.
        timer: of the epoch's steps.
    """

    trainer: Engine
    device: torch.device
    stream: BatchStream
    average: Average
    timer: Timer

    def state_dict(self) -> dict[str, Any]:
        """All that the rest of the epoch depends on."""
        state = {
            "batches": self.stream.state_dict(),
            "average": self.average.state_dict(),
            "seconds": self.timer.value(),
            "terms": self.trainer.state.output,
            "random": torch.get_rng_state(),
        }
        if self.device.type == "cuda":
            state["random_cuda"] = torch.cuda.get_rng_state(self.device)
        elif self.device.type == "mps":
            state["random_mps"] = torch.mps.get_rng_state()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from another process's :meth:`state_dict`; once the epoch has begun."""
        self.stream.load_state_dict(state["batches"])
        self.average.load_state_dict(state["average"])
        self.average.accumulator = self.average.accumulator.to(self.device)
        self.timer.reset()
        self.timer.total = state["seconds"]
        self.trainer.state.output = state["terms"]
        torch.set_rng_state(state["random"])
        if self.device.type == "cuda" and "random_cuda" in state:
            torch.cuda.set_rng_state(state["random_cuda"], self.device)
        elif self.device.type == "mps" and "random_mps" in state:
            torch.mps.set_rng_state(state["random_mps"])


@dataclass
class Checkpoints:
    """Saves a training by time, after its last epoch, and when it is interrupted.

    ``checkpoint.pt`` alone says how far the training has come. ``model.pt`` and ``history.csv``
    follow from it: they are written after it, and anew when the training goes on, so that it does
    not matter between which of them a process was killed.

    Args:
        training: that is saved; its history grows.
        directory: where the run is kept.
        trainer: of the training.
        guard: of its terms; nothing is saved of a training that has diverged.
        epoch: what the present epoch has come to.
        stateful: whatever else has a state of its own, by the name under which a checkpoint holds
            it.
        selected: weights of the selected epoch by name, (…,) each; empty before there is one.
        unsaved: a checkpoint of the last finished epoch, as long as it is not written.
        unvalidated: an epoch of an earlier process that was interrupted after its last step.
        epochs_written: rows that ``history.csv`` has.
        model_epoch: the epoch whose weights ``model.pt`` has; 0 before there is one.
        step_saved: the step of the last checkpoint; None as long as there is none.
        saved_at: when it was written, or this process began, by the monotonic clock, in seconds.
    """

    training: Training
    directory: RunDirectory
    trainer: Engine
    guard: FirstDivergence
    epoch: UnfinishedEpoch
    stateful: Mapping[str, Any]
    selected: dict[str, Tensor] = field(default_factory=dict)
    unsaved: dict[str, Any] | None = None
    unvalidated: dict[str, Any] | None = None
    epochs_written: int = 0
    model_epoch: int = 0
    step_saved: int | None = None
    saved_at: float = field(default_factory=time.monotonic)

    @property
    def interval(self) -> float:
        """Seconds between checkpoints inside an epoch."""
        minutes = self.training.config.training.checkpoint_minutes
        return math.inf if minutes is None else 60 * minutes

    @property
    def is_epoch_due(self) -> bool:
        """Whether a finished epoch is to be saved; the first one is at once."""
        waited = time.monotonic() - self.saved_at
        return self.step_saved is None or waited >= min(self.interval, EPOCH_SECONDS)

    def collect(self) -> dict[str, Any]:
        """A checkpoint as of the last step; its tensors are those that training goes on to change.

        An epoch whose steps are done and that is not in the history yet is unfinished.
        """
        step, history = self.trainer.state.iteration, self.training.history
        is_inside = step > len(history) * len(self.training.batches)
        return {
            **{name: item.state_dict() for name, item in self.stateful.items()},
            "history": list(history),
            "selected": self.selected,
            "step": step,
            "unfinished_epoch": self.epoch.state_dict() if is_inside else None,
        }

    def end_epoch(self, row: Row) -> None:
        """Select the weights of an epoch that has been added to the history, and save it if due.

        Args:
            row: of the history, of that epoch.

        Raises:
            DataFileError: the run cannot be written: its folder has gone, or is another process's.
        """
        self.directory.check()  # at once, though short epochs are saved by time
        if self.training.selected_epoch == row["epoch"]:
            weights = self.training.scored_model.state_dict()
            self.selected = {name: value.to("cpu", copy=True) for name, value in weights.items()}
        if self.is_epoch_due or self.training.is_finished:
            self.save(self.collect())
        else:
            self.unsaved = copy.deepcopy(self.collect())

    def end_step(self) -> None:
        """Save the step, or the last finished epoch, if it is due.

        A step whose weights are not finite is left to the guard, which sees it in the next one.
        """
        if time.monotonic() - self.saved_at >= self.interval:
            self.epoch.timer.pause()
            self.guard.check(self.trainer)
            if has_finite_weights(self.training.model):
                self.save(self.collect())
            self.epoch.timer.resume()
        elif self.unsaved is not None and self.is_epoch_due:
            self.save(self.unsaved)

    def save(self, checkpoint: dict[str, Any]) -> None:
        """Write a checkpoint, then the files that follow from it.

        Raises:
            DataFileError: the run cannot be written.
        """
        self.unsaved = None
        self.directory.save_checkpoint(checkpoint)
        self.step_saved, self.saved_at = checkpoint["step"], time.monotonic()
        self.write_epochs()

    def write_epochs(self) -> None:
        """Write ``model.pt`` and ``history.csv`` where they lack epochs of the history."""
        if len(self.training.history) > self.epochs_written:
            if self.training.selected_epoch > self.model_epoch:
                self.directory.save_model(self.selected, self.training.description)
                self.model_epoch = self.training.selected_epoch
            self.directory.save_history(self.training.history)
            self.epochs_written = len(self.training.history)

    def save_epoch(self) -> None:
        """Save the last finished epoch if it is not saved yet; what has come after it is lost."""
        if self.unsaved is not None:
            self.save(self.unsaved)

    def save_step(self) -> None:
        """Save the last step unless it is saved, or the last epoch if it has diverged since."""
        step = self.trainer.state.iteration
        if self.guard.has_happened or not has_finite_weights(self.training.model):
            self.save_epoch()
        elif step and (step != self.step_saved or self.unsaved is not None):
            self.save(self.collect())

    def restore(self) -> bool:
        """Go on from what the directory holds, if it holds anything; False if not.

        Raises:
            DataFileError: a file is damaged.
        """
        checkpoint = self.directory.load_checkpoint()
        if checkpoint is None:
            return self._restore_finished()
        self._load(checkpoint)
        length = len(self.training.batches)
        step = checkpoint.get("step", len(self.training.history) * length)
        if self.training.history and self._is_model_kept():
            self.model_epoch = self.training.selected_epoch
        self.write_epochs()
        self._set_step(step)
        if (unfinished := checkpoint.get("unfinished_epoch")) and step % length:
            self.trainer.add_event_handler(
                Events.EPOCH_STARTED(once=step // length + 1),
                self._load_epoch,
                unfinished,
            )
        elif unfinished:
            self.unvalidated = unfinished
        return True

    def complete_epoch(self) -> None:
        """Validate and keep an epoch that was interrupted after its last step."""
        if self.unvalidated is not None:
            self._load_epoch(self.unvalidated)
            self.trainer.fire_event(Events.EPOCH_COMPLETED)

    def _load(self, checkpoint: dict[str, Any]) -> None:
        """Load a checkpoint into model, optimiser, objective and history, once it is checked."""
        model, length = self.training.model, len(self.training.batches)
        check_checkpoint(checkpoint, self.stateful, model, length, self._path)
        if "selected" in checkpoint:
            selected = checkpoint["selected"]
        else:  # checkpoints used to be of whole epochs alone, beside the selected weights
            selected = self.directory.load_weights()
            check_weights(model, selected, self.directory.path / "model.pt")
        with damage_named(self._path):
            for name, item in self.stateful.items():
                item.load_state_dict(checkpoint[name])
        self.training.history.extend(checkpoint["history"])
        self.selected = selected

    def _load_epoch(self, unfinished: Mapping[str, Any]) -> None:
        with damage_named(self._path):
            self.epoch.load_state_dict(unfinished)

    @property
    def _path(self) -> Path:
        return self.directory.path / "checkpoint.pt"

    def _is_model_kept(self) -> bool:
        """Whether ``model.pt`` has the selected weights, and is not to be touched."""
        try:
            kept = self.directory.load_weights()
        except DataFileError:
            return False
        return kept.keys() == self.selected.keys() and all(
            torch.equal(value, self.selected[name]) for name, value in kept.items()
        )

    def _set_step(self, step: int) -> None:
        """Let the trainer go on after a step."""
        self.trainer.load_state_dict(
            {
                "iteration": step,
                "epoch_length": len(self.training.batches),
                "max_epochs": self.training.config.training.epochs,
            }
        )
        self.epoch.stream.step = self.step_saved = step

    def _restore_finished(self) -> bool:
        """Restore history and model of a finished training that has kept no checkpoint."""
        self.training.history.extend(self.directory.load_history())
        if not self.training.history:
            return False
        self.selected = self.directory.load_weights()
        return True
