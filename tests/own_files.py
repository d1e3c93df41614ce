"""Files of somebody's own, made here: discs whose radius, column and row vary, with holes."""

import io

import h5py
import numpy as np

RADII, COLUMNS, ROWS = (2.0, 3.0, 4.5), tuple(range(10)), ("top", "middle", "low", "bottom")


def make_classes(count, sizes=(3, 10, 4), seed=0):
    """(count, 3) classes, each combination once at most, in no order; every value occurs."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1)
    kept = np.concatenate([[0, len(grid) - 1], rng.permutation(np.arange(1, len(grid) - 1))])
    return rng.permutation(grid[kept[:count]])


def draw_discs(classes, size=32):
    """(n, size, size) floats in 0..1: a disc with a soft edge."""
    y, x = np.mgrid[:size, :size]
    radius = size / 16 * (1 + classes[:, 0])[:, None, None]
    step = size / (2 + classes.max(axis=0))
    column, row = ((classes[:, i] + 1)[:, None, None] * step[i] for i in (1, 2))
    return np.clip(radius + 0.5 - np.hypot(x - column, y - row), 0, 1)


def make_arrays(classes, size=32):
    """Images as bytes, and an array for each factor."""
    return {
        "images": np.rint(255 * draw_discs(classes, size)).astype(np.uint8),
        "radius": np.array(RADII)[classes[:, 0] % 3] + classes[:, 0] // 3 * 10,
        "column": classes[:, 1],
        "row": np.array(ROWS)[classes[:, 2] % 4] if classes[:, 2].max() < 4 else classes[:, 2],
    }


def write_file(path, arrays):
    """Write arrays as npz or HDF5, or as a table of pictures as the Hugging Face hub has them."""
    if path.suffix == ".npz":
        np.savez_compressed(path, **arrays)
    elif path.suffix == ".parquet":
        write_parquet(path, arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                text = array.dtype.kind == "U"
                file[name] = [word.encode() for word in array] if text else array
    return path


def write_parquet(path, arrays, kind="PNG"):
    import pyarrow
    from pyarrow import parquet

    columns = {
        name: encode_pictures(array, kind) if array.ndim > 2 else pyarrow.array(array)
        for name, array in arrays.items()
    }
    parquet.write_table(pyarrow.table(columns), path, row_group_size=50)


def encode_pictures(images, kind="PNG"):
    import pyarrow
    from PIL import Image

    rows = []
    for image in images:
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, kind)
        rows.append({"bytes": stream.getvalue(), "path": None})
    fields = [("bytes", pyarrow.binary()), ("path", pyarrow.string())]
    return pyarrow.array(rows, pyarrow.struct(fields))
