"""A user's own file as it is kept: images in the order of the grid, memory-mapped, and a hash.

The hash is of images and factors, not of the file: neither the order of its rows, nor its name,
nor how it is compressed changes it.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from disentgen.dataset.images import (
    Images,
    MappedRows,
    Pixels,
    StoredImages,
    pack_bits,
    place_present,
)
from disentgen.dataset.originals.archive import BLOCK
from disentgen.dataset.originals.conversions import identify, is_same, read_record, remember
from disentgen.dataset.originals.convert import check_room
from disentgen.dataset.originals.find import is_file
from disentgen.dataset.originals.formats import find_format
from disentgen.dataset.originals.progress import show_progress
from disentgen.dataset.own.layout import Layout, find_layout
from disentgen.dataset.own.pixels import PixelReader
from disentgen.dataset.own.request import Request
from disentgen.dataset.own.table import Table, read_table
from disentgen.dataset.spec import (
    KEPT_MASK,
    KEPT_SPEC,
    DatasetSpec,
    find_kept,
    load_kept,
    locate_kept,
)
from disentgen.errors import DataFileError
from disentgen.paths import data_folder, make_folder

_IMAGES = "images.npy"


def open_spec(request: Request) -> DatasetSpec:
    """The specification of a user's own file, which is read and kept if it was not before.

    Raises:
        DataFileError: the file is not there, is damaged, or holds no dataset.
        UsageError: its name ends as no format's does.
    """
    file = request.file
    format_of = find_format(file)
    if not is_file(file):
        raise DataFileError(f"there is no file {file}; dataset.file=… says where it is.")
    home = make_folder(data_folder() / "converted" / "own")
    identity = {**identify(file), "asked": request.asked}
    with FileLock(home / f"{request.name}.lock"):
        if (folder := _find_known(home, request, identity)) is None:
            layout = find_layout(request, format_of.list_arrays(file))
            folder = _keep(home, request, layout, read_table(file, layout))
            remember(load_kept(folder), file, folder / _IMAGES, identity)
    return load_kept(folder)


def open_kept(spec: DatasetSpec) -> Images:
    """The images of a user's own dataset."""
    assert spec.array is not None
    places = None if spec.present is None else place_present(spec.present)
    try:
        stored = StoredImages(MappedRows(spec.array), spec.pixels_shape, spec.maximum, places)
    except (OSError, ValueError) as error:
        raise DataFileError(
            f"{spec.array} is damaged ({error}); delete its folder, and the file is read anew."
        ) from None
    shape, maximum, digest = spec.pixels_shape, spec.maximum, spec.original.hash
    return Images(shape, maximum, "original", stored, stored.expect, digest, places)


def _find_known(home: Path, request: Request, identity: dict[str, Any]) -> Path | None:
    """Where the dataset of a file is kept that was read before, and has not changed since."""
    for folder in sorted(home.glob(f"{request.name}-*")):
        version = folder.name.removeprefix(f"{request.name}-")
        if find_kept(request.name, version) is None:
            continue
        for known in read_record(folder / _IMAGES)["files"]:
            if is_same(known, identity) and known.get("asked") == identity["asked"]:
                return folder
    return None


def _keep(home: Path, request: Request, layout: Layout, table: Table) -> Path:
    """Write images and factors of a file into a folder named by their hash."""
    check_room(home, layout.count * int(np.prod(layout.pixels_shape)))
    with tempfile.TemporaryDirectory(dir=home, prefix=f".{request.name}-") as place:
        new = Path(place) / "dataset"
        new.mkdir()
        reader = PixelReader(request.file, layout.images, layout.channels_first)
        _copy_images(request.file, layout, table, reader, new / _IMAGES)
        if reader.maximum == 1:
            _pack(new / _IMAGES)
        described = describe(layout, table, reader.maximum)
        digest = hash_dataset(described, table, new / _IMAGES)
        known = {"name": request.name, "version": digest[:12], "hash": f"sha256:{digest}",
                 "file": request.file.name, "images_key": layout.images,
                 "constant": table.constant}  # fmt: skip
        (new / KEPT_SPEC).write_text(json.dumps(known | described, indent=2) + "\n", "utf-8")
        np.save(new / KEPT_MASK, np.packbits(mask_present(table)))
        target = locate_kept(request.name, digest[:12])
        if find_kept(request.name, digest[:12]) is None:
            new.rename(target)
    return target


def _copy_images(
    file: Path, layout: Layout, table: Table, reader: PixelReader, target: Path
) -> None:
    """Write images as bytes in the order of the grid.

    Args:
        file: to read.
        layout: of it.
        table: of its factors.
        reader: makes bytes of its images.
        target: the ``.npy`` file to write.
    """
    ranks = np.empty(layout.count, dtype=np.int64)
    ranks[np.argsort(table.indices)] = np.arange(layout.count)
    shape = (layout.count, *layout.pixels_shape)
    rows = np.lib.format.open_memmap(target, "w+", np.uint8, shape)
    done = 0
    with (
        find_format(file).open_array(file, layout.images) as images,
        show_progress(layout.count, f"converting {file.name} (once)", " images") as bar,
    ):
        for block in images.blocks:
            if done + len(block) > layout.count:
                raise DataFileError(f"{file} has changed while it was read.")
            rows[ranks[done : done + len(block)]] = reader(block)
            done += len(block)
            bar.update(len(block))
    if done != layout.count:
        raise DataFileError(f"{file} is truncated: it has {done:,} of {layout.count:,} images.")
    rows.flush()


def _pack(target: Path) -> None:
    """Replace bytes of black and white images by bits."""
    rows = np.load(target, mmap_mode="r")
    packed = target.with_suffix(".bits")
    shape = (len(rows), -(-int(np.prod(rows.shape[1:])) // 8))
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with packed.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in _walk(rows):
            file.write(pack_bits(block).data)
    packed.replace(target)


def _walk(rows: Pixels) -> Iterator[Pixels]:
    for start in range(0, len(rows), BLOCK):
        yield np.asarray(rows[start : start + BLOCK])


def describe(layout: Layout, table: Table, maximum: int) -> dict[str, Any]:
    """What a dataset's hash is of beside its images, as plain data.

    Args:
        layout: of the file.
        table: of its factors.
        maximum: the value of a fully bright pixel as it is kept.
    """
    return {
        "factor_values": table.grid.factor_values,
        "value_names": table.grid.value_names,
        "pixels_shape": layout.pixels_shape,
        "maximum": maximum,
    }


def mask_present(table: Table) -> NDArray[np.bool_]:
    """(grid.size,) which combinations there are images of."""
    present = np.zeros(table.grid.size, dtype=bool)
    present[table.indices] = True
    return present


def hash_dataset(described: dict[str, Any], table: Table, images: Path) -> str:
    """SHA-256 of factors, combinations that there are, and images in the order of the grid.

    Args:
        described: of :func:`describe`.
        table: of the factors.
        images: the ``.npy`` file of them.
    """
    digest = hashlib.sha256(json.dumps(described).encode())
    digest.update(np.packbits(mask_present(table)).data)
    for block in _walk(np.load(images, mmap_mode="r")):
        digest.update(block.data)
    return digest.hexdigest()
