"""Images of a dataset that are identical, pixel by pixel, though their factors differ.

A sprite looks the same at orientation 0 and 2π, for instance. A validation or held-out image that
is identical to a training image tests no generalisation, so results say how many there are.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from tqdm import tqdm

from disentgen.dataset.build import Dataset
from disentgen.dataset.images import Indices, Pixels, pack_bits
from disentgen.dataset.spec import DatasetSpec
from disentgen.dataset.split import SIDES, Split
from disentgen.errors import warn_on_failure
from disentgen.paths import data_folder, write_whole

#: Images that are hashed at a time.
_BLOCK = 1024
#: Images by which a changed renderer is noticed.
_SAMPLE = 512

FirstIndices = NDArray[np.int32]


def count_duplicates(split: Split, first: FirstIndices) -> dict[str, int]:
    """How many images of a side are identical to a training image, for all sides but that one.

    Training images are those of the side ``train``, for controls too.

    Args:
        split: the sides.
        first: (images,) of :func:`find_duplicates`.
    """
    trained = np.zeros(split.grid.size, dtype=bool)
    trained[first[split.mask("train")]] = True
    return {side: int(trained[first[split.mask(side)]].sum()) for side in SIDES if side != "train"}


def find_duplicates(dataset: Dataset) -> FirstIndices:
    """For each image of a dataset the smallest index of an image that is identical to it.

    All images are compared once, which takes seconds to minutes; the result is kept in the data
    folder, and made again where the images have changed. Processes that come meanwhile wait.

    Returns:
        (images,) indices; an image that is identical to no earlier one has its own, and so has a
        combination that is missing.
    """
    path, stamp, size = locate_duplicates(dataset), _stamp(dataset), dataset.spec.grid.size
    first = _load(path, stamp, size)
    if first is not None:
        return first
    with _hold(path) as held:
        first = _load(path, stamp, size)  # another process may have made it meanwhile
        if first is None:
            first = match_images(dataset)
            if held:
                with warn_on_failure(f"{path} is made every time"):
                    _save(path, stamp, first)
    return first


def locate_duplicates(dataset: Dataset) -> Path:
    """The file that :func:`find_duplicates` keeps."""
    words = (dataset.spec.name, dataset.spec.version, dataset.images.source, "duplicates")
    folder = data_folder() / "raw" / (dataset.spec.original.folder or dataset.spec.name)
    return folder / f"{'-'.join(filter(None, words))}.npz"


def list_images(spec: DatasetSpec) -> Indices:
    """The indices of all images that there are, (n,)."""
    return np.arange(spec.grid.size) if spec.present is None else np.flatnonzero(spec.present)


def match_images(dataset: Dataset) -> FirstIndices:
    """Compare all images of a dataset by their hashes, showing progress.

    Returns:
        (images,) indices, as of :func:`find_duplicates`.
    """
    there = list_images(dataset.spec)
    count = len(there)
    print(f"comparing the {count:,} images of {dataset.label} with each other (once)", flush=True)
    blocks = (there[start : start + _BLOCK] for start in range(0, count, _BLOCK))
    hashes, done = np.empty((count, 2), dtype=np.uint64), 0
    with tqdm(total=count, unit=" images", disable=None, leave=False) as bar:
        for indices in dataset.observe().announce(blocks):
            rows = hash_images(dataset.images(indices), dataset.images.maximum)
            hashes[done : done + len(rows)] = rows
            done += len(rows)
            bar.update(len(rows))
    first = np.arange(dataset.spec.grid.size, dtype=np.int32)
    first[there] = there[match_rows(hashes)]
    return first


def hash_images(pixels: Pixels, maximum: int) -> NDArray[np.uint64]:
    """128-bit hashes (BLAKE2b) of images, the same on every machine.

    Two of n different images share one with a probability below n²/2¹²⁹, for a million 10⁻²⁶: equal
    hashes mean equal images.

    Args:
        pixels: (n, height, width, channels).
        maximum: the value of a fully bright pixel; binary images are packed, which is faster.

    Returns:
        (n, 2), a hash in each row.
    """
    rows = pack_bits(pixels) if maximum == 1 else pixels.reshape(len(pixels), -1)
    digests = [hashlib.blake2b(row, digest_size=16).digest() for row in np.ascontiguousarray(rows)]
    return np.frombuffer(b"".join(digests), dtype="<u8").reshape(-1, 2)


def match_rows(rows: NDArray[np.uint64]) -> FirstIndices:
    """For each row of (n, 2) the smallest index of an equal row."""
    order = np.lexsort(rows.T)  # stable: equal rows stay in the order of their indices
    ordered = rows[order]
    starts = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    first = np.empty(len(rows), dtype=np.int32)
    first[order] = order[starts][np.cumsum(starts) - 1]
    return first


def _stamp(dataset: Dataset) -> str:
    """A hash of some of the images, by which others are noticed: another renderer, another file."""
    there = list_images(dataset.spec)
    count = min(_SAMPLE, len(there))
    sample = np.sort(np.random.default_rng(0).choice(there, count, replace=False))
    hashes = hash_images(dataset.images(sample), dataset.images.maximum)
    return hashlib.sha256(hashes.astype("<u8").tobytes()).hexdigest()


@contextmanager
def _hold(path: Path) -> Iterator[bool]:
    """Keep other processes from making a file meanwhile; False where it cannot be written."""
    lock = FileLock(path.with_suffix(".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        print(f"{path} cannot be written ({error.strerror}), so it is made every time.", flush=True)
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _save(path: Path, stamp: str, first: FirstIndices) -> None:
    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, first=first, stamp=np.array(stamp))

    write_whole(path, write)


def _load(path: Path, stamp: str, size: int) -> FirstIndices | None:
    """What a file holds of the same images; None where there is none, or a damaged one."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            current = str(kept["stamp"]) == stamp and kept["first"].shape == (size,)
            return kept["first"] if current else None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
