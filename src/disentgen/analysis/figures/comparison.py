"""The same held-in and held-out images as several models make them."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from matplotlib.figure import Figure as MplFigure
from torch import Tensor

from disentgen.analysis.cells import describe_cell
from disentgen.analysis.figures.examples import list_shown_sides, run_task
from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.hintons import title_runs
from disentgen.analysis.figures.subjects import RunGroup
from disentgen.analysis.measure import Measurements
from disentgen.drawing import LARGE, MEDIUM, PAGE, add_heading, draw_rows, make_figure, wrap
from disentgen.errors import UsageError
from disentgen.models import FAMILIES
from disentgen.runs import Run

#: Images of each side.
IMAGES = 6


class Comparison(NamedTuple):
    """What several models make of the same images.

    Args:
        heading: of the figure.
        titles: of the rows, the originals first.
        sides: by title, a row of images (images, channels, height, width) for each row's title.
    """

    heading: str
    titles: list[str]
    sides: dict[str, list[Tensor]]


def choose_comparable(group: RunGroup) -> dict[str, Measurements]:
    """Runs of a split whose models make one image of each, from the same validation images.

    Composers make images of pairs. Validation images are drawn, perhaps otherwise in some runs.
    """
    chosen = {
        label: measured
        for label, measured in group.first_runs.items()
        if FAMILIES[measured.run.family].scores_all_images
    }
    sides = [measured.run.sides["validation"] for measured in chosen.values()]
    return {label: measured for label, measured in chosen.items()
            if measured.run.sides["validation"] == sides[0]}  # fmt: skip


def collect_comparison(group: RunGroup) -> Comparison:
    """The images of the first run of each cell."""
    chosen = choose_comparable(group)
    return compare_runs([measured.run for measured in chosen.values()], title_runs(chosen))


def compare_runs(runs: Sequence[Run], titles: Sequence[str]) -> Comparison:
    """The same images of each side as several models make them.

    Args:
        runs: on one split, with models that make images.
        titles: of the runs.

    Raises:
        UsageError: the runs' images are not the same.
    """
    sides = {}
    for title, side in list_shown_sides(runs[0]).items():
        first, *others = examined = [run_task(run, side, IMAGES) for run in runs]
        if not all(torch.equal(one.target, first.target) for one in others):
            raise UsageError("runs on different splits have no images to be compared on.")
        made = [one.output.images for one in examined]
        sides[title] = [first.target, *made]
    heading = f"{runs[0].dataset.label} · {describe_cell(runs[0]).variant}"
    return Comparison(heading, ["original", *titles], sides)


def draw_comparison(data: Comparison) -> MplFigure:
    """A panel for each side: originals on top, a row for each model."""
    count = max(len(rows[0]) for rows in data.sides.values()) * len(data.sides)
    figure = make_figure(PAGE, (PAGE - 1.6) / count * len(data.titles) + 0.8)
    axes = figure.subplots(1, len(data.sides), squeeze=False)[0]
    for number, (axis, (title, rows)) in enumerate(zip(axes, data.sides.items(), strict=True)):
        draw_rows(axis, rows, [""] * len(rows))
        if number == 0:
            names = [wrap(name, 24, 2) for name in data.titles]
            axis.set_yticks(axis.get_yticks(), names, fontsize=MEDIUM)
        axis.set_title(title, fontsize=LARGE)
    add_heading(figure, data.heading)
    return figure


def describe_comparison(data: Comparison) -> str:
    """The caption: what is shown, of how many images."""
    count = max(len(rows[0]) for rows in data.sides.values())
    return (
        "The same images as each model makes them, originals on top, of one run of each model "
        f"(whose seed its row says): {count} of each side; held-in images are validation images."
    )


FIGURE: Figure[RunGroup, Comparison] = Figure(
    name="images",
    title="The same images by model",
    caption=describe_comparison,
    of="split",
    applies=lambda group: len(choose_comparable(group)) > 0,
    data=collect_comparison,
    draw=draw_comparison,
    order=40,
    formats=("png", "pdf", "svg"),
)
