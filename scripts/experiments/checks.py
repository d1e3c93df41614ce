"""Mistakes on command lines that Sacred lets pass, or explains less well."""

import ast
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from disentgen.errors import UsageError
from disentgen.registry import unknown
from disentgen.training.sections import KEYS, check_sections
from ingredients.section import Section
from sacred_compat import load_config_file


def check_keys(config: Mapping[str, Any]) -> None:
    """Check that a composed configuration has sections and keys that there are.

    Raises:
        UsageError: it has others.
    """
    for key in config:
        if key not in (*KEYS, "resume"):
            raise unknown("configuration key", key, (*KEYS, "resume"))
    check_sections(config)


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
        if section.required and config[section.path].get(section.required) is None:
            raise UsageError(
                f"no {section.path} is named; accepted: {', '.join(section.choices)}. "
                f"Add for example 'with {section.path}.{section.choices[0]}'."
            )


def check_words(words: Sequence[str], experiment: str, named_configs: Collection[str]) -> None:
    """Check the words of a command line before Sacred reads them.

    Args:
        words: the program, then what was typed.
        experiment: that was called.
        named_configs: all that it has.

    Raises:
        UsageError: settings stand before ``with``, or a value is nested too deeply.
    """
    before = words[1 : words.index("with") if "with" in words else None]
    loose = [
        word for word in before
        if not word.startswith("-") and ("=" in word or word in named_configs)
    ]  # fmt: skip
    if loose:
        raise UsageError(
            "settings stand after 'with': "
            f"python -m experiments.{experiment} with {shlex.join(loose)}"
        )
    for word in words:
        check_depth(word)


def check_depth(word: str) -> None:
    """Check that a word can be parsed as Python, as Sacred does, if it is meant to be.

    Raises:
        UsageError: its value is nested too deeply.
    """
    key, _, value = word.partition("=")
    try:
        ast.literal_eval(value)
    except (RecursionError, MemoryError):
        raise UsageError(
            f"{key}: a value of {len(value):,} characters, nested too deeply."
        ) from None
    except (ValueError, SyntaxError, TypeError):
        pass  # no Python literal: Sacred takes it as text


def check_named_configs(
    given: Sequence[str], named_configs: Collection[str], sections: Sequence[Section]
) -> None:
    """Check named configurations of a command line: each is there, and none excludes another.

    Args:
        given: named configurations, or files of settings.
        named_configs: all that the experiment has.
        sections: of the experiment.

    Raises:
        UsageError: one is unknown, or a section has several choices.
    """
    files = [name for name in given if name not in named_configs and Path(name).is_file()]
    for name in given:
        if name not in named_configs and name not in files:
            path = name.partition(".")[0]
            beside = [other for other in named_configs if other.startswith(f"{path}.")]
            raise unknown("named config", name, beside or named_configs)
    for section in sections:
        taken = section.find_choices(given)
        taken += [name for name in files if section.is_chosen_in(load_config_file(name))]
        if len(taken) > 1:
            raise UsageError(
                f"{' and '.join(taken)} exclude each other; they would be mixed. Give one."
            )
