"""Which plugins a configuration needs: those that something that it names is of."""

from collections.abc import Iterator, Mapping
from typing import Any

from disentgen.errors import UsageError
from disentgen.plugins import advise, list_imported, list_missing, list_named, name_plugin
from disentgen.registry import find_origin
from disentgen.schema import Key

#: Keys of a configuration whose values are names, and what they are names of.
NAMES = {
    "dataset.name": "SPECS",
    "dataset.split": "FAMILIES",
    "model.family": "FAMILY",
    "training.loss.name": "LOSSES",
}
#: What strings among the layers of a model may be names of.
OF_MODELS = ("LAYERS", "MIXERS")
#: It follows from other settings.
OF_PLUGINS = Key(distinguishes=False, may_change=True)


def list_needed(plain: Mapping[str, Any]) -> list[str]:
    """The plugins that a configuration needs; not all that are in use, since others can do without.

    Args:
        plain: the configuration as plain data.
    """
    needed = [find_origin(attribute, _look_up(plain, key)) for key, attribute in NAMES.items()]
    words = _list_words({key: value for key, value in plain["model"].items() if key != "name"})
    needed += [find_origin(attribute, word) for word in words for attribute in OF_MODELS]
    needed += map(name_plugin, list_imported(plain["model"]))
    return list(dict.fromkeys(name for name in needed if name is not None))


def check_named(given: Mapping[str, Any]) -> None:
    """Check that the plugins are in use that a configuration names: none is imported for that.

    Raises:
        UsageError: one is not.
    """
    if missing := list_missing(list_named(given)):
        raise UsageError(
            f"these settings need {', '.join(missing)}, which nobody has named here: "
            f"{advise(missing)}"
        )


def _look_up(plain: Any, key: str) -> Any:
    for part in key.split("."):
        plain = plain[part]
    return plain


def _list_words(value: Any) -> Iterator[str]:
    """All strings in plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _list_words(part)
