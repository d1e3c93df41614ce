"""Choose by name; a name that is not there is answered with those that are, and the nearest."""

import ast
import difflib
import importlib
import pkgutil
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from disentgen.errors import UsageError
from disentgen.text import shorten

T = TypeVar("T")


def nearest_match(given: object, accepted: Iterable[str]) -> str:
    """The end of a message, Did you mean the nearest accepted word?; nothing if none is near."""
    words = {str(word).lower(): str(word) for word in accepted}
    close = difflib.get_close_matches(shorten(str(given)).lower(), words, n=1, cutoff=0.5)
    return f" Did you mean '{words[close[0]]}'?" if close else ""


def unknown(
    what: str,
    given: object,
    accepted: Iterable[str],
    other_names: Mapping[str, str] = MappingProxyType({}),
) -> UsageError:
    """The error for a name that is not among the accepted ones.

    Args:
        what: it should name, for the message.
        given: the name.
        accepted: names that there are.
        other_names: that accepted ones have elsewhere.
    """
    accepted = list(accepted)
    listed = ", ".join(accepted) or "nothing"
    shown, meant = shorten(str(given)), other_names.get(str(given).lower(), given)
    near = nearest_match(meant, accepted)
    return UsageError(f"unknown {what} '{shown}'; accepted: {listed}.{near}")


def choose(what: str, name: str, choices: Mapping[str, T]) -> T:
    """Return ``choices[name]``.

    Args:
        what: the name should name, for the message.
        name: given by the user.
        choices: all things by name.

    Raises:
        UsageError: no such name; the message lists the choices and the nearest match.
    """
    if not isinstance(name, str) or name not in choices:
        raise unknown(what, name, choices)
    return choices[name]


@cache
def load_records(package: str, attribute: str) -> dict[str, Any]:
    """What the modules of a package export under one name: the folder is the list.

    Args:
        package: its name, as in ``disentgen.models.families``.
        attribute: under which a module exports what it has; one without it exports nothing.

    Returns:
        The records by the names of their modules, in alphabetical order.
    """
    folder = importlib.import_module(package).__path__
    names = sorted(module.name for module in pkgutil.iter_modules(folder))
    modules = {name: importlib.import_module(f"{package}.{name}") for name in names}
    return {
        name: getattr(module, attribute)
        for name, module in modules.items()
        if hasattr(module, attribute)
    }


@cache
def load_named(package: str, attribute: str) -> dict[str, Any]:
    """What the modules of a package export under one name, by each member's ``name``.

    Args:
        package: its name, as in ``disentgen.training.losses``.
        attribute: under which a module exports its member, or a tuple of members.

    Raises:
        UsageError: two members have the same name.
    """
    members: dict[str, Any] = {}
    homes: dict[str, str] = {}
    for module, exported in load_records(package, attribute).items():
        for member in exported if isinstance(exported, tuple) else (exported,):
            if member.name in members:
                raise UsageError(
                    f"two of {package} are called '{member.name}', in {homes[member.name]}.py and "
                    f"{module}.py; rename one."
                )
            members[member.name], homes[member.name] = member, module
    return members


@cache
def read_constants(package: str, *attributes: str) -> list[dict[str, Any]]:
    """Literals in a package's modules, read from their sources without importing any.

    For commands that must not wait for what those modules import.

    Args:
        package: its name, as in ``disentgen.training.losses``.
        attributes: names of attributes.

    Returns:
        For each class that sets one of them, and each record that is given one by keyword: the
        values by name.

    Raises:
        ModuleNotFoundError: there is no such package.
    """
    files = [file for folder in _find_folders(package) for file in sorted(folder.glob("*.py"))]
    statements = [one for file in files for one in ast.parse(file.read_text(encoding="utf-8")).body]
    constants = [_read_literals(statement) for statement in statements]
    return [
        {name: literals[name] for name in attributes if name in literals}
        for literals in constants
        if set(attributes) & set(literals)
    ]


def _find_folders(package: str) -> list[Path]:
    """The folders of a package, found without importing it or what it lies in."""
    if package in sys.modules:
        return [Path(folder) for folder in sys.modules[package].__path__]
    parent = package.rpartition(".")[0]
    inside = [str(folder) for folder in _find_folders(parent)] if parent else None
    spec = PathFinder.find_spec(package, inside)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"no package named '{package}'", name=package)
    return [Path(folder) for folder in spec.submodule_search_locations]


def _read_literals(statement: ast.stmt) -> dict[str, Any]:
    """What a class sets, or a record is given, by name; nothing of other statements."""
    given: dict[str, ast.expr] = {}
    if isinstance(statement, ast.ClassDef):
        assignments = [node for node in statement.body if isinstance(node, ast.Assign)]
        names = [(node.targets[0], node.value) for node in assignments]
        given = {name.id: value for name, value in names if isinstance(name, ast.Name)}
    elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
        given = {word.arg: word.value for word in statement.value.keywords if word.arg}
    return {name: node.value for name, node in given.items() if isinstance(node, ast.Constant)}
