"""Cells: trainings that mean the same but for their seed."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from disentgen.schema import Key
from disentgen.training.baseline import drop_as_before
from disentgen.training.config import Config

#: Sides whose hashes say what a split is.
HASHED_SIDES = ("held_in", "held_out", "validation")
#: What is hashed beside them, of splits that have it.
WEIGHTS = "weights"
FURTHER = (WEIGHTS, "set_aside")


def cell_settings(config: Config, split: Mapping[str, Any]) -> dict[str, Any]:
    """All settings that distinguish a training's cell from others, by their keys with dots.

    The split stands there by the hashes of its sides, and of the weights that its images are drawn
    by and of what is set aside if it has any, not by the words that define it.

    Args:
        config: of the training.
        split: of :meth:`~disentgen.dataset.split.Split.describe`.
    """
    return select_settings(config.flat(), split)


def select_settings(
    flat: Mapping[str, tuple[Any, Key]], split: Mapping[str, Any]
) -> dict[str, Any]:
    """:func:`cell_settings` of settings that need not have been read.

    Args:
        flat: of :func:`~disentgen.training.config.mark_keys`.
        split: see above.
    """
    settings = {name: value for name, (value, key) in flat.items() if key.distinguishes}
    return settings | {f"split.{part}": digest for part, digest in list_hashes(split).items()}


def list_hashes(split: Mapping[str, Any]) -> dict[str, str]:
    """The hashes that say which split it is, by what they are of.

    Args:
        split: of :meth:`~disentgen.dataset.split.Split.describe`.
    """
    hashed = [*HASHED_SIDES, *(part for part in FURTHER if split.get(part))]
    return {part: split[part]["sha256"] for part in hashed}


def hash_cell(settings: Mapping[str, Any]) -> str:
    """Eight digits that distinguish cells; the same for a cell and its control.

    A key that has the value that was in force before it came in is left out, so that runs that lack
    it stay in their cell.

    Args:
        settings: of :func:`cell_settings`.
    """
    text = json.dumps(drop_as_before(settings), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
