"""Images of each side over what a model makes of them."""

from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from disentgen.analysis.figures.examples import list_shown_sides, run_examples
from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.subjects import describe_run, makes_images
from disentgen.analysis.measure import Measurements
from disentgen.dataset.pictures import EXAMPLES
from disentgen.drawing import GAP, draw_rows, literal, make_figure
from disentgen.models import Examples
from disentgen.runs import Run


class Reconstructions(NamedTuple):
    """Examples of each side.

    Args:
        heading: of the picture.
        sides: examples by title, which holds the side's score.
    """

    heading: str
    sides: dict[str, Examples]


def collect_reconstructions(measured: Measurements) -> Reconstructions:
    """What a run's model makes of ten images of each side."""
    run = measured.run
    sides = {
        title_side(run, title, side): run_examples(run, side)
        for title, side in list_shown_sides(run).items()
    }
    return Reconstructions(describe_run(run), sides)


def title_side(run: Run, title: str, side: str) -> str:
    """A side's title with its NLL on the images that the run was scored on.

    Args:
        run: with the scores.
        title: of the side, in words.
        side: of the run's split.
    """
    score: dict[str, Any] | None = (run.results or {}).get("scores", {}).get(side)
    if not score:
        return title
    error = score.get("nll_standard_error")
    spread = "" if error is None else f" ± {error:.1f}"
    return f"{title}: NLL {score['nll']:.1f}{spread} nats"


def draw_reconstructions(data: Reconstructions) -> MplFigure:
    """A panel for each side, originals over the images that the model makes."""
    heights = [len(examples.rows) for examples in data.sides.values()]
    figure = make_figure(0.72 * EXAMPLES + 1.4, 0.76 * sum(heights) + 0.8)
    axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (title, examples) in zip(axes, data.sides.items(), strict=True):
        draw_examples(axis, examples)
        axis.set_title(title, loc="left", fontsize=10)
    figure.suptitle(literal(data.heading), fontsize=9)
    return figure


def draw_examples(axis: Axes, examples: Examples) -> None:
    """Draw rows of images, with captions below their columns."""
    rows = list(examples.rows.values())
    draw_rows(axis, rows, list(examples.rows))
    if examples.captions:
        width = rows[0].shape[-1] + GAP
        places = [width * (number + 0.5) for number in range(len(examples.captions))]
        captions = [literal(caption) for caption in examples.captions]
        axis.set_xticks(places, captions, fontsize=6)


def describe_reconstructions(data: Reconstructions) -> str:
    """The caption: what is shown, of how many images."""
    count = max(len(next(iter(examples.rows.values()))) for examples in data.sides.values())
    return (
        f"Images of each side and what the model makes of them: {count} validation images for the "
        f"held-in side, {count} held-out ones. NLL: mean ± standard error over all images that the "
        "run was scored on."
    )


FIGURE = Figure(
    name="reconstructions",
    title="Reconstructions",
    caption=describe_reconstructions,
    of="run",
    applies=lambda measured: makes_images(measured.run),
    data=collect_reconstructions,
    draw=draw_reconstructions,
    order=20,
    at_end=True,
)
