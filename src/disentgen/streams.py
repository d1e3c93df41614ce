"""What a process prints: a line that cannot be printed ends no command."""

import errno
import io
import os
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from disentgen.errors import warn

#: Streams of a process, by the number of their file.
STREAMS = {1: "stdout", 2: "stderr"}


class LenientFile(io.FileIO):
    """Standard output or error; what cannot be written is dropped.

    Args:
        number: of the open file.
        name: that the stream goes by.
    """

    #: Why something was dropped first; None so far.
    problem: OSError | None = None

    def __init__(self, number: int, name: str):
        super().__init__(number, "wb", closefd=False)
        self.name = name

    def write(self, content: Any) -> int:
        """Write bytes, or drop them; wait where the other end asks for it."""
        try:
            while (written := super().write(content)) is None:
                select.select([], [self], [])
            return written
        except OSError as error:
            self.problem = self.problem or error
            return len(content)


def protect_streams() -> None:
    """From now on printing raises nothing: for commands, whose process is theirs.

    Characters that the output's encoding lacks are written as escapes, such as ``\\xb1``; a stream
    that is closed, full or whose reader has gone takes in everything. Streams that were replaced,
    as tests and notebooks do, stay as they are.
    """
    _fill_closed()
    for number, name in STREAMS.items():
        stream = getattr(sys, name)
        if stream is None:
            lenient: io.TextIOWrapper = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        elif stream is getattr(sys, f"__{name}__"):
            lenient = _make_lenient(stream, number)
        else:
            continue
        setattr(sys, name, lenient)
        setattr(sys, f"__{name}__", lenient)


def _make_lenient(stream: Any, number: int) -> io.TextIOWrapper:
    stream.flush()
    file, at_once = LenientFile(number, stream.name), stream.write_through
    return io.TextIOWrapper(
        file if at_once else io.BufferedWriter(file),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=at_once,
    )


def _fill_closed() -> None:
    """Open what a shell has closed, lest a file of the command be taken for its output."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= max(STREAMS):
        os.set_inheritable(number, True)
    os.close(number)


def find_problem() -> OSError | None:
    """Why something that was printed to standard output has not got there; None if all has."""
    sys.stdout.flush()
    file = getattr(sys.stdout, "buffer", None)
    return getattr(getattr(file, "raw", file), "problem", None)


def warn_of_lost_output() -> None:
    """Warn if standard output is incomplete; a reader that has gone wants to know of nothing."""
    problem = find_problem()
    if problem is not None and problem.errno != errno.EPIPE:
        warn(f"what was printed is incomplete: {problem.strerror}.")


def run_command(main: Callable[[], int | None]) -> NoReturn:
    """Run a command that prints what it is for, and end the process with its status.

    If it ends well, but what it printed could not be written, the status is 1; if that is since the
    reader has gone, as ``head`` does, it is that of a process that SIGPIPE has ended, 141.

    Args:
        main: returns the status; None is 0.
    """
    protect_streams()
    try:
        status = main() or 0
    except KeyboardInterrupt as interrupt:
        warn("interrupted.")
        raise SystemExit(128 + getattr(interrupt, "number", signal.SIGINT)) from None
    problem = find_problem()
    if problem is not None and not status:
        warn_of_lost_output()
        status = 128 + signal.SIGPIPE if problem.errno == errno.EPIPE else 1
    raise SystemExit(status)
