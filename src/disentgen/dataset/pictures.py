"""Pictures of a dataset: examples of each side of its split, and what its factors do."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from disentgen.dataset.build import Dataset
from disentgen.dataset.images import Indices
from disentgen.dataset.spec import DatasetSpec
from disentgen.drawing import (
    default_style,
    draw_rows,
    literal,
    make_figure,
    save_figure,
    space_evenly,
)
from disentgen.paths import make_folder

EXAMPLES = 10


def choose_examples(dataset: Dataset, side: str, count: int) -> Indices:
    """The same few images of a side every time, by index; all of them where it has no more.

    Args:
        dataset: with the split.
        side: of the split.
        count: at most so many images.

    Returns:
        (images,) indices.
    """
    indices = dataset.split.sample(side, count)
    chosen: Indices = np.random.default_rng(1).permutation(indices)
    return chosen


def tensor_images(dataset: Dataset, indices: Indices) -> Tensor:
    """Images of a dataset as tensors (n, channels, height, width) in 0..1."""
    return dataset.observe().images(indices)


@default_style()
def save_sides(dataset: Dataset, folder: Path, columns: int = 2 * EXAMPLES) -> Path:
    """Draw examples of the held-in and held-out side of a split.

    Args:
        dataset: with the split.
        folder: of the picture, which is called by dataset and split.
        columns: images in each of a side's two rows.

    Returns:
        The path of the picture.
    """
    sides = [side for side in ("held_in", "held_out") if dataset.split.mask(side).any()]
    figure = make_figure(0.4 * columns, 1.15 * len(sides) + 0.4)
    axes = figure.subplots(len(sides), 1, squeeze=False)[:, 0]
    for axis, side in zip(axes, sides, strict=True):
        pictures = tensor_images(dataset, choose_examples(dataset, side, 2 * columns))
        rows = [row for row in (pictures[:columns], pictures[columns:]) if len(row)]
        draw_rows(axis, rows, [""] * len(rows))
        total = int(dataset.split.mask(side).sum())
        axis.set_title(f"{side.replace('_', ' ')}: {total:,} images", loc="left", fontsize=10)
    held_out = dataset.split.expressions["held_out"] or "nothing held out"
    figure.suptitle(literal(f"{dataset.label} · {held_out}"), fontsize=9)
    name = f"{dataset.spec.name}-{dataset.split.sha256('held_out')[:8]}.png"
    return save_figure(figure, make_folder(folder) / name)


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

    Where combinations are missing, the others are fixed where the fewest are.

    Args:
        dataset: the opened dataset.
        columns: images of each factor; of one with more values, evenly spaced ones are taken.
    """
    grid = dataset.spec.grid
    for axis, factor in enumerate(grid.names):
        line = find_line(dataset.spec, axis)
        indices = line[space_evenly(len(line), columns)]
        names = [grid.name_value(factor, number) for number in grid.classes(indices)[:, axis]]
        yield Variation(factor, names, tensor_images(dataset, indices))


def find_line(spec: DatasetSpec, axis: int) -> Indices:
    """The images, by index, in which one factor varies and the others are near their middle.

    Args:
        spec: of the dataset.
        axis: the factor's place on the grid.

    Returns:
        (n,) indices, as many as there are images of the line.
    """
    grid, fixed = spec.grid, choose_classes(spec.grid.sizes)
    if spec.present is not None:
        counts = spec.present.reshape(grid.sizes).sum(axis=axis, keepdims=True)
        fullest = np.argwhere(counts == counts.max())
        distances = (np.delete(fullest - fixed, axis, 1) / np.delete(grid.sizes, axis)) ** 2
        fixed = fullest[distances.sum(axis=1).argmin()]
    classes = np.tile(fixed, (grid.sizes[axis], 1))
    classes[:, axis] = np.arange(grid.sizes[axis])
    line = grid.indices(classes)
    return line if spec.present is None else line[spec.present[line]]


@default_style()
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
    figure = make_figure(0.8 * columns + 1.4, 1.04 * rows + 0.4)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for row, variation in zip(axes, vary_factors(dataset, columns), strict=True):
        pictures = variation.images.permute(0, 2, 3, 1).numpy()
        for axis, picture, name in zip(row, pictures, variation.value_names, strict=False):
            axis.imshow(picture.squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set_title(literal(name), fontsize=7, pad=2)
        row[0].text(
            -0.15, 0.5, literal(variation.factor), ha="right", va="center", fontsize=8,
            transform=row[0].transAxes,
        )  # fmt: skip
    figure.suptitle(literal(f"{dataset.label} · one factor varied in each row"), fontsize=9)
    make_folder(path.parent)
    return save_figure(figure, path)


def choose_classes(sizes: tuple[int, ...]) -> Indices:
    """A class of each factor, (factors,), near the middle but not the same for all of one size.

    Three hues at their middle would be one hue; steps of the golden ratio keep them apart.
    """
    places = 0.25 + 0.5 * ((0.5 + np.arange(len(sizes)) * (5**0.5 - 1) / 2) % 1)
    classes: Indices = (places * np.array(sizes)).astype(np.int64)
    return classes
