"""Where many command lines are run: on this machine, or on others.

A module of this package is an engine; its name is the word for it in ``--engine``. It is there
because it exports an :class:`Engine` as ``ENGINE``. All of them run the same command lines, each in
a process of its own that begins its work or goes on with it, such as the training of a run or the
measuring of several, so that it may be lost and started again anywhere its folders can be seen.
"""

import argparse
import signal
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from disentgen.errors import UsageError
from disentgen.registry import choose, load_records

#: The word of a training that says how many threads it takes.
THREADS = "threads={}"


@dataclass(frozen=True)
class Job:
    """A command line to be run: it makes a run, say.

    Args:
        number: among its like.
        words: of its command line behind the interpreter, for use inside ``scripts``.
        threads: the word behind these that says how many threads it takes; None where they say it.
        device_given: whether they say on which device.
    """

    number: int
    words: tuple[str, ...]
    threads: str | None = THREADS
    device_given: bool = False

    def take(self, threads: int) -> tuple[str, ...]:
        """The words of its command line, with a number of threads unless they give one."""
        return self.words if self.threads is None else (*self.words, self.threads.format(threads))


@dataclass(frozen=True)
class Ended:
    """How a job has ended.

    Args:
        status: of its process.
        printed: to its standard error, as far as that was kept.
    """

    status: int
    printed: str = ""

    @property
    def reason(self) -> str:
        """Why it has ended: its last error, else its signal or status."""
        errors = [line for line in self.printed.splitlines() if line.startswith("error: ")]
        if errors:
            return errors[-1].removeprefix("error: ")
        if self.status < 0:
            return f"its process was ended by {signal.Signals(-self.status).name}"
        return f"its process ended with status {self.status}"


class Workers(Protocol):
    """What runs command lines."""

    def run(self, jobs: Iterable[Job], folders: Sequence[Path] = ()) -> Iterator[tuple[Job, Ended]]:
        """Run command lines; yields each as it ends.

        Where this is interrupted, those that have begun are ended too, unless they are left to
        somebody else on purpose.

        Args:
            jobs: each is asked for no earlier than it can begin, where the engine knows when.
            folders: that workers must see. What a launch needs meanwhile is kept in the first, by
                default in that of runs.

        Raises:
            UsageError: the engine cannot be reached, or its workers do not see the folders.
        """
        ...


@dataclass(frozen=True)
class Option:
    """An option of the command line; engines that take the same thing share one.

    Args:
        flag: as it is typed, such as ``--cpus``.
        type: of its value: reads a word.
        help: what it is.
        default: where it is not given.
    """

    flag: str
    type: Callable[[str], Any]
    help: str
    default: Any = None

    @property
    def name(self) -> str:
        """Of its value in a namespace."""
        return self.flag.lstrip("-").replace("-", "_")


@dataclass(frozen=True)
class Engine:
    """An engine that can be chosen.

    Args:
        options: that it takes.
        open: from the values of its options.
        package: that it needs, as it is imported; None if none.
        extra: of this project, which installs the package.
    """

    options: tuple[Option, ...]
    open: Callable[[argparse.Namespace], Workers]
    package: str | None = None
    extra: str | None = None


def engines() -> dict[str, Engine]:
    """All engines by name."""
    return load_records(__name__, "ENGINE")


def add_options(parser: argparse.ArgumentParser, without: Collection[str] = ()) -> None:
    """Add the options of all engines to a parser, each once, with the engines that take it.

    Args:
        parser: to which they are added.
        without: flags that the parser has already, or that mean nothing to its command.
    """
    takers: dict[Option, list[str]] = {}
    for name, engine in engines().items():
        for option in engine.options:
            takers.setdefault(option, []).append(name)
    for option, names in takers.items():
        if option.flag not in without:
            parser.add_argument(
                option.flag, type=option.type, help=f"{option.help} (of {' and '.join(names)})"
            )


def open_engine(name: str, given: argparse.Namespace, **defaults: Any) -> Workers:
    """The engine of a name.

    Args:
        name: of a module of this package.
        given: options of the command line.
        defaults: of options, in the place of the engine's own.

    Raises:
        UsageError: there is none of this name, an option is given that it does not take, or its
            package is not installed.
    """
    engine = choose("engine", name, engines())
    check_options(name, given)
    if engine.package is not None and find_spec(engine.package) is None:
        raise UsageError(
            f"--engine={name} needs {engine.package}, which is not installed: "
            f"pip install 'disent-and-gen[{engine.extra}]'"
        )
    defaults = {option.name: option.default for option in engine.options} | defaults
    values = {option.name: getattr(given, option.name, None) for option in engine.options}
    return engine.open(
        argparse.Namespace(
            **{key: defaults[key] if value is None else value for key, value in values.items()}
        )
    )


def check_options(name: str, given: argparse.Namespace) -> None:
    """Check that only options of an engine are given.

    Args:
        name: of the engine.
        given: options of the command line.

    Raises:
        UsageError: one is of others.
    """
    own = engines()[name].options
    for other in {option for one in engines().values() for option in one.options}:
        if other not in own and getattr(given, other.name, None) is not None:
            accepted = ", ".join(option.flag for option in own if hasattr(given, option.name))
            raise UsageError(f"--engine={name} does not take {other.flag}; it takes {accepted}.")
