"""Cells of a study: runs that differ in nothing but their seed, and what they are called."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from disentgen.dataset.spec import find_spec
from disentgen.dataset.split import split_grid
from disentgen.models import FAMILIES
from disentgen.runs import Run
from disentgen.training.identity import cell_settings, hash_cell
from disentgen.training.losses import losses

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
        key: hash of what distinguishes cells; the same for a cell and its control.
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
    condition, variant = name_condition(run)
    model, parameters = name_model(run)
    return Cell(
        key=hash_cell(read_settings(run)),
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


def read_settings(run: Run) -> dict[str, Any]:
    """All settings of a run that distinguish cells, by key with dots, and the split's hashes."""
    return cell_settings(run.settings, run.sides)


def name_condition(run: Run) -> tuple[str, str]:
    """Held-out condition and variant of a run, whatever words its split was given in.

    A split that is no variant of the dataset's is called by its expression.
    """
    if run.sides["expressions"]["held_out"] is None:
        return "none", "all images"
    spec = run.settings.spec
    sides = tuple(run.sides[side]["sha256"] for side in ("held_in", "held_out"))
    name = hash_variants(spec.name, spec.version).get(sides)
    if name is None:
        return "own", run.sides["expressions"]["held_out"]
    return spec.variants[name].condition, name


@cache
def hash_variants(name: str, version: str | None) -> dict[tuple[str, ...], str]:
    """The variants of a dataset by the hashes of their held-in and held-out side."""
    spec = find_spec(name, version)
    splits = {
        variant: split_grid(spec.grid, row.held_out, row.held_in, validation=0.5, seed=0)
        for variant, row in spec.variants.items()
    }
    return {
        (split.sha256("held_in"), split.sha256("held_out")): variant
        for variant, split in splits.items()
    }


def name_model(run: Run) -> tuple[str, str]:
    """A run's model and its parameters as the published tables write them."""
    loss = run.config["training"]["loss"]
    kind = losses()[loss["name"]]
    family, parameters = FAMILIES[run.family], ""
    if not family.names_objective:
        return family.name_model(kind.title), parameters
    if kind.named_by is not None:
        parameters = f"{kind.named_by}={loss['params'][kind.named_by]:g}"
    elif loss["name"] == "vae":
        parameters = "beta=1"
    return family.name_model(kind.title), parameters
