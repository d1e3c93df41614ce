"""The field's words in names and public text: some that a reader of other code stumbles over."""

import ast
import re

from conftest import REPOSITORY

#: Words of text: a score is a score, and what distinguishes cells does not tell them apart.
TEXT = re.compile(r"(?<!\.)\b(told|tells?|rulers?)\b", re.IGNORECASE)
#: Words that are no names of values: a value is called by what it is, a limit is a limit.
NAMES = {"told", "tell", "tells", "found", "most", "ruler"}
SOURCES = [path for folder in ("src", "scripts", "benchmarks")
           for path in sorted((REPOSITORY / folder).rglob("*.py"))]  # fmt: skip
PAGES = [
    *sorted(REPOSITORY.glob("*.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
    *sorted((REPOSITORY / "src").rglob("*.jinja")),
]


def list_names(tree):
    """The names that a module gives: of values, parameters, functions and classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name


def test_texts_use_the_fields_words():
    lines = {path: path.read_text(encoding="utf-8").splitlines() for path in (*SOURCES, *PAGES)}
    wrong = {path: [line for line in text if TEXT.search(line)] for path, text in lines.items()}
    assert {path for path, text in wrong.items() if text} == set()


def test_names_say_what_a_value_is():
    names = {path: list_names(ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES}
    wrong = {
        path: {name for name in given if NAMES & set(name.lower().split("_"))}
        for path, given in names.items()
    }
    assert {path for path, given in wrong.items() if given} == set()


def test_names_are_seen_wherever_they_are_given():
    text = "def f(most): self.told = found = 1\nfor ruler in x: pass\nclass Tell: pass\nx.found\n"
    assert {name.lower() for name in list_names(ast.parse(text))} >= {
        "most", "told", "found", "ruler", "tell",
    }  # fmt: skip
