"""Cells: trainings that mean the same but for their seed."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from disentgen.training.baseline import drop_as_before
from disentgen.training.config import Config

#: Sides whose hashes say what a split is.
HASHED_SIDES = ("held_in", "held_out", "validation")


def cell_settings(config: Config, split: Mapping[str, Any]) -> dict[str, Any]:
    """All settings that distinguish a training's cell from others, by their keys with dots.

    The split stands there by the hashes of its sides and not by the words that define it.

    Args:
        config: of the training.
        split: of :meth:`~disentgen.dataset.split.Split.describe`.
    """
    settings = {name: value for name, (value, key) in config.flat().items() if key.distinguishes}
    return settings | {f"split.{side}": split[side]["sha256"] for side in HASHED_SIDES}


def hash_cell(settings: Mapping[str, Any]) -> str:
    """Eight digits that distinguish cells; the same for a cell and its control.

    A key that has the value that was in force before it came in is left out, so that runs that lack
    it stay in their cell.

    Args:
        settings: of :func:`cell_settings`.
    """
    text = json.dumps(drop_as_before(settings), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
