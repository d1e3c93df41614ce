"""The pictures of a report: every figure of each run, and of each dataset and split of a study.

Which there are is what the modules of :mod:`disentgen.analysis.figures` export.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from disentgen.analysis.collection import Collection, work_on
from disentgen.analysis.figures.figure import Figure, Kind, Picture, load_figures
from disentgen.analysis.figures.subjects import RunGroup, group_by_dataset, group_by_split
from disentgen.analysis.measure import Measurements
from disentgen.errors import describe_failure
from disentgen.paths import make_folder, write_whole
from disentgen.runs import Run, open_run

#: What is kept of a run's pictures beside them: what they were made from, and their captions.
KEPT = "pictures.json"


def list_figures(measured: Measurements) -> list[Figure[Any, Any]]:
    """The figures that a run has."""
    return [figure for figure in load_figures("run") if figure.applies(measured)]


def draw_run(path: Path, images: int | None) -> tuple[str, str | None]:
    """Draw what is missing of a run's pictures, in its folder ``analysis``; why it cannot be."""
    torch.set_num_threads(1)
    try:
        draw_pictures(open_run(path), images)
    except Exception as error:
        return str(path), describe_failure(error)
    return str(path), None


def draw_pictures(run: Run, images: int | None) -> list[Picture]:
    """Draw the pictures of a run that are not there, or are of an earlier state of it.

    Args:
        run: a finished one.
        images: see :class:`~disentgen.analysis.measure.Measurements`.

    Returns:
        All pictures of the run.
    """
    measured = Measurements(run, images)
    stamp = make_stamp(measured)
    drawn = read_captions(measured, stamp)
    make_folder(measured.folder)
    for figure in list_figures(measured):
        key = f"{figure.file}:{figure.revision}"
        if key not in drawn or not (measured.folder / figure.file).exists():
            drawn[key] = figure.save(measured, measured.folder / figure.name).caption
    text = json.dumps({"stamp": stamp, "captions": drawn}, indent=1)
    write_whole(measured.folder / KEPT, lambda file: file.write_text(text, encoding="utf-8"))
    return list_pictures(measured)


def make_stamp(measured: Measurements) -> dict[str, Any]:
    """What kept pictures must have been made from."""
    written = {
        name: hashlib.sha256((measured.run.path / name).read_bytes()).hexdigest()
        for name in ("results.json", "history.csv")
    }
    return {**measured.stamp, **written, "images": measured.images}


def read_captions(measured: Measurements, stamp: dict[str, Any]) -> dict[str, str]:
    """Captions of the pictures that were made from a stamp, by file and revision; none of others.

    Args:
        measured: of the run.
        stamp: of :func:`make_stamp`.
    """
    try:
        kept = json.loads((measured.folder / KEPT).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(kept, dict) or kept.get("stamp") != stamp:
        return {}
    return dict(kept["captions"])


def list_pictures(measured: Measurements) -> list[Picture]:
    """The pictures of a run that have been drawn, in the order of the figures."""
    captions = read_captions(measured, make_stamp(measured))
    keys = {f"{figure.file}:{figure.revision}": figure.file for figure in load_figures("run")}
    return [
        Picture(captions[key], measured.folder / file)
        for key, file in keys.items()
        if key in captions
    ]


def draw_runs(collection: Collection, jobs: int) -> None:
    """Draw what is missing of all runs' pictures, several runs at a time.

    A run that cannot be drawn is left out, with the reason.

    Args:
        collection: of runs; those that cannot be drawn are dropped from it.
        jobs: processes.

    Raises:
        DataFileError: none is left.
    """
    for path, problem in work_on(collection, jobs, "drawing", draw_run, collection.images):
        if problem is not None:
            collection.left_out[path] = problem
    collection.drop_left_out()


def save_figures(
    collection: Collection, runs: pd.DataFrame, cells: pd.DataFrame, folder: Path
) -> list[Picture]:
    """Draw the figures of each dataset and of each of its splits.

    Args:
        collection: of runs.
        runs: of :func:`~disentgen.analysis.tables.tabulate_runs`.
        cells: of :func:`~disentgen.analysis.tables.tabulate_cells`.
        folder: of the pictures.
    """
    saved = []
    make_folder(folder)
    for group in group_by_dataset(runs, cells, collection.images):
        subjects: list[tuple[Kind, RunGroup]] = [("study", group)]
        subjects += [("split", split) for split in group_by_split(group)]
        saved += [
            figure.save(subject, folder / f"{figure.name}-{subject.name}")
            for kind, subject in subjects
            for figure in load_figures(kind)
            if figure.applies(subject)
        ]
    return saved
