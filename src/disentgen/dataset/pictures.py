"""Pictures of a dataset: examples of its sides, its factors varied alone.

A picture made from a stand-in says so.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import matplotlib.axes
import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from disentgen.dataset.build import Dataset
from disentgen.dataset.images import Indices
from disentgen.paths import write_whole

EXAMPLES = 10


def save_sides(dataset: Dataset, folder: Path, columns: int = 2 * EXAMPLES) -> Path:
    """Draw two rows of examples of the held-in and of the held-out side of a split.

    Args:
        dataset: the opened dataset.
        folder: that the picture is written to, under a name of the dataset and its split.
        columns: images in a row.

    Returns:
        The path of the picture.
    """
    sides = [side for side in ("held_in", "held_out") if dataset.split.mask(side).any()]
    figure = Figure(figsize=(0.4 * columns, 1.15 * len(sides) + 0.4), layout="constrained")
    axes = figure.subplots(len(sides), 1, squeeze=False)[:, 0]
    for axis, side in zip(axes, sides, strict=True):
        pictures = tensor_images(dataset, choose_examples(dataset, side, 2 * columns))
        draw_rows(axis, [pictures[:columns], pictures[columns:]], ["", ""])
        total = int(dataset.split.mask(side).sum())
        axis.set_title(f"{side.replace('_', ' ')}: {total:,} images", loc="left", fontsize=10)
    held_out = dataset.split.expressions["held_out"] or "nothing held out"
    figure.suptitle(f"{dataset.label} · {held_out}", fontsize=9)
    name = f"{dataset.spec.name}-{dataset.split.sha256('held_out')[:8]}.png"
    return save(figure, folder / name)


class Variation(NamedTuple):
    """Images that differ in one factor.

    Args:
        factor: its name.
        value_names: (n,) what its values are called.
        images: (n, channels, height, width) in 0..1.
    """

    factor: str
    value_names: list[str]
    images: Tensor


def vary_factors(dataset: Dataset, columns: int) -> Iterator[Variation]:
    """For each factor images in which it alone varies, the others fixed near their middle.

    Args:
        dataset: the opened dataset.
        columns: images of each factor; of one with more values, evenly spaced ones are taken.
    """
    grid = dataset.spec.grid
    fixed = choose_classes(grid.sizes)
    for axis, (factor, size) in enumerate(zip(grid.names, grid.sizes, strict=True)):
        numbers = np.unique(np.linspace(0, size - 1, min(size, columns)).round().astype(int))
        classes = np.tile(fixed, (len(numbers), 1))
        classes[:, axis] = numbers
        names = [grid.name_value(factor, number) for number in numbers]
        yield Variation(factor, names, tensor_images(dataset, grid.indices(classes)))


def save_factors(dataset: Dataset, path: Path, columns: int = EXAMPLES) -> Path:
    """Draw a contact sheet of a dataset: in each row one factor varies, the others are fixed.

    Args:
        dataset: the opened dataset.
        path: of the picture.
        columns: images in a row; see :func:`vary_factors`.

    Returns:
        The path.
    """
    rows = len(dataset.spec.grid.sizes)
    figure = Figure(figsize=(0.8 * columns + 1.4, 1.04 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for row, variation in zip(axes, vary_factors(dataset, columns), strict=True):
        pictures = variation.images.permute(0, 2, 3, 1).numpy()
        for axis, picture, name in zip(row, pictures, variation.value_names, strict=False):
            axis.imshow(picture.squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set_title(name, fontsize=7, pad=2)
        row[0].text(
            -0.15, 0.5, variation.factor, ha="right", va="center", fontsize=8,
            transform=row[0].transAxes,
        )  # fmt: skip
    figure.suptitle(f"{dataset.label} · one factor varied in each row", fontsize=9)
    return save(figure, path)


def choose_classes(sizes: tuple[int, ...]) -> NDArray[np.int64]:
    """A class of each factor, near the middle but not the same for factors of the same size.

    Three hues at their middle would be one hue; steps of the golden ratio keep them apart.
    """
    places = 0.25 + 0.5 * ((0.5 + np.arange(len(sizes)) * (5**0.5 - 1) / 2) % 1)
    return np.asarray(places * np.array(sizes)).astype(np.int64)


def choose_examples(dataset: Dataset, side: str, count: int) -> Indices:
    """(count,) indices of the same few images of a side every time; all where it has no more."""
    indices = dataset.split.sample(side, count)
    return np.random.default_rng(1).permutation(indices)


def tensor_images(dataset: Dataset, indices: Indices) -> Tensor:
    """Images of a dataset: (n,) indices to (n, channels, height, width) in 0..1."""
    return dataset.observe().images(indices)


def draw_rows(axis: matplotlib.axes.Axes, rows: list[Tensor], labels: list[str]) -> None:
    """Draw rows of images beneath each other.

    Args:
        axis: to draw on.
        rows: each a tensor (n, channels, height, width) in 0..1, of one n.
        labels: of the rows.
    """
    # Imported here since torchvision takes seconds to start, and most runs draw once, at the end.
    from torchvision.utils import make_grid

    pictures = torch.cat(rows)
    grid = make_grid(pictures, nrow=len(rows[0]), padding=3, pad_value=0.6)
    axis.imshow(grid.permute(1, 2, 0).numpy(), interpolation="nearest")
    height = pictures.shape[-2] + 3
    axis.set_xticks([])
    axis.set_yticks([height * (number + 0.5) for number in range(len(rows))], labels, fontsize=8)
    axis.tick_params(length=0)
    axis.set_frame_on(False)


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, whole or not at all."""
    write_whole(path, lambda file: figure.savefig(file, format="png", dpi=150))
    return path
