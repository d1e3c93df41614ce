"""Published files as memory-mapped arrays, which they are converted to once.

A genuine file is verified and converted to packed bits or bytes in the data folder, from which any
number of processes read. Python objects inside a file are never unpickled.
"""

import shutil
from pathlib import Path

import numpy as np
from filelock import FileLock

from disentgen.dataset.images import Images, MappedRows, Pixels, StoredImages, pack_bits
from disentgen.dataset.originals.conversions import (
    converted_shape,
    converted_size,
    find_array,
    identify_all,
    is_of,
    is_whole,
    locate_array,
    read_record,
    remember,
)
from disentgen.dataset.originals.progress import show_progress
from disentgen.dataset.originals.tables import convert_tables
from disentgen.dataset.originals.verify import check_labels, open_images, verify
from disentgen.dataset.spec import DatasetSpec
from disentgen.errors import DataFileError
from disentgen.paths import replaced_whole, sweep_temporaries


def open_original(spec: DatasetSpec, path: Path) -> Images:
    """The images of the published file, from its converted form.

    The first call verifies the file against its hash and converts it; processes that come
    meanwhile wait. Later calls only map the converted file, by whatever path the same file is
    reached; a copy of it is verified, and not converted again.

    Raises:
        DataFileError: the file is a stand-in, is damaged, or is not the published one.
    """
    try:
        array = find_array(spec, path) or _convert_once(spec, path)
        stored = StoredImages(MappedRows(array), spec.pixels_shape, spec.maximum)
    except DataFileError:
        raise
    except OSError as error:
        place = locate_array(spec, path).parent
        raise DataFileError(
            f"cannot convert {path} in {place}: {error.strerror or error}."
        ) from error
    published = spec.original.choose_form(path).hash
    return Images(
        spec.pixels_shape, spec.maximum, "original", stored, stored.rows.expect, published
    )


def _convert_once(spec: DatasetSpec, path: Path) -> Path:
    """Verify and convert a file unless another process does so meanwhile; record what it was."""
    array = locate_array(spec, path)
    array.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(array.with_suffix(".lock")):
        if made_meanwhile := find_array(spec, path):
            return made_meanwhile
        identity = identify_all(spec, path)
        verify(spec, path)
        # Without a hash, nothing shows that images from before are of this file.
        known = spec.original.choose_form(path).hash is not None
        if not (known and is_whole(spec, array) and is_of(spec, path, read_record(array))):
            sweep_temporaries(array.parent)
            # A record that outlives the images it is of would be taken for one of the new ones.
            array.with_suffix(".json").unlink(missing_ok=True)
            convert(spec, path, array)
        remember(spec, path, array, identity)
    return array


def convert(spec: DatasetSpec, path: Path, target: Path) -> None:
    """Write the images of a published file as a plain array that can be mapped.

    Binary images become packed bits (n, bytes), others bytes (n, height, width, channels). The
    target appears whole or not at all.

    Args:
        spec: what the file should hold.
        path: of the file.
        target: the ``.npy`` file to write.

    Raises:
        DataFileError: the file's layout, labels or pixels are not the dataset's, or the disk has
            no room.
    """
    check_room(target.parent, converted_size(spec))
    if spec.original.choose_form(path).columns:
        with replaced_whole(target) as temporary:
            convert_tables(spec, path, temporary)
        return
    check_labels(spec, path)
    with (
        replaced_whole(target) as temporary,
        temporary.open("wb") as file,
        open_images(spec, path) as images,
        show_progress(spec.grid.size, f"converting {path.name} (once)", " images") as bar,
    ):
        # Plain writing: pages of a mapping would count as memory of this process.
        header = {"descr": "|u1", "fortran_order": False}
        header |= {"shape": converted_shape(spec)}
        np.lib.format.write_array_header_1_0(file, header)
        for block in images.blocks:
            pixels = block.reshape(-1, *spec.pixels_shape)
            _check_brightness(spec, path, pixels)
            stored = pack_bits(pixels) if spec.maximum == 1 else pixels
            file.write(np.ascontiguousarray(stored).data)
            bar.update(len(pixels))


def _check_brightness(spec: DatasetSpec, path: Path, pixels: Pixels) -> None:
    if (brightest := pixels.max(initial=0)) > spec.maximum:
        key = spec.original.choose_form(path).key
        raise DataFileError(
            f"{path}: '{key}' holds {brightest}; pixels of {spec.title} are at most {spec.maximum}."
        )


def check_room(folder: Path, needed: int) -> None:
    """Check that a folder's disk has room for so many bytes.

    Raises:
        DataFileError: it has not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataFileError(
            f"{folder} has {free / 1e9:.1f} GB left; the converted images need {needed / 1e9:.1f}. "
            "DISENTGEN_DATA=<folder> chooses another data folder."
        )
