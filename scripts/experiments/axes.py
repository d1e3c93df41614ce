"""The words of a sweep: those that are given several times are axes of a grid."""

import itertools
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from disentgen.errors import UsageError
from disentgen.settings_files import READERS
from disentgen.studies.rows import Words
from disentgen.text import make_visible

#: The name of an axis of files of settings.
FILES = "settings file"
SEED = "seed"


@dataclass(frozen=True)
class Axis:
    """What is chosen in one of several ways.

    Args:
        name: a key, the section of a named configuration, or ``settings file``.
        points: the ways, each some words of a command line.
    """

    name: str
    points: tuple[Words, ...]


def read_axes(words: Sequence[str]) -> list[Axis]:
    """The axes of a grid, in the order in which they are first named.

    A word that holds several, as a pair of quotes makes it, is one point of its first one's axis.

    Args:
        words: that stand behind ``with``.

    Raises:
        UsageError: a key is on two axes, where one would hide the other.
    """
    points: dict[str, dict[Words, None]] = {}
    for word in words:
        if word.strip():
            point = split_point(word)
            points.setdefault(name_axis(point[0]), {})[point] = None
    axes = [Axis(name, tuple(ways)) for name, ways in points.items()]
    check_apart(axes)
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
    return is_key(part.partition("=")[0]) or part.endswith(tuple(READERS))


def is_key(name: str) -> bool:
    """Whether a name is that of a section, of something in it, or of a setting of the process."""
    from disentgen.training.sections import KEYS  # imports torch, which takes seconds

    return name.partition(".")[0] in KEYS


def name_axis(word: str) -> str:
    """The axis that a word is on: its key, or what its choice is of."""
    key, sign, _ = word.partition("=")
    if sign:
        return key.strip()
    return word.partition(".")[0] if is_key(word) else FILES


def check_apart(axes: Sequence[Axis]) -> None:
    """Check that no key is on two axes.

    Raises:
        UsageError: one is.
    """
    places: dict[str, str] = {}
    for axis in axes:
        for name in {name_axis(word) for point in axis.points for word in point}:
            if places.setdefault(name, axis.name) != axis.name:
                raise UsageError(
                    f"{make_visible(name)} is given by itself and within a point in quotes, so "
                    "that one would hide the other; give it in one of these ways."
                )


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
