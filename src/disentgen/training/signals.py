"""Signals that end the process wait while an epoch is being kept."""

import contextlib
import signal
import threading
from collections.abc import Iterator


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
