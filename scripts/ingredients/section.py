"""What the ingredients have in common: each is a section of the configuration."""

from collections.abc import Mapping
from typing import Any

from sacred import Ingredient

from disentgen.errors import UsageError
from disentgen.training.config import resolve_section, section_defaults
from ingredients.errors import told_plainly


class Section(Ingredient):
    """A section of the configuration as an ingredient.

    Its defaults are those of the library's signatures, in a single layer; a hook lets the library
    check the section and fill in what depends on names chosen in it.
    """

    path: str
    choices: tuple[str, ...] = ()
    required: str | None = None


def make_section(
    path: str,
    family: str,
    choices: Mapping[str, Mapping[str, Any]],
    modifiers: Mapping[str, Mapping[str, Any]],
    required: str | None = None,
    **defaults: Any,
) -> Section:
    """Make the ingredient of a section.

    Args:
        path: the section's name.
        family: of the models that the experiment trains.
        choices: named configurations of which a run takes at most one.
        modifiers: named configurations that may stand beside a choice.
        required: the key that a choice must have set.
        defaults: of this experiment, where they differ from the library's.
    """
    section = Section(path, save_git_info=False)
    section.choices, section.required = tuple(choices), required
    section.add_config({**section_defaults(path, family), **defaults})
    for name, config in {**choices, **modifiers}.items():
        section.add_named_config(name, dict(config))

    @section.config_hook
    def resolve(config: dict, command_name: str, logger: object) -> dict:
        with told_plainly():
            if word := config[path].get(""):  # how Sacred hands on path=word
                raise UsageError(f"{path}={word}: '{path}' is a section; write {path}.{word}.")
            return resolve_section(path, family, config[path])

    return section
