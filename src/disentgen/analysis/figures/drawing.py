"""Pictures. A picture made from a stand-in says so."""

from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from disentgen.dataset import Dataset
from disentgen.errors import UsageError
from disentgen.models import FAMILIES, Examples
from disentgen.paths import write_whole
from disentgen.runs import Run

EXAMPLES = 10


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
            axis.set_title(spec.grid.name_value(factor, number), fontsize=7, pad=2)
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
    return dataset.observe().images(indices)


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
