"""Imports point one way: from the shell to the report, down to errors and paths."""

import ast
from graphlib import CycleError, TopologicalSorter

import pytest

from conftest import REPOSITORY

SOURCES = REPOSITORY / "src"
#: From the top down: a part imports parts below it alone.
ORDER = ("report", "studies", "analysis", "runs", "training", "run_directory", "models", "dataset",
         "schema", "registry", "errors")  # fmt: skip


def list_imports(path):
    """Modules that a file imports, at its top or inside a function; not those for types alone."""
    found = []

    def visit(node):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            found.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module)
            found.extend(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def name_module(path):
    parts = path.relative_to(SOURCES).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_module(path): path for path in sorted((SOURCES / "disentgen").rglob("*.py"))}


def draw_graph():
    """The modules that each module imports."""
    return {
        name: {found for found in list_imports(path) if found in MODULES and found != name}
        for name, path in MODULES.items()
    }


def draw_graph_of_parts():
    """The packages and top modules that each one imports; what starts commands is left aside."""
    parts = {}
    for name, imports in draw_graph().items():
        if name in ("disentgen", "disentgen.__main__"):
            continue
        part = name.split(".")[1]
        others = {found.split(".")[1] for found in imports if found != "disentgen"}
        parts.setdefault(part, set()).update(others - {part})
    return parts


def test_no_module_stands_in_a_circle():
    TopologicalSorter(draw_graph()).prepare()


def test_no_package_stands_in_a_circle():
    TopologicalSorter(draw_graph_of_parts()).prepare()


def test_parts_import_those_below_them():
    graph = draw_graph_of_parts()

    assert set(ORDER) <= set(graph)
    places = {part: place for place, part in enumerate(ORDER)}
    for part, imports in graph.items():
        for other in imports & set(places):
            assert places.get(part, -1) < places[other], f"{part} imports {other}"


def test_the_library_knows_neither_sacred_nor_the_shell():
    shell = {path.stem for path in (REPOSITORY / "scripts").iterdir()}
    for name, path in MODULES.items():
        used = {found.split(".")[0] for found in list_imports(path) if found}
        assert not used & {"sacred", *shell}, name


def test_engines_know_nothing_of_what_they_run():
    for path in (REPOSITORY / "scripts" / "engines").glob("*.py"):
        used = {found.split(".")[0] for found in list_imports(path) if found}
        assert not used & {"analysis", "experiments", "ingredients", "configs"}, path


def test_a_circle_would_be_seen():
    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()
