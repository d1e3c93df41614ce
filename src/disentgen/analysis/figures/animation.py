"""Latents moved one at a time, as an animation: all beside each other, there and back."""

from PIL import Image

from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.traversals import (
    STEPS,
    Traversals,
    decodes_latents,
    describe_traversals,
    traverse_run,
)
from disentgen.drawing import GAP

#: Latents beside each other.
COLUMNS = 5


def draw_frames(data: Traversals) -> list[Image.Image]:
    """An image for each step, there and back, in which each latent is moved as far."""
    from torchvision.utils import make_grid

    frames = []
    steps = data.images.shape[1]
    for step in [*range(steps), *range(steps - 2, 0, -1)]:
        grid = make_grid(data.images[:, step], nrow=COLUMNS, padding=GAP, pad_value=0.6)
        pixels = (255 * grid.permute(1, 2, 0)).round().byte().numpy()
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
