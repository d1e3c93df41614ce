"""Errors that a user can mend end a command with one line."""

import contextlib
from collections.abc import Iterator

from disentgen.errors import DisentgenError


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """End the process with the message of a user's error and status 1; let others through."""
    try:
        yield
    except DisentgenError as error:
        raise SystemExit(f"error: {error}") from error
