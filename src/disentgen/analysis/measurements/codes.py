"""Codes of held-in and held-out images."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from disentgen.analysis.measurements import Arrays, Measured, Measurement, Part, check_images
from disentgen.dataset.batches import ScoringBatches
from disentgen.dataset.split import SIDES
from disentgen.dataset.tasks import Infer
from disentgen.errors import UsageError
from disentgen.models import FAMILIES, Model
from disentgen.runs import Run


class Codes(NamedTuple):
    """Codes of some images beside what they show.

    Args:
        indices: (n,) of the images.
        codes: (n, latents) posterior means, or predicted factor values of a supervised encoder.
        values: (n, factors) factor values in standard deviations from their mean over the grid.
    """

    indices: NDArray[np.int64]
    codes: NDArray[np.float64]
    values: NDArray[np.float64]


def has_codes(run: Run) -> bool:
    """Whether a run's model has an encoder."""
    return FAMILIES[run.family].encode is not None


def collect_codes(run: Run, side: str, limit: int | None = 5_000) -> Codes:
    """Codes of images of a side, the same ones for every run on a split.

    Args:
        run: with a model that encodes.
        side: of its split.
        limit: of so many images, drawn without replacement, where the side has more.

    Raises:
        UsageError: the run's model has no encoder.
    """
    grid, indices = run.dataset.spec.grid, run.split.sample(side, limit)
    batches = ScoringBatches(run.dataset.observe(), Infer(grid, indices), indices)
    with torch.no_grad():
        codes = [encode(run.family, run.model, images).double() for images, _ in batches]
    values = grid.standardise(grid.values(indices))
    return Codes(indices, torch.cat(codes).numpy(), values)


def encode(family: str, model: Model, images: torch.Tensor) -> torch.Tensor:
    """Codes of images, (batch, latents).

    Args:
        family: of the model.
        model: in evaluation mode.
        images: (batch, channels, height, width) in 0..1.

    Raises:
        UsageError: models of the family have no encoder.
    """
    method = FAMILIES[family].encode
    if method is None:
        raise UsageError(f"models of family '{family}' have no encoder, so images have no codes.")
    return method(model, images)


def measure_codes(measured: Measured, images: int, side: str) -> Codes:
    """Codes of a side, as :func:`collect_codes` gives them.

    Args:
        measured: of a run whose model has codes.
        images: at most so many.
        side: of the run's split.
    """
    return collect_codes(measured.run, side, images)


def collect_sides(measured: Measured, images: int) -> dict[str, Codes]:
    """Codes of all sides of a run's split that have images.

    Args:
        measured: of a run whose model has codes.
        images: of each side, at most.
    """
    sides = list_sides(measured.run)
    return {side: measured.get("codes", side, images) for side in sides}


def list_sides(run: Run) -> dict[str, Part]:
    """The sides of a run's split that have images."""
    return {side: Part(f"codes_{side}", (side,)) for side in SIDES if run.split.mask(side).any()}


def save_codes(codes: Codes) -> dict[str, NDArray[Any]]:
    """Indices (n,) and codes (n, latents); models compute in single precision: nothing is lost."""
    return {"indices": codes.indices, "codes": codes.codes.astype(np.float32)}


def load_codes(run: Run, arrays: Mapping[str, NDArray[Any]]) -> Codes:
    """Saved codes (n, latents) beside the factor values (n, factors) of their images.

    Raises:
        LookupError, ValueError: the arrays are no saved codes.
    """
    grid, indices, codes = run.split.grid, arrays["indices"], arrays["codes"]
    check_images(grid, indices, codes)
    if codes.ndim != 2:
        raise ValueError("codes are not (images, latents)")
    values = grid.standardise(grid.values(indices))
    return Codes(indices, codes.astype(np.float64), values)


MEASUREMENT = Measurement(
    "codes",
    "codes",
    measure_codes,
    has_codes,
    parts=list_sides,
    arrays=Arrays(save_codes, load_codes),
)
