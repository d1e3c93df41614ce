"""Collections of runs, measured as soon as a table of them is asked for."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch
from tqdm import tqdm

from disentgen.analysis.bounds import Bounds
from disentgen.analysis.groups import measure_cells
from disentgen.analysis.measure import Measurements
from disentgen.analysis.measurements import list_columns
from disentgen.analysis.metrics import Result
from disentgen.analysis.tables import describe_results, describe_row, drop_repetitions, join_rows
from disentgen.errors import DataFileError, describe_failure
from disentgen.registry import unknown
from disentgen.runs import Run, open_run


class RunResults(NamedTuple):
    """What was measured on one run.

    Args:
        path: of the run.
        results: by key; see :meth:`~disentgen.analysis.measure.Measurements.results`.
        bounds: ceiling and floor of its metrics.
        problem: why there are none; None if all went well.
    """

    path: str
    results: dict[str, Result]
    bounds: Bounds
    problem: str | None = None


@dataclass
class Collection:
    """Finished runs; they are measured when a table or a result is first asked for.

    A run that cannot be measured, or not be described, is left out with its reason.

    Args:
        runs: finished ones, less those that have been left out so far.
        left_out: paths of all others, and why.
        images: of each side to measure on; by default, each measurement's own number.
        jobs: processes that measure.
        only: keys of results that are wanted, such as ``dci_lasso``; everything by default.
        beside: folder of a report, where what is measured on runs is kept whose own folder cannot
            be written to.

    Raises:
        UsageError: there are no results under one of these keys.
    """

    runs: list[Run]
    left_out: dict[str, str]
    images: int | None = None
    jobs: int = 1
    only: Sequence[str] | None = None
    beside: Path | None = None

    def __post_init__(self) -> None:
        keys = dict.fromkeys(column.key for column in list_columns().values())
        for key in self.only or ():
            if key not in keys:
                raise unknown("result", key, keys)

    @property
    def table(self) -> pd.DataFrame:
        """A row for each run; of runs of the same cell and seed, the last one alone.

        See :func:`~disentgen.analysis.tables.tabulate_runs`.

        Raises:
            DataFileError: no run can be measured.
        """
        return drop_repetitions(self.all_runs)

    @property
    def measured(self) -> dict[str, dict[str, Result]]:
        """Results by path of a run, then by key; those of metrics of several runs among them."""
        return self._tables[1]

    @property
    def all_runs(self) -> pd.DataFrame:
        """A row for each run, repeated ones among them."""
        return self._tables[0]

    @property
    def bounds(self) -> dict[str, Bounds]:
        """Ceiling and floor of the metrics by path of a run."""
        return {path: results.bounds for path, results in self._results.items()}

    def measure(self) -> int:
        """Measure now what is missing, each result kept at once; how many runs were looked at.

        Raises:
            DataFileError: no run can be measured.
        """
        return len(self._results)

    def drop_left_out(self) -> None:
        """Go on without the runs that have a reason to be left out.

        Raises:
            DataFileError: none is left.
        """
        self.runs = [run for run in self.runs if str(run.path) not in self.left_out]
        self.__dict__.pop("_tables", None)
        if not self.runs:
            reasons = "; ".join(f"{path}: {reason}" for path, reason in self.left_out.items())
            raise DataFileError(f"no run is left. {reasons}")

    def take(self, measured: Iterable[RunResults]) -> None:
        """Take what was measured on the runs elsewhere; it is not measured here then.

        Raises:
            DataFileError: no run could be measured.
        """
        self._results = self._index(measured)

    @cached_property
    def _results(self) -> dict[str, RunResults]:
        given = self.images, self.only, self.beside
        return self._index(work_on(self, self.jobs, "measuring", measure_run, *given))

    def _index(self, measured: Iterable[RunResults]) -> dict[str, RunResults]:
        """Results by path; runs that have a problem are left out."""
        done = {results.path: results for results in measured}
        self.left_out |= {
            path: results.problem for path, results in done.items() if results.problem is not None
        }
        self.drop_left_out()
        return done

    @cached_property
    def _tables(self) -> tuple[pd.DataFrame, dict[str, dict[str, Result]]]:
        """The runs as a table, and what was measured on each."""
        done, rows = self._results, dict[str, dict[str, Any]]()
        for run in self.runs:
            path = str(run.path)
            try:
                rows[path] = describe_row(run) | describe_results(run, done[path].results)
            except Exception as error:
                self.left_out[path] = describe_failure(error)
        self.drop_left_out()
        of_cells = measure_cells(
            join_rows(rows.values()), self.runs, self.images, self.only, self.beside
        )
        measured = {path: done[path].results | of_cells.get(path, {}) for path in rows}
        complete = (
            rows[str(run.path)] | describe_results(run, measured[str(run.path)])
            for run in self.runs
        )
        return join_rows(complete), measured


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
    paths = [run.path for run in collection.runs]
    return show_progress(call_each(paths, jobs, task, *given), len(paths), what)


def call_each(
    paths: Sequence[Path], jobs: int, task: Callable[..., Any], *given: Any
) -> Iterator[Any]:
    """What a task makes of each path, in the order in which they are done.

    Args:
        paths: of runs.
        jobs: processes.
        task: called with a path and whatever else is given.
        given: to the task.
    """
    # joblib brings its own processes, which start anew and so share no threads with this one.
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=max(1, min(jobs, len(paths))), return_as="generator_unordered")
    yield from pool(delayed(task)(path, *given) for path in paths)


def show_progress(done: Iterable[Any], count: int, what: str) -> Iterator[Any]:
    """Yield what is done with each of some runs, and show how far that is.

    Args:
        done: is yielded.
        count: of the runs.
        what: is being done, for the progress bar; without a terminal, a line at the start.
    """
    print(f"{what} {count} runs: what is missing", file=sys.stderr)
    yield from tqdm(done, total=count, desc=what, unit="run", disable=None)


def measure_run(
    path: Path, images: int | None, only: Sequence[str] | None, beside: Path | None = None
) -> RunResults:
    """Measure one run, in a process of its own.

    Args:
        path: of the run.
        images: see :class:`Collection`.
        only: see :class:`Collection`; metrics have bounds where everything is measured.
        beside: see :class:`Collection`.
    """
    torch.set_num_threads(1)
    try:
        measured = Measurements(open_run(path), images, beside)
        results = measured.results(only)
        return RunResults(str(path), results, measured.bounds() if only is None else {})
    except Exception as error:  # one broken run is no reason to lose the work on all others
        return RunResults(str(path), {}, {}, describe_failure(error))
