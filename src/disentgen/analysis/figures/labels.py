"""Labels that distinguish cells."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd


def label_cells(cells: pd.DataFrame, read: Callable[[str], Mapping[str, Any]]) -> dict[str, str]:
    """A label for each cell: model and strength, then the settings that others of them have not.

    Cells on different splits that differ in nothing else share a label, since they are of one
    model.

    Args:
        cells: with columns ``cell``, ``label``, ``condition`` and ``variant``.
        read: the settings of a cell by key with dots; asked of those alone whose label others have.

    Returns:
        Labels by cell; of cells on one split, no two are the same.
    """
    own = cells.drop_duplicates("cell")
    labels = dict(zip(own["cell"], own["label"], strict=True))
    for _, alike in own.groupby("label", sort=False):
        if len(alike) > 1:
            settings = {cell: _leave_out_split(read(cell)) for cell in alike["cell"]}
            for cell, differing in list_differences(settings).items():
                labels[cell] = ", ".join([labels[cell], *differing])
    places = own.assign(label=own["cell"].map(labels))
    repeated = places.duplicated(["condition", "variant", "label"], keep=False)
    for cell in places["cell"][repeated]:
        labels[cell] = f"{labels[cell]}, cell {cell}"
    return labels


def _leave_out_split(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if not key.startswith("split.")}


def list_differences(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """The settings that are not the same in all of several cells, in words.

    Args:
        settings: of each cell, by key with dots.

    Returns:
        For each cell its own, such as ``["kim", "batch_size 32"]``. Layers are left out where the
        architectures have different names.
    """
    keys = dict.fromkeys(key for own in settings.values() for key in own)
    differing = [
        key for key in keys
        if len({json.dumps(own.get(key)) for own in settings.values()}) > 1
    ]  # fmt: skip
    if "model.name" in differing:
        differing = [key for key in differing if key not in ("model.encoder", "model.decoder")]
    return {
        cell: [name_setting(key, own[key]) for key in differing if key in own]
        for cell, own in settings.items()
    }


def name_setting(key: str, value: Any) -> str:
    """A setting in few words: its value alone for an architecture, a hash for a list of layers."""
    name = key.rpartition(".")[2]
    if key == "model.name":
        return str(value or "own layers")
    if isinstance(value, list):
        value = hashlib.sha256(json.dumps(value).encode()).hexdigest()[:4]
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
