"""The databases of a command line: reached and entered before a run starts, or refused."""

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from disentgen.background import summarize
from disentgen.errors import UsageError, warn
from disentgen.files import read_regular
from disentgen.paths import write_whole
from ingredients.databases import Database, MongoRuns, observed
from ingredients.guarded import GuardedObserver, Observed, as_number
from sacred_compat import (
    MongoObserver,
    RunObserver,
    SqlObserver,
    TinyDbObserver,
    parse_mongo_db_arg,
)

T = TypeVar("T")

#: Seconds that a server has to answer, and then to take the start of a run with its sources.
REACH_SECONDS, ENTER_SECONDS = 4.0, 20.0
#: The file of a run's folder that lists its starts as databases have them.
DATABASES = "databases.json"


def open_mongo(given: str) -> Observed:
    """The database of ``-m [host:port:]name[.collection]``."""
    from pymongo.errors import PyMongoError

    wrong = UsageError(f"-m {given}: give [host:port:]database, such as localhost:27017:sacred.")
    try:
        options = parse_mongo_db_arg(given)
    except (AttributeError, ValueError):
        raise wrong from None
    if "overwrite" in options:
        raise UsageError(
            f"-m {given}: the id is that of the run's folder; resume= goes on with an earlier run."
        )
    options.setdefault("url", "localhost:27017")
    milliseconds = int(1000 * (REACH_SECONDS - 1))
    try:
        observer = MongoObserver(
            **options, serverSelectionTimeoutMS=milliseconds, connectTimeoutMS=milliseconds
        )
    except (KeyError, ValueError, PyMongoError):  # a port or the name of a collection
        raise wrong from None
    return MongoRuns(observer, f"MongoDB {options['url']} {observer.runs.full_name}")


def open_sql(given: str) -> Observed:
    """The database of ``-s <URL>``."""
    from sqlalchemy.exc import ArgumentError

    try:
        return observed(SqlObserver(given))
    except (ArgumentError, ValueError):  # which may hold a password, and is not repeated
        raise UsageError(
            "-s: give dialect://user:password@host/database, such as sqlite:///runs.db."
        ) from None
    except ModuleNotFoundError as error:
        raise UsageError(
            f"-s needs {error.name}, which is not installed: pip install {error.name}, or "
            "'disent-and-gen[postgres]' for PostgreSQL"
        ) from None


def open_tiny(given: str) -> Observed:
    """The database of ``-t <folder>``."""
    try:
        return observed(TinyDbObserver(given))
    except (OSError, ValueError) as error:
        raise UsageError(f"-t {given}: {summarize(error)}.") from None


#: Options of Sacred's command line: their letter, the packages that they need, the extra of this
#: project that installs those, and what opens the database.
OPTIONS: dict[str, tuple[str, tuple[str, ...], str, Callable[[str], Observed]]] = {
    "--mongo_db": ("-m", ("pymongo",), "mongo", open_mongo),
    "--sql": ("-s", ("sqlalchemy",), "sql", open_sql),
    "--tiny_db": ("-t", ("tinydb", "tinydb_serialization", "hashfs"), "tinydb", open_tiny),
}


def take_options(options: dict[str, Any]) -> list[GuardedObserver]:
    """The databases that a command line asks for; their options are taken off.

    Args:
        options: of Sacred's command line.

    Raises:
        UsageError: a package is not installed, or an option does not say where a database is.
    """
    opened = []
    for option, (letter, packages, extra, open_database) in OPTIONS.items():
        if given := options.pop(option, None):
            if lacking := [name for name in packages if find_spec(name) is None]:
                raise UsageError(
                    f"{letter} needs {' and '.join(lacking)}, which is not installed: "
                    f"pip install 'disent-and-gen[{extra}]'"
                )
            opened.append(GuardedObserver(open_database(str(given))))
    return opened


def guard(observers: Sequence[RunObserver]) -> list[GuardedObserver]:
    """Observers of Sacred's that a user has added, guarded; by descending priority."""
    ordered = sorted(observers, key=lambda observer: -observer.priority)
    return [GuardedObserver(observed(observer)) for observer in ordered]


class Databases:
    """The databases among a run's observers.

    Args:
        observers: of the run, without that of its folder.
    """

    def __init__(self, observers: Sequence[GuardedObserver]):
        self.guards = [one for one in observers if isinstance(one.observed, Database)]
        #: Those that have the run since it was entered, and had not before.
        self.entered: list[GuardedObserver] = []

    def __bool__(self) -> bool:
        return bool(self.guards)

    def connect(self) -> None:
        """Reach all of them, at once.

        Raises:
            UsageError: one cannot be reached.
        """
        ends = time.monotonic() + REACH_SECONDS
        answers = [one.background.ask(_database(one).connect) for one in self.guards]
        for one, answer in zip(self.guards, answers, strict=True):
            _wait(one, answer, ends - time.monotonic(), "cannot be reached")

    def find_highest(self) -> int:
        """The highest number that is the id of a run in any of them; 0 if there is none."""
        answers = [one.background.ask(_database(one).find_highest) for one in self.guards]
        return max(
            (
                _wait(one, answer, REACH_SECONDS, "cannot be read")
                for one, answer in zip(self.guards, answers, strict=True)
            ),
            default=0,
        )

    def check_id(self, run_id: str) -> None:
        """Check that a run can have an id in all of them.

        Raises:
            UsageError: it cannot.
        """
        for one in self.guards:
            _database(one).check_id(as_number(run_id) or run_id)

    def enter(self, started: Mapping[str, Any], earlier: Collection[str] = ()) -> None:
        """Keep the start of a run in all of them, or in none.

        Args:
            started: what Sacred hands over at the start.
            earlier: starts of the run; it goes on where it is known by one of them.

        Raises:
            TakenError: one has another run of that id.
            UsageError: one does not take the run.
        """
        number = as_number(started["_id"])
        own = {**started, "_id": number}
        try:
            for one in self.guards:
                if self._enter(one, own, earlier):
                    self.entered.append(one)
        except BaseException:
            self.withdraw()
            raise

    def withdraw(self) -> None:
        """Remove a run that was entered, and has come to nothing."""
        answers = [(one, one.background.ask(_database(one).withdraw)) for one in self.entered]
        self.entered = []
        for one, answer in answers:
            one.entered = False
            try:
                answer.result(REACH_SECONDS)
            except Exception as error:
                warn(f"{one.observed.name} keeps a run that has not begun: {summarize(error)}.")

    def _enter(
        self, one: GuardedObserver, started: Mapping[str, Any], earlier: Collection[str]
    ) -> bool:
        own, database = deepcopy(dict(started)), _database(one)
        answer = one.background.ask(lambda: database.enter(own, earlier))
        is_new = _wait(one, answer, ENTER_SECONDS, "does not take the run")
        one.entered = True
        return is_new


def recall_starts(folder: Path) -> list[str]:
    """The starts by which databases know the run of a folder; none if it was in no database."""
    try:
        return [str(start) for start in json.loads(read_regular(folder / DATABASES) or b"[]")]
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def remember_starts(folder: Path, starts: Sequence[str]) -> None:
    """Keep the starts by which databases know the run of a folder.

    Args:
        folder: of the run.
        starts: by :func:`~ingredients.databases.name_start`.
    """
    text = json.dumps(list(starts), indent=2) + "\n"
    write_whole(folder / DATABASES, lambda file: file.write_text(text, encoding="utf-8"))


def _wait(one: GuardedObserver, answer: Future[T], seconds: float, problem: str) -> T:
    try:
        return answer.result(max(0.0, seconds))
    except UsageError:
        raise
    except TimeoutError as error:
        raise UsageError(f"{one.observed.name} {problem}: it does not answer.") from error
    except Exception as error:
        raise UsageError(f"{one.observed.name} {problem}: {summarize(error)}.") from error


def _database(one: GuardedObserver) -> Database:
    assert isinstance(one.observed, Database)
    return one.observed
