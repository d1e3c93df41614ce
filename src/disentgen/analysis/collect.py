"""Finding the runs that are to be analysed, by the options that all commands over runs share."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from disentgen.analysis.collection import Collection
from disentgen.analysis.places import is_writable
from disentgen.command_line import file_path, job_count, positive
from disentgen.errors import DataFileError, UsageError
from disentgen.paths import data_folder
from disentgen.plain_settings import parse_value
from disentgen.registry import nearest_match
from disentgen.runs import Run, find_runs, open_run
from disentgen.text import join_lines, make_visible
from disentgen.training.machine import available_threads

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
        if status != "COMPLETED":
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
        _ = run.settings, run.sides, run.results, run.history
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that all commands over runs share: which runs, and how to measure them."""
    add_choice_of_runs(parser)
    parser.add_argument(
        "--jobs",
        type=job_count,
        default=available_threads(),
        help="processes (default: one for a core)",
    )
    add_images(parser)


def add_images(parser: argparse.ArgumentParser) -> None:
    """Add the option that says on how many images everything is measured."""
    parser.add_argument(
        "--images",
        type=positive,
        help="images of each side to measure everything on; by default each measurement's own "
        "number",
    )


def add_choice_of_runs(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which runs are meant."""
    parser.add_argument("--root", type=file_path, help="folder of runs; sims in the data folder")
    parser.add_argument(
        "--where",
        type=read_filter,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="only runs with this value of a key of the configuration, such as "
        "dataset.variant=shape2tx, or one of several: seed=1,2; may be given several times",
    )
    parser.add_argument(
        "--experiment",
        action="append",
        default=[],
        help="only runs of this experiment, such as disent; may be given several times",
    )


def read_filter(text: str) -> tuple[str, list[Any]]:
    """A key with dots and the values that it may have, of a word ``key=value,value``.

    A value stands in the list as it is written and as the number or word that it may mean; so does
    the whole text, since expressions hold commas too.

    Raises:
        ArgumentTypeError: there is no key, or no value, or one that is nested too deeply.
    """
    key, _, values = text.partition("=")
    if not key.strip() or not values.strip():
        raise argparse.ArgumentTypeError(
            f"'{text}' is no KEY=VALUE, such as dataset.variant=shape2tx or seed=1,2"
        )
    accepted: list[Any] = []
    for word in dict.fromkeys([values.strip(), *map(str.strip, values.split(","))]):
        accepted.append(word)
        spelled = word.capitalize() if word.islower() else word
        try:
            value = parse_value(key.strip(), spelled)
        except UsageError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        if value != spelled:
            accepted.append(value)
    return key.strip(), accepted


def join_filters(
    where: Sequence[tuple[str, list[Any]]], experiments: Sequence[str]
) -> dict[str, list[Any]]:
    """Filters of :func:`~disentgen.runs.find_runs`; a key given twice has any of its values.

    Args:
        where: of :func:`read_filter`.
        experiments: by name.
    """
    filters: dict[str, list[Any]] = {"experiment": list(experiments)} if experiments else {}
    for key, values in where:
        filters.setdefault(key, []).extend(values)
    return filters


def open_collection(given: argparse.Namespace, only: Sequence[str] | None = None) -> Collection:
    """The runs that a command line means.

    Args:
        given: of :func:`add_arguments`.
        only: see :class:`~disentgen.analysis.collection.Collection`.

    Raises:
        DataFileError: there are none.
    """
    filters = join_filters(given.where, given.experiment)
    return find_collection(given.root, given.images, filters, given.jobs, only)
