"""Tables in Apache Parquet, whose images are compressed pictures; read a group of rows at a time.

Pictures are what the Hugging Face hub keeps: a column of bytes, or of a bytes and a path, of which
the path is never followed. The package pyarrow is optional.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.originals.archive import (
    LARGEST_COUNT,
    NUMBERS,
    Header,
    StoredArray,
    lacks_array,
    parsing,
)
from disentgen.dataset.originals.archive import is_no_stand_in as is_stand_in
from disentgen.dataset.originals.archive import refuse_stand_in as write_stand_in
from disentgen.errors import DataFileError

if TYPE_CHECKING:
    import pyarrow

__all__ = ["describe_array", "is_stand_in", "list_arrays", "open_array", "write_stand_in"]

_KIND = "a parquet file"
#: Rows that are decoded at a time.
_ROWS = 1024
_PICTURES = ("PNG", "JPEG")
#: How pictures are read: grey and colour as bytes, and black and white as truth values.
_MODES = ("1", "L", "RGB")
#: Of a picture: more pixels would be no image that a model could be trained on.
_LARGEST_PIXELS = 4096 * 4096


def describe_array(path: Path, key: str) -> tuple[tuple[int, ...], str]:
    """Shape and type of a column; see :func:`open_array`."""
    headers = list_arrays(path)
    if key not in headers:
        raise lacks_array(path, key, headers)
    return headers[key].shape, headers[key].dtype


def list_arrays(path: Path) -> dict[str, Header]:
    """All columns by name; one of pictures has the shape of the first.

    Raises:
        DataFileError: the file is damaged, or pyarrow is not installed.
    """
    table = _open(path)
    with table, parsing(path, _KIND):
        count, schema = table.metadata.num_rows, table.schema_arrow
        return {
            field.name: _describe(path, table, field, count)
            for field in list(schema)[:LARGEST_COUNT]
        }


def _describe(
    path: Path, table: "pyarrow.parquet.ParquetFile", field: "pyarrow.Field", count: int
) -> Header:
    """What a column holds.

    Args:
        path: of the file.
        table: that is open.
        field: of the column.
        count: of its rows.
    """
    if _holds_pictures(field.type):
        first = next(table.iter_batches(1, columns=[field.name]), None) if count else None
        if first is None:
            return Header((count,), "O", "pictures")
        picture = _decode(path, field.name, first.column(0)[0].as_py())
        return Header((count, *picture.shape), picture.dtype.kind, str(picture.dtype))
    return Header((count,), *_find_kind(field.type))


def _holds_pictures(of: "pyarrow.DataType") -> bool:
    """Whether a column's type is that of pictures: bytes, alone or beside their path."""
    from pyarrow import types

    if types.is_struct(of):
        return bool(of.get_field_index("bytes") >= 0)
    return bool(types.is_binary(of) or types.is_large_binary(of))


def _find_kind(of: "pyarrow.DataType") -> tuple[str, str]:
    """NumPy's letter and name for a column's type; ``O`` for what is neither numbers nor text."""
    from pyarrow import types

    if types.is_dictionary(of):
        of = of.value_type
    if types.is_string(of) or types.is_large_string(of):
        return "U", "text"
    if types.is_boolean(of) or types.is_integer(of) or types.is_floating(of):
        plain = np.dtype(of.to_pandas_dtype())
        return plain.kind, str(plain)
    return "O", str(of)


def _open(path: Path) -> "pyarrow.parquet.ParquetFile":
    """The open file.

    Raises:
        DataFileError: it is damaged, or pyarrow is not installed.
    """
    try:
        from pyarrow import parquet
    except ImportError:
        raise DataFileError(
            f"{path} is read by pyarrow, which is not installed: pip install "
            "'disent-and-gen[parquet]'."
        ) from None
    with parsing(path, _KIND):
        return parquet.ParquetFile(path, memory_map=False)


@contextmanager
def open_array(path: Path, key: str, kinds: str = NUMBERS) -> Iterator[StoredArray]:
    """A column as an array; pictures become (rows, height, width) or (rows, height, width, 3).

    Args:
        path: of the file.
        key: name of the column.
        kinds: NumPy's letters of what it may hold.

    Raises:
        DataFileError: the file is damaged, or has no such column of numbers or text.
    """
    headers = list_arrays(path)
    if key not in headers:
        raise lacks_array(path, key, headers)
    header = headers[key]
    if header.kind not in kinds:
        raise DataFileError(f"{path}: '{key}' ({header.dtype}) is not a column of plain numbers.")
    with _open(path) as table:
        dtype = np.dtype(str) if header.kind == "U" else np.dtype(header.dtype)
        yield StoredArray(header.shape, dtype, _read_blocks(path, table, key, header))


def _read_blocks(
    path: Path, table: "pyarrow.parquet.ParquetFile", key: str, header: Header
) -> Iterator[NDArray[Any]]:
    """The rows of a column, some at a time.

    Args:
        path: of the file.
        table: that is open.
        key: name of the column.
        header: what it holds.
    """
    batches = table.iter_batches(_ROWS, columns=[key])
    while True:
        with parsing(path, _KIND):
            batch = next(batches, None)
            if batch is None:
                return
            column = batch.column(0)
            if column.null_count:
                raise DataFileError(f"{path}: '{key}' has rows without a value.")
            rows = column.to_pylist() if header.shape[1:] else column.to_numpy(zero_copy_only=False)
        if not header.shape[1:]:
            yield np.array(rows.tolist(), dtype=str) if header.kind == "U" else rows
            continue
        pictures = [_decode(path, key, row) for row in rows]
        if any(picture.shape != header.shape[1:] for picture in pictures):
            shapes = sorted({picture.shape for picture in pictures})
            raise DataFileError(f"{path}: pictures of '{key}' have several shapes, {shapes[:3]}.")
        yield np.stack(pictures)


def _decode(path: Path, key: str, given: Any) -> NDArray[Any]:
    """A picture as an array of bytes or truth values: (height, width) or (height, width, 3).

    Raises:
        DataFileError: it is none, or another kind than those that are read.
    """
    from PIL import Image

    data = given.get("bytes") if isinstance(given, Mapping) else given
    if not isinstance(data, bytes):
        raise DataFileError(f"{path}: '{key}' has pictures that are not in the file itself.")
    with parsing(path, "a table of pictures"):
        picture = Image.open(io.BytesIO(data), formats=_PICTURES)
        if picture.width * picture.height > _LARGEST_PIXELS:
            raise DataFileError(f"{path}: '{key}' has a picture of {picture.size} pixels.")
        if picture.mode not in _MODES:
            raise DataFileError(
                f"{path}: pictures of '{key}' are of mode {picture.mode}; expected grey (L), "
                "black and white (1) or colour (RGB)."
            )
        return np.asarray(picture)
