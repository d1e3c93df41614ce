"""What a training tells: its first lines, its results, its table of scores."""

import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import torch

from disentgen.dataset.batches import ScoringBatches
from disentgen.dataset.duplicates import count_duplicates, find_duplicates
from disentgen.dataset.split import SIDES
from disentgen.dataset.summary import describe_duplicates
from disentgen.models import LatentGaussianModel
from disentgen.training.assembly import Training
from disentgen.training.engine import now
from disentgen.training.likelihood import BOUNDED_IMAGES, Bounds, score_bounds
from disentgen.training.machine import lacks_bf16
from disentgen.versions import list_versions

LIBRARIES = ("torch", "pytorch-ignite", "numpy")


def collect_results(training: Training, times: Mapping[str, str]) -> dict[str, Any]:
    """Score the model on every side and gather everything about the run."""
    trained = sum(row["seconds"] for row in training.history)
    images = len(training.history) * len(training.batches) * training.config.training.batch_size
    duplicates = None
    if training.config.training.find_duplicates:
        duplicates = count_duplicates(training.dataset.split, find_duplicates(training.dataset))
    return {
        "data": {
            "name": training.dataset.spec.name,
            "label": training.dataset.label,
            "source": training.dataset.images.source,
        },
        "split": training.dataset.split.describe(),
        "duplicates": duplicates,
        "images_trained_on": len(training.batches.indices),
        "scores": {side: score_side(training, side) for side in SIDES},
        "task": {side: training.make_task(side).describe() for side in SIDES},
        "best_epoch": training.best_epoch,
        "select": training.config.training.select,
        "selected_epoch": training.selected_epoch,
        "epochs": len(training.history),
        "seed": training.config.seed,
        "device": str(training.device),
        "threads": torch.get_num_threads(),
        "speed": {"images_per_second": images / trained},
        "seconds": trained,
        "times": {**times, "ended": now()},
        "parameters": sum(parameter.numel() for parameter in training.model.parameters()),
        "versions": {
            "python": platform.python_version(),
            **list_versions(LIBRARIES),
        },
    }


def score_side(training: Training, side: str) -> dict[str, Any] | None:
    """All scores of a side as plain data; None where it is empty."""
    scores = training.score(side, training.config.training.score_images, f"scoring {side}")
    if scores is None:
        return None
    record, bounds = scores.as_record(training.dataset.spec.grid.names), bound_side(training, side)
    return record if bounds is None else record | asdict(bounds)


def bound_side(training: Training, side: str) -> Bounds | None:
    """Bounds on the likelihood of a side's images; None for models other than Latent Gaussian."""
    settings, model = training.config.training, training.model
    if settings.score_samples is None or not isinstance(model, LatentGaussianModel):
        return None
    limit = min(settings.score_images or BOUNDED_IMAGES, BOUNDED_IMAGES)
    indices = training.dataset.split.sample(side, limit)
    batches = ScoringBatches(training.batches.observed, training.make_task(side), indices)
    return score_bounds(model, batches, settings.score_samples, training.device, f"sampling {side}")


def describe(training: Training) -> str:
    """The first lines of a run: data, sides, model."""
    split = training.dataset.split.describe()
    parameters = sum(parameter.numel() for parameter in training.model.parameters())
    expression = training.dataset.split.expressions["held_out"]
    held_out = (
        f"{split['held_out']['count']:,} held out ({expression})" if expression else "none held out"
    )
    fixed = describe_fixed(training)
    slow = training.config.training.precision == "bf16" and lacks_bf16(training.device)
    warning = (
        "\nbf16 is many times slower than fp32 on this processor, which lacks it" if slow else ""
    )
    control = "; control: trained on both sides" if training.dataset.split.control else ""
    return (
        f"{training.dataset.note}\n"
        f"{training.dataset.label}: {len(training.batches.indices):,} images to train on, "
        f"{split['validation']['count']:,} for validation, {held_out}{control}\n"
        f"{training.config.model['name'] or training.config.family}: {parameters:,} parameters, "
        f"loss {training.config.training.loss.name}, {training.device}, "
        f"seed {training.config.seed}{fixed}{warning}"
    )


def describe_fixed(training: Training) -> str:
    """A line for each side with factors that cannot be exchanged there, in tasks that do that."""
    lines = []
    for side in SIDES:
        fixed = training.make_task(side).describe().get("fixed")
        if fixed and training.dataset.split.mask(side).any():
            lines.append(f"\n{side.replace('_', '-')}: {', '.join(fixed)} cannot be exchanged")
    return "".join(lines)


#: Heads and keys of the columns that tables of scores may have; in cells of a width each.
COLUMNS = (
    ("NLL", "nll"), ("± s.e.", "nll_standard_error"), ("floor", "nll_floor"), ("KL", "kl"),
    ("active", "active_units"), ("images", "images"),
)  # fmt: skip
BOUND_COLUMNS = (
    ("−ELBO", "negative_elbo"), ("± s.e.", "elbo_standard_error"),
    ("IW-NLL", "iw_nll"), ("± s.e.", "iw_nll_standard_error"), ("images", "sampled_images"),
)  # fmt: skip


def format_scores(scores: Mapping[str, Any], unit: str) -> str:
    """A table of the scores of each side, headed by what NLL is in, and below it whatever else.

    ``active`` is the number of active units.
    """
    lines = [
        *format_table(unit, scores, COLUMNS),
        *format_bounds(scores),
        *format_per_factor(scores),
    ]
    return "\n".join(lines)


def format_bounds(scores: Mapping[str, Any]) -> list[str]:
    """A table of the bounds on the likelihood, where there are any, headed by their K."""
    bounds = {
        side: value and {**value, "negative_elbo": -value["elbo"]}
        for side, value in scores.items()
        if value is None or "elbo" in value
    }
    samples = {value["samples"] for value in bounds.values() if value is not None}
    if not samples:
        return []
    return ["", *format_table(f"K = {samples.pop()} samples", bounds, BOUND_COLUMNS)]


def format_table(
    corner: str, scores: Mapping[str, Any], columns: Iterable[tuple[str, str]]
) -> list[str]:
    """A line of heads, and a line for each side.

    Args:
        corner: stands above the names of the sides.
        scores: of each side by key; None for a side without images.
        columns: heads and keys; those that no side has a score for are left out.
    """
    known = {key for value in scores.values() for key in value or ()}
    shown = [(head, key) for head, key in columns if key in known]
    lines = [f"{corner:<17}" + "".join(f"{head:>9}" for head, _ in shown)]
    for side, value in scores.items():
        cells = (
            f"{'no images on this side':>33}"
            if value is None
            else "".join(f"{format_cell(value[key]):>9}" for _, key in shown)
        )
        lines.append(f"{side.replace('_', '-'):<17}{cells}")
    return lines


def format_cell(value: float) -> str:
    """Counts whole, scores with two digits."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"


def format_results(results: Mapping[str, Any], unit: str) -> str:
    """What is printed at the end of a run: scores, and images identical to training images.

    Args:
        results: of :func:`collect_results`.
        unit: what NLL is in.
    """
    lines = [format_scores(results["scores"], unit)]
    if results["duplicates"] is not None:
        lines.append(describe_duplicates(results["duplicates"], results["split"]))
    return "\n".join(lines)


def format_per_factor(scores: Mapping[str, Any]) -> list[str]:
    """Lines of whatever the scores tell for each factor, a column for each side."""
    lines = []
    sides = {side: value for side, value in scores.items() if value is not None}
    names = {name for value in sides.values() for name in value if name.endswith("_per_factor")}
    for name in sorted(names):
        heads = "".join(f"{side.replace('_', '-'):>12}" for side in sides)
        lines += ["", f"{name.replace('_', ' '):<26}{heads}"]
        factors = {factor: None for value in sides.values() for factor in value[name]}
        for factor in factors:
            cells = [value[name].get(factor) for value in sides.values()]
            told = "".join(f"{'–' if cell is None else f'{cell:.2f}':>12}" for cell in cells)
            lines.append(f"  {factor:<24}{told}")
    return lines
