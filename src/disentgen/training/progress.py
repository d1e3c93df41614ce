"""How far a process has come, and how long it will take."""

import sys
import time
from dataclasses import dataclass

from ignite.engine import Engine
from ignite.handlers import ProgressBar

from disentgen.training.terms import Row


def attach_progress(engine: Engine, batch_size: int, what: str = "") -> None:
    """A progress bar with images/s and the time left in the epoch, on a terminal only.

    It writes to the process's own stderr, past anything that captures the output of a run.

    Args:
        engine: whose iterations are shown.
        batch_size: images in a batch.
        what: is being done; stands before the bar.
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


@dataclass(frozen=True)
class Clock:
    """Estimates from the epochs of this process how long the others will take.

    Args:
        started: when the process began with its first epoch, by the monotonic clock, in seconds.
        done_before: epochs that were finished before.
        epochs: how many there will be.
    """

    started: float
    done_before: int
    epochs: int

    def left(self, row: Row) -> float:
        """Seconds until the last epoch has ended, as of the end of an epoch."""
        pace = (time.monotonic() - self.started) / (row["epoch"] - self.done_before)
        return pace * (self.epochs - row["epoch"])
