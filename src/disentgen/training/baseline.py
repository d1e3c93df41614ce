"""What a saved configuration means that lacks a key: frozen, so that no run changes its meaning.

Whoever adds a key adds a line here with the value that was in force before the key came in, be it
the new default or not. Runs whose value is that one stay in the cell of runs that lack the key.
"""

from collections.abc import Mapping
from typing import Any

from disentgen.schema import merge

#: By key, then by family of models; "" stands for all others.
BEFORE: dict[str, dict[str, Any]] = {
    "training.loss.pair_kl": {"composer": "mean", "": None},
    "training.select": {"": "best"},
    "training.score_samples": {"": None},
    "training.find_duplicates": {"": False},
}


def value_before(key: str, family: str) -> Any:
    """The value that was in force before a key came in.

    Raises:
        KeyError: the key has been there from the beginning.
    """
    return BEFORE[key].get(family, BEFORE[key].get(""))


def fill_in(saved: Mapping[str, Any]) -> dict[str, Any]:
    """A saved configuration with the keys that have come in since."""
    filled: Mapping[str, Any] = {}
    for key in BEFORE:
        value = value_before(key, saved["model"]["family"])
        for part in reversed(key.split(".")):
            value = {part: value}
        filled = merge(filled, value)
    return merge(filled, saved)


def is_as_before(key: str, value: Any, family: str) -> bool:
    """Whether a key has the value that was in force before it came in."""
    return key in BEFORE and value == value_before(key, family)
