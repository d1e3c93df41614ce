"""Families of splits: rules with parameters that say which combinations of a grid are held out.

A family is there because its module stands in this package and names it in ``FAMILIES``; the
keyword parameters of its function are what ``dataset.split_params`` can set.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.sides import Mask, Sides
from disentgen.registry import choose, load_named
from disentgen.schema import check

#: What the dataset gives, and a configuration cannot set.
_OF_THE_DATASET = ("grid", "within")


@dataclass(frozen=True)
class SplitFamily:
    """A family of splits.

    Args:
        name: the word for it in configurations.
        title: the name that people write.
        build: makes the sides of a grid: of the grid, of the combinations that there are (a mask
            over its images), and of the family's parameters by keyword.
        source: a text that names where it was published, or what it is made after; None for one
            that is of this project alone.
    """

    name: str
    title: str
    build: Callable[..., Sides]
    source: str | None = None


def split_families() -> dict[str, SplitFamily]:
    """All families of splits by name.

    Raises:
        UsageError: two have the same name.
    """
    return load_named(__name__, "FAMILIES")


def find_family(name: str) -> SplitFamily:
    """The family of that name.

    Raises:
        UsageError: there is none.
    """
    return choose("family of splits (dataset.split)", name, split_families())


def check_split_params(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a family, checked, with its defaults filled in.

    Args:
        name: of the family.
        params: those that differ from its defaults.

    Raises:
        UsageError: no such family, or it does not take these parameters.
    """
    family = find_family(name)
    return check("dataset.split_params", family.build, params, supplied=_OF_THE_DATASET)


def describe_rule(name: str, params: Mapping[str, Any]) -> str:
    """A family with its parameters in a line, as in ``coverage(p=0.1, seed=0)``.

    Args:
        name: of the family.
        params: all of its parameters.
    """
    return f"{name}({', '.join(f'{key}={value}' for key, value in params.items())})"


def build_sides(name: str, params: Mapping[str, Any], grid: FactorGrid, within: Mask) -> Sides:
    """The sides of a grid by a family's rule.

    Args:
        name: of the family.
        params: those of its parameters that differ from the defaults.
        grid: the factor grid.
        within: (images,) the combinations that there are.

    Raises:
        UsageError: no such family, or its parameters cannot be used on this grid.
    """
    checked = check_split_params(name, params)
    sides = find_family(name).build(grid=grid, within=within, **checked)
    if sides.words["held_out"] is not None:  # an expression says it better
        return sides
    words = {"held_out": describe_rule(name, checked), "held_in": None}
    return replace(sides, words=words)
