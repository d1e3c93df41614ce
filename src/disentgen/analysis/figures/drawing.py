"""Pictures. A picture made from a stand-in says so."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from disentgen.dataset.pictures import EXAMPLES, choose_examples, draw_rows, save
from disentgen.errors import UsageError
from disentgen.models import FAMILIES, Examples
from disentgen.runs import Run


def save_examples(run: Run, count: int = EXAMPLES) -> Path:
    """Draw what a run's model makes of a few held-in and held-out images.

    Held-in images are validation images, which were not trained on either.

    Returns:
        The path of the picture in the run's folder.
    """
    if FAMILIES[run.family].examples is None:
        return save_predictions(run)
    return save_reconstructions(run, count)


def save_reconstructions(run: Run, count: int = EXAMPLES) -> Path:
    """Draw originals over the images that a model makes of them, as ``reconstructions.png``."""
    shown = [(title, run_examples(run, side, count)) for title, side in sides_to_show(run)]
    tall = sum(len(example.rows) for _, example in shown)
    figure = Figure(figsize=(0.72 * count + 1.4, 0.76 * tall + 0.8), layout="constrained")
    heights = [len(example.rows) for _, example in shown]
    axes = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (title, example) in zip(axes, shown, strict=True):
        draw_rows(axis, list(example.rows.values()), list(example.rows))
        axis.set_title(title, loc="left", fontsize=10)
        if example.captions:
            width = next(iter(example.rows.values())).shape[-1] + 3
            places = [width * (number + 0.5) for number in range(len(example.captions))]
            axis.set_xticks(places, example.captions, fontsize=6)
    figure.suptitle(describe_run(run), fontsize=9)
    return save(figure, run.path / "reconstructions.png")


def save_predictions(run: Run, count: int = 500) -> Path:
    """Draw predicted over true factor values of both sides, as ``predictions.png``."""
    names = run.split.grid.names
    figure = Figure(figsize=(2.2 * len(names), 2.6), layout="constrained")
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    for title, side in sides_to_show(run):
        examples = run_task(run, side, count)
        for number, axis in enumerate(axes):
            axis.plot(
                examples.target[:, number], examples.output.prediction[:, number], ".",
                markersize=3, alpha=0.5, label=title.split(":")[0],
            )  # fmt: skip
    for name, axis in zip(names, axes, strict=True):
        axis.axline((0, 0), slope=1, color="0.6", linewidth=0.8, zorder=0)
        axis.set_title(name, fontsize=8)
        axis.tick_params(labelsize=6)
    axes[0].set_ylabel("predicted", fontsize=8)
    axes[0].legend(fontsize=6)
    figure.supxlabel("true value", fontsize=8)
    figure.suptitle(describe_run(run), fontsize=9)
    return save(figure, run.path / "predictions.png")


class Examined(NamedTuple):
    """What a model was given, what it should have made of it, and what it made."""

    inputs: Any
    target: Tensor
    output: Any


def sides_to_show(run: Run) -> list[tuple[str, str]]:
    """Titles with scores, and sides: validation images stand for the held-in side."""
    shown = []
    for name, side in {"held in": "validation", "held out": "held_out"}.items():
        if run.split.mask(side).any():
            score = (run.results or {}).get("scores", {}).get(side)
            told = (
                f": NLL {score['nll']:.1f} ± {score['nll_standard_error']:.1f} nats"
                if score
                else ""
            )
            shown.append((name + told, side))
    return shown


def run_task(run: Run, side: str, count: int) -> Examined:
    """Ask a run's model its task for a few images of a side."""
    task = run.task(side)
    indices = task.usable(choose_examples(run.dataset, side, count))
    inputs, target = task(run.dataset.observe(), indices, np.random.default_rng(0))
    with torch.no_grad():
        return Examined(inputs, target, run.model(inputs))


def run_examples(run: Run, side: str, count: int) -> Examples:
    """What a run's model makes of a few images of a side, in rows.

    Raises:
        UsageError: it makes no images.
    """
    show = FAMILIES[run.family].examples
    if show is None:
        raise UsageError(f"models of family '{run.family}' make no images to be shown.")
    return show(*run_task(run, side, count), run.split.grid.names)


def describe_run(run: Run) -> str:
    """Data, model, objective and folder of a run in a line."""
    name = run.config["model"].get("name") or "model"
    loss = run.config["training"]["loss"]["name"]
    return f"{run.dataset.label} · {name} · {loss} · run {run.experiment}/{run.id}"
