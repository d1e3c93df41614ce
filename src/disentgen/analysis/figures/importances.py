"""Hinton diagrams of a run: how important each latent is for each factor."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.subjects import describe_run_and_seed
from disentgen.analysis.measure import Measurements
from disentgen.analysis.metrics import Result
from disentgen.drawing import MEDIUM, PAGE, SMALL, add_heading, literal, make_figure, wrap

#: Metrics that find importances, and what by.
TITLES = {"dci_lasso": "lasso", "dci_trees": "boosted trees"}


class Hinton(NamedTuple):
    """What a Hinton diagram shows.

    Args:
        title: of the diagram.
        scores: that belong to it, in words.
        importances: (latents, factors), none negative.
        factor_names: of the factors.
    """

    title: str
    scores: str
    importances: NDArray[np.float64]
    factor_names: tuple[str, ...]


class Importances(NamedTuple):
    """Hinton diagrams beside each other."""

    heading: str
    diagrams: list[Hinton]


def describe_importances(result: Result) -> str:
    """The scores that belong to a Hinton diagram, and on how many images they were measured."""
    scores = f"D {result['disentanglement']:.2f}, C {result['completeness']:.2f}"
    return f"{scores}, informativeness {result['informativeness']:.2f}, n {result['images']:,}"


def read_hinton(title: str, result: Result, factor_names: Sequence[str]) -> Hinton:
    """The diagram of a result.

    Args:
        title: of the diagram.
        result: of a DCI metric.
        factor_names: of the grid.
    """
    importances = np.array(result["importances"], dtype=np.float64)
    return Hinton(title, describe_importances(result), importances, tuple(factor_names))


def collect_importances(measured: Measurements) -> Importances:
    """Importances of a run's latents, by lasso and by boosted trees."""
    results = measured.metrics(TITLES)
    names = measured.run.split.grid.names
    diagrams = [read_hinton(title, results[name], names) for name, title in TITLES.items()]
    return Importances(describe_run_and_seed(measured.run), diagrams)


def draw_importances(data: Importances) -> MplFigure:
    """The diagrams beside each other."""
    factor_count = len(data.diagrams[0].factor_names)
    figure = make_figure(PAGE, 0.26 * factor_count + 1.2)
    axes = figure.subplots(1, len(data.diagrams), squeeze=False)[0]
    for axis, diagram in zip(axes, data.diagrams, strict=True):
        draw_hinton(axis, diagram)
    add_heading(figure, data.heading)
    return figure


def draw_hinton(axis: Axes, diagram: Hinton) -> None:
    """A Hinton diagram: squares whose area is the importance of a latent for a factor."""
    importances = diagram.importances
    largest = importances.max() or 1.0
    for (latent, factor), value in np.ndenumerate(importances):
        half = np.sqrt(value / largest) / 2 * 0.95
        axis.add_patch(
            Rectangle((latent - half, factor - half), 2 * half, 2 * half, color="0.15", linewidth=0)
        )
    latents, factors = importances.shape
    axis.set(xlim=(-0.6, latents - 0.4), ylim=(factors - 0.4, -0.6), aspect="equal")
    axis.set_xticks(range(latents), [str(number) for number in range(latents)], fontsize=SMALL)
    names = [literal(name) for name in diagram.factor_names]
    axis.set_yticks(range(factors), names, fontsize=MEDIUM)
    axis.tick_params(length=0)
    axis.set_facecolor("0.93")
    axis.set_xlabel("latent", fontsize=MEDIUM)
    axis.set_title(f"{wrap(diagram.title, 50)}\n{diagram.scores}", fontsize=MEDIUM)


FIGURE = Figure(
    name="importances",
    title="Importance of latents",
    caption=(
        "How important each latent is for each factor: the area of a square, as a share of the "
        "largest. D: disentanglement, C: completeness, n: training images."
    ),
    of="run",
    applies=lambda measured: measured.has_codes,
    data=collect_importances,
    draw=draw_importances,
    order=40,
)
