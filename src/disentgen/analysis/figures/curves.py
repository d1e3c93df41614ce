"""Training curves."""

from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.ticker import MaxNLocator

from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.subjects import describe_run_and_seed
from disentgen.analysis.measure import Measurements
from disentgen.drawing import COLUMN, LARGE, MEDIUM, PAGE, add_heading, make_figure
from disentgen.models import FAMILIES

#: Terms of the history that are drawn, and what their axes are called.
TERMS = {"nll": "NLL, nats", "squared_error": "squared error", "kl": "KL, nats"}
SIDE_COLOURS = {"train": "0.55", "validation": "tab:blue", "held_out": "tab:red"}


class Curves(NamedTuple):
    """The history of a run.

    Args:
        heading: of the picture.
        epochs: (epochs,) numbers.
        terms: by the name of their axis, a table with a column for each side.
        labels: of the same sides, likewise by term.
    """

    heading: str
    epochs: pd.Series
    terms: dict[str, pd.DataFrame]
    labels: dict[str, dict[str, str]]


def label_curves(term: str, sampled: bool) -> dict[str, str]:
    """What the history holds of a term, by side.

    Training averages over an epoch, in which the weights change, validation comes after it. KL is
    of the posterior itself, never of a sample.

    Args:
        term: ``nll``, ``squared_error`` or ``kl``.
        sampled: whether the model is trained on samples of a posterior.
    """
    if sampled and term != "kl":
        return {
            "train": "train, sampled latents, over the epoch",
            "validation": "validation, posterior mean",
        }
    return {"train": "train, over the epoch", "validation": "validation"}


def collect_curves(measured: Measurements) -> Curves:
    """The terms that a run's history has."""
    run = measured.run
    history, sampled = run.history, FAMILIES[run.family].output.sampled
    terms, labels = {}, {}
    for term, title in TERMS.items():
        named = label_curves(term, sampled)
        columns = {f"{side}.{term}": side for side in named if f"{side}.{term}" in history}
        if columns:
            terms[title] = history[list(columns)].rename(columns=columns)
            labels[title] = {side: named[side] for side in columns.values()}
    return Curves(describe_run_and_seed(run), history["epoch"], terms, labels)


def draw_curves(data: Curves) -> MplFigure:
    """A panel for each term, over the epochs."""
    count = len(data.terms)
    figure = make_figure(COLUMN if count == 1 else PAGE, 2.4)
    for axis, title in zip(figure.subplots(1, count, squeeze=False)[0], data.terms, strict=True):
        draw_term(axis, data.epochs, data.terms[title], data.labels[title])
        axis.set_ylabel(title, fontsize=LARGE)
        if title == TERMS["nll"]:
            axis.set_yscale("log")
    add_heading(figure, data.heading)
    return figure


def draw_term(axis: Axes, epochs: pd.Series, table: pd.DataFrame, labels: dict[str, str]) -> None:
    """A curve for each side.

    Args:
        axis: to draw on.
        epochs: their numbers.
        table: a column for each side.
        labels: of the sides.
    """
    marker = "." if len(table) < 30 else None
    for side, label in labels.items():
        axis.plot(epochs, table[side], color=SIDE_COLOURS[side], label=label, marker=marker)
    axis.set_xlabel("epoch", fontsize=LARGE)
    axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axis.tick_params(which="both", labelsize=MEDIUM)
    axis.legend(fontsize=MEDIUM)


def describe_curves(data: Curves) -> str:
    """The caption: what is drawn, over how many epochs."""
    return (
        f"Training curves over {len(data.epochs):,} epochs: means over the images of an epoch, "
        "and over validation images after it."
    )


FIGURE = Figure(
    name="curves",
    title="Training curves",
    caption=describe_curves,
    of="run",
    applies=lambda measured: True,
    data=collect_curves,
    draw=draw_curves,
    order=10,
)
