"""Measurements of finished runs; each is a module of this package that exports ``MEASUREMENT``.

What is measured is kept in ``analysis/`` of the run's folder: plain data in ``metrics.json``,
arrays in ``.npz`` files of their own. :class:`~disentgen.analysis.measure.Measurements` recalls or
measures any of them by name.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from numpy.typing import NDArray

from disentgen.analysis.kept import has_numbers
from disentgen.analysis.metrics import IMAGES
from disentgen.dataset.grid import FactorGrid
from disentgen.registry import load_named
from disentgen.runs import Run

#: On which a mean over seeds and its interval are computed, so that they never leave the values'
#: range: above 0, below 0, in 0..1, mostly in 0..1, or of either sign.
Scale = Literal["log", "negative", "logit", "logit or plain", "plain"]
#: How many images of each side, of a run and the number that the user asked for, if any.
Limit = Callable[[Run, int | None], int]


class Measured(Protocol):
    """A run and all that is measured on it: :class:`~disentgen.analysis.measure.Measurements`."""

    run: Run

    def get(self, name: str, part: str | None = None, images: int | None = None) -> Any:
        """What is measured under a name, recalled or measured now.

        Args:
            name: of the measurement.
            part: of the measurement; by default all of them, by name.
            images: of each side, at most; by default the measurement's own number.
        """


def up_to(default: int) -> Limit:
    """As many images as the user asks for, else a number of the measurement's own."""
    return lambda run, asked: default if asked is None else asked


#: Of measurements that name no number of their own.
DEFAULT_LIMIT = up_to(IMAGES)


class Part(NamedTuple):
    """One result of a measurement, kept on its own.

    Args:
        key: that it is kept under: an entry of ``metrics.json``, or the start of a file's name.
        given: to the measurement's function, beside what is measured and the number of images.
        limit: how many images of each side it is measured on at most.
        revision: of the computation; what is kept of another one is measured anew.
    """

    key: str
    given: tuple[Any, ...] = ()
    limit: Limit = DEFAULT_LIMIT
    revision: int = 1


class Arrays(NamedTuple):
    """How a result is kept as arrays.

    Args:
        save: makes named arrays of a result, (images, …) each.
        load: makes the result of the run and the named arrays; of others, it raises a LookupError,
            TypeError or ValueError.
    """

    save: Callable[[Any], Mapping[str, NDArray[Any]]]
    load: Callable[[Run, Mapping[str, NDArray[Any]]], Any]


class Column(NamedTuple):
    """A column of the tables of runs and cells.

    Args:
        key: of the result that it is taken from.
        name: of a number in that result.
        scale: of its mean over seeds; None where there is no point in a mean.
    """

    key: str
    name: str
    scale: Scale | None = "plain"


def no_columns() -> dict[str, Column]:
    """Columns of a measurement that stands in no table."""
    return {}


@dataclass(frozen=True)
class Measurement:
    """Something that is measured on a finished run once, and kept beside it.

    Args:
        name: by which it is asked for; the key of its result where it has no parts.
        title: what people call it.
        measure: computes a result of a :class:`Measured`, the number of images of each side, and
            whatever else its part gives; plain data, or what ``arrays`` can save.
        applies: whether a run has it.
        limit: how many images of each side it is measured on at most.
        revision: of the computation; what is kept of another one is measured anew.
        parts: of a run, by name, where several results are kept apart; they have limits and
            revisions of their own.
        arrays: how results are kept as arrays; None for plain data.
        on_request: whether it is left out of what is measured unasked, since it takes long; it
            stands in tables where it was measured.
        columns: of tables, by their names. Results that columns are taken from hold named numbers
            or arrays, and ``images``, the number of images that they are of.
    """

    name: str
    title: str
    measure: Callable[..., Any]
    applies: Callable[[Run], bool] = lambda run: True
    limit: Limit = DEFAULT_LIMIT
    revision: int = 1
    parts: Callable[[Run], Mapping[str, Part]] | None = None
    arrays: Arrays | None = None
    columns: Callable[[], Mapping[str, Column]] = no_columns
    on_request: bool = False

    def list_parts(self, run: Run) -> Mapping[str, Part]:
        """The results of a run, by part; a measurement without parts is its own only one."""
        if self.parts is not None:
            return self.parts(run)
        return {self.name: Part(self.name, (), self.limit, self.revision)}

    def fits(self, key: str, result: Any) -> bool:
        """Whether a kept result has the shape of what is measured.

        Those that columns are taken from have numbers under their names, or None; others are rows.

        Args:
            key: that the result is kept under.
            result: as plain data.
        """
        names = [column.name for column in self.columns().values() if column.key == key]
        if not names:
            return isinstance(result, list)
        return has_numbers([name for name in names if name in result] or names, result)


def check_images(grid: FactorGrid, indices: NDArray[Any], *arrays: NDArray[Any]) -> None:
    """Check that kept arrays belong to images of a grid.

    Args:
        grid: that the images are of.
        indices: (n,) of the images.
        arrays: (n, …) of numbers each.

    Raises:
        ValueError: they do not.
    """
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise ValueError("there are no indices of images")
    if len(indices) and not 0 <= indices.min() <= indices.max() < math.prod(grid.sizes):
        raise ValueError("there are no such images")
    for array in arrays:
        if array.ndim == 0 or len(array) != len(indices) or array.dtype.kind not in "biuf":
            raise ValueError("there is not one row of numbers for each image")


def load_measurements() -> dict[str, Measurement]:
    """All measurements by name; one is there because a module of this package exports it."""
    return load_named(__name__, "MEASUREMENT")


def list_columns() -> dict[str, Column]:
    """The columns of all measurements, by name."""
    return {
        name: column
        for measurement in load_measurements().values()
        for name, column in measurement.columns().items()
    }
