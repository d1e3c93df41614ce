"""Choose by name; a name that is not there is answered with those that are, and the nearest."""

import ast
import difflib
import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple, TypeVar

from disentgen.errors import UsageError
from disentgen.plugins import drop_plugin, list_modules, load_plugin
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


class Exports(NamedTuple):
    """What a module exports under one name.

    Args:
        module: its name, without that of its package.
        home: the file that it is written in, as messages name it.
        members: what it exports.
        plugin: that it is a part of; None of the project's.
    """

    module: str
    home: str
    members: tuple[Any, ...]
    plugin: str | None


#: What plugins may export, and the package whose modules export the same.
KINDS = {
    "FAMILIES": "disentgen.dataset.splits",
    "SPECS": "disentgen.dataset.specs",
    "LAYERS": "disentgen.models.layers",
    "FAMILY": "disentgen.models.families",
    "MIXERS": "disentgen.models.mixers",
    "LOSSES": "disentgen.training.losses",
    "METRICS": "disentgen.analysis.metrics",
    "MEASUREMENT": "disentgen.analysis.measurements",
    "FIGURE": "disentgen.analysis.figures",
    "STUDY": "disentgen.studies",
}


def use_plugin(given: str | Path) -> None:
    """Have what a package or module of one's own exports beside what the project has.

    Its modules export what files of the project do, under the same names: ``SPECS``, ``LOSSES``,
    ``LAYERS``, ``METRICS``, ``FIGURE`` and the others. Processes that this one starts use it too.

    Args:
        given: its name, be it in the current folder, or the path of a file or a package's folder.

    Raises:
        UsageError: there is none, it cannot be imported, or it has a name that there is already.
    """
    plugin = load_plugin(given)
    exported = {name for module in plugin.modules for name in vars(module)}
    try:
        for attribute in KINDS.keys() & exported:
            load_groups(KINDS[attribute], attribute, "file" if attribute == "FIGURE" else "name")
    except BaseException:
        drop_plugin(plugin)
        raise


def load_exports(package: str, attribute: str) -> tuple[Exports, ...]:
    """What the modules of a package, and those of plugins, export under one name.

    Args:
        package: its name, as in ``disentgen.models.families``; its folder is the list.
        attribute: under which a module exports one member, or several; one without it exports
            nothing.

    Returns:
        In alphabetical order of the package's modules; those of plugins come last.
    """
    return find_exports(package, attribute, list_modules())


@cache
def find_exports(
    package: str, attribute: str, plugins: tuple[ModuleType, ...]
) -> tuple[Exports, ...]:
    """:func:`load_exports`, kept: modules are looked for once.

    Args:
        package: see above.
        attribute: see above.
        plugins: modules of the plugins in use.
    """
    folder = importlib.import_module(package).__path__
    names = sorted(module.name for module in pkgutil.iter_modules(folder))
    own = {name: importlib.import_module(f"{package}.{name}") for name in names}
    there = [
        Exports(name, f"{name}.py", _list_members(vars(module)[attribute]), None)
        for name, module in own.items()
        if attribute in vars(module)
    ]
    return (*there, *_find_in_plugins(attribute, plugins))


def _find_in_plugins(attribute: str, plugins: Iterable[ModuleType]) -> Iterator[Exports]:
    for module in plugins:
        if attribute in vars(module):
            name = module.__name__.rpartition(".")[2]
            members = _list_members(vars(module)[attribute])
            plugin = module.__name__.partition(".")[0]
            yield Exports(name, str(module.__file__), members, plugin)


def _list_members(exported: Any) -> tuple[Any, ...]:
    return tuple(exported) if isinstance(exported, list | tuple) else (exported,)


def load_records(package: str, attribute: str) -> dict[str, Any]:
    """What the modules of a package and of plugins export, by the names of the modules.

    Args:
        package: its name, as in ``disentgen.analysis.figures``.
        attribute: under which a module exports its only member.

    Raises:
        UsageError: two modules have the same name.
    """
    homes: dict[str, str] = {}
    for one in load_exports(package, attribute):
        _check_home(package, one.module, one.home, homes)
    return {one.module: one.members[0] for one in load_exports(package, attribute)}


def load_groups(package: str, attribute: str, name: str = "name") -> dict[str, tuple[Any, ...]]:
    """What the modules of a package and of plugins export, by name; one name is of one module.

    Args:
        package: its name, as in ``disentgen.dataset.specs``.
        attribute: under which a module exports its members.
        name: the attribute of a member that it is called by.

    Returns:
        The members of each name.

    Raises:
        UsageError: two modules have the same name, or something without one is exported.
    """
    groups: dict[str, tuple[Any, ...]] = {}
    homes: dict[str, str] = {}
    for one in load_exports(package, attribute):
        for member in one.members:
            called = getattr(member, name, None)
            if not isinstance(called, str):
                shown = shorten(repr(member))
                raise UsageError(f"{one.home}: {attribute} holds {shown}, which has no {name}.")
            _check_home(package, called, one.home, homes)
            groups[called] = (*groups.get(called, ()), member)
    return groups


def _check_home(package: str, name: str, home: str, homes: dict[str, str]) -> None:
    if homes.setdefault(name, home) != home:
        raise UsageError(
            f"two of {package} are called '{name}', in {homes[name]} and {home}; rename one."
        )


def load_named(package: str, attribute: str, name: str = "name") -> dict[str, Any]:
    """What the modules of a package and of plugins export, each member by its name.

    Args:
        package: its name, as in ``disentgen.training.losses``.
        attribute: under which a module exports its member, or a tuple of members.
        name: the attribute of a member that it is called by.

    Raises:
        UsageError: two members have the same name.
    """
    members = {}
    for called, group in load_groups(package, attribute, name).items():
        if len(group) > 1:
            raise UsageError(f"two of {package} are called '{called}', in one module; rename one.")
        members[called] = group[0]
    return members


def find_origin(attribute: str, name: str) -> str | None:
    """The plugin that a name is of; None if it is the project's, or nobody's.

    Args:
        attribute: of :data:`KINDS`.
        name: of a member.
    """
    return next(
        (
            one.plugin
            for one in _find_in_plugins(attribute, list_modules())
            if any(member.name == name for member in one.members)
        ),
        None,
    )


class Members(Mapping[str, T]):
    """What the modules of a package and of plugins export, by name, looked up when asked for.

    Args:
        package: its name.
        attribute: under which a module exports its member.
    """

    def __init__(self, package: str, attribute: str):
        self.package = package
        self.attribute = attribute

    def __getitem__(self, name: str) -> T:
        member: T = load_named(self.package, self.attribute)[name]
        return member

    def __iter__(self) -> Iterator[str]:
        return iter(load_named(self.package, self.attribute))

    def __len__(self) -> int:
        return len(load_named(self.package, self.attribute))


def read_constants(package: str, *attributes: str) -> list[dict[str, Any]]:
    """Literals in a package's modules, read from their sources without importing any.

    For commands that must not wait for what those modules import. Plugins are imported already, and
    of these the members themselves are asked.

    Args:
        package: its name, as in ``disentgen.training.losses``.
        attributes: names of attributes.

    Returns:
        For each class that sets one of them, and each record that is given one by keyword: the
        values by name.

    Raises:
        ModuleNotFoundError: there is no such package.
    """
    exported = next((name for name, home in KINDS.items() if home == package), "")
    members = [one for part in _find_in_plugins(exported, list_modules()) for one in part.members]
    of_plugins = [
        {name: getattr(one, name) for name in attributes if hasattr(one, name)} for one in members
    ]
    return [*read_sources(package, *attributes), *of_plugins]


@cache
def read_sources(package: str, *attributes: str) -> list[dict[str, Any]]:
    """:func:`read_constants` of the project's own modules, kept: each is read once.

    Args:
        package: see above.
        attributes: see above.
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
