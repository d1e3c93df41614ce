"""Published files of small datasets, made here: for tests of what reads them."""

import zipfile
from dataclasses import replace
from math import prod

import h5py
import numpy as np

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.originals.archive import STAND_IN_MARK
from disentgen.dataset.originals.export import export_stand_in
from disentgen.dataset.originals.verify import compute_hash
from disentgen.dataset.spec import DatasetSpec, OriginalFile

#: More images than are read at a time, and small ones.
GRID = FactorGrid({"a": (1.0, 2.0, 3.0), "b": tuple(float(i) for i in range(2000))})
SIDE = 16


def render_noise(indices, maximum, channels):
    """Different for every index, and the same every time."""
    positions = np.arange(SIDE * SIDE * channels)
    mixed = (indices[:, None] * 7919 + positions * 104729 + indices[:, None] * positions) % 65521
    return (mixed % (maximum + 1)).astype(np.uint8).reshape(-1, SIDE, SIDE, channels)


def render_binary(indices):
    return render_noise(indices, 1, 1)


def render_colour(indices):
    return render_noise(indices, 255, 3)


def make_labels():
    return {"labels": GRID.classes(np.arange(GRID.size))}


def make_spec(maximum=1, channels=1, ending="npz"):
    return DatasetSpec(
        name="test",
        title="Test",
        grid=GRID,
        pixels_shape=(SIDE, SIDE, channels),
        maximum=maximum,
        variants={},
        original=OriginalFile(
            folder="test", names=(f"test.{ending}",), url=f"https://example.org/test.{ending}",
            hash="md5:0", licence="none", key="imgs", labels=make_labels,
        ),
        render=render_binary if maximum == 1 else render_colour,
    )  # fmt: skip


def as_original(spec, path):
    """Take the stand-in's mark off a file and its hash as the published one."""
    if path.suffix == ".npz":
        with zipfile.ZipFile(path, "a") as archive:
            archive.comment = b""
    else:
        mark = STAND_IN_MARK.encode()
        path.write_bytes(path.read_bytes().replace(mark, b"-" * len(mark)))
    digest = compute_hash(path, "md5")
    return replace(spec, original=replace(spec.original, hash=f"md5:{digest}"))


def write_archive(path, **arrays):
    if path.suffix == ".npz":
        np.savez(path, **arrays)
        return
    with h5py.File(path, "w") as archive:
        for key, array in arrays.items():
            archive[key] = array


def spoil(spec, path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


class Dots:
    """Binary images of any size, each with one dot; can be sent to other processes."""

    def __init__(self, *pixels_shape):
        self.pixels_shape = pixels_shape

    def __call__(self, indices):
        pixels = np.eye(prod(self.pixels_shape), dtype=np.uint8)
        return pixels[indices].reshape(-1, *self.pixels_shape)


def publish_dots(folder, *pixels_shape, ending="npz"):
    """A very small dataset whose published file is written into a folder: its spec and path."""
    grid = FactorGrid({"place": tuple(float(place) for place in range(prod(pixels_shape)))})
    original = replace(make_spec(ending=ending).original, labels=dict)
    spec = replace(
        make_spec(), grid=grid, pixels_shape=pixels_shape, original=original,
        render=Dots(*pixels_shape),
    )  # fmt: skip
    path = folder / "test" / original.names[0]
    path.parent.mkdir(parents=True)
    export_stand_in(spec, path)
    return as_original(spec, path), path
