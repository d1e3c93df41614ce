"""Latents moved one at a time, as an animation: all beside each other, there and back."""

import numpy as np
from PIL import Image

from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.traversals import (
    STEPS,
    Traversals,
    decodes_latents,
    describe_traversals,
    traverse_run,
)
from disentgen.drawing import arrange_images

#: Latents beside each other.
COLUMNS = 5


def draw_frames(data: Traversals) -> list[Image.Image]:
    """An image for each step, there and back, in which each latent is moved as far."""
    frames = []
    steps = data.images.shape[1]
    for step in [*range(steps), *range(steps - 2, 0, -1)]:
        picture = arrange_images(data.images[:, step], COLUMNS)
        pixels = (255 * picture).round().astype(np.uint8)
        frames.append(Image.fromarray(pixels).convert("P", palette=Image.Palette.ADAPTIVE))
    return frames


def describe_animation(data: Traversals) -> str:
    """The caption."""
    return f"The same, moving; in rows of {COLUMNS}. {describe_traversals(data)}"


FIGURE = Figure(
    name="traversals",
    title="Latent traversals, moving",
    caption=describe_animation,
    of="run",
    applies=decodes_latents,
    data=lambda measured: traverse_run(measured.run, 2 * STEPS),
    draw=draw_frames,
    order=61,
    formats=("gif",),
)
