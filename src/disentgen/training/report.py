"""What a training tells: its first lines, its results, its table of scores."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import torch

from disentgen.dataset.duplicates import count_duplicates, find_duplicates
from disentgen.dataset.split import SIDES
from disentgen.dataset.summary import describe_duplicates
from disentgen.training.assembly import Training
from disentgen.training.engine import now
from disentgen.training.machine import lacks_bf16

REPORTED_VERSIONS = ("disent-and-gen", "torch", "pytorch-ignite", "numpy")


def collect_results(training: Training, times: Mapping[str, str]) -> dict[str, Any]:
    """Score the model on every side and gather everything about the run."""
    most = training.config.training.score_images
    factors = training.dataset.spec.grid.names
    scores = {side: training.score(side, most, f"scoring {side}") for side in SIDES}
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
        "scores": {side: value and value.as_record(factors) for side, value in scores.items()},
        "task": {side: training.make_task(side).describe() for side in SIDES},
        "best_epoch": training.best_epoch,
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
            **{name: version(name) for name in REPORTED_VERSIONS},
        },
    }


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


def format_scores(scores: Mapping[str, Any], unit: str) -> str:
    """A table of the scores of each side, headed by what NLL is in."""
    known = [value for value in scores.values() if value is not None]
    columns = {"NLL": "nll", "± s.e.": "nll_standard_error", "floor": "nll_floor"}
    if all("kl" in value for value in known):
        columns["KL"] = "kl"
    heads = "".join(f"{head:>9}" for head in columns)
    lines = [f"{unit:<17}{heads}{'images':>9}"]
    for side, value in scores.items():
        name = f"{side.replace('_', '-'):<17}"
        if value is None:
            lines.append(f"{name}{'no images on this side':>33}")
            continue
        cells = "".join(f"{value[key]:>9.2f}" for key in columns.values())
        lines.append(f"{name}{cells}{value['images']:>9,}")
    return "\n".join([*lines, *format_per_factor(scores)])


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
