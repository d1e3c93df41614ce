"""How alike the images that a model makes are to what it should have made: PSNR, SSIM and R²."""

from collections.abc import Iterable, Iterator

import torch
from ignite.metrics import PSNR, SSIM
from torch import Tensor

from disentgen.analysis.measurements import Column, Measured, Measurement, Part, Scale
from disentgen.analysis.metrics import Result
from disentgen.dataset.batches import ScoringBatches
from disentgen.models import FAMILIES
from disentgen.models.outputs import ImageOutput
from disentgen.runs import Run

#: Images of each side, unless the user asks for another number: PSNR is then known to 0.1 dB.
COMPARED = 2_000
#: Width of the Gaussian window in pixels (Wang et al. 2004, section III C: σ = 1.5).
WINDOW = 11
#: The held-in side stands here by the images that were not trained on.
COMPARED_SIDES = ("validation", "held_out")


def makes_images(run: Run) -> bool:
    """Whether a run's model makes images."""
    return FAMILIES[run.family].makes_images


def find_output(run: Run) -> type[ImageOutput]:
    """What the model of a run that makes images says of their pixels; it is not opened."""
    kind = FAMILIES[run.family].model.find_output(run.config["model"])
    if not issubclass(kind, ImageOutput):
        raise TypeError(f"models of {run.family} make no images")
    return kind


def limit_comparison(run: Run, asked: int | None) -> int:
    """The images that the run was scored on, up to so many as the user asks for.

    Args:
        run: a finished one.
        asked: the user's number; ``COMPARED`` by default.
    """
    limit = COMPARED if asked is None else asked
    return min(run.config["training"]["score_images"] or limit, limit)


def measure_quality(measured: Measured, images: int, side: str) -> Result:
    """PSNR, SSIM and R² of what a model makes of a side's images.

    See :func:`compare_images` and :class:`SquaredErrors`.

    Args:
        measured: of a run with a model that makes images.
        images: at most so many of the side.
        side: of the run's split.

    Returns:
        ``psnr`` in dB, ``ssim``, ``squared_error``, ``image_r2``, all None of no images, and
        ``images``.
    """
    run = measured.run
    task = run.task(side)
    indices = task.usable(run.split.sample(side, images))
    if not len(indices):
        return {"psnr": None, "ssim": None, "squared_error": None, "image_r2": None, "images": 0}

    def make_pairs() -> Iterator[tuple[Tensor, Tensor]]:
        with torch.no_grad():
            for inputs, target in ScoringBatches(run.dataset.observe(), task, indices):
                yield run.model(inputs).images, target

    errors = SquaredErrors()
    psnr, ssim = compare_images(errors.watch(make_pairs()), run.model.image_shape)
    of_errors = {"squared_error": errors.mean, "image_r2": errors.r2}
    return {"psnr": psnr, "ssim": ssim, **of_errors, "images": len(indices)}


class SquaredErrors:
    """Squared errors of images and their variance, summed over batches."""

    def __init__(self) -> None:
        self.count = 0
        self.error = 0.0
        self.total = self.square = torch.zeros((), dtype=torch.float64)

    def watch(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield pairs as they are, and add them: images made and originals, (batch, …) both."""
        for made, target in pairs:
            exact = target.double()
            self.count += len(target)
            self.error += (made.double() - exact).square().sum().item()
            self.total, self.square = self.total + exact.sum(0), self.square + exact.square().sum()
            yield made, target

    @property
    def mean(self) -> float:
        """Sum of squared differences, per image."""
        return self.error / self.count

    @property
    def r2(self) -> float | None:
        """Share of the pixels' variance that is explained: 1 − Σ(x̂ − x)² / Σ(x − x̄)².

        Sums are over pixels and images, x̄ is the mean of the originals: each pixel's R² weighted
        by its variance (as Wiedemer et al. 2023 have it). None of images that are all alike.
        """
        variance = (self.square - self.total.square().sum() / self.count).item()
        return 1 - self.error / variance if variance > 0 else None


def compare_images(
    pairs: Iterable[tuple[Tensor, Tensor]], image_shape: tuple[int, ...]
) -> tuple[float, float]:
    """Peak signal-to-noise ratio in dB and structural similarity, each the mean over images.

    SSIM (Wang et al. 2004, equation 13) has a Gaussian window of 11 × 11 pixels, of fewer where
    images are smaller, and is the mean over pixels and channels; images are reflected at their
    edges. Both are Ignite's, which adds 1e-10 to the mean squared error: PSNR is at most 100.

    Args:
        pairs: batches of images and their originals, (batch, channels, height, width) in 0..1.
        image_shape: channels, height, width.
    """
    psnr, ssim = PSNR(data_range=1.0), SSIM(1.0, kernel_size=fit_window(image_shape))
    for made, target in pairs:
        # In one layout: with two, SSIM takes several times as long.
        pair = [part.contiguous(memory_format=torch.channels_last) for part in (made, target)]
        psnr.update(pair)
        ssim.update(pair)
    return float(psnr.compute()), float(ssim.compute())


def fit_window(image_shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of SSIM's window: odd, and no larger than images.

    Args:
        image_shape: channels, height, width.
    """
    height, width = (min(WINDOW, size - (size + 1) % 2) for size in image_shape[1:])
    return height, width


def list_compared(run: Run) -> dict[str, Part]:
    """The compared sides of a run's split that have images."""
    return {
        side: Part(f"image_quality_{side}", (side,), limit_comparison, revision=2)
        for side in COMPARED_SIDES
        if run.split.mask(side).any()
    }


def list_quality() -> dict[str, Column]:
    """Scores of both sides; SSIM is in 0..1 but for images that are worse than unlike."""
    scales: dict[str, Scale] = {
        "psnr": "plain", "ssim": "logit or plain", "squared_error": "log", "image_r2": "plain"
    }  # fmt: skip
    return {
        f"{score}_{side}": Column(f"image_quality_{side}", score, scale)
        for score, scale in scales.items()
        for side in COMPARED_SIDES
    }


MEASUREMENT = Measurement(
    "image_quality",
    "PSNR, SSIM and R²",
    measure_quality,
    makes_images,
    parts=list_compared,
    columns=list_quality,
)
