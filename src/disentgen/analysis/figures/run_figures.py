"""Pictures of one run, beyond the examples that it draws itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from torch import Tensor

from disentgen.analysis.figures.drawing import (
    choose_examples,
    describe_run,
    draw_rows,
)
from disentgen.analysis.measure import Measurements
from disentgen.analysis.measurements.errors import ErrorMap
from disentgen.analysis.metrics import Result
from disentgen.dataset.pictures import tensor_images
from disentgen.dataset.split import Split
from disentgen.errors import UsageError
from disentgen.models import FAMILIES, Autoencoder
from disentgen.paths import write_whole
from disentgen.runs import Run

#: How far latents are moved, in standard deviations of the prior.
REACH = 2.5
STEPS = 11
CURVES = {"nll": "NLL, nats", "squared_error": "squared error", "kl": "KL, nats"}
SIDE_COLOURS = {"train": "0.55", "validation": "tab:blue", "held_out": "tab:red"}


def label_curves(term: str, sampled: bool) -> dict[str, str]:
    """What the history holds of a term, by side.

    Training averages over an epoch, in which the weights change, validation comes after it. KL is
    of the posterior itself, never of a sample.

    Args:
        term: ``nll``, ``squared_error`` or ``kl``.
        sampled: whether the model is trained on samples of a posterior.
    """
    if sampled and term != "kl":
        return {
            "train": "train, sampled latents, over the epoch",
            "validation": "validation, posterior mean",
        }
    return {"train": "train, over the epoch", "validation": "validation"}


def draw_curves(run: Run) -> Figure:
    """NLL, and KL where there is one, over the epochs of a run."""
    history, sampled = run.history, FAMILIES[run.family].output.sampled
    terms = [
        term for term in CURVES if {f"train.{term}", f"validation.{term}"} & set(history.columns)
    ]
    figure = Figure(figsize=(3.4 * len(terms), 2.6), layout="constrained")
    for axis, term in zip(figure.subplots(1, len(terms), squeeze=False)[0], terms, strict=True):
        for side, label in label_curves(term, sampled).items():
            if (column := f"{side}.{term}") in history:
                axis.plot(
                    history["epoch"], history[column], color=SIDE_COLOURS[side], label=label,
                    marker="." if len(history) < 30 else None,
                )  # fmt: skip
        axis.set(xlabel="epoch", ylabel=CURVES[term])
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        if term == "nll":
            axis.set_yscale("log")
        axis.legend(fontsize=7)
    figure.suptitle(describe_run(run), fontsize=8)
    return figure


def traverse(model: Autoencoder, code: Tensor, steps: int = STEPS) -> Tensor:
    """Images of a code, each latent moved in turn from −REACH to REACH.

    Args:
        model: that decodes.
        code: (latents,).
        steps: images for each latent.

    Returns:
        (latents, steps, channels, height, width) in 0..1.
    """
    places = torch.linspace(-REACH, REACH, steps)
    latents = code.expand(len(code), steps, len(code)).clone()
    axis = torch.arange(len(code))
    latents[axis, :, axis] = places
    with torch.no_grad():
        decoded = torch.sigmoid(model.decode(latents.flatten(0, 1)))
    return decoded.unflatten(0, (len(code), steps))


class Traversals(NamedTuple):
    """Latents moved one by one, those of the largest KL first.

    Args:
        images: (latents, steps, channels, height, width) in 0..1.
        names: of the latents, with their mean KL over training images.
    """

    images: Tensor
    names: list[str]


def traverse_run(run: Run, steps: int = STEPS) -> Traversals:
    """Traversals of a run's latents from the code of a validation image.

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
    return Traversals(traverse(model, code, steps)[order], names)


def draw_traversals(run: Run) -> Figure:
    """Latent traversals from a validation image, those of the largest KL on top."""
    moved = traverse_run(run)
    count = len(moved.names)
    figure = Figure(figsize=(0.6 * STEPS + 1.2, 0.62 * count + 0.7), layout="constrained")
    axis = figure.subplots()
    draw_rows(axis, list(moved.images), moved.names)
    axis.set_title(f"latent (KL in nats), moved from −{REACH} to {REACH}", fontsize=8)
    figure.suptitle(describe_run(run), fontsize=8)
    return figure


def save_traversals(run: Run, path: Path) -> Path:
    """Latent traversals as a GIF: all latents beside each other, each moving there and back."""
    from PIL import Image
    from torchvision.utils import make_grid

    moved = traverse_run(run, 2 * STEPS).images
    frames = []
    for step in [*range(2 * STEPS), *range(2 * STEPS - 2, 0, -1)]:
        grid = make_grid(moved[:, step], nrow=5, padding=3, pad_value=0.6)
        pixels = (255 * grid.permute(1, 2, 0)).round().byte().numpy()
        frames.append(Image.fromarray(pixels).convert("P", palette=Image.Palette.ADAPTIVE))
    write_whole(
        path,
        lambda file: frames[0].save(
            file, format="GIF", save_all=True, append_images=frames[1:], duration=80, loop=0
        ),
    )
    return path


def draw_hinton(axis: Axes, importances: NDArray[np.floating], factors: Sequence[str]) -> None:
    """A Hinton diagram: squares whose area is the importance of a latent for a factor.

    Args:
        axis: to draw on.
        importances: (latents, factors), none negative.
        factors: their names.
    """
    from matplotlib.patches import Rectangle

    largest = importances.max() or 1.0
    for (latent, factor), value in np.ndenumerate(importances):
        half = np.sqrt(value / largest) / 2 * 0.95
        axis.add_patch(
            Rectangle((latent - half, factor - half), 2 * half, 2 * half, color="0.15", linewidth=0)
        )
    latents = len(importances)
    axis.set(xlim=(-0.6, latents - 0.4), ylim=(len(factors) - 0.4, -0.6), aspect="equal")
    axis.set_xticks(range(latents), [str(number) for number in range(latents)], fontsize=6)
    axis.set_yticks(range(len(factors)), factors, fontsize=7)
    axis.tick_params(length=0)
    axis.set_facecolor("0.93")


def describe_importances(result: Result) -> str:
    """The scores that belong to a Hinton diagram, and on how many images they were measured."""
    scores = f"D {result['disentanglement']:.2f}, C {result['completeness']:.2f}"
    return f"{scores}, informativeness {result['informativeness']:.2f}, n {result['images']:,}"


def draw_importances(measured: Measurements) -> Figure:
    """Hinton diagrams of a run's latents, by lasso and by boosted trees."""
    run = measured.run
    factors = run.split.grid.names
    titles = {"dci_lasso": "lasso", "dci_trees": "boosted trees"}
    results = measured.metrics(titles)
    figure = Figure(figsize=(8, 0.28 * len(factors) + 1.3), layout="constrained")
    axes = figure.subplots(1, len(titles))
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        result = results[name]
        draw_hinton(axis, np.array(result["importances"]), factors)
        axis.set_title(f"{title}: {describe_importances(result)}", fontsize=8)
        axis.set_xlabel("latent", fontsize=7)
    figure.suptitle(describe_run(run), fontsize=8)
    return figure


def draw_errors(measured: Measurements) -> Figure:
    """Where on the grid a model fails: mean excess NLL by every factor and every pair of them.

    On the diagonal a factor alone, held-in and held-out images apart; below it pairs, with a dot
    on every class pair all of whose combinations are held out.
    """
    run, errors = measured.run, measured.get("errors")
    grid = run.split.grid
    count = len(grid.names)
    figure = Figure(figsize=(1.55 * count + 0.8, 1.5 * count + 0.6), layout="constrained")
    axes = figure.subplots(count, count, squeeze=False)
    known = errors.excess[np.isfinite(errors.excess)]
    low, high = np.quantile(known, [0.02, 0.98])
    picture = None
    for (row, column), axis in np.ndenumerate(axes):
        if column > row:
            axis.set_axis_off()
            continue
        if row == column:
            draw_error_curve(axis, errors, grid, row)
        else:
            mean = errors.average(grid, (row, column))
            axis.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            picture = axis.imshow(
                mean, origin="lower", aspect="auto", vmin=low, vmax=high, interpolation="nearest"
            )
            dots = np.argwhere(fully_held_out(run.split, (row, column)))
            axis.plot(dots[:, 1], dots[:, 0], ".", color="white", markersize=1.5)
        axis.tick_params(labelsize=5)
        axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        if column == 0:
            axis.set_ylabel(grid.names[row].replace("_", "\n"), fontsize=7)
        if row == count - 1:
            axis.set_xlabel(grid.names[column].replace("_", " "), fontsize=7)
    if picture is not None:
        figure.colorbar(picture, ax=axes[:, -1], shrink=0.5, label="excess NLL, nats")
    figure.suptitle(
        f"mean excess NLL by classes; diagonal: held in grey, held out red; dots: held out\n"
        f"{describe_run(run)}", fontsize=8,
    )  # fmt: skip
    return figure


def draw_error_curve(axis: Axes, errors: ErrorMap, grid: Any, factor: int) -> None:
    """Mean excess NLL by the class of one factor, held-in and held-out images apart."""
    for held_out, colour in ((False, SIDE_COLOURS["train"]), (True, SIDE_COLOURS["held_out"])):
        there = errors.held_out == held_out
        if there.any():
            part = ErrorMap(*(column[there] for column in errors))
            axis.plot(part.average(grid, (factor,)), color=colour, marker=".", markersize=3)
    axis.set_ylim(bottom=min(0, np.nanmin(errors.excess)))


def fully_held_out(split: Split, factors: tuple[int, int]) -> NDArray[np.bool_]:
    """Class pairs of two factors all of whose combinations are held out."""
    others = tuple(set(range(len(split.grid.sizes))) - set(factors))
    pairs = np.asarray(split.held_out.reshape(split.grid.sizes).all(axis=others))
    return pairs if factors[0] < factors[1] else pairs.T


def draw_placement(measured: Measurements) -> Figure:
    """Where the encoder places images: probe errors by factor and side, and codes of both sides."""
    run = measured.run
    probes = measured.get("probes")
    figure = Figure(figsize=(4.2 * len(probes) + 3.6, 3), layout="constrained")
    *bars, plane = figure.subplots(1, len(probes) + 1)
    for axis, (kind, rows) in zip(bars, probes.items(), strict=True):
        draw_probe(axis, rows, run.split.grid.names)
        axis.set_title(f"{kind} reading of factors from codes", fontsize=8)
    train = measured.codes("train").codes
    centre = train.mean(axis=0)
    directions = np.linalg.svd(train - centre, full_matrices=False)[2][:2]
    for side in ("train", "held_out"):
        if run.split.mask(side).any():
            places = (measured.codes(side).codes[:1_500] - centre) @ directions.T
            places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
            plane.plot(
                places[:, 0], places[:, 1], ".", markersize=1.5, alpha=0.5,
                color=SIDE_COLOURS[side], label=side.replace("_", " "),
            )  # fmt: skip
    plane.set_title("codes, first two principal components", fontsize=8)
    plane.legend(fontsize=7, markerscale=5)
    figure.suptitle(describe_run(run), fontsize=8)
    return figure


def draw_probe(axis: Axes, rows: list[dict[str, Any]], factors: Sequence[str]) -> None:
    """Squared error of a probe by factor, a bar for each side."""
    sides = list(dict.fromkeys(row["side"] for row in rows))
    for number, side in enumerate(sides):
        shown = {row["factor"]: row for row in rows if row["side"] == side}
        axis.bar(
            np.arange(len(factors)) + 0.27 * (number - (len(sides) - 1) / 2),
            [shown[factor]["squared_error"] for factor in factors], width=0.25,
            yerr=[shown[factor]["standard_error"] for factor in factors],
            color=SIDE_COLOURS[side], label=side.replace("_", " "), error_kw={"linewidth": 0.8},
        )  # fmt: skip
    axis.axhline(1, color="0.3", linewidth=0.7, linestyle=":")
    axis.set_xticks(range(len(factors)), [name.replace("_", "\n") for name in factors], fontsize=7)
    axis.set_ylabel("squared error / variance over the grid", fontsize=7)
    axis.tick_params(labelsize=7)
    axis.legend(fontsize=6)
