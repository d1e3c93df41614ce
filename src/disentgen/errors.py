"""The errors that a user can mend. Anything else that is raised is a defect of this project."""

import contextlib
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from disentgen.text import join_lines, make_visible


class DisentgenError(Exception):
    """Base of all errors whose message alone says what to do.

    A message may quote the files of others, and is shown without characters that act on a terminal.
    """

    def __str__(self) -> str:
        return make_visible(super().__str__(), keep="\n")


class UsageError(DisentgenError, ValueError):
    """A name, parameter or setting that cannot be used: what was given, what is accepted."""


class RunningError(UsageError):
    """A run that another process is training."""


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
    text = join_lines(f"{type(error).__name__}: {error}")
    return f"{text} ({Path(place.filename).name}:{place.lineno})"


def warn(text: str) -> None:
    """Print a warning to stderr, in a line; one that cannot be printed is lost.

    It may quote the files of others, and is shown without characters that act on a terminal.
    """
    line = make_visible(" ".join(text.split()))
    with contextlib.suppress(OSError, ValueError):
        print(f"warning: {line}", file=sys.stderr, flush=True)


@dataclass
class Outcome:
    """How a step has gone.

    Args:
        problem: why it failed; None if it did not.
    """

    problem: str | None = None


@contextlib.contextmanager
def warn_on_failure(what: str, *raised: type[Exception]) -> Iterator[Outcome]:
    """Let a step fail without ending what it is part of: a warning says what failed, and why.

    It is for steps without which everything of worth is there, such as a picture after a training.
    In tests such a warning is a failure.

    Args:
        what: is the consequence, if so, such as ``the picture 'curves' is missing``.
        raised: errors that are raised nevertheless.

    Yields:
        The outcome, which has its problem once the block is left.
    """
    outcome = Outcome()
    try:
        yield outcome
    except raised:
        raise
    except Exception as error:
        outcome.problem = describe_failure(error)
        warn(f"{what}: {outcome.problem}")
