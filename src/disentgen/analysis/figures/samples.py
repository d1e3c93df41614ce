"""Samples from the prior, decoded."""

from typing import NamedTuple

import torch
from matplotlib.figure import Figure as MplFigure
from torch import Tensor

from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.subjects import describe_run_and_seed
from disentgen.analysis.figures.traversals import decodes_latents
from disentgen.analysis.measure import Measurements
from disentgen.drawing import PAGE, add_heading, draw_rows, make_figure
from disentgen.errors import UsageError
from disentgen.models import Autoencoder

ROWS, COLUMNS = 5, 12
#: Of the generator, so that the same latents are drawn for all runs with as many.
SEED = 0


class Samples(NamedTuple):
    """Images of latents that were drawn from the prior.

    Args:
        heading: of the picture.
        latents: (images, latents) drawn from N(0, I).
        images: (images, channels, height, width) in 0..1.
    """

    heading: str
    latents: Tensor
    images: Tensor


def draw_latents(count: int, latent_size: int) -> Tensor:
    """(count, latents) from N(0, I), the same ones every time."""
    return torch.randn(count, latent_size, generator=torch.Generator().manual_seed(SEED))


def collect_samples(measured: Measurements) -> Samples:
    """Images that a run's model makes of samples from the prior.

    Raises:
        UsageError: the run's model does not decode latents.
    """
    run = measured.run
    if not isinstance(run.model, Autoencoder):
        raise UsageError(f"run {run.experiment}/{run.id} has no prior over latents to draw from.")
    latents = draw_latents(ROWS * COLUMNS, run.model.latent_size)
    with torch.no_grad():
        images = torch.sigmoid(run.model.decode(latents))
    return Samples(describe_run_and_seed(run), latents, images)


def draw_samples(data: Samples) -> MplFigure:
    """The images in rows."""
    rows = list(torch.split(data.images, COLUMNS))
    height, width = data.images.shape[-2:]
    image = (PAGE - 0.2) / COLUMNS
    figure = make_figure(PAGE, image * height / width * len(rows) + 0.4)
    draw_rows(figure.subplots(), rows, [""] * len(rows))
    add_heading(figure, f"{data.heading} · samples from the prior")
    return figure


def describe_samples(data: Samples) -> str:
    """The caption: from what they are drawn, how many."""
    count, size = data.latents.shape
    return (
        f"Samples from the prior: {count} images decoded from z ~ N(0, I) of {size} latents, drawn "
        f"with a generator of seed {SEED} whatever the run; pixels are means of their Bernoulli "
        "distributions."
    )


FIGURE = Figure(
    name="samples",
    title="Samples from the prior",
    caption=describe_samples,
    of="run",
    applies=decodes_latents,
    data=collect_samples,
    draw=draw_samples,
    order=70,
)
