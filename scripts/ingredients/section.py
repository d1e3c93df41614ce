"""What the ingredients have in common: each is a section of the configuration."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from disentgen.schema import flatten
from sacred_compat import ConfigDict, Ingredient


class Defaults:
    """Settings of a configuration that are read when the first command needs them.

    The help needs none of them, and what they are the defaults of takes seconds to import.

    Args:
        read: gives them.
    """

    def __init__(self, read: Callable[[], Mapping[str, Any]]):
        self.read = read

    @cached_property
    def settings(self) -> Any:
        """As Sacred keeps settings."""
        return ConfigDict(dict(self.read()))

    def __call__(self, *args: Any, **options: Any) -> Any:
        """What Sacred makes of them; see :class:`sacred.config.ConfigDict`."""
        return self.settings(*args, **options)


class Section(Ingredient):
    """A section of the configuration as an ingredient: its defaults and named configurations.

    Defaults are those of the library's signatures, in a single layer; the library checks the
    section together with all others.

    Args:
        path: the section's name.
        family: of the models that the experiment trains.
        list_choices: gives the named configurations of which a run takes at most one; plugins may
            add some.
        modifiers: named configurations that may stand beside a choice.
        required: keys of which a choice must have set one.
        defaults: of this experiment, where they differ from the library's.
    """

    path: str

    def __init__(
        self,
        path: str,
        family: str,
        list_choices: Callable[[], Mapping[str, Mapping[str, Any]]],
        modifiers: Mapping[str, Mapping[str, Any]],
        required: tuple[str, ...] = (),
        **defaults: Any,
    ):
        super().__init__(path, save_git_info=False)
        self.list_choices, self.required = list_choices, required
        #: The keys that every choice sets: whoever sets one of them has chosen.
        self.chosen_keys = set.intersection(*map(set, map(flatten, list_choices().values())))
        self.configurations.append(
            Defaults(lambda: {**read_section_defaults(path, family), **defaults})
        )
        self.add_choices()
        for name, config in modifiers.items():
            self.add_named_config(name, dict(config))

    @property
    def choices(self) -> tuple[str, ...]:
        """Names of the configurations of which a run takes at most one."""
        return tuple(self.list_choices())

    def add_choices(self) -> None:
        """Add the choices that have come in since the last time."""
        for name, config in self.list_choices().items():
            if name not in self.named_configs:
                self.add_named_config(name, dict(config))

    def find_choices(self, named_configs: Sequence[str]) -> list[str]:
        """Those of some named configurations that are choices of this section."""
        own = [f"{self.path}.{choice}" for choice in self.choices]
        return [name for name in dict.fromkeys(named_configs) if name in own]

    def is_chosen_in(self, config: Mapping[str, Any]) -> bool:
        """Whether a configuration makes the choice that this section's named ones make."""
        section = config.get(self.path)
        return isinstance(section, Mapping) and bool(self.chosen_keys & set(flatten(section)))

    def describe_named_configs(self) -> str:
        """The names of all named configurations, as a list."""
        beside = [name for name in self.named_configs if name not in self.choices]
        lines = [f"{self.path}, one of"]
        for names in (self.choices, beside):
            lines += [f"  {self.path}.{name}" for name in names]
            if names is not beside and beside:
                lines.append("and beside it")
        return "\n".join(lines)


def read_section_defaults(path: str, family: str) -> dict[str, Any]:
    """The library's defaults of a section.

    Args:
        path: the section's name.
        family: of the models.
    """
    from disentgen.training.sections import section_defaults

    return section_defaults(path, family)
