"""Public docstrings say what every argument is, where there are three or more, and shapes."""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest

import disentgen
from processes import SCRIPTS

#: Functions of fewer arguments may say in their first sentence what they are.
DOCUMENTED = 3
_ELEMENT = r"\s*[^\s,()]+(?: [·+−×*] [^\s,()]+)*\s*"
#: Axes in brackets, as in (n, latents), (n,) or (2 · pairs, latents); or a scalar.
SHAPE = re.compile(rf"\({_ELEMENT},(?:{_ELEMENT},)*(?:{_ELEMENT})?\s*\)|\bscalar")
ARRAY = re.compile(r"ndarray|NDArray|\bTensor\b")


class Public(NamedTuple):
    """A class, function or method of a name without underscore."""

    where: str
    value: Any
    owner: type | None = None

    @property
    def own_docstring(self) -> str:
        return inspect.cleandoc(self.value.__doc__ or "")

    @property
    def docstring(self) -> str:
        """Its own; of a class with those that it extends, of a method else of what it overrides."""
        if not inspect.isclass(self.value):
            inherited = inspect.getdoc(getattr(self.owner, self.where.split(".")[-1], None))
            return inspect.getdoc(self.value) or inherited or ""
        return "\n\n".join(inspect.cleandoc(kind.__doc__ or "") for kind in list_own(self.value))

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Without ``self``; none of a class that is made as one of another library is."""
        if inspect.isclass(self.value) and not has_own_parameters(self.value):
            return {}
        parameters = inspect.signature(self.value).parameters
        return {name: one for name, one in parameters.items() if name not in ("self", "cls")}


def read_arguments(docstring: str) -> set[str]:
    """The names that stand under ``Args:``."""
    blocks = re.findall(r"^Args:\n((?: {4}.*\n?|\n)*)", docstring, re.M)
    return {name for block in blocks for name in re.findall(r"^ {4}(\w+):", block, re.M)}


def is_own(kind: type) -> bool:
    return kind.__module__.split(".")[0] in {module.split(".")[0] for module in list_modules()}


def list_own(kind: type) -> list[type]:
    """A class of the project and those of the project that it extends."""
    return [one for one in kind.__mro__ if is_own(one)]


def has_own_parameters(kind: type) -> bool:
    """Whether a class of the project says what its instances are made from."""
    fields = dataclasses.is_dataclass(kind) or {"_fields", "model_fields"} & set(dir(kind))
    return fields or any("__init__" in vars(one) for one in list_own(kind))


@cache
def list_modules() -> list[str]:
    """All modules of the library and of the scripts that lie in a package."""
    found = [
        *pkgutil.walk_packages(disentgen.__path__, "disentgen."),
        *pkgutil.walk_packages([str(SCRIPTS)]),
    ]
    return [
        module.name
        for module in found
        if not module.name.endswith("__main__") and (module.ispkg or "." in module.name)
    ]


def list_public() -> Iterator[Public]:
    for name in list_modules():
        module = importlib.import_module(name)
        for word, value in vars(module).items():
            if word.startswith("_") or getattr(value, "__module__", None) != name:
                continue
            if getattr(value, "__name__", None) != word:  # another name for it, or a lambda
                continue
            if inspect.isclass(value):
                yield Public(f"{name}.{word}", value)
                yield from list_methods(value)
            elif inspect.isfunction(inspect.unwrap(value)):
                yield Public(f"{name}.{word}", value)


def list_methods(owner: type) -> Iterator[Public]:
    fields = getattr(owner, "__dataclass_fields__", {})
    for word, value in vars(owner).items():
        if word.startswith("_") or word in fields:
            continue
        where = f"{owner.__module__}.{owner.__name__}.{word}"
        if isinstance(value, property):
            yield Public(where, value.fget, owner)
        elif hasattr(value, "func"):  # a cached property
            yield Public(where, value.func, owner)
        elif callable(value) or isinstance(value, classmethod | staticmethod):
            yield Public(where, getattr(owner, word), owner)


@pytest.fixture(scope="module")
def public() -> list[Public]:
    return list(list_public())


def test_there_are_public_names_of_library_and_scripts(public):
    names = {one.where for one in public}
    assert {
        "disentgen.training.run.train",
        "disentgen.dataset.split.Split.sample",
        "disentgen.runs.Run.model",
        "experiments.experiment.TrainingExperiment.run",
        "ingredients.model.model_ingredient",
    } <= names


def test_public_names_have_docstrings(public):
    assert not [one.where for one in public if not one.docstring]


def test_every_argument_of_three_or_more_is_documented(public):
    lacking = {
        one.where: set(one.parameters) - read_arguments(one.docstring)
        for one in public
        if len(one.parameters) >= DOCUMENTED
    }
    assert not {where: names for where, names in lacking.items() if names}


def test_documented_arguments_are_there(public):
    unknown = {one.where: read_arguments(one.own_docstring) - set(one.parameters) for one in public}
    assert not {where: names for where, names in unknown.items() if names}


def test_who_takes_or_gives_arrays_says_their_shapes(public):
    lacking = []
    for one in public:
        hints = [str(parameter.annotation) for parameter in one.parameters.values()]
        if not inspect.isclass(one.value):
            hints.append(str(inspect.signature(one.value).return_annotation))
        texts = [one.docstring, Public(one.where, one.owner).docstring if one.owner else ""]
        if ARRAY.search(" ".join(hints)) and not SHAPE.search(" ".join(texts)):
            lacking.append(one.where)
    assert not lacking


@pytest.mark.parametrize("text", ["(n,)", "(n, latents)", "(2 · pairs, 3)", "a scalar", "(…, 3)"])
def test_what_a_shape_looks_like(text):
    assert SHAPE.search(text)


@pytest.mark.parametrize("text", ["(Kim & Mnih 2018, section 4)", "(n)", "train()", "(a few, say)"])
def test_what_does_not_look_like_a_shape(text):
    assert not SHAPE.search(text)
