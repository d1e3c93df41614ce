"""Calls to what lies outside a training, such as a server, that it never waits for."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TypeVar

from disentgen.errors import warn

T = TypeVar("T")

#: Calls that wait, as a limit; beyond it the oldest are dropped.
WAITING = 10_000
#: Seconds that a call takes without being spoken of; W&B needs ten to open on a busy machine.
PATIENCE = 30.0
#: Seconds that a last call has, once training has ended, and all of them together.
LAST_SECONDS, ALL_SECONDS = 5.0, 10.0


class Background:
    """A thread that makes calls one after the other; they may fail or hang.

    The first failure is reported in a line, and so is the next success. A process that ends does
    not wait for the thread.

    Args:
        name: of what is called, for messages.
        recover: called after a failure, before the call is made once more and later calls are; by
            default the first failure is the last call.
    """

    def __init__(self, name: str, recover: Callable[[], object] | None = None):
        self.name = name
        self._recover = recover
        self._waiting: deque[tuple[str | None, Callable[[], object]]] = deque(maxlen=WAITING)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._began: float | None = None
        self._succeeded = 0.0
        self._lost = self._given_up = False

    def call(self, action: Callable[[], object], kind: str | None = None) -> None:
        """Have a call made later, and go on.

        Args:
            action: the call.
            kind: takes the place of the call before it, should that still wait and be of the same
                kind.
        """
        with self._changed:
            if self._given_up:
                return
            if kind is not None and self._waiting and self._waiting[-1][0] == kind:
                self._waiting.pop()
            self._waiting.append((kind, action))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)
                self._thread.start()
            self._changed.notify_all()
        if self._began is not None and time.monotonic() - self._began > PATIENCE:
            self._lose("it does not answer")

    def ask(self, action: Callable[[], T]) -> Future[T]:
        """Have a call made whose answer is wanted.

        Args:
            action: the call.
        """
        answer: Future[T] = Future()

        def reply() -> None:
            try:
                answer.set_result(action())
            except Exception as error:
                answer.set_exception(error)

        self.call(reply)
        return answer

    def end(self, seconds: float) -> None:
        """Wait until all calls are made, as long as they are.

        Args:
            seconds: to wait for one that succeeds, as a limit; what has not been called by then is
                given up.
        """
        began = time.monotonic()
        with self._changed:
            while self._waiting or self._began is not None:
                ends = min(max(began, self._succeeded) + seconds, began + ALL_SECONDS)
                if not self._changed.wait(max(0.0, ends - time.monotonic())):
                    break
            done = self._began is None and not self._waiting
            self._waiting.clear()
        if not done:
            self._lose("it did not take the end of the run in time")

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                _, action = self._waiting.popleft()
                self._began = time.monotonic()
            self._try(action)
            with self._changed:
                self._began = None
                self._changed.notify_all()

    def _try(self, action: Callable[[], object]) -> None:
        """Make a call; what it raises is said, and that is all that comes of it."""
        try:
            self._attempt(action)
        except Exception as error:
            self._lose(summarize(error))
            if self._recover is None:
                with self._changed:
                    self._given_up = True
                    self._waiting.clear()
            else:
                with contextlib.suppress(Exception):  # said already
                    self._recover()
        else:
            self._succeeded = time.monotonic()
            if self._lost:
                self._lost = False
                warn(f"{self.name} receives this run again, as of {_now()}.")

    def _attempt(self, action: Callable[[], object]) -> None:
        """Make a call, and once more after a failure where something can be recovered."""
        try:
            action()
        except Exception:
            if self._recover is None:
                raise
            self._recover()
            action()

    def _lose(self, reason: str) -> None:
        if not self._lost:
            self._lost = True
            warn(
                f"{self.name} does not receive this run from {_now()} on ({reason}); the run goes "
                "on, and its folder is whole."
            )


def wait_for(backgrounds: Iterable[Background], seconds: float = LAST_SECONDS) -> None:
    """Wait until all calls of several are made.

    Args:
        backgrounds: those.
        seconds: to wait, as a limit for all together.
    """
    ends = time.monotonic() + seconds
    for background in backgrounds:
        background.end(max(0.0, ends - time.monotonic()))


def summarize(error: BaseException, width: int = 120) -> str:
    """The first line of an error's message, cut to a width; its kind where it has none."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = lines[0].strip().rstrip(".:")
    return line if len(line) <= width else f"{line[:width].rstrip('. ')} …"


def _now() -> str:
    return time.strftime("%H:%M:%S")
