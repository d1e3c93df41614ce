"""Cells of a study: runs that differ in nothing but their seed, and what they are called."""

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from disentgen.dataset.spec import find_spec
from disentgen.runs import Run, flatten
from disentgen.training.losses import losses

#: What may differ between runs of a cell: it changes no result, or it is what is averaged over.
NOT_OF_THE_CELL = {
    "seed": None, "device": None, "threads": None,
    "dataset": ("root", "control"), "training": ("score_images",),
}  # fmt: skip
FAMILY_TITLES = {
    "decoder": "ground-truth decoder",
    "composer": "composer",
    "encoder": "supervised encoder",
}
CONDITION_TITLES = {
    "recomb2element": "Recombination to element",
    "recomb2range": "Recombination to range",
    "extrp": "Extrapolation",
    "own": "Own split",
    "none": "Nothing held out",
}


@dataclass(frozen=True)
class Cell:
    """What runs of a cell have in common.

    Args:
        key: hash of the configuration without seed, device and control.
        experiment: that they are of.
        dataset: its name.
        version: of the dataset, where there are several.
        source: ``original`` or ``stand-in``.
        condition: held-out condition; ``own`` for a user's expression, ``none`` for no split.
        variant: published name, or the expression.
        model: as the published tables call it.
        parameters: as the published tables write them, such as ``beta=8``.
        architecture: named configuration of the layers.
        control: whether all images were trained on.
    """

    key: str
    experiment: str
    dataset: str
    version: str | None
    source: str
    condition: str
    variant: str
    model: str
    parameters: str
    architecture: str
    control: bool

    @property
    def label(self) -> str:
        """Model and strength, as in ``β-VAE 8``."""
        return name_label(self.model, self.parameters)


def name_label(model: str, parameters: str) -> str:
    """Model and strength, as in ``β-VAE 8``."""
    strength = parameters.partition("=")[2]
    # A VAE is a β-VAE of strength 1, and called neither.
    plain = not strength or (parameters == "beta=1" and "β" not in model)
    return model if plain else f"{model} {strength}"


def describe_cell(run: Run) -> Cell:
    """The cell that a run belongs to."""
    config = run.config
    dataset = config["dataset"]
    condition, variant = name_condition(dataset)
    model, parameters = name_model(run)
    return Cell(
        key=hash_config(config, run.experiment),
        experiment=run.experiment,
        dataset=dataset["name"],
        version=dataset.get("version"),
        source=dataset["source"],
        condition=condition,
        variant=variant,
        model=model,
        parameters=parameters,
        architecture=config["model"].get("name") or "own layers",
        control=bool(dataset.get("control")),
    )


def name_condition(dataset: Mapping[str, Any]) -> tuple[str, str]:
    """Held-out condition and variant of a ``dataset`` section."""
    if dataset.get("held_out"):
        return "own", dataset["held_out"]
    spec = find_spec(dataset["name"], dataset.get("version"))
    row = spec.choose_variant(dataset.get("condition"), dataset.get("variant"))
    if row is None:
        return "none", "all images"
    return row.condition, next(name for name, other in spec.variants.items() if other is row)


def name_model(run: Run) -> tuple[str, str]:
    """A run's model and its parameters as the published tables write them."""
    loss = run.config["training"]["loss"]
    kind = losses()[loss["name"]]
    if run.family in ("decoder", "encoder"):
        return FAMILY_TITLES[run.family], ""
    title, parameters = kind.title, ""
    if kind.strength is not None:
        parameters = f"{kind.strength}={loss['params'][kind.strength]:g}"
    elif loss["name"] == "vae":
        parameters = "beta=1"
    if run.family == "composer":
        title = f"{FAMILY_TITLES['composer']} ({title})"
    return title, parameters


def cell_settings(run: Run) -> dict[str, Any]:
    """All settings of a run that tell cells apart, by key with dots."""
    return {
        key: value
        for key, value in flatten(run.config).items()
        if not any(
            key.split(".")[0] == section and (keys is None or key.split(".")[1] in keys)
            for section, keys in NOT_OF_THE_CELL.items()
        )
    }


def hash_config(config: Mapping[str, Any], experiment: str) -> str:
    """Eight digits that tell cells apart; the same for a cell and its control."""
    kept = copy.deepcopy(dict(config))
    for section, keys in NOT_OF_THE_CELL.items():
        if keys is None:
            kept.pop(section, None)
        else:
            kept[section] = {key: value for key, value in kept[section].items() if key not in keys}
    text = json.dumps([experiment, kept], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
