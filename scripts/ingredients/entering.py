"""A run among its observers: its folder first, then each database, under one id."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sacred.run import Run

from disentgen.errors import UsageError
from ingredients.connections import Databases, guard, recall
from ingredients.databases import TakenError
from ingredients.guarded import GuardedObserver
from ingredients.observers import RunFolderObserver


def arrange_observers(
    run: Run, folder: RunFolderObserver, asked_for: Sequence[GuardedObserver]
) -> None:
    """Give a run its observers, its folder's before all others, and enter it in the databases.

    A new run gets an id that is free everywhere.

    Args:
        run: that Sacred has made and not started.
        folder: keeps the run's folder.
        asked_for: databases of the command line.

    Raises:
        UsageError: a database cannot be reached or does not take the run; nothing is left of it.
    """
    added = guard([observer for observer in run.observers if observer is not folder])
    run.observers = [folder, *added, *asked_for]
    databases = Databases([*added, *asked_for])
    if not databases or run.queue_only:
        return
    databases.connect()
    chosen = None if run._id is None else str(run._id)
    if chosen is not None:
        databases.check_id(chosen)
    if chosen is not None and folder.goes_on:
        path = folder.path_of(chosen)
        enter_again(run, path, databases)
    else:
        path = enter_anew(run, chosen, folder, databases)
        run._id = path.name
    databases.remember(path)


def enter_again(run: Run, path: Path, databases: Databases) -> None:
    """Enter a run that goes on, in databases that have it and in others.

    Args:
        run: that Sacred has made.
        path: its folder.
        databases: that it is to be kept in.

    Raises:
        UsageError: one has another run of that id.
    """
    try:
        databases.enter(describe_start(run, path.name), recall(path))
    except TakenError as error:
        raise UsageError(
            f"{error} has another run of the id {path.name}: go on without this database."
        ) from error


def enter_anew(
    run: Run, chosen: str | None, folder: RunFolderObserver, databases: Databases
) -> Path:
    """Make a new run's folder and enter the run.

    Args:
        run: that Sacred has made.
        chosen: its id, where the user has given one; else the first that is free.
        folder: keeps its folder.
        databases: that it is to be kept in.

    Returns:
        The folder.

    Raises:
        UsageError: the chosen id is taken.
    """
    numbers = databases.list_free(folder.find_highest() + 1)
    for run_id in [chosen] if chosen is not None else map(str, numbers):
        try:
            path = folder.make_folder(run_id)
        except FileExistsError:
            continue
        try:
            databases.enter(describe_start(run, run_id))
        except TakenError:
            path.rmdir()
        except BaseException:
            path.rmdir()
            raise
        else:
            return path
    raise UsageError(f"there already is a run {chosen} in a database; choose another --id.")


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
