"""Fixtures: a package with one more file, as a user would add it."""

import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from disentgen.registry import load_records

AddModule = Callable[[ModuleType, str, str], None]


@pytest.fixture
def add_module(tmp_path, monkeypatch) -> Iterator[AddModule]:
    """Add a module to a package for one test: the package, the module's name, its text."""
    added = []

    def add(package: ModuleType, name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
        load_records.cache_clear()
        added.append((package, name))

    yield add
    monkeypatch.undo()
    load_records.cache_clear()
    for package, name in added:
        sys.modules.pop(f"{package.__name__}.{name}", None)
        vars(package).pop(name, None)
