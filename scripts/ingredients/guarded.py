"""Sacred's observers beside the run's folder: they may fail or hang, and cost the run nothing."""

import copy
import time
from collections.abc import Mapping
from typing import Any

from disentgen.background import LAST_SECONDS, Background
from sacred_compat import RunObserver


class Observed:
    """One of Sacred's observers, as it is; what a kind of observer needs beside is a subclass.

    Its methods are called by one thread, in the order of the run's events.

    Args:
        observer: of Sacred's.
        name: for messages.
    """

    #: Whether an event may be handed to it twice, once more after :meth:`recover`.
    repeats = False

    def __init__(self, observer: RunObserver, name: str | None = None):
        self.observer = observer
        self.name = name or type(observer).__name__
        self.info: dict[str, Any] = {}

    def takes(self, event: str) -> bool:
        """Whether the observer does anything at an event."""
        method = getattr(type(self.observer), event, None)
        return method not in (None, getattr(RunObserver, event))

    def receive(self, event: str, given: Mapping[str, Any]) -> object:
        """Hand an event on.

        Args:
            event: its name.
            given: what Sacred hands over, in a copy that is the observer's own.
        """
        if "info" in given:  # some observers add to it, and read it at the next event
            self.info.update(given["info"])
            given = {**given, "info": self.info}
        return getattr(self.observer, event)(**given)

    def recover(self) -> None:
        """Make it fit for the next event after one that failed."""


class GuardedObserver:
    """Hands events to an observer by way of a thread of its own, each with copies of its own.

    It has the events of Sacred's :class:`RunObserver`, which Sacred calls with keywords alone. The
    run does not wait for the observer, but for some seconds at its end.

    Args:
        observed: what receives the events.
    """

    #: The run's folder comes first, by Sacred's own number for it.
    priority = 0

    def __init__(self, observed: Observed):
        self.observed = observed
        recover = observed.recover if observed.repeats else None
        self.background = Background(observed.name, recover)
        self.ends: float | None = None
        #: Whether the observer has received the start of the run before Sacred sends it.
        self.entered = False

    def _send(self, event: str, given: Mapping[str, Any], kind: str | None = None) -> None:
        if not self.observed.takes(event):
            return
        own = copy.deepcopy(dict(given))
        self.background.call(lambda: self.observed.receive(event, own), kind)

    def _send_last(self, event: str, **given: Any) -> None:
        self.ends = time.monotonic() + LAST_SECONDS
        self._send(event, given)

    def queued_event(self, **given: Any) -> None:
        """The run is queued, and not started."""
        self._send_last("queued_event", **{**given, "_id": as_number(given["_id"])})

    def started_event(self, **given: Any) -> None:
        """The run starts."""
        if not self.entered:
            self._send("started_event", {**given, "_id": as_number(given["_id"])})

    def heartbeat_event(self, **given: Any) -> None:
        """Some seconds have passed; one that waits makes room for the next."""
        self._send("heartbeat_event", given, kind="heartbeat")

    def completed_event(self, **given: Any) -> None:
        """The run has come to its end."""
        self._send_last("completed_event", **given)

    def interrupted_event(self, **given: Any) -> None:
        """The run was interrupted."""
        self._send_last("interrupted_event", **given)

    def failed_event(self, **given: Any) -> None:
        """The run has failed."""
        self._send_last("failed_event", **given)

    def resource_event(self, **given: Any) -> None:
        """The run has opened a file."""
        self._send("resource_event", given)

    def artifact_event(self, **given: Any) -> None:
        """The run has made a file."""
        self._send("artifact_event", given)

    def log_metrics(self, metrics_by_name: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        """Values of metrics, by their names; and what an observer may add to."""
        if metrics_by_name:
            self._send("log_metrics", {"metrics_by_name": metrics_by_name, "info": info})

    def join(self) -> None:
        """Wait for the last event, no longer than until some seconds after the run's end."""
        self._send("join", {})
        self.background.end(max(0.0, (self.ends or time.monotonic()) - time.monotonic()))


def as_number(run_id: str | None) -> int | str | None:
    """An id as databases number runs: those that start by themselves go on from the highest."""
    return int(run_id) if run_id is not None and run_id.isdecimal() else run_id
