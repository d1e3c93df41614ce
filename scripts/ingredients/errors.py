"""Errors that a user can mend end a command with one line."""

import contextlib
import sys
from collections.abc import Iterator

from disentgen.errors import DisentgenError, RunningError

#: The exit status of a command whose run another process is training.
RUNNING = 3


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """End the process with the message of a user's error; let others through.

    The status is 1, and 3 where another process is training the run.
    """
    try:
        yield
    except RunningError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(RUNNING) from error
    except DisentgenError as error:
        raise SystemExit(f"error: {error}") from error
