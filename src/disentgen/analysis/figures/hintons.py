"""Hinton diagrams of the models on one split; the identity where codes are the factors."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure as MplFigure

from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.importances import Hinton, draw_hinton, read_hinton
from disentgen.analysis.figures.subjects import RunGroup, name_data, title_split
from disentgen.analysis.measure import Measurements
from disentgen.drawing import COLUMN, PAGE, add_heading, make_figure
from disentgen.models import FAMILIES


class Hintons(NamedTuple):
    """Diagrams of several runs."""

    heading: str
    diagrams: list[Hinton]


def title_runs(first_runs: Mapping[str, Measurements]) -> list[str]:
    """Model and seed of each run."""
    return [f"{label}, seed {first.run.config['seed']}" for label, first in first_runs.items()]


def collect_hintons(group: RunGroup) -> Hintons:
    """Importances by lasso of the first run of each cell."""
    heading = f"{name_data(group.runs)} · {title_split(group.runs)}"
    return Hintons(heading, list_hintons(group.first_runs))


def is_disentangled(measured: Measurements) -> bool:
    """Whether a run's codes are the factors by construction."""
    return FAMILIES[measured.run.family].disentanglement is not None


def list_hintons(first_runs: Mapping[str, Measurements]) -> list[Hinton]:
    """The diagram of each run that has codes, or whose codes are the factors."""
    diagrams = []
    for title, measured in zip(title_runs(first_runs), first_runs.values(), strict=True):
        names = measured.run.split.grid.names
        if measured.has_codes:
            result = measured.metrics(["dci_lasso"])["dci_lasso"]
            diagrams.append(read_hinton(title, result, names))
        elif is_disentangled(measured):
            diagrams.append(Hinton(title, "by construction", np.eye(len(names)), names))
    return diagrams


def draw_hintons(data: Hintons) -> MplFigure:
    """The diagrams in two columns."""
    columns = min(2, len(data.diagrams))
    rows = -(-len(data.diagrams) // columns)
    height = 0.24 * len(data.diagrams[0].factor_names) + 0.75
    figure = make_figure(COLUMN if columns == 1 else PAGE, height * rows + 0.5)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat[len(data.diagrams) :]:
        axis.set_axis_off()
    for axis, diagram in zip(axes.flat, data.diagrams, strict=False):
        draw_hinton(axis, diagram)
    add_heading(figure, data.heading)
    return figure


FIGURE = Figure(
    name="hinton",
    title="Importance of latents by model",
    caption=(
        "How important each latent is for each factor by lasso, of one run of each model (whose "
        "seed its title says): the area of a square, as a share of the diagram's largest. D: "
        "disentanglement, C: completeness, n: training images; no intervals, since each is one run."
    ),
    of="split",
    applies=lambda group: any(
        measured.has_codes or is_disentangled(measured) for measured in group.first_runs.values()
    ),
    data=collect_hintons,
    draw=draw_hintons,
    order=30,
    formats=("png", "pdf", "svg"),
)
