"""Mistakes on command lines that Sacred lets pass, or explains less well."""

from collections.abc import Mapping, Sequence
from typing import Any

from disentgen.errors import UsageError
from disentgen.registry import unknown
from disentgen.training.sections import KEYS, check_sections
from ingredients.section import Section


def check_keys(given: Mapping[str, Any]) -> None:
    """Check that what a command line gives has sections and keys that there are.

    Raises:
        UsageError: it has others.
    """
    for key in given:
        if key not in (*KEYS, "resume"):
            raise unknown("configuration key", key, (*KEYS, "resume"))
    check_sections(given)


def check_kind(config: Mapping[str, Any], experiment: str, family: str) -> None:
    """Check that a saved configuration, where one was given, is of an experiment.

    Args:
        config: as it was composed.
        experiment: its name.
        family: of the models that it trains.

    Raises:
        UsageError: it is of another one.
    """
    given, given_family = config.get("experiment") or experiment, config["model"].get("family")
    if given != experiment or given_family != family:
        other = given if given != experiment else f"models of family '{given_family}'"
        raise UsageError(
            f"experiments.{experiment} trains models of family '{family}'; this is a "
            f"configuration of {other}."
        )


def check_choices(config: Mapping[str, Any], sections: Sequence[Section]) -> None:
    """Check that a training has made the choices that its sections require.

    Args:
        config: as it was composed.
        sections: of the experiment.

    Raises:
        UsageError: one is missing; the message names an example.
    """
    for section in sections:
        if section.required and not any(
            config[section.path].get(key) is not None for key in section.required
        ):
            other = "".join(f", or {section.path}.{key}=…" for key in section.required[1:])
            raise UsageError(
                f"no {section.path} is named; accepted: {', '.join(section.choices)}. "
                f"Add for example 'with {section.path}.{section.choices[0]}'{other}."
            )
