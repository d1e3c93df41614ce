"""The one check that the arrays of all metrics pass."""

import functools
import warnings
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from disentgen.errors import UsageError

P = ParamSpec("P")
Codes = NDArray[np.float64]
Classes = NDArray[Any]
#: Named parts: numbers, or arrays by latent, by factor or (latents, factors).
Result = dict[str, Any]

#: Of fewer images none can be held back.
FEWEST_IMAGES = 5
#: Beyond, floating point no longer holds every whole number.
LARGEST_QUANTITY = 2**53
#: A latent is alive if its standard deviation is at least so much of the largest one's.
ALIVE = 0.05
NUMBERS = {"integer", "floating", "mixed-integer-float", "boolean", "decimal"}
NAMES = {"string", "bytes"}


class UndefinedError(UsageError):
    """A metric that is not defined on some images: what they lack."""


def metric_of_arrays(
    quantities: bool = False,
) -> Callable[
    [Callable[Concatenate[Codes, Classes, P], Result]],
    Callable[Concatenate[ArrayLike, ArrayLike, P], Result],
]:
    """Decorate a metric of codes and classes: it gets checked arrays, its result says of how many.

    The decorated function accepts whatever numpy reads as codes (n, latents) and classes (n,
    factors): arrays, lists, tables, tensors on the CPU. Its result holds the number of ``images``,
    and a ``warning`` where there is one.

    Args:
        quantities: whether the metric reads classes as numbers that can be added. If not, only
            whether two of them are equal counts, and it gets them numbered 0 … k − 1.
    """

    def decorate(
        function: Callable[Concatenate[Codes, Classes, P], Result],
    ) -> Callable[Concatenate[ArrayLike, ArrayLike, P], Result]:
        @functools.wraps(function)
        def measure(
            codes: ArrayLike, classes: ArrayLike, *args: P.args, **kwargs: P.kwargs
        ) -> Result:
            checked = check_arrays(codes, classes, quantities)
            return describe_sample(*checked[0].shape) | function(*checked, *args, **kwargs)

        # mypy takes the arguments for named ones only.
        return cast("Callable[Concatenate[ArrayLike, ArrayLike, P], Result]", measure)

    return decorate


def describe_sample(images: int, latents: int) -> Result:
    """The parts of a result that say how many images it is of.

    Warns, and records the warning, where there are as many latents as images: then anything can be
    fitted.
    """
    if latents < max(images, 1):
        return {"images": images}
    warning = f"{latents} latents of {images} images: any score can come about by chance"
    warnings.warn(warning, stacklevel=3)
    return {"images": images, "warning": warning}


def check_arrays(
    codes: ArrayLike, classes: ArrayLike, quantities: bool = False
) -> tuple[Codes, Classes]:
    """Codes (n, latents) and classes (n, factors) of the same images, as metrics need them.

    Args:
        codes: finite numbers.
        classes: whole numbers of any size, or names where ``quantities`` is false.
        quantities: see :func:`metric_of_arrays`.

    Raises:
        UsageError: other shapes, fewer than five images, values that are not finite or no classes.
    """
    latents, factors = as_table("codes", codes, "latents"), as_table("classes", classes, "factors")
    check_lengths(latents.shape, factors.shape)
    columns = [check_column(column, i, quantities) for i, column in enumerate(factors.T)]
    return as_finite("codes", latents), np.column_stack(columns)


def check_codes(codes: ArrayLike, fewest: int = FEWEST_IMAGES) -> Codes:
    """Codes alone: finite numbers, (n, latents).

    Raises:
        UsageError: another shape, fewer images, values that are not finite.
    """
    table = as_table("codes", codes, "latents")
    if len(table) < fewest:
        raise UsageError(
            f"metrics need {fewest} or more images; codes (images, latents) given: {table.shape}."
        )
    return as_finite("codes", table)


def as_table(what: str, values: ArrayLike, columns: str) -> NDArray[Any]:
    """An array of two axes, neither of them empty.

    Args:
        what: the values are, for error messages.
        values: (images, n), in any form that numpy reads.
        columns: what the second axis is of, for error messages.

    Raises:
        UsageError: they are none.
    """
    try:
        table = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged; a tensor on another device
        raise UsageError(f"{what} cannot be read as an array: {str(error).splitlines()[0]}") from (
            error
        )
    if table.ndim != 2 or 0 in table.shape:
        raise UsageError(f"{what} must be of shape (images, {columns}); given: {table.shape}.")
    return table


def check_lengths(codes: tuple[int, ...], classes: tuple[int, ...]) -> None:
    """Codes and classes are of the same images, of which there are enough."""
    given = (
        f"codes must be (images, latents), classes (images, factors); given: {codes} and {classes}"
    )
    both = codes[1] == classes[1] >= max(FEWEST_IMAGES, codes[0] + 1, classes[0] + 1)
    transposed = {
        "both": both, "codes": codes[1] == classes[0], "classes": codes[0] == classes[1]
    }  # fmt: skip
    hint = next((f" Transposed: {which}?" for which, seems in transposed.items() if seems), "")
    if codes[0] != classes[0]:
        raise UsageError(f"{given}, of unequal numbers of images.{hint}")
    if codes[0] < FEWEST_IMAGES:
        raise UsageError(f"{given}, but metrics need {FEWEST_IMAGES} or more images.{hint}")
    if classes[1] > classes[0]:
        raise UsageError(f"{given}, with more factors than images.{hint}")


def as_finite(what: str, values: NDArray[Any]) -> NDArray[np.float64]:
    """Finite numbers, in double precision: (n, columns) or (n,) as they are given.

    Args:
        what: they are, for error messages.
        values: to be checked.

    Raises:
        UsageError: some are no numbers, or not finite.
    """
    if (kind := infer_kind(values)) not in NUMBERS:
        raise UsageError(f"{what} must be numbers; given: {values.flat[0]!r} ({kind}).")
    numbers = values.astype(np.float64)
    unknown = np.argwhere(~np.isfinite(numbers))
    if len(unknown):
        place = tuple(unknown[0].tolist())
        raise UsageError(
            f"{what} must be finite; {len(unknown):,} of {numbers.size:,} are not, "
            f"such as {numbers[place]} at {list(place)}."
        )
    return numbers


def check_column(column: NDArray[Any], factor: int, quantities: bool) -> Classes:
    """Classes of one factor: (n,) numbers where they are quantities, else 0 … k − 1.

    Args:
        column: (n,) whole numbers, or names.
        factor: its place, for error messages.
        quantities: see :func:`metric_of_arrays`.

    Raises:
        UsageError: other values, or names where quantities are needed.
    """
    what = f"classes of factor {factor}"
    if infer_kind(column) in NAMES:
        if quantities:
            raise UsageError(
                f"{what} are names, such as {str(column[0])!r}, but this metric reads them as "
                "quantities; it needs whole numbers."
            )
        return renumber(column)
    numbers = as_finite(what, column)
    broken = numbers[numbers != np.floor(numbers)]
    if len(broken):
        raise UsageError(f"{what} must be whole numbers; given: {broken[0]}.")
    if not quantities:
        return renumber(column)
    if np.abs(numbers).max() > LARGEST_QUANTITY:
        raise UsageError(f"{what} are read as quantities and must be at most 2^53 in size.")
    return numbers


def measure_spread(codes: Codes) -> NDArray[np.float64]:
    """Standard deviation of each of (n, latents), (latents,); exactly 0 of constants."""
    # The mean of a constant need not be that constant.
    return np.where(np.ptp(codes, axis=0) > 0, codes.std(axis=0), 0.0)


def find_alive(spread: NDArray[np.float64], share: float = ALIVE) -> NDArray[np.int64]:
    """The places of the latents that move: (alive,) of (latents,) standard deviations.

    Args:
        spread: standard deviation of each latent.
        share: of the largest one that a latent must reach.
    """
    return np.flatnonzero((spread > 0) & (spread >= share * spread.max()))


def renumber(column: NDArray[Any]) -> NDArray[np.int64]:
    """The place of each of (n,) classes among those that there are, in their order."""
    return np.unique(column, return_inverse=True)[1].astype(np.int64)


def infer_kind(values: NDArray[Any]) -> str:
    """The kind of values, (n,) or (n, columns), as pandas names it; ``mixed`` if there are two."""
    return pd.api.types.infer_dtype(values.ravel(), skipna=False)
