"""Signals that ask a command to end interrupt it once, as Ctrl-C does."""

import signal
import sys

#: Ctrl-C, what a queue sends before it kills, and a terminal that closes.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal asked the process to end.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number


def interrupt_on_signals() -> None:
    """From now on signals raise :class:`Interrupted`, unless they are ignored, as by nohup.

    While an interruption is dealt with, files are brought to an end; further signals are ignored.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def ignore_signals() -> None:
    """From now on nothing interrupts the process, which is about to end by itself."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, frame: object) -> None:
    if not _is_handled(sys.exception()):
        raise Interrupted(number)


def _is_handled(error: BaseException | None) -> bool:
    """Whether the error that is being handled, or one that it came up at, is an interruption."""
    while error is not None:
        if isinstance(error, Interrupted):
            return True
        error = error.__context__
    return False
