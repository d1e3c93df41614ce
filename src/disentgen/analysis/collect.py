"""Finding runs, and measuring on them what has not been measured yet."""

import argparse
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tqdm import tqdm

from disentgen.analysis.bounds import Bounds
from disentgen.analysis.measure import Measurements
from disentgen.analysis.measurements.constant import CONSTANT
from disentgen.analysis.metrics import Result
from disentgen.analysis.metrics.udr import measure_udr
from disentgen.analysis.tables import CELL, drop_repetitions, tabulate_runs
from disentgen.errors import DataFileError, UsageError
from disentgen.paths import data_folder
from disentgen.runs import Run, find_runs, open_run
from disentgen.schema import positive
from disentgen.training.machine import available_threads

#: Files of a finished run that tables and measurements read.
NEEDED = ("config.json", "model.json", "model.pt", "results.json", "history.csv")


@dataclass
class Collection:
    """Finished runs, and what was measured on them.

    Args:
        runs: finished ones.
        left_out: folders of all others, and why.
        images: of each side to measure on; by default, the number that each metric names.
        measured: metrics by path of a run, then by name.
        bounds: ceiling and floor of the metrics by path of a run.
    """

    runs: list[Run]
    left_out: dict[str, str]
    images: int | None = None
    measured: dict[str, dict[str, Result]] = field(default_factory=dict)
    bounds: dict[str, Bounds] = field(default_factory=dict)

    def drop_left_out(self) -> None:
        """Keep the runs that can be read.

        Raises:
            DataFileError: none is left.
        """
        self.runs = [run for run in self.runs if str(run.path) not in self.left_out]
        if not self.runs:
            reasons = "; ".join(f"{path}: {reason}" for path, reason in self.left_out.items())
            raise DataFileError(f"no run is left. {reasons}")

    @cached_property
    def all_runs(self) -> pd.DataFrame:
        """A row for each finished run; see :func:`~disentgen.analysis.tables.tabulate_runs`."""
        return tabulate_runs(self.runs, self.measured)

    def rank(self) -> pd.Series:
        """UDR of each run among those of its cell, by path; runs of a single seed have none."""
        ranked: dict[str, float] = {}
        opened = {str(run.path): run for run in self.runs}
        for _, rows in self.table.groupby(CELL, dropna=False):
            runs = [opened[path] for path in rows["path"]]
            kl = [(run.results or {})["scores"]["train"].get("kl_per_latent") for run in runs]
            if len(runs) > 1 and all(kl):
                codes = [Measurements(run, self.images).codes("train").codes for run in runs]
                scores = measure_udr(codes, kl)["score_per_model"]
                ranked |= dict(zip(rows["path"], scores.tolist(), strict=True))
        return pd.Series(ranked, dtype=float)

    @property
    def table(self) -> pd.DataFrame:
        """The same without runs that were repeated later with the same configuration and seed."""
        return drop_repetitions(self.all_runs)


def find_collection(root: Path | None = None, images: int | None = None) -> Collection:
    """All runs below a folder.

    Args:
        root: the folder; ``sims`` in the data folder by default.
        images: see :class:`Collection`.

    Raises:
        DataFileError: there is none.
    """
    table = find_runs(root)
    folder = root or data_folder() / "sims"
    if not len(table):
        raise DataFileError(f"no runs below {folder}; bin/quickstart.sh makes one.")
    runs, left_out = [], {}
    for path, status in zip(table["path"], table["status"], strict=True):
        run = open_run(path)
        if status != "COMPLETED":
            left_out[path] = status
        elif fault := find_fault(run):
            left_out[path] = fault
        else:
            runs.append(run)
    if not runs:
        raise DataFileError(f"none of {len(table)} runs below {folder} is finished.")
    return Collection(runs, left_out, images)


def find_fault(run: Run) -> str | None:
    """What a finished run lacks of that which tables need."""
    missing = [name for name in NEEDED if not (run.path / name).exists()]
    if missing:
        return f"without {', '.join(missing)}"
    parts = {
        "config.json": lambda: run.config["training"],
        "model.json": lambda: run.family,
        "results.json": lambda: (run.results or {})["scores"]["train"],
        "history.csv": lambda: run.history["step"].iloc[-1],
    }
    for name, read in parts.items():
        try:
            read()
        except (DataFileError, KeyError, IndexError, TypeError, ValueError):
            return f"{name} is damaged"
    return None


def collect(collection: Collection, jobs: int, metrics: Sequence[str] | None = None) -> None:
    """Measure what is missing on all runs, several at a time; what is done is kept at once.

    A run that cannot be measured is left out, with the reason.

    Args:
        collection: of runs; told of the results.
        jobs: processes.
        metrics: by name; all by default.

    Raises:
        DataFileError: none is left.
    """
    for path, result, bounds, problem in work_on(
        collection, jobs, "measuring", measure_run, collection.images, metrics
    ):
        if problem is None:
            collection.measured[path] = result
            collection.bounds[path] = bounds
        else:
            collection.left_out[path] = problem
    collection.drop_left_out()


def work_on(
    collection: Collection, jobs: int, what: str, task: Callable[..., Any], *given: Any
) -> Iterator[Any]:
    """What a task makes of each run's path, in the order in which they are done, with progress.

    Args:
        collection: of runs.
        jobs: processes.
        what: is being done, for the progress bar; without a terminal, a line at the start.
        task: called with a path and whatever else is given.
        given: to the task.
    """
    # joblib brings its own processes, which start anew and so share no threads with this one.
    from joblib import Parallel, delayed

    count = len(collection.runs)
    print(f"{what} {count} runs: what is missing", file=sys.stderr, flush=True)
    pool = Parallel(n_jobs=max(1, min(jobs, count)), return_as="generator_unordered")
    done = pool(delayed(task)(run.path, *given) for run in collection.runs)
    yield from tqdm(done, total=count, desc=what, unit="run", disable=None)


def measure_run(
    path: Path, images: int | None, metrics: Iterable[str] | None
) -> tuple[str, dict[str, Result], Bounds, str | None]:
    """Metrics of one run and their bounds, in a process of its own; and why there are none."""
    torch.set_num_threads(1)
    bounds: Bounds = {}
    try:
        measured = Measurements(open_run(path), images)
        result = measured.metrics(metrics) | {CONSTANT: measured.constant()}
        if metrics is None:
            bounds = measured.bounds()
            measured.probes()
            measured.errors()
    except Exception as error:
        return str(path), {}, bounds, describe_failure(error)
    return str(path), result, bounds, None


def describe_failure(error: Exception) -> str:
    """Why a run is left out; one broken run is no reason to lose the work on all others."""
    if isinstance(error, DataFileError | UsageError):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"


def print_left_out(collection: Collection) -> None:
    """A line for each run that was left out, on stderr."""
    for path, reason in collection.left_out.items():
        print(f"left out: {path}: {reason}", file=sys.stderr)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What all commands over runs are told."""
    parser.add_argument("--root", type=Path, help="folder of runs; sims in the data folder")
    parser.add_argument(
        "--jobs",
        type=positive,
        default=available_threads(),
        help="processes (default: one for a core)",
    )
    parser.add_argument(
        "--images",
        type=positive,
        help="images of each side to measure everything on; each metric's own number by default",
    )


def open_collection(given: argparse.Namespace) -> Collection:
    """The runs that a command line means.

    Raises:
        DataFileError: there are none.
    """
    return find_collection(given.root, given.images)
