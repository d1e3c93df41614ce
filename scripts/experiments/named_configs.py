"""Named configurations and files of settings that a command line gives.

Sacred is handed plain data alone: it would open files by means that can run what they hold.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from disentgen.errors import UsageError
from disentgen.plain_settings import nest
from disentgen.registry import unknown
from disentgen.schema import flatten, merge
from disentgen.settings_files import READERS, read_settings_file
from disentgen.training.baseline import list_lacking
from disentgen.training.sections import SECTIONS, section_defaults
from ingredients.section import Section

#: By name: Sacred's, which give their settings when they are called.
NamedConfigs = Mapping[str, Any]


def read_named_configs(
    names: Sequence[str], named_configs: NamedConfigs, sections: Sequence[Section], family: str
) -> dict[str, Any]:
    """Named configurations and files of settings as one, later ones before earlier ones.

    Args:
        names: of named configurations, or paths of files.
        named_configs: all that the experiment has.
        sections: of the experiment.
        family: of its models.

    Raises:
        UsageError: one is unknown or cannot be read, or a section has several choices.
    """
    given = {name: _read(name, named_configs, family) for name in names}
    for section in sections:
        taken = [
            name for name, settings in given.items()
            if name in section.find_choices(names)
            or (name not in named_configs and section.is_chosen_in(settings))
        ]  # fmt: skip
        if len(taken) > 1:
            raise UsageError(
                f"{' and '.join(taken)} exclude each other; they would be mixed. Give one."
            )
    settings: dict[str, Any] = {}
    for name in names:
        settings = merge(settings, given[name])
    return settings


def _read(name: str, named_configs: NamedConfigs, family: str) -> dict[str, Any]:
    if name in named_configs:
        section = name.rpartition(".")[0]
        settings = named_configs[name]()
        return nest({section: settings} if section else settings)
    if Path(name).suffix not in READERS and not os.path.lexists(name):
        raise _refuse(name, named_configs, family)
    settings = read_settings_file(name)
    saved = set(SECTIONS) <= set(settings)
    return merge(list_lacking(settings, family), settings) if saved else settings


def _refuse(name: str, named_configs: Collection[str], family: str) -> UsageError:
    section = name.partition(".")[0]
    if section in SECTIONS and name in flatten({section: section_defaults(section, family)}):
        return UsageError(f"{name} is a setting, which takes a value: {name}=…")
    beside = [other for other in named_configs if other.startswith(f"{section}.")]
    return unknown("named config", name, beside or named_configs)
