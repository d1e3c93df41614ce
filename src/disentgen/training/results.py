"""The results of a training: what ``results.json`` holds."""

import platform
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch

from disentgen.dataset.batches import ScoringBatches
from disentgen.dataset.duplicates import count_duplicates, find_duplicates
from disentgen.dataset.split import SIDES
from disentgen.errors import warn_on_failure
from disentgen.models import Autoencoder
from disentgen.run_directory import RunDirectory
from disentgen.training.assembly import Training
from disentgen.training.handlers import now
from disentgen.training.likelihood import BOUNDED_IMAGES, Bounds, score_bounds
from disentgen.training.selection import compare_rules
from disentgen.versions import LIBRARIES, list_versions


def collect_results(
    training: Training, directory: RunDirectory, times: Mapping[str, str]
) -> dict[str, Any]:
    """Score the model on every side and gather everything about the run.

    Args:
        training: that has ended, with the selected weights.
        directory: of the run, with these weights in ``model.pt``.
        times: of what has happened so far, by name, as ISO 8601.

    Returns:
        Plain data: what ``results.json`` holds.
    """
    trained = sum(row["seconds"] for row in training.history)
    images = len(training.history) * len(training.batches) * training.config.training.batch_size
    return {
        "data": training.dataset.describe(),
        "split": directory.load_split(),
        "duplicates": count_identical(training),
        "images_trained_on": len(training.batches.indices),
        "scores": {side: score_side(training, side) for side in SIDES},
        "task": {side: training.make_task(side).describe() for side in SIDES},
        "best_epoch": training.best_epoch,
        "select": training.config.training.select,
        "selected_epoch": training.selected_epoch,
        **({"selection": rules} if (rules := compare_rules(training.history)) else {}),
        "model_sha256": directory.digest("model.pt"),
        "epochs": len(training.history),
        "seed": training.config.seed,
        "device": str(training.device),
        "threads": torch.get_num_threads(),
        "speed": {"images_per_second": images / trained},
        "seconds": trained,
        "times": {**times, "ended": now()},
        "parameters": sum(parameter.numel() for parameter in training.model.parameters()),
        "versions": {"python": platform.python_version(), **list_versions(LIBRARIES)},
    }


def count_identical(training: Training) -> dict[str, int] | None:
    """How many images of each side are identical to a training image; None where not looked for."""
    if training.config.training.find_duplicates:
        with warn_on_failure("images that are identical are not counted"):
            return count_duplicates(training.dataset.split, find_duplicates(training.dataset))
    return None


def score_side(training: Training, side: str) -> dict[str, Any] | None:
    """All scores of a side as plain data; None where it is empty."""
    scores = training.score(side, training.config.training.score_images, f"scoring {side}")
    if scores is None:
        return None
    record = scores.as_record(training.dataset.spec.grid.names)
    with warn_on_failure(f"the {side.replace('_', '-')} side has no bounds on its likelihood"):
        bounds = bound_side(training, side)
        return record if bounds is None else record | asdict(bounds)
    return record


def bound_side(training: Training, side: str) -> Bounds | None:
    """Bounds on the likelihood of a side's images; None where none has a posterior of its own."""
    settings, model = training.config.training, training.model
    if settings.score_samples is None or not isinstance(model, Autoencoder):
        return None
    if model.output.encoded_images > 1 or not training.loss.trains_variances:
        return None
    limit = min(settings.score_images or BOUNDED_IMAGES, BOUNDED_IMAGES)
    indices = training.dataset.split.sample(side, limit)
    batches = ScoringBatches(training.batches.observed, training.make_task(side), indices)
    return score_bounds(model, batches, settings.score_samples, training.device, f"sampling {side}")
