"""Pictures. A picture made from a stand-in says so."""

from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from disentgen.dataset import Dataset
from disentgen.dataset.batches import Observations
from disentgen.paths import write_whole
from disentgen.runs import Run

EXAMPLES = 10


def save_reconstructions(run: Run, count: int = EXAMPLES) -> Path:
    """Draw held-in and held-out originals over a run's reconstructions of them.

    Held-in images are validation images, which were not trained on either.

    Returns:
        The path of ``reconstructions.png`` in the run's folder.
    """
    sides = {"held in": "validation", "held out": "held_out"}
    shown = {title: side for title, side in sides.items() if run.split.mask(side).any()}
    figure = Figure(figsize=(0.72 * count + 1.2, 1.8 * len(shown) + 0.4), layout="constrained")
    axes = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    for axis, (title, side) in zip(axes, shown.items(), strict=True):
        originals = tensor_images(run.dataset, choose_examples(run.dataset, side, count))
        with torch.no_grad():
            reconstructions = torch.sigmoid(run.model(originals).reconstruction)
        nll = (run.results or {}).get("scores", {}).get(side)
        draw_rows(axis, [originals, reconstructions], ["original", "reconstruction"])
        score = f": NLL {nll['nll']:.1f} ± {nll['nll_standard_error']:.1f} nats" if nll else ""
        axis.set_title(f"{title}{score}", loc="left", fontsize=10)
    name = run.config["model"].get("name") or "model"
    figure.suptitle(
        f"{run.dataset.label} · {name} · {run.config['training']['loss']['name']} · "
        f"run {run.experiment}/{run.id}",
        fontsize=9,
    )
    return save(figure, run.path / "reconstructions.png")


def save_sides(dataset: Dataset, folder: Path, count: int = 2 * EXAMPLES) -> Path:
    """Draw examples of the held-in and held-out side of a split."""
    sides = [side for side in ("held_in", "held_out") if dataset.split.mask(side).any()]
    figure = Figure(figsize=(0.4 * count, 1.15 * len(sides) + 0.4), layout="constrained")
    axes = figure.subplots(len(sides), 1, squeeze=False)[:, 0]
    for axis, side in zip(axes, sides, strict=True):
        pictures = tensor_images(dataset, choose_examples(dataset, side, 2 * count))
        draw_rows(axis, [pictures[:count], pictures[count:]], ["", ""])
        total = int(dataset.split.mask(side).sum())
        axis.set_title(f"{side.replace('_', ' ')}: {total:,} images", loc="left", fontsize=10)
    held_out = dataset.split.expressions["held_out"] or "nothing held out"
    figure.suptitle(f"{dataset.label} · {held_out}", fontsize=9)
    name = f"{dataset.spec.name}-{dataset.split.sha256('held_out')[:8]}.png"
    return save(figure, folder / name)


def save_factors(dataset: Dataset, path: Path, most: int = EXAMPLES) -> Path:
    """Draw a contact sheet of a dataset: in each row one factor varies, the others are fixed.

    Args:
        dataset: the opened dataset.
        path: of the picture.
        most: images in a row; of a factor with more values, evenly spaced ones are shown.
    """
    spec = dataset.spec
    fixed = choose_classes(spec.grid.sizes)
    figure = Figure(figsize=(0.8 * most + 1.4, 1.04 * len(fixed) + 0.4), layout="constrained")
    axes = figure.subplots(len(fixed), most, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for row, (factor, size) in enumerate(zip(spec.grid.names, spec.grid.sizes, strict=True)):
        shown = np.unique(np.linspace(0, size - 1, min(size, most)).round().astype(int))
        classes = np.tile(fixed, (len(shown), 1))
        classes[:, row] = shown
        pictures = tensor_images(dataset, spec.grid.indices(classes)).permute(0, 2, 3, 1).numpy()
        for axis, picture, number in zip(axes[row], pictures, shown, strict=False):
            axis.imshow(picture.squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set_title(spec.name_value(factor, number), fontsize=7, pad=2)
        axes[row, 0].text(
            -0.15, 0.5, factor, ha="right", va="center", fontsize=8,
            transform=axes[row, 0].transAxes,
        )  # fmt: skip
    figure.suptitle(f"{dataset.label} · one factor varied in each row", fontsize=9)
    return save(figure, path)


def choose_classes(sizes: tuple[int, ...]) -> NDArray[np.int64]:
    """A class of each factor, near the middle but not the same for factors of the same size.

    Three hues at their middle would be one hue; steps of the golden ratio keep them apart.
    """
    places = 0.25 + 0.5 * ((0.5 + np.arange(len(sizes)) * (5**0.5 - 1) / 2) % 1)
    return (places * np.array(sizes)).astype(np.int64)


def choose_examples(dataset: Dataset, side: str, count: int) -> NDArray[np.int64]:
    """The same few images of a side every time; all of them where it has no more."""
    indices = dataset.split.sample(side, count)
    return np.random.default_rng(1).permutation(indices)


def tensor_images(dataset: Dataset, indices: NDArray[np.int64]) -> Tensor:
    """Images of a dataset as tensors (n, channels, height, width) in 0..1."""
    observed = Observations(dataset.images, dataset.spec.grid, torch.device("cpu"))
    return observed.images(indices)


def draw_rows(axis: matplotlib.axes.Axes, rows: list[Tensor], labels: list[str]) -> None:
    """Draw rows of images, each row a tensor (n, channels, height, width), with labels."""
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
