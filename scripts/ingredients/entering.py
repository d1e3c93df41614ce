"""A run among its observers: its folder first, then each database, under one id."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ingredients.connections import Databases, guard, recall_starts, remember_starts
from ingredients.databases import name_start
from ingredients.guarded import GuardedObserver
from ingredients.observers import RunFolderObserver
from sacred_compat import Run


def arrange_observers(
    run: Run, folder: RunFolderObserver, asked_for: Sequence[GuardedObserver]
) -> Databases:
    """Give a run its observers, its folder's before all others.

    Args:
        run: that Sacred has made and not started.
        folder: keeps the run's folder.
        asked_for: databases of the command line.

    Returns:
        The databases among them, reached.

    Raises:
        UsageError: one cannot be reached.
    """
    added = guard([observer for observer in run.observers if observer is not folder])
    run.observers = [folder, *added, *asked_for]
    databases = Databases([] if run.queue_only else [*added, *asked_for])
    databases.connect()
    return databases


def enter(run: Run, path: Path, databases: Databases) -> None:
    """Enter a run in databases; it goes on in those that have one of its starts.

    Args:
        run: that Sacred has made.
        path: its folder, whose name is its id.
        databases: that it is to be kept in.

    Raises:
        TakenError: one has another run of that id.
        UsageError: one does not take the run.
    """
    if not databases:
        return
    databases.check_id(path.name)
    started, earlier = describe_start(run, path.name), recall_starts(path)
    # First, or a process killed in between would never find its run again.
    remember_starts(path, [*earlier, name_start(started["start_time"])])
    databases.enter(started, earlier)


def describe_start(run: Run, run_id: str) -> dict[str, Any]:
    """What Sacred hands to an observer when a run starts."""
    return {
        "ex_info": run.experiment_info,
        "command": run.main_function.signature.name,
        "host_info": run.host_info,
        "start_time": datetime.datetime.now(datetime.UTC).replace(tzinfo=None),
        "config": run.config,
        "meta_info": run.meta_info,
        "_id": run_id,
    }
