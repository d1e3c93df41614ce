"""Finding the runs that are to be analysed."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from disentgen.analysis.collection import Collection
from disentgen.analysis.options import join_filters
from disentgen.analysis.places import is_writable
from disentgen.errors import DataFileError
from disentgen.paths import data_folder
from disentgen.registry import nearest_match
from disentgen.runs import Run, find_runs, open_run
from disentgen.text import join_lines, make_visible

#: Files beside config.json, without which there is no run, that tables and measurements read.
NEEDED = ("model.json", "model.pt", "results.json", "history.csv")


def find_collection(
    root: Path | None = None,
    images: int | None = None,
    filters: Mapping[str, Any] | None = None,
    jobs: int = 1,
    only: Sequence[str] | None = None,
) -> Collection:
    """The finished runs below a folder.

    Args:
        root: the folder; ``sims`` in the data folder by default.
        images: see :class:`Collection`.
        filters: of :func:`~disentgen.runs.find_runs`, by column, such as
            ``{"dataset.variant": "shape2tx", "seed": [1, 2]}``.
        jobs: see :class:`Collection`.
        only: see :class:`Collection`.

    Raises:
        DataFileError: there is none.
    """
    table = find_runs(root, **(filters or {}))
    if not len(table):
        raise explain_none(root, filters or {})
    runs, left_out = [], {}
    for path, status, problem in zip(table["path"], table["status"], table["problem"], strict=True):
        run = open_run(path)
        # Scores that were kept stand in tables, even where the run itself cannot be built again.
        if (status if status == "DAMAGED" else run.state) != "COMPLETED":
            left_out[path] = f"DAMAGED: {problem}" if status == "DAMAGED" else str(status)
        elif fault := find_fault(run):
            left_out[path] = fault
        else:
            runs.append(run)
    if not runs:
        folder = root or data_folder() / "sims"
        raise DataFileError(f"none of {len(table)} runs below {folder} is finished.")
    return Collection(runs, left_out, images, jobs, only)


def explain_none(root: Path | None, filters: Mapping[str, Any]) -> DataFileError:
    """The error of a folder without runs, or without any that pass the filters.

    Args:
        root: the folder; ``sims`` in the data folder by default.
        filters: by column.
    """
    folder, table = root or data_folder() / "sims", find_runs(root)
    if not len(table):
        return DataFileError(f"no runs below {folder}; bin/quickstart.sh makes one.")
    there = []
    for column, given in filters.items():
        values = sorted({str(value) for value in table[column]})
        near = nearest_match(given[0] if isinstance(given, list) else given, values)
        there.append(f"{column} is one of: {', '.join(values)}.{near}")
    return DataFileError(
        f"none of {len(table)} runs below {folder} is what was asked for; {' '.join(there)}"
    )


def find_fault(run: Run) -> str | None:
    """What a finished run lacks of that which tables need."""
    missing = [name for name in NEEDED if not run.has(name)]
    if missing:
        return f"without {', '.join(missing)}"
    try:
        _ = run.config, run.sides, run.results, run.history
    except DataFileError as error:
        return str(error)
    return None


def print_left_out(collection: Collection) -> None:
    """A line for each run that was left out, on stderr."""
    for path, reason in collection.left_out.items():
        print(f"left out: {make_visible(path)}: {join_lines(reason)}", file=sys.stderr)


def print_kept_beside(collection: Collection) -> None:
    """A line, on stderr, if what was measured is not kept in the runs' own folders."""
    count = sum(not is_writable(run.path) for run in collection.runs)
    if count and collection.beside is not None:
        print(
            f"{count} of {len(collection.runs)} runs cannot be written to; what is measured on "
            f"them is kept in {collection.beside / 'measurements'}",
            file=sys.stderr,
        )


def open_collection(given: argparse.Namespace, only: Sequence[str] | None = None) -> Collection:
    """The runs that a command line means.

    Args:
        given: of :func:`~disentgen.analysis.options.add_arguments`.
        only: see :class:`~disentgen.analysis.collection.Collection`.

    Raises:
        DataFileError: there are none.
    """
    filters = join_filters(given.where, given.experiment)
    return find_collection(given.root, given.images, filters, given.jobs, only)
