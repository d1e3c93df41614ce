"""What a saved configuration means that lacks a key: frozen, so that no run changes its meaning.

Whoever adds a key adds a line here with the value that was in force before the key came in, be it
the new default or not. Runs whose value is that one stay in the cell of runs that lack the key.
"""

from collections.abc import Mapping
from typing import Any

from disentgen.schema import flatten, merge

#: By key, then by objective or family of models; "" stands for all others. Objectives and families
#: that do not have a key are not in its entry.
BEFORE: dict[str, dict[str, Any]] = {
    "training.loss.pair_kl": {"waegan": None, "waemmd": None, "composer": "mean", "": None},
    "training.select": {"": "best"},
    "training.score_samples": {"": None},
    "training.find_duplicates": {"": False},
    "training.checkpoint_minutes": {"": None},
    "training.keep_checkpoint": {"": True},
    "training.loggers": {"": []},
    "training.execution": {"": "eager"},
    "dataset.resident": {"": "no"},
    "dataset.split": {"": None},
    "dataset.split_params": {"": None},
    "dataset.held_in_file": {"": None},
    "dataset.held_out_file": {"": None},
    "dataset.thin": {"": None},
    "training.schedule": {"": None},
    "training.schedule_params": {"": None},
    "training.warmup_steps": {"": None},
    "training.clip_norm": {"": None},
    "training.ema": {"": None},
    "dataset.file": {"": None},
    "dataset.images_key": {"": None},
    "dataset.factor_keys": {"": None},
    "dataset.factor_names": {"": None},
    "dataset.drawing": {"": 1},
    "dataset.spec": {"": None},
    "model.likelihood": {"decoder": "bernoulli"},
    "dataset.set_aside": {"": None},
    "model.heads": {"encoder": "values"},
    "model.separate": {"encoder": False},
    "model.readout": {"encoder": "linear"},
    "model.nominal": {"encoder": None},
    "training.oracle_images": {"": None},
}


def values_before(family: str | None, objective: str | None) -> dict[str, Any]:
    """The values that were in force before their keys came in, by key with dots.

    Args:
        family: of the models.
        objective: its name.
    """
    before = {}
    for key, values in BEFORE.items():
        kind = next((kind for kind in (objective, family, "") if kind in values), None)
        if kind is not None:
            before[key] = values[kind]
    return before


def list_lacking(saved: Mapping[str, Any], family: str | None) -> dict[str, Any]:
    """The keys that have come in since a configuration was saved, in sections, as they were then.

    Args:
        saved: the configuration.
        family: of its models.
    """
    there, lacking = flatten(saved), dict[str, Any]()
    for key, value in values_before(family, there.get("training.loss.name")).items():
        if key not in there:
            *sections, name = key.split(".")
            nested = {name: value}
            for section in reversed(sections):
                nested = {section: nested}
            lacking = merge(lacking, nested)
    return lacking


def complete_saved(
    saved: Mapping[str, Any], experiment: str | None, family: str | None
) -> dict[str, Any]:
    """A saved configuration with all that it lacks, as it was in force when it was saved.

    Args:
        saved: the content of ``config.json``.
        experiment: what the run is of, where the configuration does not say it.
        family: of its model, likewise.
    """
    model = {"family": family, **saved.get("model", {})}
    sections = {"experiment": experiment, **saved, "model": model}
    return merge(list_lacking(saved, model["family"]), sections)


def drop_as_before(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by key with dots, without those of the value in force before their key came in."""
    before = values_before(settings["model.family"], settings["training.loss.name"])
    return {
        key: value for key, value in settings.items() if key not in before or value != before[key]
    }
