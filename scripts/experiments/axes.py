"""The words of a sweep: those that are given several times are axes of a grid."""

import itertools
import shlex
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from disentgen.errors import UsageError
from disentgen.settings_files import READERS
from disentgen.studies.rows import Words
from disentgen.text import make_visible

SEED = "seed"


@dataclass(frozen=True)
class Axis:
    """What is given in one of several ways.

    Args:
        name: a key, the section of a choice, or a word that stands for itself in every cell.
        points: the ways, each some words of a command line.
    """

    name: str
    points: tuple[Words, ...]


def read_axes(words: Sequence[str], choices: Collection[str] = ()) -> list[Axis]:
    """The axes of a grid, in the order in which they are first named.

    A word that holds several, as a pair of quotes makes it, is one point of its first one's axis.
    Files of settings and named configurations that go with others are in every cell.

    Args:
        words: that stand behind ``with``.
        choices: named configurations of which a section has one.

    Raises:
        UsageError: a key would hide another, or an option stands among the words.
    """
    points: dict[str, dict[Words, None]] = {}
    for word in filter(str.strip, words):
        point = split_point(word)
        check_point(point, choices)
        points.setdefault(name_axis(point[0], choices), {})[point] = None
    axes = [Axis(name, tuple(ways)) for name, ways in points.items()]
    check_apart(axes, choices)
    return axes


def split_point(word: str) -> Words:
    """The words in a word: itself, unless it is made up of several settings and choices."""
    try:
        parts = tuple(shlex.split(word))
    except ValueError:  # a quote that is not closed belongs to a value
        parts = ()
    return parts if len(parts) > 1 and all(map(is_word, parts)) else (word,)


def is_word(part: str) -> bool:
    """Whether a text is a setting, a named configuration or a file of settings by itself."""
    from disentgen.training.sections import KEYS, SECTIONS  # imports torch, which takes seconds

    key, sign, _ = part.partition("=")
    section, dot, name = key.partition(".")
    if sign:
        return section in KEYS and all(one.isidentifier() for one in key.split("."))
    return part.lower().endswith(tuple(READERS)) or bool(dot and section in SECTIONS and name)


def name_axis(word: str, choices: Collection[str]) -> str:
    """The axis that a word is on: its key, or what its choice is of; else an axis of its own.

    Args:
        word: of a point.
        choices: see :func:`read_axes`.
    """
    key, sign, _ = word.partition("=")
    if sign:
        return key.strip()
    return word.partition(".")[0] if word in choices else word


def check_point(point: Words, choices: Collection[str]) -> None:
    """Check that no key stands twice in a point, and that none of its words is an option.

    Args:
        point: some words of a command line.
        choices: see :func:`read_axes`.

    Raises:
        UsageError: one does, or is.
    """
    if point[0].startswith("-"):
        raise UsageError(f"options stand before 'with': {make_visible(point[0])}")
    for name, count in Counter(name_axis(word, choices) for word in point).items():
        if count > 1:
            raise UsageError(
                f"'{make_visible(' '.join(point))}' is one point of a grid and gives "
                f"{make_visible(name)} {count} times; give it once, or take the quotes away."
            )


def check_apart(axes: Sequence[Axis], choices: Collection[str]) -> None:
    """Check that no key is on two axes.

    Args:
        axes: of a grid.
        choices: see :func:`read_axes`.

    Raises:
        UsageError: one is.
    """
    places: dict[str, str] = {}
    for axis in axes:
        for name in {name_axis(word, choices) for point in axis.points for word in point}:
            if places.setdefault(name, axis.name) != axis.name:
                raise UsageError(
                    f"{make_visible(name)} is given by itself and within a point in quotes, so "
                    "that one would hide the other; give it in one of these ways."
                )


def list_idle(axes: Sequence[Axis], names: Sequence[str]) -> list[str]:
    """Axes of several points along which cells stay the same.

    Args:
        axes: of a grid.
        names: of the cells, in the order of :func:`list_points`.
    """
    by_point = dict(zip(list_points(axes), names, strict=True))

    def is_idle(axis: Axis) -> bool:
        rest = [other for other in axes if other is not axis]
        along = [list_points([*rest, Axis(axis.name, (point,))]) for point in axis.points]
        at = {frozenset(point): name for point, name in by_point.items()}
        rows = [[at[frozenset(point)] for point in points] for points in along]
        return all(row == rows[0] for row in rows)

    return [axis.name for axis in axes if len(axis.points) > 1 and is_idle(axis)]


def list_points(axes: Sequence[Axis]) -> list[Words]:
    """All points of a grid, seed by seed, so that one of each kind is there first."""
    ordered = sorted(axes, key=lambda axis: axis.name != SEED)
    grid = itertools.product(*(axis.points for axis in ordered))
    # Words stand in the order in which they were given.
    places = [ordered.index(axis) for axis in axes]
    return [tuple(word for place in places for word in point[place]) for point in grid]


def describe_axes(axes: Sequence[Axis]) -> str:
    """The axes of more than one point and how many each has, such as ``beta (3) × seed (5)``."""
    long = [f"{axis.name} ({len(axis.points)})" for axis in axes if len(axis.points) > 1]
    return make_visible(" × ".join(long) or "one point")
