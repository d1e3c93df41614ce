"""Cells of a study: runs that differ in nothing but their seed, and what they are called."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from disentgen.dataset.spec import find_spec
from disentgen.dataset.splits import split_families
from disentgen.dataset.splitting import build_split
from disentgen.models import FAMILIES
from disentgen.runs import Run
from disentgen.saved import LIVE
from disentgen.training.config import mark_keys
from disentgen.training.identity import WEIGHTS, hash_cell, select_settings
from disentgen.training.losses import losses

#: How what stands in the place of a cell begins, of runs that belong to none.
ALONE = "alone-"

#: What a variant is known by.
_SIDES = ("held_in", "held_out")


@dataclass(frozen=True)
class Cell:
    """What runs of a cell have in common.

    Args:
        key: hash of what distinguishes cells; the same for a cell and its control.
        experiment: that they are of.
        dataset: its name.
        version: of the dataset, where there are several.
        source: ``original``, ``stand-in`` or ``drawn``.
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


def condition_titles() -> dict[str, str]:
    """Titles of held-out conditions, families of splits among them, in the order of panels."""
    return {
        "recomb2element": "Recombination to element",
        "recomb2range": "Recombination to range",
        "extrp": "Extrapolation",
        "interp": "Interpolation",
        "support": "Supports of two objects",
        **{name: family.title for name, family in split_families().items()},
        "own": "Own split",
        "none": "Nothing held out",
    }


def describe_cell(run: Run) -> Cell:
    """The cell that a run belongs to."""
    config = run.config
    dataset = config["dataset"]
    condition, variant = name_condition(run)
    model, parameters = name_model(run)
    return Cell(
        key=name_alone(run) if run.family == LIVE else hash_cell(read_settings(run)),
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


def name_alone(run: Run) -> str:
    """In the place of a cell, of a run that belongs to none: no other has the same."""
    return f"{ALONE}{hashlib.sha256(os.fsencode(run.path)).hexdigest()[:8]}"


def read_settings(run: Run) -> dict[str, Any]:
    """All settings of a run that distinguish cells, by key with dots, and the split's hashes."""
    return select_settings(mark_keys(run.config), run.sides)


def name_condition(run: Run) -> tuple[str, str]:
    """Held-out condition and variant of a run, whatever words its split was given in.

    A split that is no variant of the dataset's is called by what defined it.
    """
    words = run.sides["expressions"]
    if words["held_out"] is None:
        return "none", "all images"
    spec = run.spec
    if spec is None:
        return "own", run.config["dataset"].get("variant") or words["held_out"]
    name = find_variant(spec.name, spec.version, run.sides)
    if name is None:
        thin = words.get("thin")
        return "own", words["held_out"] + (f" (of {thin})" if thin else "")
    return spec.variants[name].condition, name


def find_variant(name: str, version: str | None, sides: Mapping[str, Any]) -> str | None:
    """The variant of a dataset that has some sides and weights, the first of equals; None if none.

    Args:
        name: of the dataset.
        version: of it.
        sides: of :meth:`~disentgen.dataset.split.Split.describe`.
    """
    counts = tuple(sides[side]["count"] for side in _SIDES)
    wanted = {part: sides[part]["sha256"] for part in (*_SIDES, WEIGHTS) if sides.get(part)}
    return next(
        (
            variant
            for variant, of_variant in count_variants(name, version).items()
            if of_variant == counts and hash_variant(name, version, variant) == wanted
        ),
        None,
    )


@cache
def count_variants(name: str, version: str | None) -> dict[str, tuple[int, ...]]:
    """How many images the variants of a dataset hold in and out."""
    spec = find_spec(name, version)
    return {
        variant: tuple(int(split.mask(side).sum()) for side in _SIDES)
        for variant in spec.variants
        for split in (build_split(spec, variant=variant),)
    }


@cache
def hash_variant(name: str, version: str | None, variant: str) -> dict[str, str]:
    """The hashes of a variant's sides, and of its weights if it has any.

    Args:
        name: of the dataset.
        version: of it.
        variant: its name.
    """
    described = build_split(find_spec(name, version), variant=variant).describe()
    return {part: described[part]["sha256"] for part in (*_SIDES, WEIGHTS) if part in described}


def name_model(run: Run) -> tuple[str, str]:
    """A run's model and its parameters as the published tables write them."""
    loss = run.config["training"]["loss"]
    kind, family, parameters = losses().get(loss["name"]), FAMILIES.get(run.family), ""
    if kind is None or family is None:  # they are a plugin's that is not in use
        return str(loss["name"]), parameters
    if not family.names_objective:
        return family.name_model(kind.title), parameters
    if kind.named_by is not None:
        parameters = f"{kind.named_by}={loss['params'][kind.named_by]:g}"
    elif loss["name"] == "vae":
        parameters = "beta=1"
    return family.name_model(kind.title), parameters
