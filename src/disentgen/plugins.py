"""Code outside the project: packages and files that the user has named, and no others.

A plugin is used because ``--plugin``, ``disentgen.use_plugin``, the environment or an installed
package says so. What a run's folder names is never imported for that.
"""

import contextlib
import importlib
import os
import pkgutil
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from disentgen.errors import UsageError, warn
from disentgen.paths import expand
from disentgen.text import join_lines, shorten

#: The group of entry points by which installed packages announce themselves.
GROUP = "disentgen.plugins"
#: The environment variable that hands plugins on to child processes, as a list of paths is written.
VARIABLE = "DISENTGEN_PLUGINS"
#: Module and class, such as ``my_package.nets:Encoder``.
IMPORT_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
#: Modules of a plugin that hold no records: they are for its tests and its installation.
PASSED_OVER = ("_", "test", "conftest", "setup")


@dataclass(frozen=True)
class Plugin:
    """A package or module that is in use.

    Args:
        name: by which it is imported.
        given: its name, or the path of what does not lie on Python's path; other processes are
            given this.
        modules: it and, of a package, the modules inside.
    """

    name: str
    given: str
    modules: tuple[ModuleType, ...]


@dataclass
class _Used:
    """The plugins of this process, by name, in the order in which they were named."""

    plugins: dict[str, Plugin] = field(default_factory=dict)
    #: Whether those that the environment and installed packages name are among them.
    is_complete: bool = False
    is_reading: bool = False


_USED = _Used()


def list_plugins() -> tuple[Plugin, ...]:
    """The plugins in use.

    Raises:
        UsageError: one that the environment names cannot be imported.
    """
    if not (_USED.is_complete or _USED.is_reading):
        _USED.is_reading = True  # plugins may look things up while they are imported
        try:
            for given in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
                load_plugin(given)
            _load_announced()
            _USED.is_complete = True
        finally:
            _USED.is_reading = False
    return tuple(_USED.plugins.values())


def list_modules() -> tuple[ModuleType, ...]:
    """The modules of all plugins in use; see :func:`list_plugins`."""
    return tuple(module for plugin in list_plugins() for module in plugin.modules)


def list_flags() -> list[str]:
    """The options by which a command of another process uses the same plugins."""
    return [f"--plugin={plugin.given}" for plugin in list_plugins()]


def load_plugin(given: str | Path) -> Plugin:
    """Import a plugin and have it in use; where it is already, nothing happens.

    Args:
        given: the name of a package or module, be it in the current folder, or the path of a file
            or of a package's folder.

    Raises:
        UsageError: there is none, it cannot be imported, or another module has its name.
    """
    name, file = _locate(str(given))
    if name in _USED.plugins:
        return _USED.plugins[name]
    root = _import(str(given), name, file)
    plugin = Plugin(name, str(file or name), (root, *_import_inside(str(given), root)))
    _USED.plugins[name] = plugin
    if plugin.given not in os.environ.get(VARIABLE, "").split(os.pathsep):
        listed = [*filter(None, [os.environ.get(VARIABLE)]), plugin.given]
        os.environ[VARIABLE] = os.pathsep.join(listed)
    return plugin


def drop_plugin(plugin: Plugin) -> None:
    """Have a plugin no longer in use."""
    _USED.plugins.pop(plugin.name, None)
    listed = os.environ.get(VARIABLE, "").split(os.pathsep)
    os.environ[VARIABLE] = os.pathsep.join(one for one in listed if one != plugin.given)


def list_missing(names: Iterable[str]) -> list[str]:
    """Those of some names of plugins, each once, that are not in use."""
    used = {plugin.name for plugin in list_plugins()}
    return [name for name in dict.fromkeys(names) if name not in used]


def advise(names: Iterable[str]) -> str:
    """How to have plugins in use, as the end of a message."""
    flags = " ".join(f"--plugin {shorten(name)}" for name in names)
    return f"give {flags}, or the path of it."


def name_plugin(place: str) -> str:
    """The name that a plugin has, or would have.

    Args:
        place: an import path, such as ``my_package.nets:Encoder``, or the path of a file.
    """
    if os.sep in place or place.endswith(".py"):
        file = Path(place)
        return file.parent.name if file.name == "__init__.py" else file.stem
    return place.partition(":")[0].partition(".")[0]


def list_named(saved: Mapping[str, Any]) -> list[str]:
    """The plugins that a saved configuration names, whatever they are.

    Args:
        saved: the content of ``config.json``: its packages, the file of its dataset, and the import
            paths among its layers.
    """
    spec = saved.get("dataset", {}).get("spec")
    places = [spec] if isinstance(spec, str) else []
    places += list_imported(saved.get("model", {}))
    named = [*saved.get("plugins", ()), *map(name_plugin, places)]
    return [name for name in dict.fromkeys(named) if name]


def list_imported(section: Any) -> list[str]:
    """The import paths in a section of settings, such as layers ``import`` have, in its order."""
    waiting, paths = [section], list[str]()
    while waiting:
        match waiting.pop(0):
            case str(text) if IMPORT_PATH.fullmatch(text):
                paths.append(text)
            case dict(inside):
                waiting = [*inside.values(), *waiting]
            case list(inside) | tuple(inside):
                waiting = [*inside, *waiting]
    return paths


def import_class(path: str, base: type) -> Any:
    """A class of a plugin that is in use.

    Args:
        path: of its module and it, such as ``my_package.nets:Encoder``.
        base: that it must extend.

    Raises:
        UsageError: the plugin is not in use, or has no such class.
    """
    module, _, name = path.partition(":")
    if not IMPORT_PATH.fullmatch(path):
        raise UsageError(f"'{shorten(path)}' is no import path, such as my_package.nets:Encoder.")
    if missing := list_missing([name_plugin(path)]):
        raise UsageError(f"{shorten(path)} is of a package that is not in use: {advise(missing)}")
    with _failing(shorten(path)):
        there = importlib.import_module(module)
    kind = vars(there).get(name)
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise UsageError(f"{shorten(path)}: there is no class '{name}' that is a {base.__name__}.")
    return kind


def _load_announced() -> None:
    """Load what installed packages announce; one that cannot be costs a warning."""
    for entry in entry_points(group=GROUP):
        try:
            load_plugin(entry.module)
        except UsageError as error:
            warn(f"the installed plugin '{entry.name}' is not used: {error}")


def _locate(given: str) -> tuple[str, Path | None]:
    """The name of a plugin; and its file, unless Python finds it by its name everywhere."""
    if given.endswith(".py") or os.sep in given or given.startswith(("~", ".")):
        path = expand(given)
        file = path / "__init__.py" if path.is_dir() else path
        if not file.is_file():
            raise UsageError(f"--plugin {given}: there is no such file or package.")
        name = name_plugin(str(file))
        _check_name(given, name)
        known = _find(name, [place for place in sys.path if place not in ("", str(Path.cwd()))])
        if known not in (None, str(file)):
            raise UsageError(f"--plugin {given}: there is a module '{name}' already: {known}.")
        return name, file
    _check_name(given, given)
    here = _find(given, [str(Path.cwd())])
    if here is not None:
        return given, Path(here)
    if _find(given, sys.path) is None:
        raise UsageError(
            f"--plugin {shorten(given)}: there is no such package or module, in the current folder "
            "or installed."
        )
    return given, None


def _check_name(given: str, name: str) -> None:
    if not name.isidentifier():
        raise UsageError(
            f"--plugin {shorten(given)}: a package or module is expected, or the path of one."
        )
    if name in sys.stdlib_module_names or name == "disentgen":
        raise UsageError(f"--plugin {given}: '{name}' is a part of Python or of this project.")


def _find(name: str, places: Sequence[str]) -> str | None:
    """The file of a module by its name; None if there is none."""
    spec = PathFinder.find_spec(name, list(places))
    return None if spec is None else spec.origin


def _import(given: str, name: str, file: Path | None) -> ModuleType:
    """Import a plugin by its name, or the file that it lies in."""
    with _failing(f"--plugin {given}"):
        if file is None or getattr(sys.modules.get(name), "__file__", None) == str(file):
            return importlib.import_module(name)
        inside = [str(file.parent)] if file.name == "__init__.py" else None
        spec = spec_from_file_location(name, file, submodule_search_locations=inside)
        assert spec is not None and spec.loader is not None
        module = sys.modules[name] = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
    return module


def _import_inside(given: str, root: ModuleType) -> Iterator[ModuleType]:
    """Import the modules inside a package, however deep."""
    for info in pkgutil.iter_modules(getattr(root, "__path__", ())):
        if not info.name.startswith(PASSED_OVER):
            with _failing(f"--plugin {given}"):
                module = importlib.import_module(f"{root.__name__}.{info.name}")
            yield module
            yield from _import_inside(given, module)


@contextlib.contextmanager
def _failing(what: str) -> Iterator[None]:
    """Let an import fail with a line: code of others raises whatever it likes."""
    try:
        yield
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        reason = join_lines(f"{type(error).__name__}: {error}")
        raise UsageError(
            f"{what} cannot be imported: {reason} ({Path(place.filename).name}:{place.lineno})"
        ) from error
