"""Panels of a group of runs: one for each split, with what is drawn of each score."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import matplotlib
import pandas as pd

from disentgen.analysis.cells import condition_titles
from disentgen.analysis.figures.points import list_points
from disentgen.analysis.figures.subjects import RunGroup, title_split

INTERVALS = (
    "means over seeds with 95 % intervals of Student's t (on logarithms for NLL and excess), cut "
    "off where they leave the panel; below three seeds every run is a mark, without interval"
)
HOLLOW = "Hollow: models that have hardly learned (train excess above half of the mean image's)."


class Panel(NamedTuple):
    """What is drawn of the runs on one split.

    Args:
        title: condition and variant.
        runs: on the split.
        cells: of these runs.
        points: by score, of :func:`~disentgen.analysis.figures.points.list_points`.
    """

    title: str
    runs: pd.DataFrame
    cells: pd.DataFrame
    points: dict[str, pd.DataFrame]


def divide_splits(group: RunGroup, scores: Iterable[str]) -> list[Panel]:
    """A panel for each condition and variant, in the order of the conditions.

    Args:
        group: of runs on one dataset.
        scores: columns of its tables; those that it lacks are left out.
    """
    runs, cells = group.runs, group.cells
    known = {condition: place for place, condition in enumerate(condition_titles())}
    splits = runs[["condition", "variant"]].drop_duplicates()
    places = splits["condition"].map(lambda condition: known.get(condition, len(known)))
    panels = []
    for split in splits.assign(place=places).sort_values("place", kind="stable").itertuples():
        own, theirs = (
            table[(table["condition"] == split.condition) & (table["variant"] == split.variant)]
            for table in (runs, cells)
        )
        points = {
            score: list_points(own, theirs, score)
            for score in scores
            if score in own and score in theirs
        }
        panels.append(Panel(title_split(own), own, theirs, points))
    return panels


def choose_colours(labels: Iterable[str]) -> dict[str, Any]:
    """A colour for each model, the same in every figure of the same models."""
    palette = matplotlib.colormaps["tab10"]
    return {label: palette(number % 10) for number, label in enumerate(sorted(set(labels)))}
