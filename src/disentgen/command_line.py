"""What all commands have in common: a mistake ends them with one line."""

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from disentgen.errors import DisentgenError
from disentgen.registry import nearest_match
from disentgen.text import make_visible, shorten

#: Processes that a command may have at a time.
MAXIMUM_JOBS = 1024


class CommandParser(argparse.ArgumentParser):
    """A parser whose errors are one line, with the nearest option to one that there is not."""

    def error(self, message: str) -> NoReturn:
        """End the process with status 2."""
        shown = shorten(make_visible(message), 500)
        end = "" if shown.endswith((".", "?")) else "."
        self.exit(2, f"error: {shown}{end} Help: {self.prog} --help\n")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments, of which none may be left over.

        Args:
            args: words; those of the process by default.
            namespace: to which they are added.
        """
        given, left_over = self.parse_known_args(args, namespace)
        self.refuse(left_over)
        return given

    def refuse(self, words: Sequence[str]) -> None:
        """End the process if there are words that no argument takes."""
        if words:
            name = words[0].partition("=")[0]
            near = nearest_match(name, self._option_string_actions) if name[:1] == "-" else ""
            self.error(f"there is no place for '{name}'.{near}")


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """End the process with the message of a user's error, in a line; let others through."""
    try:
        yield
    except DisentgenError as error:
        raise SystemExit(f"error: {make_visible(error)}") from error


def positive(word: str) -> int:
    """A word of a command line as a whole number from 1 to 10⁹.

    Raises:
        ArgumentTypeError: it is none.
    """
    return _read_number(word, 10**9)


def job_count(word: str) -> int:
    """A word of a command line as a number of processes.

    Raises:
        ArgumentTypeError: it is none, or too large.
    """
    return _read_number(word, MAXIMUM_JOBS)


def _read_number(word: str, maximum: int) -> int:
    try:
        number = int(word)
    except ValueError:
        number = 0
    if not 1 <= number <= maximum:
        raise argparse.ArgumentTypeError(
            f"expected is a whole number from 1 to {maximum:,}; given: {word!r:.60}"
        )
    return number
