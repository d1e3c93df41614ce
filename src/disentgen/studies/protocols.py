"""The configuration that each row of a study was trained by, fully resolved, as data.

A study's ``protocols.json`` holds them without repetition: layers by architecture, what all rows of
an experiment share, and what each has of its own. ``python -m experiments.protocols``, inside
``scripts``, writes it from the study's entries.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from disentgen.errors import DataFileError
from disentgen.studies.rows import Row
from disentgen.studies.study import Study

#: Of runs, not of rows: originals and stand-ins follow a row alike.
NOT_OF_A_ROW = ("dataset.source", "dataset.drawing")
LAYERS = ("model.encoder", "model.decoder")

Config = dict[str, Any]


@cache
def load_protocols(study: Study) -> dict[Row, Config]:
    """A study's rows, and what runs of each are trained by.

    Returns:
        By row: what distinguishes its runs from others, as
        :func:`~disentgen.training.identity.cell_settings` has it, but for :data:`NOT_OF_A_ROW`;
        besides, ``steps``, the iterations of a finished run.

    Raises:
        DataFileError: the file is missing, or is not of the study's entries.
    """
    remedy = "python -m experiments.protocols, inside scripts, writes it anew"
    if not study.protocols.exists():
        raise DataFileError(f"{study.protocols} is missing; {remedy}.")
    protocols = unpack(json.loads(study.protocols.read_bytes()))
    differing = set(protocols) ^ set(study.entries)
    if differing:
        row = " ".join(min(differing))
        raise DataFileError(
            f"{study.protocols} and the entries of {study.name} have other rows, {row} among them; "
            f"{remedy}."
        )
    return protocols


def pack(protocols: Mapping[Row, Config]) -> dict[str, list[Config]]:
    """Protocols without repetition: the sections of ``protocols.json``."""
    layers: dict[tuple[str, str], Config] = {}
    by_experiment: dict[str, list[Config]] = {}
    for row, config in protocols.items():
        named = (row.experiment, config["model.name"])
        layers[named] = {key: config[key] for key in LAYERS if key in config}
        by_experiment.setdefault(row.experiment, []).append(config)
    shared = {name: share(configs) for name, configs in by_experiment.items()}
    return {
        "architectures": [
            {"experiment": experiment, "name": name, "config": config}
            for (experiment, name), config in layers.items()
        ],
        "experiments": [{"name": name, "config": config} for name, config in shared.items()],
        "rows": [
            {"row": list(row), "config": keep_own(config, shared[row.experiment])}
            for row, config in protocols.items()
        ],
    }


def share(configs: Sequence[Config]) -> Config:
    """What is the same in all configurations, layers and the architecture's name left aside."""
    first, *others = configs
    return {
        key: value
        for key, value in first.items()
        if key not in (*LAYERS, "model.name")
        and all(key in other and other[key] == value for other in others)
    }


def keep_own(config: Config, shared: Config) -> Config:
    """What a configuration does not share with others, without its layers."""
    return {key: value for key, value in config.items() if key not in (*LAYERS, *shared)}


def unpack(packed: Mapping[str, list[Config]]) -> dict[Row, Config]:
    """The protocols that :func:`pack` took apart."""
    layers = {
        (part["experiment"], part["name"]): part["config"] for part in packed["architectures"]
    }
    shared = {part["name"]: part["config"] for part in packed["experiments"]}
    protocols = {}
    for part in packed["rows"]:
        row, config = Row(*part["row"]), part["config"]
        layers_of_row = layers[row.experiment, config["model.name"]]
        protocols[row] = {**shared[row.experiment], **layers_of_row, **config}
    return protocols


def format_packed(packed: Mapping[str, list[Config]]) -> str:
    """The text of ``protocols.json``: a line for each entry, so that changes can be read."""
    sections = []
    for name, entries in packed.items():
        lines = [json.dumps(entry, ensure_ascii=False, sort_keys=True) for entry in entries]
        sections.append(f'"{name}": [\n' + ",\n".join(lines) + "\n]")
    return "{\n" + ",\n".join(sections) + "\n}\n"
