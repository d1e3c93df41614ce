"""Cars3D as it is published: an archive with a file for each car, and a list of their names.

Each file holds an array ``im`` of (128, 128, 3, azimuths, elevations), rescaled here to 64 × 64.
"""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np

from disentgen.dataset.images import Pixels
from disentgen.dataset.originals.archive import NUMBERS, Header, StoredArray, lacks_array, parsing
from disentgen.dataset.originals.archive import is_no_stand_in as is_stand_in
from disentgen.dataset.originals.archive import refuse_stand_in as write_stand_in
from disentgen.dataset.originals.resizing import resize
from disentgen.errors import DataFileError

__all__ = ["describe_array", "is_stand_in", "list_arrays", "open_array", "write_stand_in"]

_KIND = "the archive of Cars3D"
_KEY, _SIZE = "images", 64
_VIEWS = (24, 4)
#: Members and bytes of an archive, and bytes of a file in it, beyond which it is not this one.
_LARGEST_NUMBER, _LARGEST_SIZE, _LARGEST_MEMBER = 5_000, 4 << 30, 1 << 26


def describe_array(path: Path, key: str) -> tuple[tuple[int, ...], str]:
    """Shape and type of an array; see :func:`open_array`."""
    headers = list_arrays(path)
    if key not in headers:
        raise lacks_array(path, key, headers)
    return headers[key].shape, headers[key].dtype


def list_arrays(path: Path) -> dict[str, Header]:
    """The images, by name.

    Raises:
        DataFileError: the archive is damaged, or another one.
    """
    count = sum(1 for member, _ in _walk(path) if member.suffix == ".mat")
    shape = (count * _VIEWS[0] * _VIEWS[1], _SIZE, _SIZE, 3)
    return {_KEY: Header(shape, "u", "uint8")}


@contextmanager
def open_array(path: Path, key: str, kinds: str = NUMBERS) -> Iterator[StoredArray]:
    """The images, car by car in the order of the list, azimuth by azimuth, elevations fastest.

    Args:
        path: of the archive.
        key: ``images``.
        kinds: NumPy's letters of what it may hold.

    Raises:
        DataFileError: the archive is damaged, or another one.
    """
    header = list_arrays(path).get(key)
    if header is None:
        raise lacks_array(path, key, [_KEY])
    yield StoredArray(header.shape, np.dtype(np.uint8), _read_cars(path))


def _read_cars(path: Path) -> Iterator[Pixels]:
    """The images of each car, (views, height, width, 3); those of all are held for a while."""
    names: list[str] = []
    cars: dict[str, Pixels] = {}
    for member, content in _walk(path, reads=True):
        if member.name == "list.txt":
            names = content.decode("ascii", "replace").split()
        elif member.suffix == ".mat":
            cars[member.stem] = _read_car(path, member, content)
    if sorted(names) != sorted(cars):
        raise DataFileError(f"{path}: list.txt names other cars than there are.")
    for name in names:
        yield cars[name]


def _read_car(path: Path, member: PurePosixPath, content: bytes) -> Pixels:
    """The images of a car, (views, height, width, 3), elevations fastest."""
    from scipy.io import loadmat

    with parsing(path, _KIND):
        images = loadmat(io.BytesIO(content), variable_names=["im"])["im"]
        if images.shape[2:] != (3, *_VIEWS) or images.dtype != np.uint8:
            raise DataFileError(f"{path}: {member} holds {images.dtype} of shape {images.shape}.")
        views = np.moveaxis(images, (3, 4), (0, 1)).reshape(-1, *images.shape[:3])
        return resize(np.ascontiguousarray(views), _SIZE)


def _walk(path: Path, reads: bool = False) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The files of the archive's folder of cars, with their content if it is read."""
    size = 0
    with parsing(path, _KIND), tarfile.open(path, "r|gz") as archive:
        for number, member in enumerate(archive):
            size += member.size
            if number > _LARGEST_NUMBER or size > _LARGEST_SIZE:
                raise DataFileError(f"{path} is not {_KIND}: it is far larger.")
            name = PurePosixPath(member.name)
            if not member.isfile() or name.parent.name != "cars" or member.size > _LARGEST_MEMBER:
                continue
            file = archive.extractfile(member) if reads else None
            yield name, b"" if file is None else file.read()
