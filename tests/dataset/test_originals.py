"""Published files, on a small dataset of the same kind; the full size is tested as slow."""

import multiprocessing
import os
import shutil
import signal
import time
from dataclasses import replace
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from disentgen.dataset.build import build_dataset
from disentgen.dataset.originals.conversions import locate_array
from disentgen.dataset.originals.convert import open_original
from disentgen.dataset.originals.export import export_stand_in
from disentgen.dataset.originals.formats import find_format
from disentgen.dataset.spec import load_specs
from disentgen.errors import DataFileError, UsageError
from published import GRID, SIDE, as_original, make_labels, make_spec, spoil, write_archive


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """A data folder of the test's own, where converted images are kept."""
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


KINDS = {"binary-npz": (1, 1, "npz"), "colour-npz": (255, 3, "npz"), "colour-h5": (255, 3, "h5")}


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def exported(request, tmp_path_factory):
    """A small dataset and its exported stand-in, passed off as the published file."""
    spec = make_spec(*request.param)
    path = tmp_path_factory.mktemp("raw") / spec.original.names[0]
    export_stand_in(spec, path)
    return as_original(spec, path), path


@pytest.fixture
def original(exported, tmp_path):
    """A copy of that file that a test may damage."""
    spec, path = exported
    copy = tmp_path / "test" / path.name
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    return spec, copy


def test_export_has_the_published_keys_types_and_order(exported):
    spec, path = exported
    if path.suffix == ".npz":
        with np.load(path) as archive:
            arrays = dict(archive)
    else:
        with h5py.File(path) as archive:
            arrays = {key: value[()] for key, value in archive.items()}
    assert set(arrays) == {"imgs", "labels"}
    assert arrays["imgs"].dtype == np.uint8
    assert np.array_equal(arrays["imgs"], spec.render(np.arange(GRID.size)).squeeze())
    assert np.array_equal(arrays["labels"], GRID.classes(np.arange(GRID.size)))


def test_published_file_gives_its_images_bit_by_bit(original):
    spec, path = original
    images = open_original(spec, path)
    indices = np.random.default_rng(0).permutation(GRID.size)[:1000]
    assert images.source == "original"
    assert np.array_equal(images(indices), spec.render(indices))


def test_converted_file_is_used_again(original):
    spec, path = original
    open_original(spec, path)
    converted = locate_array(spec, path)
    made = converted.stat().st_mtime_ns
    open_original(spec, path)
    assert converted.stat().st_mtime_ns == made


@pytest.mark.parametrize("ending", ["npz", "h5"])
def test_stand_in_is_never_taken_for_the_original(tmp_path, ending):
    spec = make_spec(ending=ending)
    path = tmp_path / f"test.{ending}"
    export_stand_in(spec, path)
    with pytest.raises(DataFileError, match="stand-in"):
        open_original(spec, path)


def test_export_to_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"expected a name that ends in \.npz"):
        export_stand_in(make_spec(), tmp_path / "test.tar")
    assert not list(tmp_path.iterdir())


def test_dataset_without_a_stand_in_needs_its_file(exported, monkeypatch):
    spec, path = exported
    bare = replace(spec, render=None)
    monkeypatch.setattr("disentgen.dataset.own.choose.find_spec", lambda name, version: bare)
    assert build_dataset("test", root=str(path.parent)).images.source == "original"
    with pytest.raises(DataFileError, match=r"\(md5:[0-9a-f]+\)\.$"):
        build_dataset("test", root=str(path.parent / "empty"))
    with pytest.raises(UsageError, match="Test has no stand-in"):
        build_dataset("test", root=str(path.parent), source="stand-in")


def test_hdf5_blocks_that_span_many_images_are_read_in_order(tmp_path):
    spec = make_spec(255, 3, "h5")
    path = tmp_path / "test.h5"
    pictures = spec.render(np.arange(GRID.size))
    with h5py.File(path, "w") as archive:
        archive.create_dataset("imgs", data=pictures, chunks=(1700, 4, 4, 1), compression="gzip")
        archive["labels"] = make_labels()["labels"]
    images = open_original(as_original(spec, path), path)
    assert np.array_equal(images(np.arange(GRID.size)), pictures)


def truncate(spec, path):
    path.write_bytes(path.read_bytes()[:-200_000])


def reshape(spec, path):
    write_archive(path, imgs=np.zeros((10, SIDE, SIDE), np.uint8))


def retype(spec, path):
    write_archive(path, imgs=np.zeros((6000, 8), np.float32))


def rename_key(spec, path):
    write_archive(path, images=np.zeros((10, SIDE, SIDE), np.uint8))


def put_text_inside(spec, path):
    text = [{"never": "unpickled"}] if path.suffix == ".npz" else ["text"]
    write_archive(path, imgs=np.array(text, dtype=object))


def spoil_header(spec, path):
    content = bytearray(path.read_bytes())
    content[:4] = b"hole"
    path.write_bytes(content)


def make_text(spec, path):
    path.write_text("not found")


DAMAGES = [
    (truncate, "truncated, damaged or not an"),
    (spoil, "is not the published Test file: its md5 is"),
    (reshape, r"uint8 of shape \(10, 16, 16\), expected uint8 of \(6000, 16, 16"),
    (retype, r"float32 of shape \(6000, 8\), expected uint8"),
    (rename_key, "has no array 'imgs', only images"),
    (put_text_inside, "is not a"),
    (spoil_header, "truncated, damaged"),
    (make_text, "truncated, damaged or not an"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES, ids=[d.__name__ for d, _ in DAMAGES])
def test_damaged_files_are_refused_and_leave_nothing(original, damage, message):
    spec, path = original
    damage(spec, path)
    with pytest.raises(DataFileError, match=message):
        open_original(spec, path)
    assert not locate_array(spec, path).exists()


@pytest.mark.parametrize("link", [h5py.SoftLink("/labels"), h5py.ExternalLink("a.h5", "/imgs")])
def test_links_in_place_of_arrays_are_not_followed(tmp_path, link):
    path = tmp_path / "test.h5"
    write_archive(path, labels=make_labels()["labels"])
    write_archive(tmp_path / "a.h5", imgs=make_labels()["labels"])
    with h5py.File(path, "a") as archive:
        archive["imgs"] = link
    with pytest.raises(DataFileError, match="has no array 'imgs', only imgs, labels"):
        open_original(make_spec(ending="h5"), path)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (make_labels()["labels"][::-1], "does not list the factor grid"),
        (make_labels()["labels"][:, :1], r"'labels' has shape \(6000, 2\), expected \(6000, 1\)"),
    ],
)
def test_file_of_the_right_hash_but_other_labels_is_refused(original, labels, message):
    spec, path = original
    other = replace(spec, original=replace(spec.original, labels=lambda: {"labels": labels}))
    with pytest.raises(DataFileError, match=message):
        open_original(other, path)
    assert not locate_array(spec, path).exists()


def test_pixels_brighter_than_the_dataset_has_are_refused(tmp_path):
    spec = make_spec(1, 1)
    path = tmp_path / "test.npz"
    pictures = np.full((GRID.size, SIDE, SIDE), 255, np.uint8)
    write_archive(path, imgs=pictures, labels=make_labels()["labels"])
    with pytest.raises(DataFileError, match=r"^.*test\.npz: 'imgs' holds 255; .* at most 1\.$"):
        open_original(as_original(spec, path), path)
    assert not locate_array(spec, path).exists()


def test_full_disk_is_an_error_before_the_conversion(original, monkeypatch):
    spec, path = original
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(DataFileError, match=r"has 0\.0 GB left; the converted images need"):
        open_original(spec, path)


def test_shortened_conversion_is_made_anew(original):
    spec, path = original
    open_original(spec, path)
    converted = locate_array(spec, path)
    os.truncate(converted, converted.stat().st_size // 2)
    indices = np.arange(GRID.size)
    assert np.array_equal(open_original(spec, path)(indices), spec.render(indices))


def open_and_compare(spec, path, barrier, results):
    barrier.wait()
    indices = np.arange(0, GRID.size, 7)
    results.put(bool(np.array_equal(open_original(spec, path)(indices), spec.render(indices))))


# Functions cannot be pickled to a spawned process within a specification, so these tests fork.
fork = multiprocessing.get_context("fork")


def test_processes_that_open_an_unconverted_file_at_once_all_succeed(original):
    spec, path = original
    barrier, results = fork.Barrier(3), fork.Queue()
    workers = [
        fork.Process(target=open_and_compare, args=(spec, path, barrier, results), daemon=True)
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 3
    assert [results.get() for _ in workers] == [True] * 3


def test_killed_conversion_leaves_nothing_that_looks_finished(original, monkeypatch):
    spec, path = original
    images = find_format(path)
    read = images._read_blocks

    def read_slowly(*arguments):
        for block in read(*arguments):
            yield block
            if block.ndim > 2:
                signal.pause()

    with monkeypatch.context() as patched:
        patched.setattr(images, "_read_blocks", read_slowly)
        worker = fork.Process(target=open_original, args=(spec, path), daemon=True)
        worker.start()
    while not list(locate_array(spec, path).parent.glob(".*.tmp")):
        assert worker.is_alive()
        time.sleep(0.05)
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    assert not locate_array(spec, path).exists()
    assert list(locate_array(spec, path).parent.glob(".*.tmp"))
    indices = np.arange(GRID.size)
    assert np.array_equal(open_original(spec, path)(indices), spec.render(indices))
    assert not list(locate_array(spec, path).parent.glob(".*.tmp"))


def test_data_folder_that_cannot_be_written_to_is_named(original, data_folder):
    spec, path = original
    data_folder.write_text("in the way")
    with pytest.raises(
        DataFileError, match=rf"cannot convert {path} in {data_folder}.*: Not a dir"
    ):
        open_original(spec, path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dsprites", "shapes3d"])
def test_full_size(tmp_path, monkeypatch, name):
    """Export all images and read them back through the path of the published file."""
    (spec,) = load_specs()[name]
    path = tmp_path / spec.original.folder / spec.original.names[0]
    export_stand_in(spec, path)
    genuine = as_original(spec, path)
    monkeypatch.setattr("disentgen.dataset.own.choose.find_spec", lambda name, version: genuine)
    dataset = build_dataset(name, root=str(tmp_path))
    assert dataset.label == spec.title
    for start in range(0, spec.grid.size, 8192):
        indices = np.arange(start, min(start + 8192, spec.grid.size))
        assert np.array_equal(dataset.images(indices), spec.render(indices))
    started = time.monotonic()
    build_dataset(name, root=str(tmp_path))
    assert time.monotonic() - started < 1


@pytest.mark.slow
def test_dsprites_labels_are_those_of_the_published_file(tmp_path):
    (spec,) = load_specs()["dsprites"]
    path = tmp_path / "test.npz"
    export_stand_in(spec, path)
    with np.load(path, allow_pickle=True) as arrays:
        assert arrays["latents_classes"].shape == arrays["latents_values"].shape == (737_280, 6)
        assert arrays["latents_values"].dtype == np.float64
        assert arrays["latents_classes"].dtype == np.int64
        assert arrays["metadata"][()]["latents_names"][0] == "color"
