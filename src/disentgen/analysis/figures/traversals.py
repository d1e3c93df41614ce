"""Latents moved one at a time."""

from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure as MplFigure
from torch import Tensor

from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.subjects import describe_run_and_seed
from disentgen.analysis.measure import Measurements
from disentgen.dataset.pictures import choose_examples, tensor_images
from disentgen.drawing import GAP, MEDIUM, PAGE, add_heading, draw_rows, make_figure
from disentgen.errors import UsageError
from disentgen.models import Autoencoder
from disentgen.runs import Run

#: How far latents are moved, in standard deviations of the prior.
REACH = 2.5
STEPS = 11


class Traversals(NamedTuple):
    """Latents moved one by one, those of the largest KL first.

    Args:
        heading: of the picture.
        images: (latents, steps, channels, height, width) in 0..1.
        names: of the latents, with their mean KL over training images.
        places: (steps,) where each latent is moved to.
    """

    heading: str
    images: Tensor
    names: list[str]
    places: Tensor


def decodes_latents(measured: Measurements) -> bool:
    """Whether a run's model makes images of latents."""
    return isinstance(measured.run.model, Autoencoder)


def traverse(model: Autoencoder, code: Tensor, places: Tensor) -> Tensor:
    """Images of a code, each latent moved in turn.

    Args:
        model: that decodes.
        code: (latents,).
        places: (steps,) what each latent is set to.

    Returns:
        (latents, steps, channels, height, width) in 0..1.
    """
    latents = code.expand(len(code), len(places), len(code)).clone()
    axis = torch.arange(len(code))
    latents[axis, :, axis] = places
    with torch.no_grad():
        decoded = torch.sigmoid(model.decode(latents.flatten(0, 1)))
    return decoded.reshape(len(code), len(places), *decoded.shape[1:])


def traverse_run(run: Run, steps: int = STEPS) -> Traversals:
    """Traversals of a run's latents from the code of a validation image.

    Args:
        run: with a model that decodes latents.
        steps: images for each latent, from −REACH to REACH.

    Raises:
        UsageError: the run's model does not decode latents.
    """
    model, results = run.model, run.results
    if not isinstance(model, Autoencoder) or results is None:
        raise UsageError(f"run {run.experiment}/{run.id} has no latents to move.")
    image = tensor_images(run.dataset, choose_examples(run.dataset, "validation", 1))
    with torch.no_grad():
        code = model.encode(image).mean[0]
    kl = np.array(results["scores"]["train"]["kl_per_latent"])
    order = np.argsort(-kl)
    names = [f"z{latent} ({kl[latent]:.2f})" for latent in order]
    places = torch.linspace(-REACH, REACH, steps)
    return Traversals(
        describe_run_and_seed(run), traverse(model, code, places)[order], names, places
    )


def draw_traversals(data: Traversals) -> MplFigure:
    """A row for each latent, a column for each step."""
    count, steps, _, height, width = data.images.shape
    image = (PAGE - 0.7) / steps
    figure = make_figure(PAGE, image * height / width * count + 0.7)
    axis = figure.subplots()
    draw_rows(axis, list(data.images), data.names)
    places = [(width + GAP) * (number + 0.5) for number in range(steps)]
    axis.set_xticks(places, [f"{place:+.1f}" for place in data.places.tolist()], fontsize=MEDIUM)
    axis.set_xlabel("value of the latent; beside rows: latent (KL in nats)", fontsize=MEDIUM)
    add_heading(figure, data.heading)
    return figure


def describe_traversals(data: Traversals) -> str:
    """The caption."""
    return (
        "Latents moved one at a time from the code of one validation image, from "
        f"{data.places[0]:+.1f} to {data.places[-1]:+.1f} standard deviations of the prior; those "
        "of the largest KL (mean over the training images that the run was scored on) on top."
    )


FIGURE = Figure(
    name="traversals",
    title="Latent traversals",
    caption=describe_traversals,
    of="run",
    applies=decodes_latents,
    data=lambda measured: traverse_run(measured.run),
    draw=draw_traversals,
    order=60,
)
