"""Databases that Sacred's observers keep runs in, each run under the name of its folder."""

import json
from abc import abstractmethod
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from disentgen.errors import UsageError
from ingredients.guarded import Observed
from sacred_compat import (
    MongoObserver,
    QueueObserver,
    RunObserver,
    SqlObserver,
    TinyDbObserver,
    flatten,
    load_sql_tables,
)


class TakenError(UsageError):
    """A database has another run of that id."""

    def __init__(self, name: str, run_id: object):
        super().__init__(
            f"{name} has another run of the id {run_id}: choose another --id, or go on without it."
        )


def name_start(moment: datetime) -> str:
    """The start of a run as its folder and databases know it: to the second, as TinyDB keeps it."""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


class Database(Observed):
    """An observer that keeps runs by an id, which is the name of their folder."""

    repeats = True
    observer: Any

    @abstractmethod
    def connect(self) -> None:
        """Reach the database and make it ready for runs; raises what its client raises."""

    @abstractmethod
    def find_highest(self) -> int:
        """The highest number that is the id of a run there; 0 if there is none."""

    @abstractmethod
    def enter(self, started: Mapping[str, Any], earlier: Collection[str]) -> bool:
        """Keep the start of a run; one that is there is continued if it began at an earlier start.

        Args:
            started: what Sacred hands over at the start.
            earlier: starts of the run, by :func:`name_start`.

        Returns:
            Whether it is new to the database.

        Raises:
            TakenError: the id is that of another run.
        """

    def check_same(self, run_id: object, began: datetime | None, earlier: Collection[str]) -> None:
        """Check that a run that the database has is the one that goes on.

        Args:
            run_id: of both.
            began: its last start there.
            earlier: starts of the one that goes on.

        Raises:
            TakenError: it is another.
        """
        if began is None or name_start(began) not in earlier:
            raise TakenError(self.name, run_id)

    @abstractmethod
    def withdraw(self) -> None:
        """Remove the run that was entered just now."""

    def check_id(self, run_id: int | str) -> None:
        """Check that a run can have an id here.

        Raises:
            UsageError: it would spoil the numbering of other runs.
        """


class MongoRuns(Database):
    """Runs as documents of MongoDB."""

    def __init__(self, observer: Any, name: str | None = None):
        super().__init__(observer, name or f"MongoDB {observer.runs.full_name}")
        self.client = observer.runs.database.client
        self.metrics: dict[str, dict[str, list[Any]]] = {}
        self.unwritten = False
        # Its own pass over a connection that is lost, or wait minutes for it.
        observer.save = self.save
        observer.final_save = lambda attempts: self.save()

    def connect(self) -> None:
        self.client.admin.command("ping")

    def find_highest(self) -> int:
        ids = (run["_id"] for run in self.observer.runs.find({}, {"_id": 1}).sort("_id", -1))
        return next((number for number in ids if isinstance(number, int)), 0)

    def check_id(self, run_id: int | str) -> None:
        if isinstance(run_id, str):
            raise UsageError(
                f"{self.name} numbers its runs, and '{run_id}' is no number: give another --id, "
                "or none."
            )

    def enter(self, started: Mapping[str, Any], earlier: Collection[str]) -> bool:
        import pymongo.errors

        there = self.observer.runs.find_one({"_id": started["_id"]})
        if there is not None:
            self.check_same(started["_id"], there.get("start_time"), earlier)
        self.observer.overwrite = there and {**there, "stop_time": None, "fail_trace": None}
        try:
            self.observer.started_event(**started)
        except pymongo.errors.DuplicateKeyError as error:
            raise TakenError(self.name, started["_id"]) from error
        return there is None

    def withdraw(self) -> None:
        self.observer.runs.delete_one({"_id": self.observer.run_entry["_id"]})

    def save(self) -> None:
        """Bring the document up to date."""
        entry = self.observer.run_entry
        self.observer.runs.update_one({"_id": entry["_id"]}, {"$set": entry}, upsert=True)

    def receive(self, event: str, given: Mapping[str, Any]) -> object:
        """Hand an event on; metrics are kept until the database has them."""
        if event == "log_metrics":
            self.keep_metrics(given["metrics_by_name"])
        if self.unwritten:
            self.write_metrics()
        return None if event == "log_metrics" else super().receive(event, given)

    def keep_metrics(self, added: dict[str, dict[str, list[Any]]]) -> None:
        """Move new metrics to those that are to be written.

        Args:
            added: values, steps and times by the metric's name; empty afterwards, should the event
                be received once more.
        """
        while added:
            name, values = added.popitem()
            kept = self.metrics.setdefault(name, {"steps": [], "values": [], "timestamps": []})
            for key, column in kept.items():
                column.extend(values[key])
            self.unwritten = True

    def write_metrics(self) -> None:
        """Write all values of all metrics.

        A run that goes on logs all its epochs anew; none is there twice.
        """
        own, collection = self.observer.run_entry["_id"], self.observer.metrics
        if collection is None:  # as Sacred's own, which then keeps none
            return
        for name, kept in self.metrics.items():
            collection.update_one({"run_id": own, "name": name}, {"$set": kept}, upsert=True)
        there = collection.find({"run_id": own}, {"name": 1})
        self.info["metrics"] = [{"name": one["name"], "id": str(one["_id"])} for one in there]
        self.unwritten = False


class SqlRuns(Database):
    """Runs as rows of a database that SQLAlchemy knows."""

    def __init__(self, observer: Any):
        url = observer.engine.url
        if url.get_backend_name() == "sqlite" and (url.database or "file:")[:5] != "file:":
            url = url.set(database=str(Path(url.database).resolve()), query={})
        super().__init__(observer, url.render_as_string(hide_password=True))

    def connect(self) -> None:
        from sqlalchemy.exc import OperationalError, ProgrammingError

        metadata = load_sql_tables().Base.metadata

        try:
            metadata.create_all(self.observer.engine)
        except (OperationalError, ProgrammingError):  # another run may have made a table meanwhile
            metadata.create_all(self.observer.engine)

    def find_highest(self) -> int:
        run_ids = load_sql_tables().Run.run_id
        ids = [run_id for (run_id,) in self.observer.session.query(run_ids)]
        self.recover()
        return max((int(run_id) for run_id in ids if run_id and run_id.isdecimal()), default=0)

    def find(self, run_id: int | str) -> Any:
        """The row of a run; None if there is none."""
        rows = self.observer.session.query(load_sql_tables().Run)
        return rows.filter_by(run_id=str(run_id)).first()

    def enter(self, started: Mapping[str, Any], earlier: Collection[str]) -> bool:
        from sqlalchemy.exc import IntegrityError

        try:
            row = self.find(started["_id"])
            if row is None:
                with self.observer.session.no_autoflush:  # else it warns of halves of a row
                    self.observer.started_event(**started)
            else:
                self.check_same(started["_id"], row.start_time, earlier)
                self._continue(row, started)
        except (IntegrityError, TakenError) as error:
            self.recover()
            raise TakenError(self.name, started["_id"]) from error
        return row is None

    def _continue(self, row: Any, started: Mapping[str, Any]) -> None:
        tables = load_sql_tables()
        session, self.observer.run = self.observer.session, row
        row.experiment = tables.Experiment.get_or_create(started["ex_info"], session)
        row.host = tables.Host.get_or_create(started["host_info"], session)
        row.config = json.dumps(flatten(started["config"]))
        row.start_time, row.stop_time, row.fail_trace = started["start_time"], None, None
        row.status = "RUNNING"
        self.observer.save()

    def withdraw(self) -> None:
        self.observer.session.delete(self.observer.run)
        self.observer.save()

    def recover(self) -> None:
        """Leave the transaction that failed; the row is read anew."""
        self.observer.session.rollback()


class TinyRuns(Database):
    """Runs in the files of TinyDB, which processes write one at a time."""

    def __init__(self, observer: Any):
        folder = Path(observer.root or Path(observer.fs.root).parent).absolute()
        super().__init__(observer, f"TinyDB {folder}")
        self.lock = FileLock(folder / "runs.lock")
        self.document: int | None = None
        observer.save = self.save

    def connect(self) -> None:
        with self.lock:
            len(self.observer.runs)

    def find_highest(self) -> int:
        with self.lock:
            ids = [run.get("_id") for run in self.observer.runs.all()]
        return max((number for number in ids if isinstance(number, int)), default=0)

    def find(self, run_id: int | str) -> Any:
        """The document of a run; None if there is none."""
        return next((run for run in self.observer.runs.all() if run.get("_id") == run_id), None)

    def enter(self, started: Mapping[str, Any], earlier: Collection[str]) -> bool:
        with self.lock:
            there = self.find(started["_id"])
            if there is not None:
                self.check_same(started["_id"], there.get("start_time"), earlier)
                self.document = there.doc_id
            self.observer.started_event(**started)
        return there is None

    def withdraw(self) -> None:
        with self.lock:
            self.observer.runs.remove(doc_ids=[self.document])

    def save(self) -> None:
        """Bring the document up to date; it is made the first time."""
        if self.document is None:
            self.document = self.observer.runs.insert(self.observer.run_entry)
        else:
            self.observer.runs.update(self.observer.run_entry, doc_ids=[self.document])

    def receive(self, event: str, given: Mapping[str, Any]) -> object:
        with self.lock:
            return super().receive(event, given)


KINDS: dict[type[RunObserver], type[Database]] = {
    MongoObserver: MongoRuns, SqlObserver: SqlRuns, TinyDbObserver: TinyRuns,
}  # fmt: skip


def observed(observer: RunObserver) -> Observed:
    """An observer as what it is: a database, or something that only receives events."""
    covered = getattr(observer, "_covered_observer", None)
    if isinstance(observer, QueueObserver) and isinstance(covered, MongoObserver):
        observer = covered  # its queue would wait for the server for ever
    for kind, database in KINDS.items():
        if isinstance(observer, kind):
            return database(observer)
    return Observed(observer)
