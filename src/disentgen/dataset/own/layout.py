"""Which arrays of a user's file are images and factors, by their names, shapes and types."""

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from disentgen.dataset.images import PixelsShape
from disentgen.dataset.originals.archive import NUMBERS, TEXT, Header
from disentgen.dataset.own.request import Request
from disentgen.errors import DataFileError
from disentgen.text import join_lines

_CHANNELS = (1, 3)
#: Of an image: more in a row or column is no image that a model could be trained on.
_LARGEST = 4096
_SHOWN = 8
Headers = Mapping[str, Header]


@dataclass(frozen=True)
class Column:
    """Where the values of a factor are.

    Args:
        name: of the factor.
        key: of the array.
        number: of its column; None where the array has no others.
    """

    name: str
    key: str
    number: int | None = None


@dataclass(frozen=True)
class Layout:
    """Where images and factors are in a file.

    Args:
        images: name of the array.
        count: of the images.
        pixels_shape: height, width, channels.
        channels_first: whether the file has the channels before height and width.
        columns: of the factors, in their order on the grid.
    """

    images: str
    count: int
    pixels_shape: PixelsShape
    channels_first: bool
    columns: tuple[Column, ...]


def find_layout(request: Request, headers: Headers) -> Layout:
    """Find images and factors among the arrays of a file.

    Args:
        request: what was asked for.
        headers: of all arrays, by name.

    Raises:
        DataFileError: an array is not there or cannot be what it was named for, or the file leaves
            a doubt that no setting answers.
    """
    images = _choose_images(request, headers)
    header = headers[images]
    shape, first = _read_shape(request.file, images, header)
    columns = _find_columns(request, headers, images)
    return Layout(images, header.shape[0], shape, first, _check_names(request.file, columns))


def _choose_images(request: Request, headers: Headers) -> str:
    """The name of the array of images."""
    if request.images_key is not None:
        return _require(request.file, headers, request.images_key, "images_key")
    candidates = [name for name, header in headers.items() if len(header.shape) in (3, 4)]
    if len(candidates) != 1:
        what = (
            f"{len(candidates)} arrays that could be images" if candidates else "no array of images"
        )
        raise DataFileError(
            f"{request.file} has {what}, (images, height, width) or with channels; say which by "
            f"dataset.images_key. It has {list_headers(headers)}."
        )
    return candidates[0]


def _require(file: Path, headers: Headers, key: str, setting: str) -> str:
    if key not in headers:
        raise DataFileError(
            f"{file} has no array '{join_lines(key, 40)}' (dataset.{setting}); it has "
            f"{list_headers(headers)}."
        )
    return key


def list_headers(headers: Headers) -> str:
    """Some arrays of a file with their types and shapes, in words."""
    words = [
        f"{join_lines(name, 40)} ({header.dtype} {'×'.join(map(str, header.shape)) or 'alone'})"
        for name, header in islice(headers.items(), _SHOWN)
    ]
    return (", ".join(words) or "nothing") + (" and others" if len(headers) > _SHOWN else "")


def _read_shape(file: Path, key: str, header: Header) -> tuple[PixelsShape, bool]:
    """Height, width and channels of images, and whether the channels come first."""
    _refuse_objects(file, key, header)
    if header.kind not in NUMBERS or len(header.shape) not in (3, 4) or 0 in header.shape:
        shape = "×".join(map(str, header.shape))
        raise DataFileError(f"{file}: '{key}' ({header.dtype} {shape}) is no array of images.")
    sides = (*header.shape[1:], 1) if len(header.shape) == 3 else header.shape[1:]
    first = sides[2] not in _CHANNELS
    channels, (height, width) = (sides[0], sides[1:]) if first else (sides[2], sides[:2])
    if channels not in _CHANNELS or max(height, width) > _LARGEST:
        raise DataFileError(
            f"{file}: '{key}' has images of {'×'.join(map(str, header.shape[1:]))}; expected "
            f"height × width, at most {_LARGEST:,} each, with 1 or 3 channels after or before them."
        )
    return (height, width, channels), first


def _refuse_objects(file: Path, key: str, header: Header) -> None:
    if header.kind == "O":
        raise DataFileError(
            f"{file}: '{key}' holds Python objects, which are never read; save it as an array of "
            "numbers or of text."
        )


def _find_columns(request: Request, headers: Headers, images: str) -> tuple[Column, ...]:
    """The columns of all factors."""
    file, count = request.file, headers[images].shape[0]
    keys = request.factor_keys
    if keys is None:
        keys = _choose_factors(request, headers, images)
    for key in keys:
        header = headers[_require(file, headers, key, "factor_keys")]
        _refuse_objects(file, key, header)
        if header.kind not in NUMBERS + TEXT or header.shape[:1] != (count,):
            raise DataFileError(
                f"{file}: '{key}' ({header.dtype} {'×'.join(map(str, header.shape))}) has no "
                f"number or text for each of the {count:,} images."
            )
    shapes = [headers[key].shape for key in keys]
    if len(keys) == 1 and len(shapes[0]) == 2:
        return _name_columns(request, keys[0], shapes[0][1])
    if any(len(shape) != 1 for shape in shapes):
        raise DataFileError(
            f"{file}: dataset.factor_keys={','.join(keys)} mixes arrays of one factor with others; "
            "give an array for each factor, or a single one with a column for each."
        )
    names = request.factor_names or keys
    _check_count(request, names, len(keys))
    return tuple(Column(name, key) for name, key in zip(names, keys, strict=True))


def _choose_factors(request: Request, headers: Headers, images: str) -> tuple[str, ...]:
    """The arrays of factors where none is named: one for each factor, or a single table."""
    count = headers[images].shape[0]
    beside = {name: of for name, of in headers.items() if name != images and of.shape}
    fitting = {name: of for name, of in beside.items() if of.shape[0] == count}
    single = tuple(name for name, of in fitting.items() if len(of.shape) == 1)
    tables = tuple(name for name, of in fitting.items() if len(of.shape) == 2)
    if bool(single) == bool(tables) or len(tables) > 1:
        what = "several arrays that could be factors" if fitting else "no array of factors"
        raise DataFileError(
            f"{request.file} has {what} of its {count:,} images; say which by dataset.factor_keys. "
            f"It has {list_headers(headers)}."
        )
    return single or tables


def _name_columns(request: Request, key: str, number: int) -> tuple[Column, ...]:
    """The columns of a table, which the user has named."""
    if request.factor_names is None:
        raise DataFileError(
            f"{request.file}: '{key}' has {number} columns; name them by dataset.factor_names, as "
            f"in {','.join(('shape', 'size', 'hue', '…')[: max(2, min(number, 4))])}."
        )
    _check_count(request, request.factor_names, number)
    return tuple(Column(name, key, place) for place, name in enumerate(request.factor_names))


def _check_count(request: Request, names: tuple[str, ...], number: int) -> None:
    if len(names) != number:
        raise DataFileError(
            f"{request.file} has {number} factors, and dataset.factor_names has {len(names)}: "
            f"{', '.join(names)}."
        )


def _check_names(file: Path, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns with names that expressions can hold.

    Raises:
        DataFileError: two of them would be called the same.
    """
    named = tuple(Column(_as_word(of.name), of.key, of.number) for of in columns)
    for place, column in enumerate(named):
        same = [columns[i].name for i in range(place) if named[i].name == column.name]
        if same:
            raise DataFileError(
                f"{file}: '{same[0]}' and '{columns[place].name}' would both be the factor "
                f"{column.name}; give dataset.factor_names."
            )
    return named


def _as_word(name: str) -> str:
    """A name as expressions can hold it, such as ``object_hue`` of ``object hue``."""
    word = re.sub(r"\W+", "_", name).strip("_") or "factor"
    reserved = keyword.iskeyword(word) or word == "pi"
    return f"factor_{word}" if word[0].isdigit() else f"{word}_" if reserved else word
