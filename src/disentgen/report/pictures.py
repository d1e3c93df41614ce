"""The pictures of a report: every figure of each run, and of each dataset and split of a study.

Which there are is what the modules of :mod:`disentgen.analysis.figures` export.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from pydantic import BaseModel

from disentgen.analysis.collection import Collection, work_on
from disentgen.analysis.figures.figure import Kind, Picture, load_figures
from disentgen.analysis.figures.subjects import (
    RunGroup,
    group_by_dataset,
    group_by_source,
    group_by_split,
)
from disentgen.analysis.measure import Measurements
from disentgen.errors import DataFileError, describe_failure
from disentgen.files import exists
from disentgen.paths import make_folder, write_whole
from disentgen.plain_files import read_saved
from disentgen.runs import Run, open_run

#: What is kept of a run's pictures beside them: what they were made from, and their captions.
KEPT = "pictures.json"


class KeptPictures(BaseModel):
    """What that file holds.

    Args:
        stamp: what the pictures were made from.
        captions: by file and revision of the figure.
        problems: of figures that could not be drawn, likewise.
    """

    stamp: dict[str, Any]
    captions: dict[str, str]
    problems: dict[str, str] = {}


def draw_run(path: Path, images: int | None, beside: Path | None = None) -> tuple[str, str | None]:
    """Draw what is missing of a run's pictures; why it cannot be.

    Args:
        path: of the run.
        images: see :class:`~disentgen.analysis.measure.Measurements`.
        beside: likewise.
    """
    torch.set_num_threads(1)
    try:
        draw_pictures(open_run(path), images, beside)
    except Exception as error:
        return str(path), describe_failure(error)
    return str(path), None


def draw_pictures(run: Run, images: int | None, beside: Path | None = None) -> list[Picture]:
    """Draw the pictures of a run that are not there, or are of an earlier state of it.

    One that cannot be drawn costs a warning, and is tried again the next time. Of a run that cannot
    be built again, none is.

    Args:
        run: a finished one.
        images: see :class:`~disentgen.analysis.measure.Measurements`.
        beside: likewise.

    Returns:
        All pictures of the run.
    """
    measured = Measurements(run, images, beside)
    if run.obstacle is not None:
        return list_pictures(measured)
    stamp = make_stamp(measured)
    drawn, problems = read_kept(measured, stamp, "captions"), dict[str, str]()
    make_folder(measured.pictures)
    for figure in load_figures("run"):
        key = f"{figure.file}:{figure.revision}"
        if key in drawn and exists(measured.pictures / figure.file):
            continue
        picture = figure.try_to_save(measured, measured.pictures / figure.name)
        if picture is None:
            continue
        if picture.problem is None:
            drawn[key] = picture.caption
        else:
            problems[key] = picture.problem
    text = json.dumps({"stamp": stamp, "captions": drawn, "problems": problems}, indent=1)
    write_whole(measured.pictures / KEPT, lambda file: file.write_text(text, encoding="utf-8"))
    return list_pictures(measured)


def make_stamp(measured: Measurements) -> dict[str, Any]:
    """What kept pictures must have been made from."""
    written = {name: measured.run.digest(name) for name in ("results.json", "history.csv")}
    return {**measured.stamp, **written, "images": measured.images}


def read_kept(measured: Measurements, stamp: dict[str, Any], part: str) -> dict[str, str]:
    """What is kept of pictures that were made from a stamp, by file and revision; none of others.

    Args:
        measured: of the run.
        stamp: of :func:`make_stamp`.
        part: ``captions`` of pictures, or ``problems`` of those that could not be drawn.
    """
    try:
        kept = read_saved(measured.pictures / KEPT, KeptPictures)
    except DataFileError:  # they are drawn anew
        return {}
    return dict(kept.get(part, {})) if kept is not None and kept["stamp"] == stamp else {}


def list_pictures(measured: Measurements) -> list[Picture]:
    """The pictures of a run that were to be drawn, in the order of the figures."""
    stamp = make_stamp(measured)
    captions, problems = (read_kept(measured, stamp, part) for part in ("captions", "problems"))
    pictures = []
    for figure in load_figures("run"):
        key, path = f"{figure.file}:{figure.revision}", measured.pictures / figure.file
        if key in captions:
            pictures.append(Picture(captions[key], path))
        elif key in problems:
            pictures.append(Picture(f"{figure.title}.", path, problem=problems[key]))
    return pictures


def draw_runs(collection: Collection, jobs: int) -> None:
    """Draw what is missing of all runs' pictures, several runs at a time.

    A picture that cannot be drawn is missing, with the reason; a run of which none can be is left
    out, likewise.

    Args:
        collection: of runs; those that cannot be drawn are dropped from it.
        jobs: processes.

    Raises:
        DataFileError: none is left.
    """
    given = collection.images, collection.beside
    for path, problem in work_on(collection, jobs, "drawing", draw_run, *given):
        if problem is not None:
            collection.left_out[path] = problem
    collection.drop_left_out()


def save_figures(
    collection: Collection, runs: pd.DataFrame, cells: pd.DataFrame, folder: Path
) -> list[Picture]:
    """Draw the figures of each dataset, of each of its splits, of each source; one may be missing.

    Args:
        collection: of runs.
        runs: of :func:`~disentgen.analysis.tables.tabulate_runs`.
        cells: of :func:`~disentgen.analysis.tables.tabulate_cells`.
        folder: of the pictures.
    """
    saved: list[Picture | None] = []
    make_folder(folder)
    built = {str(run.path) for run in collection.runs if run.obstacle is None}
    there = runs[runs["path"].isin(built)]
    for group in group_by_dataset(there, cells, collection.images, collection.beside):
        saved += save_group("study", group, folder)
        for split in group_by_split(group):
            saved += save_group("split", split, folder)
    # These are of scores alone, which runs that cannot be built again have too.
    for group in group_by_source(runs, cells):
        saved += save_group("source", group, folder)
    return [picture for picture in saved if picture is not None]


def save_group(kind: Kind, group: RunGroup, folder: Path) -> list[Picture | None]:
    """Draw all figures of a group of runs; None of those that it does not have.

    Args:
        kind: what the group is.
        group: of runs.
        folder: of the pictures.
    """
    return [
        figure.try_to_save(group, folder / f"{figure.name}-{group.name}")
        for figure in load_figures(kind)
    ]
