"""An image file as the suite reads it, for measurements of reading: the stand-in's images in it."""

import os
from pathlib import Path

import numpy as np

from disentgen.dataset.images import pack_bits
from disentgen.dataset.originals.archive import BLOCK
from disentgen.dataset.originals.conversions import identify, locate_array, remember
from disentgen.dataset.originals.find import list_places
from disentgen.dataset.spec import find_spec


def write_image_file() -> None:
    """Put dSprites into the data folder, at full size and as if converted from the published file.

    The data folder must be a temporary one: what lies there passes for the published images.
    """
    spec = find_spec("dsprites", None)
    render, size = spec.require_renderer(), spec.grid.size
    blocks = (np.arange(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK))
    published = list_places(spec, None)[0]
    array = locate_array(spec, published)
    for path in (published, array):
        path.parent.mkdir(parents=True)
    published.touch()
    save(array, np.concatenate([pack_bits(render(block)) for block in blocks]))
    remember(spec, published, array, identify(published))


def save(path: Path, rows: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> None:
    """Save rows on the disk itself: what waits to be written cannot leave the system's memory.

    Args:
        path: of the ``.npy`` file.
        rows: an image each.
    """
    with path.open("wb") as file:
        np.save(file, rows)
        file.flush()
        os.fsync(file.fileno())
