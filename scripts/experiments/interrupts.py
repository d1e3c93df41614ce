"""Signals that ask a command to end interrupt it, as Ctrl-C does."""

import signal


class Terminated(KeyboardInterrupt):
    """A signal asked the process to end.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.number = number


def interrupt_on_signals() -> None:
    """From now on SIGTERM and SIGHUP raise :class:`Terminated`, unless they are ignored."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, _terminate)


def _terminate(number: int, frame: object) -> None:
    raise Terminated(number)
