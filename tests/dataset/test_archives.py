"""Files that are no published ones, whatever they are: named in a line, soon, in little memory."""

import errno
import fcntl
import json
import lzma
import os
import tracemalloc
import zipfile
from dataclasses import replace

import h5py
import numpy as np
import pytest

from disentgen.dataset.build import choose_source, open_images
from disentgen.dataset.originals import hdf5, npz
from disentgen.dataset.originals.convert import open_original
from disentgen.dataset.originals.find import find_original
from disentgen.dataset.originals.verify import check_layout
from disentgen.dataset.spec import OriginalFile, load_specs
from disentgen.dataset.summary import list_datasets
from disentgen.errors import DataFileError, UsageError
from published import as_original, publish_dots

ALL = np.arange(45)


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def dots(tmp_path):
    return publish_dots(tmp_path / "raw", 5, 9, 1)


@pytest.fixture
def dots_h5(tmp_path):
    return publish_dots(tmp_path / "raw", 5, 9, 1, ending="h5")


def read_npz(path):
    with npz.open_array(path, "imgs") as array:
        return [block.sum() for block in array.blocks]


def patch(path, old, new):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


def damage_compressed_header(path):
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("imgs.npy").header_offset
    content = bytearray(path.read_bytes())
    content[start + 60 : start + 80] = b"\xff" * 20
    path.write_bytes(content)


def ask_for_another_zip(path):
    place = path.read_bytes().index(b"PK\x01\x02")
    content = bytearray(path.read_bytes())
    content[place + 6] = 255
    path.write_bytes(content)


def compress_by_lzma(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("imgs.npy", lzma.compress(b"0"))


def nest_header(path):
    header = b"(" * 9000
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("imgs.npy", member)


def cut_off(path):
    path.write_bytes(path.read_bytes()[:90])


@pytest.mark.parametrize(
    "damage",
    [damage_compressed_header, ask_for_another_zip, compress_by_lzma, nest_header, cut_off],
)
def test_damaged_npz_files_are_refused_in_a_line(dots, damage):
    spec, path = dots
    damage(path)
    for read in (read_npz, lambda path: check_layout(spec, path)):
        with pytest.raises(DataFileError, match=r"damaged|as no npz is") as caught:
            read(path)
        assert "\n" not in str(caught.value)
    assert not npz.is_stand_in(path)


def test_header_that_inflates_is_not_read_to_its_end(tmp_path):
    path, size = tmp_path / "a.npz", 1 << 26
    header = b"\x93NUMPY\x02\x00" + size.to_bytes(4, "little")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("imgs.npy", header + bytes(size))
    tracemalloc.start()
    with pytest.raises(DataFileError, match="damaged"):
        read_npz(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size / 16


def test_array_that_claims_terabytes_is_refused_by_its_shape(dots):
    spec, path = dots
    header = {"descr": "|u1", "fortran_order": False, "shape": (10**6, 10**4, 10**4)}
    with zipfile.ZipFile(path, "w") as archive, archive.open("imgs.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, header)
    with pytest.raises(DataFileError, match=r"uint8 of shape \(1000000, 10000, 10000\), expected"):
        check_layout(spec, path)


def test_names_of_arrays_stay_in_a_line(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, **{"a\n\x1b[31m": [1], "b" * 500: [1]}, **{f"c{i}": [1] for i in range(99)})
    with pytest.raises(DataFileError, match="and others") as caught:
        read_npz(path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_damaged_heap_of_an_hdf5_file(dots_h5):
    spec, path = dots_h5
    patch(path, b"HEAP", b"HEAX")
    with pytest.raises(DataFileError, match=r"damaged") as caught:
        open_original(spec, path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("probe", "message"),
    [("while True: pass", "reading it does not end"), ("import os; os.abort()", "fails on it")],
)
def test_hdf5_library_may_loop_or_crash(dots_h5, monkeypatch, probe, message):
    spec, path = dots_h5
    path.write_bytes(path.read_bytes() + b"more")
    monkeypatch.setattr(hdf5, "_PROBE", probe)
    monkeypatch.setattr(hdf5, "_PROBE_SECONDS", 0.3)
    with pytest.raises(DataFileError, match=message):
        open_original(spec, path)


def test_file_that_is_being_written_is_said_to_be_locked(dots_h5):
    spec, path = dots_h5
    with path.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        with pytest.raises(DataFileError, match="is locked: another process is writing it"):
            open_original(spec, path)
    assert np.array_equal(open_original(spec, path)(ALL), spec.render(ALL))


def test_missing_filter_is_named(dots_h5):
    spec, path = dots_h5
    with h5py.File(path, "w") as archive:
        archive.create_dataset(
            "imgs", (45, 5, 9), np.uint8, chunks=True, compression=32001, allow_unknown_filter=True
        )
    with pytest.raises(DataFileError, match=r"the HDF5 filter 32001 .*hdf5plugin"):
        check_layout(spec, path)


def test_arrays_in_other_files_and_giant_blocks_are_refused(dots_h5, tmp_path):
    spec, path = dots_h5
    with h5py.File(path, "w") as archive:
        other = [(str(tmp_path / "other"), 0, h5py.h5f.UNLIMITED)]
        archive.create_dataset("imgs", (45, 5, 9), np.uint8, external=other)
    with pytest.raises(DataFileError, match="lies in other files"):
        check_layout(spec, path)
    with h5py.File(path, "w") as archive:
        archive.create_dataset("imgs", (2**30,), np.uint8, chunks=(2**30,))
    with pytest.raises(DataFileError, match="is stored in blocks of"):
        check_layout(spec, path)


def test_file_that_cannot_be_read_is_not_called_damaged(dots, monkeypatch):
    spec, path = dots

    def refuse(*given):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(zipfile, "ZipFile", refuse)
    with pytest.raises(DataFileError, match=f"^cannot read {path}: Permission denied.$"):
        check_layout(spec, path)


def test_giant_is_refused_before_it_is_hashed(dots):
    spec, path = dots
    os.truncate(path, 1 << 42)
    with pytest.raises(DataFileError, match=r"has 4,398\.0 GB, and all images together take 0"):
        open_original(spec, path)


def test_pipes_in_place_of_converted_images_are_left_alone(dots):
    spec, path = dots
    for ending in (".converted.json", ".converted.npy"):
        os.mkfifo(path.with_suffix(ending))
    assert np.array_equal(open_original(spec, path)(ALL), spec.render(ALL))


def test_link_to_nowhere_and_what_is_no_file_are_named(dots, tmp_path):
    spec, path = dots
    path.unlink()
    root = str(path.parent)
    path.symlink_to(tmp_path / "unmounted.npz")
    with pytest.raises(DataFileError, match=r"is a link to .*unmounted\.npz, which is not there"):
        choose_source(spec, root, "auto")
    images, note = open_images(spec, root, "stand-in")
    assert (images.source, "is a link to" in note) == ("stand-in", True)
    path.unlink()
    path.mkdir()
    with pytest.raises(DataFileError, match="is a folder"):
        open_images(spec, root, "original")
    path.rmdir()
    path.symlink_to(path)
    with pytest.raises(DataFileError, match="Too many levels"):
        find_original(spec, root)


def test_list_goes_on_past_a_link_to_nowhere(tmp_path):
    (tmp_path / "3dshapes.h5").symlink_to("missing")
    lines = list_datasets(str(tmp_path)).splitlines()
    assert len(lines) == 1 + sum(map(len, load_specs().values()))
    assert [line for line in lines if "which is not there" in line]


def test_file_in_a_form_that_nobody_published_is_named(tmp_path):
    (spec,) = load_specs()["shapes3d"]
    near = tmp_path / "shapes3d" / "3dshapes.npz"
    near.parent.mkdir()
    near.touch()
    for source in ("auto", "stand-in"):
        assert f"({near} is not one of the" in open_images(spec, str(tmp_path), source)[1]
    with pytest.raises(DataFileError, match=f"{near} is not one of the published files"):
        open_images(spec, str(tmp_path), "original")


def test_second_published_form_gives_the_same_images(dots):
    spec, path = dots
    labels = ALL.reshape(45, 1).astype(float)
    second = OriginalFile(
        folder="test", names=("second.hdf5",), url="", hash="md5:0", licence="", key="pictures",
        labels=lambda: {"latents/values": labels},
    )  # fmt: skip
    other = path.with_name("second.hdf5")
    with h5py.File(other, "w") as archive:
        archive.create_dataset("pictures", data=spec.render(ALL).squeeze(), chunks=(23, 2, 4))
        archive["latents/values"] = labels
    digest = as_original(replace(spec, original=second), other).original.hash
    second = replace(second, hash=digest)
    both = replace(spec, original=replace(spec.original, others=(second,)))
    for file in (path, other):
        assert np.array_equal(open_original(both, file)(ALL), spec.render(ALL))
    assert open_original(both, other).hash == second.hash
    path.unlink()
    assert find_original(both, str(path.parent)) == other
    wrong = replace(second, labels=lambda: {"latents/values": labels[::-1]})
    wrong = replace(both, original=replace(both.original, others=(wrong,)))
    (path.parents[2] / "data" / "converted" / "test-hdf5" / "images.json").unlink()
    (path.parents[2] / "data" / "converted" / "test-hdf5" / "images.npy").unlink()
    with pytest.raises(DataFileError, match="'latents/values' does not list the factor grid"):
        open_original(wrong, other)


def test_dsprites_are_published_twice():
    (spec,) = load_specs()["dsprites"]
    _, second, _ = spec.original.forms
    assert second.names[0].endswith(".hdf5")
    assert set(second.labels()) == {"latents/classes", "latents/values"}
    assert json.dumps(second.hash) != json.dumps(spec.original.hash)


@pytest.mark.parametrize("root", ["a\0b", "x" * 300, "~nobody-of-that-name/data"])
def test_folders_that_cannot_be_are_refused(root):
    (spec,) = load_specs()["shapes3d"]
    with pytest.raises((DataFileError, UsageError), match="is no path: "):
        find_original(spec, root)
