"""Copies of published images in parquet tables, as they lie on the Hugging Face hub."""

import os
import sys
from dataclasses import replace

import numpy as np
import pytest

from disentgen.dataset.build import open_images
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.originals.find import find_original
from disentgen.dataset.spec import DatasetSpec, OriginalFile, find_spec
from disentgen.errors import DataFileError
from own_files import write_file, write_parquet
from published import as_original, render_noise, write_archive

GRID = FactorGrid({"a": (1.0, 2.0, 3.0), "b": tuple(np.linspace(0, 1, 5).tolist())})
COUNT = GRID.size


def make_spec(maximum):
    tables = OriginalFile(
        "test", ("train-*.parquet",), "image",
        columns={name: (f"label_{name}", f"value_{name}") for name in GRID.names},
    )  # fmt: skip
    genuine = OriginalFile("test", ("test.npz",), "imgs", hash="md5:0", others=(tables,))
    return DatasetSpec(
        "test", "Test", GRID, (16, 16, 1 if maximum == 1 else 3), maximum, {}, genuine,
        lambda indices: render_noise(indices, maximum, 1 if maximum == 1 else 3),
        source="Nobody 2000",
    )  # fmt: skip


def make_columns(spec, order, white=255):
    images = spec.render(order)
    classes, values = GRID.classes(order), GRID.values(order).astype(np.float32)
    columns = {"image": images[..., 0] * white if spec.maximum == 1 else images}
    for number, name in enumerate(GRID.names):
        columns |= {f"label_{name}": classes[:, number], f"value_{name}": values[:, number]}
    return columns


def write_tables(folder, columns, parts):
    folder.mkdir(parents=True, exist_ok=True)
    for number, rows in enumerate(np.array_split(np.arange(len(columns["label_a"])), parts)):
        name = f"train-{number:05}-of-{parts:05}.parquet"
        write_file(folder / name, {key: column[rows] for key, column in columns.items()})


@pytest.fixture
def raw(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))
    return tmp_path / "raw"


@pytest.fixture
def order():
    pytest.importorskip("pyarrow")
    return np.random.default_rng(0).permutation(COUNT)


@pytest.mark.parametrize(("maximum", "white"), [(1, 1), (1, 255), (255, None)])
def test_rows_of_several_tables_in_any_order_become_the_grid(raw, order, maximum, white):
    spec = make_spec(maximum)
    write_tables(raw / "test", make_columns(spec, order, white), parts=4)
    images, note = open_images(spec, None, "auto")
    assert images.source == "original" and images.hash is None
    assert "a copy (known by its factors, not by a hash) of Test" in note
    everything = np.arange(COUNT)
    assert np.array_equal(images(everything), spec.render(everything))
    # From now on it is mapped, until one of the files changes.
    columns = make_columns(spec, order, white)
    columns["image"][-1] = columns["image"][-2]
    first, *_ = sorted((raw / "test").iterdir())
    kept = first.read_bytes(), first.stat()
    write_tables(raw / "test", columns, parts=4)
    first.write_bytes(kept[0])
    for path in (raw / "test").iterdir():
        os.utime(path, ns=(kept[1].st_atime_ns, kept[1].st_mtime_ns))
    images, _ = open_images(spec, None, "auto")
    assert np.array_equal(*images(order[-2:]))


def test_a_file_with_a_hash_goes_before_a_copy(raw, order):
    spec = make_spec(1)
    write_tables(raw / "test", make_columns(spec, order), parts=1)
    path = raw / "test" / "test.npz"
    write_archive(path, imgs=spec.render(np.arange(COUNT))[..., 0])
    images, _ = open_images(as_original(spec, path), None, "auto")
    assert images.hash.startswith("md5:")


def spoil_missing_row(columns):
    return {key: column[1:] for key, column in columns.items()}


def spoil_same_row(columns):
    return {key: np.concatenate([column[:1], column[:-1]]) for key, column in columns.items()}


def spoil_value(columns):
    return {**columns, "value_b": columns["value_b"] + 0.01}


def spoil_class(columns):
    return {**columns, "label_a": columns["label_a"] + 1}


def spoil_column(columns):
    return {("b" if key == "label_b" else key): column for key, column in columns.items()}


def spoil_shape(columns):
    return {**columns, "image": columns["image"][:, :8]}


def spoil_grey(columns):
    return {**columns, "image": columns["image"] // 2 + np.arange(16, dtype=np.uint8)}


@pytest.mark.parametrize(("spoil", "message"), [
    (spoil_missing_row, "14 images in tables, expected all 15"),
    (spoil_same_row, "15 images of 14 combinations, expected each of 15"),
    (spoil_value, "'value_b' has not the values of Test"),
    (spoil_class, "classes that Test has not"),
    (spoil_column, "no column 'label_b', only image, label_a"),
    (spoil_shape, r"images of \(8, 16\), expected \(16, 16\)"),
    (spoil_grey, "not black and white"),
])  # fmt: skip
def test_tables_of_other_images_are_refused(raw, order, spoil, message):
    spec = make_spec(1)
    write_tables(raw / "test", spoil(make_columns(spec, order)), parts=2)
    with pytest.raises(DataFileError, match=message) as caught:
        open_images(spec, None, "auto")
    assert "\n" not in str(caught.value)


def test_without_pyarrow_a_line_says_what_to_install(raw, tmp_path, monkeypatch):
    path = raw / "test" / "train-00000-of-00001.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataFileError, match=r"pip install 'disent-and-gen\[parquet\]'"):
        open_images(make_spec(1), None, "auto")


def test_damaged_tables_are_named(raw, order):
    path = raw / "test" / "train-00000-of-00001.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR1" + bytes(100))
    with pytest.raises(DataFileError, match="truncated, damaged or not a parquet file"):
        open_images(make_spec(1), None, "auto")


def test_pictures_of_other_kinds_and_outside_the_file_are_refused(raw, order):
    import pyarrow
    from pyarrow import parquet

    spec = make_spec(255)
    columns = make_columns(spec, order)
    path = raw / "test" / "train-00000-of-00001.parquet"
    path.parent.mkdir(parents=True)
    grey_alpha = np.concatenate([columns["image"][..., :1]] * 2, axis=-1)
    write_parquet(path, {**columns, "image": grey_alpha})
    with pytest.raises(DataFileError, match="of mode LA; expected grey"):
        open_images(spec, None, "auto")
    kept = {key: pyarrow.array(column) for key, column in columns.items() if key != "image"}
    fields = [("bytes", pyarrow.binary()), ("path", pyarrow.string())]
    outside = [{"bytes": None, "path": "/etc/passwd"}] * COUNT
    kept["image"] = pyarrow.array(outside, pyarrow.struct(fields))
    parquet.write_table(pyarrow.table(kept), path)
    with pytest.raises(DataFileError, match="pictures that are not in the file itself"):
        open_images(spec, None, "auto")


@pytest.mark.parametrize(("name", "columns"), [
    ("dsprites", ["label_shape", "label_scale", "label_orientation", "label_x_position",
                  "label_y_position"]),
    ("shapes3d", ["label_floor_hue", "label_wall_hue", "label_object_hue", "label_scale",
                  "label_shape", "label_orientation"]),
])  # fmt: skip
def test_published_copies_are_recognised_in_the_datasets_folder(raw, name, columns):
    spec = find_spec(name)
    table = spec.original.forms[-1]
    assert [table.columns[factor][0] for factor in spec.grid.names] == columns
    path = raw / name / "train-00000-of-00004.parquet"
    path.parent.mkdir(parents=True)
    path.touch()
    assert find_original(spec, None) == path
    path.rename(raw / path.name)  # whose it is, nothing shows
    assert find_original(spec, None) is None
    assert replace(spec).original.choose_form(path) is table
