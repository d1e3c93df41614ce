"""Which files were shown to be published ones, and where their images are kept as plain arrays.

All that is written lies in the data folder, never beside a published file, which may be anybody's.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np

from disentgen.dataset.spec import DatasetSpec
from disentgen.paths import data_folder, write_whole

#: What a record says of a file by which it is known again.
Identity = Mapping[str, Any]

_FILES_KEPT = 32
_RECORD_BYTES = 1 << 20


def locate_array(spec: DatasetSpec, path: Path) -> Path:
    """Where the images of a published file are kept, wherever the file itself lies."""
    form = Path(spec.original.choose_form(path).names[0]).suffix.removeprefix(".")
    words = (spec.name, spec.version, form)
    return data_folder() / "converted" / "-".join(filter(None, words)) / "images.npy"


def find_array(spec: DatasetSpec, path: Path) -> Path | None:
    """The converted images of a file that was shown to be a published one; None if there are none.

    Nothing is written, and of the file itself only its size, time and place are looked at.
    """
    identity = identify_all(spec, path)
    for array in _list_arrays(spec, path):
        record = read_record(array)
        known = any(is_same(file, identity) for file in record["files"])
        if known and is_of(spec, path, record) and is_whole(spec, array):
            return array
    return None


def _list_arrays(spec: DatasetSpec, path: Path) -> Iterator[Path]:
    """Where converted images may be: in their place, or where earlier versions put them."""
    yield locate_array(spec, path)
    for folder in (path.parent, data_folder() / "raw" / spec.original.folder):
        yield folder / f"{path.stem}.converted.npy"


def identify(path: Path) -> Identity:
    """What a file is known by, as long as it stays the same, by whatever path it is reached."""
    status = path.stat()
    return {
        "path": os.path.realpath(path),
        "device": status.st_dev,
        "inode": status.st_ino,
        "size": status.st_size,
        "modified": status.st_mtime_ns,
    }


def list_parts(spec: DatasetSpec, path: Path) -> list[Path]:
    """All files that a published file is one of: itself, or the tables of one pattern."""
    form = spec.original.choose_form(path)
    patterns = [name for name in form.names if "*" in name and path.match(name)]
    return sorted(path.parent.glob(patterns[0])) if patterns else [path]


def identify_all(spec: DatasetSpec, path: Path) -> Identity:
    """What a published file is known by, together with those that belong to it."""
    parts = [identify(part) for part in list_parts(spec, path)]
    size = sum(part["size"] for part in parts)
    return {**parts[0], "size": size, "modified": max(part["modified"] for part in parts)}


def is_same(known: Identity, identity: Identity) -> bool:
    """Whether two identities are of one file that has not changed: at one path, or one inode."""
    if any(known.get(key) != identity[key] for key in ("size", "modified")):
        return False
    # Network file systems change their device number; earlier versions kept paths with links.
    same_inode = all(known.get(key) == identity[key] for key in ("device", "inode"))
    return same_inode or os.path.realpath(str(known.get("path"))) == identity["path"]


def is_of(spec: DatasetSpec, path: Path, record: Mapping[str, Any]) -> bool:
    """Whether converted images are of the file with the hash that is published now.

    Args:
        spec: of the dataset.
        path: of the file.
        record: of :func:`read_record`.
    """
    earlier = "path" in record  # kept no hash, and was written when the file had been verified
    return earlier or record.get("hash") == spec.original.choose_form(path).hash


def read_record(array: Path) -> dict[str, Any]:
    """What is kept beside converted images: a hash, if any, and ``files``.

    A record that is damaged, or not there, is one of no files.

    Args:
        array: the converted images.
    """
    path, record = array.with_suffix(".json"), None
    with contextlib.suppress(OSError, ValueError, RecursionError):
        if path.is_file():  # a pipe in its place would not end
            with path.open("rb") as file:
                record = json.loads(file.read(_RECORD_BYTES))
    if not isinstance(record, dict):
        return {"files": []}
    files = record.get("files", [record])  # earlier versions kept one file, and not its hash
    files = [file for file in files if isinstance(file, dict)] if isinstance(files, list) else []
    return {**record, "files": files}


def remember(spec: DatasetSpec, path: Path, array: Path, identity: Identity) -> None:
    """Record that a file was shown to be the published one, whose images are in an array.

    Args:
        spec: of the dataset.
        path: of the file.
        array: its converted images.
        identity: of the file before it was read.
    """
    record = read_record(array)
    files = record["files"] if is_of(spec, path, record) else []
    files = [file for file in files if not is_same(file, identity)]
    record = {
        "hash": spec.original.choose_form(path).hash,
        "files": [*files, identity][-_FILES_KEPT:],
    }
    text = json.dumps(record, indent=2) + "\n"
    write_whole(array.with_suffix(".json"), lambda file: file.write_text(text))


def is_whole(spec: DatasetSpec, array: Path) -> bool:
    """Whether a file holds all converted images of a dataset, by its header and its size."""
    if not array.is_file():
        return False
    try:
        with array.open("rb") as file:
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            size = file.tell() + converted_size(spec)
            whole = os.fstat(file.fileno()).st_size == size
    except (OSError, ValueError):
        return False
    return whole and dtype == np.uint8 and shape == converted_shape(spec)


def converted_shape(spec: DatasetSpec) -> tuple[int, ...]:
    """The shape of converted images: of binary ones whole bytes of bits each, or their pixels."""
    bits = ceil(prod(spec.pixels_shape) / 8)
    return (spec.grid.size, *((bits,) if spec.maximum == 1 else spec.pixels_shape))


def converted_size(spec: DatasetSpec) -> int:
    """Bytes of all images in their converted form."""
    return prod(converted_shape(spec))
