"""The errors that a user can mend. Anything else that is raised is a defect of this project."""

import traceback
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
    """An error in a line; of one that a user cannot mend, with the place in the code."""
    if isinstance(error, DisentgenError):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    described = join_lines(f"{type(error).__name__}: {error}")
    return f"{described} ({Path(place.filename).name}:{place.lineno})"
