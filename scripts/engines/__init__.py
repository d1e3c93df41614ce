"""Where the runs of a sweep are made: on this machine, or on others.

A module of this package is an engine; its name is the word for it in ``--engine``. It is there
because it exports an :class:`Engine` as ``ENGINE``. All of them run the same command lines, each in
a process of its own that starts a run or goes on with it, so that a run may be lost and started
again anywhere its folder can be seen.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

from disentgen.errors import UsageError
from disentgen.registry import choose, load_records


@dataclass(frozen=True)
class Job:
    """A run to be made.

    Args:
        number: in its sweep.
        words: of its command line behind the interpreter, for use inside ``scripts``.
        threads_given: whether they say how many threads it takes.
        device_given: whether they say on which device.
    """

    number: int
    words: tuple[str, ...]
    threads_given: bool = False
    device_given: bool = False

    def take(self, threads: int) -> tuple[str, ...]:
        """The words of its command line, with a number of threads unless they give one."""
        return self.words if self.threads_given else (*self.words, f"threads={threads}")


@dataclass(frozen=True)
class Ended:
    """How a job has ended.

    Args:
        status: of its process.
        printed: to its standard error, as far as that was kept.
    """

    status: int
    printed: str = ""


class Workers(Protocol):
    """What makes runs."""

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Ended]]:
        """Make runs; yields each as it ends.

        Where this is interrupted, the runs that have begun are ended too, unless they are left to
        somebody else on purpose.

        Args:
            jobs: each is asked for no earlier than it can begin, where the engine knows when.

        Raises:
            UsageError: the engine cannot be reached, or its workers do not see the folder of runs.
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


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of all engines to a parser, each once, with the engines that take it."""
    takers: dict[Option, list[str]] = {}
    for name, engine in engines().items():
        for option in engine.options:
            takers.setdefault(option, []).append(name)
    for option, names in takers.items():
        parser.add_argument(
            option.flag, type=option.type, help=f"{option.help} (of {' and '.join(names)})"
        )


def open_engine(name: str, given: argparse.Namespace) -> Workers:
    """The engine of a name.

    Args:
        name: of a module of this package.
        given: options of the command line.

    Raises:
        UsageError: there is none of this name, an option is given that it does not take, or its
            package is not installed.
    """
    engine = choose("engine", name, engines())
    values = _read_values(name, engine, given)
    if engine.package is not None and find_spec(engine.package) is None:
        raise UsageError(
            f"--engine={name} needs {engine.package}, which is not installed: "
            f"pip install 'disent-and-gen[{engine.extra}]'"
        )
    return engine.open(values)


def _read_values(name: str, engine: Engine, given: argparse.Namespace) -> argparse.Namespace:
    """The values of an engine's options; others must not have been given."""
    for other in {option for one in engines().values() for option in one.options}:
        if other not in engine.options and getattr(given, other.name, None) is not None:
            accepted = ", ".join(option.flag for option in engine.options)
            raise UsageError(f"--engine={name} does not take {other.flag}; it takes {accepted}.")
    values = {option.name: getattr(given, option.name, None) for option in engine.options}
    defaults = {option.name: option.default for option in engine.options}
    return argparse.Namespace(
        **{key: defaults[key] if value is None else value for key, value in values.items()}
    )
