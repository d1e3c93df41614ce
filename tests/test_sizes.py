"""Functions and modules stay short; docstrings do not count, since they make reading faster."""

import ast

import pytest

from conftest import REPOSITORY

FUNCTION, MODULE = 25, 250
#: What is longer, and why.
LONGER = {
    # Panels, colour bar, ticks and legend of one picture, which share their axes.
    "draw_errors": 28,
}
FILES = sorted(
    path
    for folder in ("src", "scripts", "benchmarks")
    for path in (REPOSITORY / folder).rglob("*.py")
)


def count_docstring(node):
    """The lines of a docstring; 0 without."""
    if ast.get_docstring(node) is None:
        return 0
    first = node.body[0]
    return first.end_lineno - first.lineno + 1


def measure_functions(tree):
    """The lines of each function's body, without its docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield node.name, node.end_lineno - body[0].lineno + 1 if body else 0


def measure_module(text):
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, documented)]
    return len(text.splitlines()) - sum(map(count_docstring, nodes))


@pytest.mark.parametrize("kind", ["functions", "modules"])
def test_none_is_longer_than_it_may_be(kind):
    longer = {}
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if kind == "modules" and (lines := measure_module(text)) > MODULE:
            longer[path.name] = lines
        if kind == "functions":
            counted = measure_functions(ast.parse(text))
            longer |= {name: lines for name, lines in counted if lines > FUNCTION}
    assert {name: lines for name, lines in longer.items() if lines > LONGER.get(name, 0)} == {}


def test_lines_are_counted_without_docstrings():
    text = '"""A\nmodule."""\n\ndef say(word):\n    """Say.\n\n    It."""\n    print(\n    word)\n'
    assert dict(measure_functions(ast.parse(text))) == {"say": 2}
    assert measure_module(text) == 4
