"""Factor values that an encoder reads from images, against the true ones."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from numpy.typing import NDArray

from disentgen.analysis.figures.examples import list_shown_sides, run_task
from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.subjects import describe_run_and_seed
from disentgen.analysis.measure import Measurements
from disentgen.drawing import LARGE, PAGE, SMALL, add_heading, choose_ticks, literal, make_figure
from disentgen.models import FAMILIES
from disentgen.models.outputs import FactorOutput
from disentgen.runs import Run

#: Images of each side.
IMAGES = 500
COLUMNS = 5


class Points(NamedTuple):
    """True and predicted values of a factor, each (images,), on the scale of the model."""

    true: NDArray[np.float64]
    predicted: NDArray[np.float64]


class Predictions(NamedTuple):
    """What an encoder reads.

    Args:
        heading: of the picture.
        points: by factor, then by side.
        values: of each factor on the scale of the model, with what they are called.
    """

    heading: str
    points: dict[str, dict[str, Points]]
    values: dict[str, dict[str, float]]


def collect_predictions(measured: Measurements) -> Predictions:
    """Predictions of some images of each side."""
    run = measured.run
    examined = {title: run_task(run, side, IMAGES) for title, side in list_shown_sides(run).items()}
    places = next(iter(examined.values())).output.factors
    points = {
        run.split.grid.names[place]: {
            title: Points(
                one.target[:, place].double().numpy(),
                one.output.prediction[:, number].double().numpy(),
            )
            for title, one in examined.items()
        }
        for number, place in enumerate(places)
    }
    return Predictions(describe_run_and_seed(run), points, list_values(run))


def list_values(run: Run) -> dict[str, dict[str, float]]:
    """The values of all factors as the run's model takes them, by what they are called."""
    grid = run.split.grid
    scaled = grid.list_values(run.dataset.factor_scale == "standardised")
    return {
        factor: {grid.name_value(factor, number): value for number, value in enumerate(values)}
        for factor, values in scaled.items()
    }


def draw_predictions(data: Predictions) -> MplFigure:
    """A panel for each factor: predicted over true values."""
    columns = min(COLUMNS, len(data.points))
    rows = -(-len(data.points) // columns)
    figure = make_figure(PAGE, 1.9 * rows + 0.5)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat[len(data.points) :]:
        axis.set_axis_off()
    for axis, (factor, sides) in zip(axes.flat, data.points.items(), strict=False):
        draw_factor(axis, sides, data.values[factor])
        axis.set_title(literal(factor), fontsize=LARGE)
    axes.flat[0].set_ylabel("predicted", fontsize=LARGE)
    axes.flat[0].legend(fontsize=SMALL)
    figure.supxlabel("true value", fontsize=LARGE)
    add_heading(figure, data.heading)
    return figure


def draw_factor(axis: Axes, sides: dict[str, Points], values: dict[str, float]) -> None:
    """The points of one factor, and the line that all of them would lie on.

    Args:
        axis: to draw on.
        sides: points by side.
        values: of the factor on the scale of the model, by what they are called.
    """
    for title, points in sides.items():
        axis.plot(points.true, points.predicted, ".", markersize=3, alpha=0.5, label=title)
    axis.axline((0, 0), slope=1, color="0.6", linewidth=0.8, zorder=0)
    chosen, names = choose_ticks(list(values), 3)
    axis.set_xticks([list(values.values())[number] for number in chosen], names)
    axis.tick_params(labelsize=SMALL)


def describe_predictions(data: Predictions) -> str:
    """The caption: what is shown, of how many images."""
    sides: dict[str, Any] = next(iter(data.points.values()))
    counts = ", ".join(f"{title} {len(points.true):,}" for title, points in sides.items())
    return (
        "Factor values that the model reads, against the true ones; held-in images are validation "
        f"images. n: {counts}."
    )


FIGURE = Figure(
    name="predictions",
    title="Predictions",
    caption=describe_predictions,
    of="run",
    applies=lambda measured: issubclass(FAMILIES[measured.run.family].output, FactorOutput),
    data=collect_predictions,
    draw=draw_predictions,
    order=20,
    at_end=True,
)
