"""The errors that a user can mend. Anything else that is raised is a defect of this project."""

import contextlib
import sys
import textwrap
import traceback
from collections.abc import Iterator
from pathlib import Path

#: Characters of a line that names a failure; some libraries hand on what a program printed.
LONGEST = 300


class DisentgenError(Exception):
    """Base of all errors whose message alone says what to do."""


class UsageError(DisentgenError, ValueError):
    """A name, parameter or setting that cannot be used: what was given, what is accepted."""


class DataFileError(DisentgenError, OSError):
    """A dataset file or run directory that is missing, damaged, not what it claims, unwritable."""


class DivergenceError(DisentgenError, ArithmeticError):
    """Training produced a value that is not finite."""


def describe_failure(error: Exception) -> str:
    """An error in a line; of one that a user cannot mend, with the place in the code.

    The place is the last one in this project's code that the error has passed, if any.
    """
    if isinstance(error, DisentgenError):
        return str(error)
    places = traceback.extract_tb(error.__traceback__)
    own = [place for place in places if Path(__file__).parent in Path(place.filename).parents]
    place = (own or places)[-1]
    text = textwrap.shorten(f"{type(error).__name__}: {error}", LONGEST, placeholder=" …")
    return f"{text} ({Path(place.filename).name}:{place.lineno})"


def warn(text: str) -> None:
    """Print a warning to stderr, in a line."""
    print(f"warning: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def warn_on_failure(what: str) -> Iterator[None]:
    """Let a step fail without ending what it is part of: a warning says what failed, and why.

    It is for steps without which everything of worth is there, such as a picture after a training.
    In tests such a warning is a failure.

    Args:
        what: has failed, if so, such as ``the picture 'curves' is not drawn``.
    """
    try:
        yield
    except Exception as error:
        warn(f"{what}: {describe_failure(error)}")
