"""What all commands have in common: a mistake ends them with one line."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from disentgen.errors import DisentgenError, RunningError, UsageError
from disentgen.paths import expand
from disentgen.registry import nearest_match, use_plugin
from disentgen.text import make_visible, shorten

#: The exit status of a command whose run another process is training.
RUNNING = 3
#: What the option takes that names plugins, and what it is.
PLUGIN = "PACKAGE"
IT_IS = (
    "a package or module of yours (a name, or a path) that adds datasets, objectives, layers, "
    "metrics, figures; may be given several times"
)


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


def add_plugin_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that names packages of the user's own; they are used as soon as it is read."""
    parser.add_argument("--plugin", type=read_plugin, action="append", metavar=PLUGIN, help=IT_IS)


def read_plugin(word: str) -> str:
    """A type of options: a plugin, which is in use from then on.

    Raises:
        ArgumentTypeError: it cannot be used.
    """
    try:
        use_plugin(word)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("--plugin ")) from None
    return word


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """End the process with the message of a user's error, in a line; let others through.

    The status is 1, and 3 where another process is training the run.
    """
    try:
        yield
    except RunningError as error:
        print(f"error: {make_visible(error)}", file=sys.stderr, flush=True)
        raise SystemExit(RUNNING) from error
    except DisentgenError as error:
        raise SystemExit(f"error: {make_visible(error)}") from error


def bounded(maximum: int) -> Callable[[str], int]:
    """A type of options: a whole number from 1 to a maximum."""

    def read(word: str) -> int:
        try:
            number = int(word)
        except ValueError:
            number = 0
        if not 1 <= number <= maximum:
            raise argparse.ArgumentTypeError(
                f"expected is a whole number from 1 to {maximum:,}; given: {shorten(repr(word))}"
            )
        return number

    return read


def above_zero(maximum: float, what: str = "a number") -> Callable[[str], float]:
    """A type of options: a number above 0, up to a maximum; ``what`` says of what, for messages."""

    def read(word: str) -> float:
        with contextlib.suppress(ValueError):
            if 0 < (number := float(word)) <= maximum:
                return number
        raise argparse.ArgumentTypeError(
            f"expected is {what} above 0, at most {maximum:,}; given: {shorten(repr(word))}"
        )

    return read


def file_path(word: str) -> Path:
    """A type of options: a path.

    Raises:
        ArgumentTypeError: there can be none of that name.
    """
    if not word.strip():
        raise argparse.ArgumentTypeError("a path is expected; given: nothing")
    try:
        return expand(word)
    except DisentgenError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


#: Types of options: how many, and how many processes at a time.
positive, job_count = bounded(10**9), bounded(1024)
