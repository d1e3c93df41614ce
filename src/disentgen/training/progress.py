"""How far a process has come, and how long it will take."""

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ignite.engine import Engine, Events
from ignite.handlers import ProgressBar

#: The first line about a training off a terminal comes after so many steps.
FIRST_ANNOUNCED = 50
#: Further lines are so many seconds apart.
ANNOUNCED_SECONDS = 300


def attach_progress(engine: Engine, batch_size: int, what: str = "") -> None:
    """A progress bar with images/s and the time left in the epoch, on a terminal only.

    It writes to the process's own stderr, past anything that captures the output of a run.

    Args:
        engine: whose iterations are shown.
        batch_size: images in a batch.
        what: is being done; stands before the bar.
    """
    if shows_bars():
        bar = ProgressBar(
            bar_format=None,
            file=sys.__stderr__,
            desc=what,
            unit=" images",
            unit_scale=batch_size,
            ncols=88,
        )
        bar.attach(engine)


def shows_bars() -> bool:
    """Whether the process's own stderr is a terminal."""
    return sys.__stderr__ is not None and sys.__stderr__.isatty()


@dataclass
class Clock:
    """Estimates from the steps of this process how long the others will take.

    Args:
        steps: how many the training has.
        done: the step after which the time is taken.
        since: when that was, by the monotonic clock, in seconds.
    """

    steps: int
    done: int
    since: float = field(default_factory=time.monotonic)

    def start(self, engine: Engine) -> None:
        """Take the time from here on: a process's first step takes longer than others."""
        self.done, self.since = engine.state.iteration, time.monotonic()

    def pace(self, step: int) -> float | None:
        """Seconds for each step, with validation and saving; None before there was one.

        Args:
            step: that has just ended.
        """
        return (time.monotonic() - self.since) / (step - self.done) if step > self.done else None

    def left(self, step: int) -> float | None:
        """Seconds until the last epoch has ended; None before there was a step to go by.

        Args:
            step: that has just ended.
        """
        pace = self.pace(step)
        return None if pace is None else pace * (self.steps - step)


@dataclass
class Announcements:
    """Lines about a training that is not seen on a terminal: one soon, others now and then.

    Args:
        show: prints a line about a step.
        next_step: the step after which the first one is due, unless an epoch has ended before.
        shown_at: when the last one was shown, by the monotonic clock, in seconds.
    """

    show: Callable[[int], object]
    next_step: float
    shown_at: float = field(default_factory=time.monotonic)

    def end_step(self, engine: Engine) -> None:
        """Show a line if it is due."""
        step, waited = engine.state.iteration, time.monotonic() - self.shown_at
        if step >= self.next_step or waited >= ANNOUNCED_SECONDS:
            self.show(step)
            self.put_off()

    def put_off(self) -> None:
        """Wait for some minutes: a line has just been shown."""
        self.next_step, self.shown_at = math.inf, time.monotonic()


def attach_announcements(trainer: Engine, done: int, show: Callable[[int], object]) -> None:
    """Show the first line after some steps, then one every few minutes, where there is no bar.

    Args:
        trainer: whose steps are announced; the end of an epoch has a line of its own.
        done: steps before this process.
        show: prints a line about a step.
    """
    if not shows_bars():
        announcements = Announcements(show, done + FIRST_ANNOUNCED)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, announcements.end_step)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, announcements.put_off)
