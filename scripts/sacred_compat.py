"""Sacred on every Python from 3.11 on, with any setuptools or none: the one place it is imported.

Sacred 0.8.7 imports ``pkg_resources``, which setuptools 82 no longer has, and calls
``pkgutil.find_loader``, which Python 3.14 no longer has. Both are lent to it while it is imported.
Later it uses neither name but what it has imported: for the installed packages of a run's record.
"""

import importlib.resources
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from functools import cached_property
from importlib import metadata
from types import ModuleType
from typing import Any, NamedTuple


class InstalledPackage(NamedTuple):
    """What Sacred reads of a distribution of ``pkg_resources``."""

    project_name: str
    version: str
    distribution: metadata.Distribution

    def _get_metadata(self, name: str) -> list[str]:
        return (self.distribution.read_text(name) or "").split()


class WorkingSet:
    """The installed packages, as ``pkg_resources.working_set`` lists them; read at first use."""

    @cached_property
    def by_key(self) -> dict[str, InstalledPackage]:
        """Each package by its name in small letters: the first of a name is what is imported."""
        packages: dict[str, InstalledPackage] = {}
        for distribution in metadata.distributions():
            described: Any = distribution.metadata or {}  # a half-removed package has none
            name, version = described.get("Name"), described.get("Version")
            if name and version:
                name = re.sub(r"[^A-Za-z0-9.]+", "-", name)
                packages.setdefault(name.lower(), InstalledPackage(name, version, distribution))
        return packages

    def __iter__(self) -> Iterator[InstalledPackage]:
        return iter(self.by_key.values())


def resource_filename(package: str, name: str) -> str:
    """The path of a file that a package brings."""
    return str(importlib.resources.files(package) / name)


def find_loader(name: str) -> object | None:
    """What would import a module; ``None`` where there is no such module.

    Raises:
        ImportError: the module has been made by hand, and nothing says where it is from.
    """
    try:
        spec = importlib.util.find_spec(name)
    except ValueError as error:
        raise ImportError(str(error)) from error
    return None if spec is None else spec.loader


def make_pkg_resources() -> ModuleType:
    """The part of ``pkg_resources`` that Sacred uses, made from the standard library."""
    module = ModuleType("pkg_resources")
    module.__dict__.update(working_set=WorkingSet(), resource_filename=resource_filename)
    return module


@contextmanager
def replaced(place: MutableMapping[str, Any], name: str, value: object) -> Iterator[None]:
    """Have a value under a name inside the block; afterwards what was there before, if anything.

    Args:
        place: of the names, such as ``sys.modules``.
        name: in it.
        value: inside the block.
    """
    before = {name: place[name]} if name in place else {}
    place[name] = value
    try:
        yield
    finally:
        del place[name]
        place.update(before)


with (
    replaced(sys.modules, "pkg_resources", make_pkg_resources()),
    replaced(vars(pkgutil), "find_loader", find_loader),
):
    from sacred import SETTINGS, Experiment, Ingredient
    from sacred.commandline_options import cli_option
    from sacred.commands import help_for_command
    from sacred.config import ConfigDict
    from sacred.dependencies import gather_sources_and_dependencies, get_digest
    from sacred.observers import (
        FileStorageObserver,
        MongoObserver,
        RunObserver,
        SqlObserver,
        TinyDbObserver,
    )
    from sacred.observers.mongo import parse_mongo_db_arg
    from sacred.observers.queue import QueueObserver
    from sacred.run import Run
    from sacred.serializer import flatten


@contextmanager
def without_host_info() -> Iterator[None]:
    """Inside the block Sacred asks no program about CPU and GPU when it makes a run."""
    kept = dict(SETTINGS.HOST_INFO)
    SETTINGS.HOST_INFO.update(INCLUDE_CPU_INFO=False, INCLUDE_GPU_INFO=False)
    try:
        yield
    finally:
        SETTINGS.HOST_INFO.update(kept)


def load_sql_tables() -> ModuleType:
    """The tables of Sacred's SQL observer, whose module needs SQLAlchemy.

    Sacred's columns are too short for many a path (64 characters), version (16) or id (24), which
    PostgreSQL refuses; 255 is what a key may have anywhere.
    """
    from sacred.observers import sql_bases
    from sqlalchemy import String

    for table in sql_bases.Base.metadata.tables.values():
        for column in table.columns:
            if type(column.type) is String and (column.type.length or 255) < 255:
                column.type.length = 255
    return sql_bases


__all__ = [
    "SETTINGS",
    "ConfigDict",
    "Experiment",
    "FileStorageObserver",
    "Ingredient",
    "MongoObserver",
    "QueueObserver",
    "Run",
    "RunObserver",
    "SqlObserver",
    "TinyDbObserver",
    "cli_option",
    "flatten",
    "gather_sources_and_dependencies",
    "get_digest",
    "help_for_command",
    "load_sql_tables",
    "parse_mongo_db_arg",
    "without_host_info",
]
