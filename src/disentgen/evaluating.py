"""Scores, metrics and pictures of models that were trained elsewhere: plain functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from disentgen.analysis.metrics import Metric, Result, load_metrics
from disentgen.dataset import Dataset
from disentgen.dataset.batches import ScoringBatches
from disentgen.dataset.split import SIDES
from disentgen.dataset.tasks import Reconstruct
from disentgen.drawing import PAGE, default_style, draw_rows, make_figure, save_figure
from disentgen.errors import UsageError
from disentgen.fitting import open_dataset
from disentgen.models.outputs import ImageOutput
from disentgen.paths import expand, make_folder
from disentgen.registry import choose
from disentgen.training.evaluation import score

#: Images (batch, channels, height, width) in 0..1 to codes (batch, latents).
Encode = Callable[[Tensor], ArrayLike | Tensor]
#: Codes (batch, latents) to images (batch, channels, height, width).
Decode = Callable[[Tensor], ArrayLike | Tensor]

#: Probabilities of pixels this near to 0 and 1 count as this near: no logarithm is infinite.
NEAREST = 1e-6
#: Images of each side in the pictures.
SHOWN = 8
#: Images that are encoded at once.
CHUNK = 256


@dataclass(frozen=True)
class CodedImages(ImageOutput):
    """Images that were made of codes.

    Args:
        codes: (batch, latents).
    """

    codes: Tensor

    def posterior_means(self, target: Tensor) -> Tensor:
        return self.codes


class Judged(nn.Module):
    """Functions as a model that reconstructs.

    Args:
        encode: images (batch, channels, height, width) to codes (batch, latents).
        decode: codes to images.
        logits: whether these are logits of pixels rather than their probabilities.
    """

    def __init__(self, encode: Encode, decode: Decode, logits: bool = False):
        super().__init__()
        self.encode = encode
        self.decode = decode
        self.logits = logits

    def forward(self, images: Tensor) -> CodedImages:
        """Images (batch, channels, height, width) to their reconstruction."""
        codes = to_tensor("encode", self.encode(images), (len(images), None))
        made = to_tensor("decode", self.decode(codes), images.shape)
        if not self.logits:
            if not bool(((made >= 0) & (made <= 1)).all()):
                raise UsageError(
                    f"decode makes pixels of {made.min():.4g} to {made.max():.4g}; 0 to 1 is "
                    "expected, or logits with logits=True."
                )
            made = torch.logit(made, NEAREST)
        return CodedImages(made, codes)


def evaluate(
    encode: Encode,
    dataset: Dataset | Mapping[str, Any] | str,
    decode: Decode | None = None,
    metrics: Sequence[str] | None = None,
    images: int | None = 5_000,
    logits: bool = False,
    folder: str | Path | None = None,
) -> dict[str, Any]:
    """Judge a model that was trained elsewhere, as runs are judged.

    Args:
        encode: makes of images (batch, channels, height, width) in 0..1 codes (batch, latents), as
            tensors or arrays.
        dataset: of :func:`~disentgen.dataset.build.build_dataset`, or what that is given: a name,
            or several settings by name.
        decode: makes of codes (batch, latents) images (batch, channels, height, width) in 0..1;
            without it there are no scores of reconstructions.
        metrics: names of those that are measured; by default all of codes and of samplers.
        images: of each side, at most; None is all.
        logits: ``decode`` makes logits of pixels, rather than their probabilities.
        folder: where ``reconstructions.png`` is saved; nowhere by default.

    Returns:
        ``scores`` by side, as a run's results hold them (None without images, none without
        ``decode``); ``metrics``, the result of each by name, of the codes of training images;
        ``pictures``, the paths of those that were saved.

    Raises:
        UsageError: a function makes something else, or there is no such metric.
        DataFileError: the images cannot be opened, or a picture not be saved.
    """
    opened, _ = open_dataset(dataset)
    known = load_metrics("codes", "sampler")
    names = known if metrics is None else metrics
    chosen = {name: choose("metric", name, known) for name in names}
    judged = None if decode is None else Judged(encode, decode, logits)
    with torch.no_grad():
        scores = {} if judged is None else {
            side: score_side(judged, opened, side, images) for side in SIDES
        }  # fmt: skip
        results = measure_metrics(encode, opened, chosen, images)
        pictures = []
        if judged is not None and folder is not None:
            path = make_folder(expand(folder)) / "reconstructions.png"
            pictures.append(save_figure(draw_reconstructions(judged, opened), path))
    return {"scores": scores, "metrics": results, "pictures": pictures}


def score_side(
    judged: Judged, dataset: Dataset, side: str, images: int | None
) -> dict[str, Any] | None:
    """The scores of a side as plain data; None where it is empty.

    Args:
        judged: the model.
        dataset: with its split.
        side: of the split.
        images: at most so many.
    """
    indices = dataset.split.sample(side, images)
    if not len(indices):
        return None
    grid = dataset.spec.grid
    batches = ScoringBatches(dataset.observe(), Reconstruct(grid, indices), indices)
    record = score(judged, batches, torch.device("cpu")).as_record(grid.names)
    return {name: value for name, value in record.items() if value is not None}


def measure_metrics(
    encode: Encode, dataset: Dataset, metrics: Mapping[str, Metric], images: int | None
) -> dict[str, Result]:
    """Metrics of the codes of training images, by name.

    Args:
        encode: images (batch, channels, height, width) to codes (batch, latents).
        dataset: with its split.
        metrics: by name.
        images: at most so many.
    """
    if not metrics:
        return {}
    grid, indices = dataset.spec.grid, dataset.split.sample("train", images)
    observed = dataset.observe()
    parts = [
        to_tensor("encode", encode(observed.images(some)), (len(some), None)).double()
        for some in np.array_split(indices, max(1, len(indices) // CHUNK))
    ]
    codes = torch.cat(parts).numpy()

    def look_up(wanted: NDArray[np.int64]) -> NDArray[np.float64]:
        rows: NDArray[np.float64] = codes[np.searchsorted(indices, wanted)]
        return rows

    return {name: metric.measure(look_up, grid, indices) for name, metric in metrics.items()}


def to_tensor(what: str, made: Any, shape: Sequence[int | None]) -> Tensor:
    """What a function has made as a tensor (batch, …) on the CPU.

    Args:
        what: the name of the function, for messages.
        made: by it.
        shape: that it must have; None of an axis is any length.

    Raises:
        UsageError: it has another.
    """
    tensor = torch.as_tensor(made).detach().cpu().float()
    fits = tensor.ndim == len(shape) and all(
        length in (None, given) for length, given in zip(shape, tensor.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("latents" if length is None else str(length) for length in shape)
        raise UsageError(f"{what} makes shape {tuple(tensor.shape)}; expected: ({wanted}).")
    return tensor


@default_style()
def draw_reconstructions(judged: Judged, dataset: Dataset) -> Figure:
    """Images of each side over their reconstructions.

    Args:
        judged: the model.
        dataset: with its split.
    """
    split, observed = dataset.split, dataset.observe()
    sides = [side for side in ("validation", "held_out") if split.mask(side).any()]
    count = min([SHOWN, *(int(split.mask(side).sum()) for side in sides)])
    rows, labels = list[Tensor](), list[str]()
    for side in sides:
        originals = observed.images(split.sample(side, count))
        rows += [originals, judged(originals).images]
        labels += [side.replace("_", "-"), "reconstruction"]
    figure = make_figure(PAGE, PAGE * len(rows) / count)
    draw_rows(figure.subplots(), rows, labels)
    return figure
