"""Where a training's curves go beside its own files: TensorBoard, Weights & Biases, MLflow.

A module of this package is a logger; its name is the word for it in ``training.loggers``. It is
there because it exports a :class:`Logger` as ``LOGGER``. None can hold up or end a training.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import BeforeValidator

from disentgen.background import Background, wait_for
from disentgen.errors import UsageError
from disentgen.files import check_tree, own_folder, read_regular
from disentgen.paths import write_whole
from disentgen.registry import choose, load_records

#: The file of a run's folder that holds under which id a logger knows the run.
IDS = "loggers.json"


class Sink(Protocol):
    """What a logger has opened for one training."""

    def log(self, name: str, value: float, step: int) -> None:
        """Keep a value; what is there already for its name and step is not there twice.

        Args:
            name: of a column of the history.
            value: of that column.
            step: the epoch.
        """
        ...

    def close(self, completed: bool) -> None:
        """Write whatever is not written yet.

        Args:
            completed: whether the training has come to its end.
        """
        ...


@dataclass(frozen=True)
class Logger:
    """A logger that can be chosen.

    Args:
        package: that it needs, as it is imported.
        extra: of this project, which installs the package.
        open: begins to log, or goes on: the run's folder, and its settings by key with dots.
        tidy: removes what the package left in the logger's folder and what nothing may be written
            through; by default nothing.
    """

    package: str
    extra: str
    open: Callable[[Path, dict[str, Any]], Sink]
    tidy: Callable[[Path], object] = lambda folder: None


def split_words(given: Any) -> Any:
    """Names in one word of a command line, such as ``[tensorboard,wandb]``, as a list."""
    if isinstance(given, str):
        words = given.strip().removeprefix("[").removesuffix("]").split(",")
        return [word.strip() for word in words if word.strip()]
    return given


#: The type of ``training.loggers``.
Names = Annotated[tuple[str, ...], BeforeValidator(split_words)]


def loggers() -> dict[str, Logger]:
    """All loggers by name."""
    return load_records(__name__, "LOGGER")


def check_loggers(names: Sequence[str]) -> None:
    """Check that a training can log to what it names.

    Raises:
        UsageError: there is no such logger, or its package is not installed.
    """
    for name in names:
        logger = choose("logger (training.loggers)", name, loggers())
        if find_spec(logger.package) is None:
            raise UsageError(
                f"training.loggers={name} needs {logger.package}, which is not installed: "
                f"pip install 'disent-and-gen[{logger.extra}]'"
            )


class GuardedLogger:
    """A recorder that hands values to a logger by way of a thread of its own.

    The logger may fail or hang; the training goes on.

    Args:
        name: of the logger.
        folder: of the run.
        settings: of the run by key with dots.
    """

    def __init__(self, name: str, folder: Path, settings: dict[str, Any]):
        self.background = Background(name)
        self._sink: Sink | None = None
        self.background.call(lambda: self._open(name, folder, settings))

    def _open(self, name: str, folder: Path, settings: dict[str, Any]) -> None:
        logger, place = loggers()[name], own_folder(folder / name)
        logger.tidy(place)
        check_tree(place)
        self._sink = logger.open(folder, settings)

    def log_scalar(self, metric_name: str, value: float, step: int | None = None) -> None:
        """Keep a value; see :class:`~disentgen.training.handlers.Recorder`.

        Args:
            metric_name: of a column of the history.
            value: of that column.
            step: the epoch.
        """
        self.background.call(lambda: self._log(metric_name, value, step or 0))

    def _log(self, name: str, value: float, step: int) -> None:
        if self._sink is not None:
            self._sink.log(name, value, step)

    def close(self, completed: bool) -> None:
        """Have the logger closed, once it has all values.

        Args:
            completed: whether the training has come to its end.
        """
        self.background.call(lambda: self._close(completed))

    def _close(self, completed: bool) -> None:
        if self._sink is not None:
            self._sink.close(completed)


@contextlib.contextmanager
def open_loggers(
    names: Sequence[str], folder: Path, settings: dict[str, Any]
) -> Iterator[list[GuardedLogger]]:
    """The loggers of a training, until the block is left.

    Args:
        names: of loggers.
        folder: of the run.
        settings: of the run by key with dots.
    """
    opened = [GuardedLogger(name, folder, settings) for name in dict.fromkeys(names)]
    completed = False
    try:
        yield opened
        completed = True
    finally:
        for logger in opened:
            logger.close(completed)
        wait_for([logger.background for logger in opened])


def recall_id(folder: Path, name: str) -> str | None:
    """The id under which a logger knows a run; None if it does not."""
    return _load_ids(folder).get(name)


def remember_id(folder: Path, name: str, run_id: str) -> None:
    """Keep the id under which a logger knows a run, for when the run goes on.

    Args:
        folder: of the run.
        name: of the logger.
        run_id: of the logger's own.
    """
    text = json.dumps({**_load_ids(folder), name: run_id}, indent=2) + "\n"
    write_whole(folder / IDS, lambda file: file.write_text(text, encoding="utf-8"))


def _load_ids(folder: Path) -> dict[str, str]:
    try:
        kept = json.loads(read_regular(folder / IDS) or b"{}")
    except (OSError, ValueError, RecursionError):
        return {}
    return {str(name): str(run_id) for name, run_id in kept.items()} if type(kept) is dict else {}
