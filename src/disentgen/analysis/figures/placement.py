"""Where an encoder places images: how well factors are read from codes, and the codes."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from numpy.typing import NDArray

from disentgen.analysis.figures.curves import SIDE_COLOURS
from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.subjects import describe_run_and_seed
from disentgen.analysis.measure import Measurements
from disentgen.drawing import LARGE, MEDIUM, PAGE, SMALL, add_heading, make_figure, wrap

#: Images of each side whose codes are drawn.
SHOWN = 1_500
#: Sides whose codes are drawn.
PLANE_SIDES = ("train", "held_out")


class Placement(NamedTuple):
    """How well factors are read from codes.

    Args:
        heading: of the picture.
        probes: by kind, a row for each factor and side with ``squared_error`` and its
            ``standard_error``, in units of the factor's variance over the grid; ``images``.
        places: by side, (images, 2) codes along their first two principal components.
    """

    heading: str
    probes: dict[str, pd.DataFrame]
    places: dict[str, NDArray[np.float64]]


def collect_placement(measured: Measurements) -> Placement:
    """Probes of a run, and codes of both sides."""
    run = measured.run
    probes = {kind: pd.DataFrame(rows) for kind, rows in measured.get("probes").items()}
    codes = {side: measured.codes(side).codes for side in PLANE_SIDES if run.split.mask(side).any()}
    return Placement(describe_run_and_seed(run), probes, project(codes))


def project(codes: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Codes along the first two principal components of those of training images.

    Args:
        codes: by side, (images, latents); ``train`` among them.

    Returns:
        By side, (images, 2); the second column is 0 where there is one latent.
    """
    centre = codes["train"].mean(axis=0)
    directions = np.linalg.svd(codes["train"] - centre, full_matrices=False)[2][:2]
    places = {side: (part[:SHOWN] - centre) @ directions.T for side, part in codes.items()}
    return {side: np.pad(part, ((0, 0), (0, 2 - part.shape[1]))) for side, part in places.items()}


def draw_placement(data: Placement) -> MplFigure:
    """A panel for each kind of probe, and one for the codes."""
    figure = make_figure(PAGE, 2.7)
    *bars, plane = figure.subplots(1, len(data.probes) + 1)
    for axis, (kind, rows) in zip(bars, data.probes.items(), strict=True):
        draw_probe(axis, rows)
        axis.set_title(f"{kind} probe", fontsize=LARGE)
    bars[0].set_ylabel("squared error / variance over the grid", fontsize=MEDIUM)
    for side, places in data.places.items():
        plane.plot(
            places[:, 0], places[:, 1], ".", markersize=1.5, alpha=0.5, color=SIDE_COLOURS[side],
            label=side.replace("_", " "),
        )  # fmt: skip
    plane.set_title("codes", fontsize=LARGE)
    plane.set_xlabel("first principal component", fontsize=MEDIUM)
    plane.set_ylabel("second principal component", fontsize=MEDIUM)
    plane.tick_params(labelsize=MEDIUM)
    plane.legend(fontsize=SMALL, markerscale=5)
    add_heading(figure, data.heading)
    return figure


def draw_probe(axis: Axes, rows: pd.DataFrame) -> None:
    """Squared error of a probe by factor, a bar for each side, with its standard error.

    Args:
        axis: to draw on.
        rows: of one kind of probe.
    """
    factors, sides = list(rows["factor"].unique()), list(rows["side"].unique())
    for number, side in enumerate(sides):
        shown = rows[rows["side"] == side].set_index("factor").loc[factors]
        axis.bar(
            np.arange(len(factors)) + 0.27 * (number - (len(sides) - 1) / 2),
            shown["squared_error"], width=0.25, yerr=shown["standard_error"],
            color=SIDE_COLOURS[side], label=side.replace("_", " "), error_kw={"linewidth": 0.8},
        )  # fmt: skip
    axis.axhline(1, color="0.3", linewidth=0.7, linestyle=":")
    names = [wrap(name.replace("_", " "), 14) for name in factors]
    axis.set_xticks(range(len(factors)), names, fontsize=SMALL, rotation=45, ha="right")
    axis.tick_params(labelsize=SMALL)
    axis.legend(fontsize=SMALL)


def describe_placement(data: Placement) -> str:
    """The caption: what is drawn, of how many images."""
    rows = next(iter(data.probes.values())).drop_duplicates("side")
    counts = [f"{side.replace('_', ' ')} {count:,}"
              for side, count in zip(rows["side"], rows["images"], strict=True)]  # fmt: skip
    return (
        "How well factors are read from the codes of each side by probes that were fitted to "
        "training images: mean squared error ± standard error over images, 1 (dotted) for a "
        "reader that knows the factor's mean alone. Right: codes along the first two principal "
        f"components of those of training images, of at most {SHOWN:,} images of a side. "
        f"n: {', '.join(counts)}."
    )


FIGURE = Figure(
    name="placement",
    title="Placement",
    caption=describe_placement,
    of="run",
    applies=lambda measured: measured.has_codes,
    data=collect_placement,
    draw=draw_placement,
    order=50,
)
