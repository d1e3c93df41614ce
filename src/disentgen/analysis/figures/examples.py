"""What a run's model makes of a few images of each side; the pictures at the end of a training."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from disentgen.analysis.figures.figure import load_figures
from disentgen.analysis.measure import Measurements
from disentgen.dataset.images import Indices
from disentgen.dataset.pictures import EXAMPLES, choose_examples
from disentgen.errors import UsageError
from disentgen.models import FAMILIES, Examples
from disentgen.runs import Run

#: Sides of which examples are shown. Held-in images are validation images, which were not trained
#: on either.
SHOWN = {"held in": "validation", "held out": "held_out"}


class Examined(NamedTuple):
    """What a model makes of a few images.

    Args:
        inputs: what it was given, as its task makes it.
        target: what it should have made: (n, channels, height, width) images, or (n, factors).
        output: what it made.
    """

    inputs: Any
    target: Tensor
    output: Any


def save_examples(run: Run) -> list[Path]:
    """Draw what is drawn at the end of a training, in the run's folder.

    A picture that cannot be drawn or saved costs a warning.

    Returns:
        The paths of the pictures.
    """
    measured = Measurements(run)
    drawn = [
        figure.try_to_save(measured, run.path / figure.name)
        for figure in load_figures("run")
        if figure.at_end
    ]
    return [picture.path for picture in drawn if picture is not None and picture.problem is None]


def list_shown_sides(run: Run) -> dict[str, str]:
    """The sides of which examples are shown, by title; those with images for the run's task."""
    return {title: side for title, side in SHOWN.items() if len(list_examples(run, side, EXAMPLES))}


def list_examples(run: Run, side: str, count: int) -> Indices:
    """The images of a side that a run's model is shown with, (images,) indices.

    Args:
        run: with a model.
        side: of its split.
        count: at most so many images.
    """
    return run.task(side).usable(choose_examples(run.dataset, side, count))


def run_task(run: Run, side: str, count: int) -> Examined:
    """Ask a run's model its task for a few images of a side, the same ones every time.

    Args:
        run: with a model.
        side: of its split.
        count: at most so many images.
    """
    task = run.task(side)
    indices = list_examples(run, side, count)
    inputs, target = task(run.dataset.observe(), indices, np.random.default_rng(0))
    with torch.no_grad():
        return Examined(inputs, target, run.model(inputs))


def run_examples(run: Run, side: str, count: int = EXAMPLES) -> Examples:
    """What a run's model makes of a few images of a side, in rows.

    Args:
        run: with a model that makes images.
        side: of its split.
        count: at most so many images.

    Raises:
        UsageError: it makes none.
    """
    arrange = FAMILIES[run.family].examples
    if arrange is None:
        raise UsageError(f"models of family '{run.family}' make no images; {run.path} is of it.")
    inputs, target, output = run_task(run, side, count)
    return arrange(inputs, target, output, run.split.grid.names)
