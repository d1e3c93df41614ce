"""The runs of a report prepared apart from it: measured and drawn wherever they are handed out.

All that is measured and drawn is kept where the report looks for it. What stands in its tables is
also left in a file for each run, so that the report itself measures nothing, not even what could
not be measured.
"""

import argparse
import hashlib
import json
import os
from pathlib import Path

from disentgen.analysis.collection import RunResults, call_each, measure_run
from disentgen.errors import DataFileError
from disentgen.paths import write_whole
from disentgen.report.pictures import draw_run


def prepare_run(path: Path, images: int | None, beside: Path) -> RunResults:
    """Measure a run and draw its pictures, as far as they are missing.

    Args:
        path: of the run.
        images: see :class:`~disentgen.analysis.measure.Measurements`.
        beside: likewise.

    Returns:
        What was measured, or why the run cannot be measured or drawn.
    """
    measured = measure_run(path, images, None, beside)
    if measured.problem is not None:
        return measured
    _, problem = draw_run(path, images, beside)
    return measured._replace(problem=problem)


def name_results(run: str) -> str:
    """The name of the file of a run's results, by the run's path."""
    return f"{hashlib.sha256(os.fsencode(run)).hexdigest()[:16]}.json"


def save_results(results: RunResults, folder: Path) -> None:
    """Write the results of a run into a folder; where it is gone, nobody waits for them."""
    if folder.is_dir():
        bounds = [[*part, scores] for part, scores in results.bounds.items()]
        text = json.dumps(results._asdict() | {"bounds": bounds})
        path = folder / name_results(results.path)
        write_whole(path, lambda file: file.write_text(text, encoding="utf-8"))


def load_results(run: str, folder: Path) -> RunResults | None:
    """The results of a run, by its path, that lie in a folder; None if they do not."""
    path = folder / name_results(run)
    if not path.exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    bounds = {(metric, part): scores for metric, part, scores in content.pop("bounds")}
    return RunResults(**content, bounds=bounds)


def prepare_runs(given: argparse.Namespace) -> None:
    """Prepare the runs of a command line, and leave a file of results for each.

    Args:
        given: options of the command line.

    Raises:
        DataFileError: the report's folder is not there.
    """
    if not given.report.is_dir():
        raise DataFileError(f"the report's folder is not there: {given.report}")
    for results in call_each(given.runs, given.jobs, prepare_run, given.images, given.report):
        save_results(results, given.results)
