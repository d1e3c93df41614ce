"""Where on the factor grid a model fails."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from disentgen.analysis.figures.curves import SIDE_COLOURS
from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.subjects import describe_run_and_seed
from disentgen.analysis.measure import Measurements
from disentgen.analysis.measurements.errors import ErrorMap
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.split import Split
from disentgen.drawing import MEDIUM, PAGE, add_heading, choose_ticks, make_figure, wrap

Means = NDArray[np.float64]
TICK = 5
#: Colours reach over the excess of single images, but for these shares at both ends.
QUANTILES = (0.02, 0.98)


class ErrorGrid(NamedTuple):
    """Mean excess NLL by factors, in nats.

    Args:
        heading: of the picture.
        values: of each factor, what its values are called.
        single: by side, then by factor, (values,); NaN where the side has no image.
        pairs: by the positions of two factors, (values of the first, values of the second).
        held_out: likewise, whether all combinations of two values are held out.
        limits: of the colours.
        counts: images measured, by side.
    """

    heading: str
    values: dict[str, list[str]]
    single: dict[str, list[Means]]
    pairs: dict[tuple[int, int], Means]
    held_out: dict[tuple[int, int], NDArray[np.bool_]]
    limits: tuple[float, float]
    counts: dict[str, int]


def collect_errors(measured: Measurements) -> ErrorGrid:
    """Mean excess NLL of a run's images, by every factor and every pair of them."""
    run, errors = measured.run, measured.get("errors")
    return average_errors(errors, run.split, describe_run_and_seed(run))


def average_errors(errors: ErrorMap, split: Split, heading: str) -> ErrorGrid:
    """Mean excess NLL by every factor, the sides apart, and by every pair of factors.

    Args:
        errors: of single images.
        split: that the images are on.
        heading: of the picture.
    """
    grid = split.grid
    pairs = [(row, column) for row in range(len(grid.names)) for column in range(row)]
    known = errors.excess[np.isfinite(errors.excess)]
    low, high = np.quantile(known, QUANTILES)
    single, counts = {}, {}
    for side, part in divide_sides(errors).items():
        single[side] = [part.average(grid, (factor,)) for factor in range(len(grid.names))]
        counts[side] = len(part.excess)
    return ErrorGrid(
        heading,
        {name: name_values(grid, name) for name in grid.names},
        single,
        {pair: errors.average(grid, pair) for pair in pairs},
        {pair: find_held_out_pairs(split, pair) for pair in pairs},
        (float(low), float(high)),
        counts,
    )


def divide_sides(errors: ErrorMap) -> dict[str, ErrorMap]:
    """The held-in and the held-out images of an error map; sides without images are left out."""
    sides = {}
    for side, held_out in (("held in", False), ("held out", True)):
        there = errors.held_out == held_out
        if there.any():
            sides[side] = ErrorMap(*(column[there] for column in errors))
    return sides


def name_values(grid: FactorGrid, factor: str) -> list[str]:
    """What all values of a factor are called."""
    return [grid.name_value(factor, number) for number in range(len(grid.factor_values[factor]))]


def find_held_out_pairs(split: Split, factors: tuple[int, int]) -> NDArray[np.bool_]:
    """Pairs of two factors' values all of whose combinations that there are are held out.

    Args:
        split: of the grid.
        factors: their positions.

    Returns:
        (n, m) for factors of n and m values.
    """
    others = tuple(set(range(len(split.grid.sizes))) - set(factors))
    there = np.ones(split.grid.size, dtype=bool) if split.within is None else split.within
    elsewhere = (there & ~split.held_out).reshape(split.grid.sizes).any(axis=others)
    held_out = split.held_out.reshape(split.grid.sizes).any(axis=others)
    pairs = np.asarray(held_out & ~elsewhere)
    return pairs if factors[0] < factors[1] else pairs.T


def draw_errors(data: ErrorGrid) -> MplFigure:
    """On the diagonal a factor alone, each side a curve; below it pairs, dots where held out."""
    names = list(data.values)
    count = len(names)
    figure = make_figure(PAGE, 0.97 * PAGE)
    axes = figure.subplots(count, count, squeeze=False)
    picture = None
    for (row, column), axis in np.ndenumerate(axes):
        if column > row:
            axis.set_axis_off()
        elif row == column:
            draw_single(axis, {side: means[row] for side, means in data.single.items()})
            axis.tick_params(labelsize=TICK)
        else:
            pair = (row, column)
            picture = draw_pair(axis, data.pairs[pair], data.held_out[pair], data.limits)
            axis.set_yticks(*choose_ticks(data.values[names[row]]), fontsize=TICK)
        if column <= row:
            axis.set_xticks(*choose_ticks(data.values[names[column]]), fontsize=TICK, rotation=90)
        if column == 0:
            axis.set_ylabel(wrap(names[row].replace("_", " "), 12), fontsize=MEDIUM)
        if row == count - 1:
            axis.set_xlabel(wrap(names[column].replace("_", " "), 14), fontsize=MEDIUM)
    if picture is not None:
        bar = figure.colorbar(picture, ax=axes[:, -1], shrink=0.5)
        bar.set_label("excess NLL, nats", fontsize=MEDIUM)
        bar.ax.tick_params(labelsize=MEDIUM)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="upper right", fontsize=MEDIUM)
    add_heading(figure, data.heading)
    return figure


def draw_single(axis: Axes, means: Mapping[str, Means]) -> None:
    """Mean excess NLL by the value of one factor, a curve for each side.

    Args:
        axis: to draw on.
        means: by side, (values,).
    """
    colours = {"held in": SIDE_COLOURS["train"], "held out": SIDE_COLOURS["held_out"]}
    for side, mean in means.items():
        axis.plot(mean, color=colours[side], marker=".", markersize=3, linewidth=1, label=side)
    axis.set_ylim(bottom=min([0.0, *(float(np.nanmin(mean)) for mean in means.values())]))


def draw_pair(
    axis: Axes, means: Means, held_out: NDArray[np.bool_], limits: tuple[float, float]
) -> AxesImage:
    """Mean excess NLL by the values of two factors as colours, with dots where all is held out.

    Args:
        axis: to draw on.
        means: (n, m) for n values along y and m along x.
        held_out: (n, m) whether all is held out.
        limits: of the colours.
    """
    picture = axis.imshow(
        means, origin="lower", aspect="auto", vmin=limits[0], vmax=limits[1],
        interpolation="nearest",
    )  # fmt: skip
    dots = np.argwhere(held_out)
    axis.plot(dots[:, 1], dots[:, 0], ".", color="white", markersize=1.5)
    return picture


def describe_errors(data: ErrorGrid) -> str:
    """The caption: what is drawn, of how many images."""
    counts = ", ".join(f"{side} {count:,}" for side, count in data.counts.items())
    return (
        "Where on the factor grid the NLL is high: mean excess over the entropy floor. Diagonal: "
        "by one factor, held-in images grey, held-out ones red. Below it: by two factors, each "
        "image weighted by how many of its side it stands for; dots: pairs of values held out "
        f"in all combinations. Colours are cut off at quantiles {QUANTILES[0]:g} and "
        f"{QUANTILES[1]:g} of single images. n: {counts}."
    )


FIGURE = Figure(
    name="errors",
    title="Error map",
    caption=describe_errors,
    of="run",
    applies=lambda measured: True,
    data=collect_errors,
    draw=draw_errors,
    order=30,
)
