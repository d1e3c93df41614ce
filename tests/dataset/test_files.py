"""Published files, on a small dataset of the same kind; the full size is tested as slow."""

import multiprocessing
import os
import signal
import time
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from disentgen.dataset import files
from disentgen.dataset.build import build_dataset
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.spec import DatasetSpec, OriginalFile, load_specs
from disentgen.errors import DataFileError

GRID = FactorGrid({"a": (1.0, 2.0, 3.0), "b": tuple(float(i) for i in range(2000))})


def render_noise(indices, maximum, channels):
    """Different for every index, and the same every time."""
    positions = np.arange(64 * 64 * channels)
    mixed = (indices[:, None] * 7919 + positions * 104729 + indices[:, None] * positions) % 65521
    return (mixed % (maximum + 1)).astype(np.uint8).reshape(-1, 64, 64, channels)


def render_binary(indices):
    return render_noise(indices, 1, 1)


def render_colour(indices):
    return render_noise(indices, 255, 3)


def make_labels():
    return {
        "labels": GRID.classes(np.arange(GRID.size)),
        "metadata": np.array({"title": "test"}, dtype=object),
    }


def make_spec(maximum=1, channels=1):
    return DatasetSpec(
        name="test",
        title="Test",
        grid=GRID,
        image_shape=(64, 64, channels),
        maximum=maximum,
        variants={},
        original=OriginalFile(
            folder="test", names=("test.npz",), url="https://example.org/test.npz",
            hash="md5:0", licence="none", key="imgs", labels=make_labels,
        ),
        render=render_binary if maximum == 1 else render_colour,
    )  # fmt: skip


def as_original(spec, path):
    """Take the stand-in's mark off a file and its hash as the published one."""
    import pooch

    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b""
    return replace(
        spec, original=replace(spec.original, hash=f"md5:{pooch.file_hash(str(path), alg='md5')}")
    )


@pytest.fixture(scope="module", params=[(1, 1), (255, 3)], ids=["binary", "colour"])
def exported(request, tmp_path_factory):
    """A small dataset and its exported stand-in, passed off as the published file."""
    spec = make_spec(*request.param)
    path = tmp_path_factory.mktemp("raw") / "test.npz"
    files.export_stand_in(spec, path)
    return as_original(spec, path), path


@pytest.fixture
def original(exported, tmp_path):
    """A copy of that file that a test may damage."""
    spec, path = exported
    copy = tmp_path / "test" / "test.npz"
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    return spec, copy


def test_export_is_read_by_numpy_under_the_published_keys(exported):
    spec, path = exported
    with np.load(path, allow_pickle=True) as arrays:
        assert set(arrays) == {"imgs", "labels", "metadata"}
        assert arrays["metadata"][()]["title"] == "test"
        expected = spec.render(np.arange(GRID.size)).squeeze()
        assert arrays["imgs"].dtype == np.uint8
        assert np.array_equal(arrays["imgs"], expected)


def test_published_file_gives_its_images_bit_by_bit(original):
    spec, path = original
    images = files.open_original(spec, path)
    indices = np.random.default_rng(0).permutation(GRID.size)[:1000]
    assert images.source == "original"
    assert np.array_equal(images(indices), spec.render(indices))


def test_converted_file_is_used_again_and_made_anew_when_the_file_changes(original):
    spec, path = original
    files.open_original(spec, path)
    converted = path.with_suffix(".converted.npy")
    made = converted.stat().st_mtime_ns
    files.open_original(spec, path)
    assert converted.stat().st_mtime_ns == made
    os.utime(path)
    files.open_original(spec, path)
    assert converted.stat().st_mtime_ns != made


def test_stand_in_is_never_taken_for_the_original(tmp_path):
    spec = make_spec()
    path = tmp_path / "test.npz"
    files.export_stand_in(spec, path)
    with pytest.raises(DataFileError, match="stand-in"):
        files.open_original(spec, path)


def write_npz(path, **arrays):
    np.savez(path, **arrays)


def truncate(spec, path):
    path.write_bytes(path.read_bytes()[:-200_000])


def spoil(spec, path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def reshape(spec, path):
    write_npz(path, imgs=np.zeros((10, 64, 64), np.uint8))


def rename_key(spec, path):
    write_npz(path, images=np.zeros((10, 64, 64), np.uint8))


def pickle_images(spec, path):
    write_npz(path, imgs=np.array([{"never": "unpickled"}], dtype=object))


def spoil_header(spec, path):
    content = bytearray(path.read_bytes())
    content[:4] = b"hole"
    path.write_bytes(content)


def make_text(spec, path):
    path.write_text("not found")


DAMAGES = [
    (truncate, "truncated, damaged or not an npz"),
    (spoil, "is not the published Test file: its md5 is"),
    (reshape, r"uint8 of shape \(10, 64, 64\), expected uint8 of \(6000, 64, 64"),
    (rename_key, "has no array 'imgs', only images"),
    (pickle_images, "not a plain array"),
    (spoil_header, "truncated, damaged"),
    (make_text, "truncated, damaged or not an npz"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES, ids=[d.__name__ for d, _ in DAMAGES])
def test_damaged_files_are_refused_and_leave_nothing(original, damage, message):
    spec, path = original
    damage(spec, path)
    with pytest.raises(DataFileError, match=message):
        files.open_original(spec, path)
    assert not path.with_suffix(".converted.npy").exists()


def test_file_of_the_right_hash_but_another_order_is_refused(original):
    spec, path = original
    shuffled = make_labels() | {"labels": make_labels()["labels"][::-1]}
    other = replace(spec, original=replace(spec.original, labels=lambda: shuffled))
    with pytest.raises(DataFileError, match="does not list the factor grid"):
        files.open_original(other, path)


def open_and_compare(spec, path, barrier, results):
    barrier.wait()
    indices = np.arange(0, GRID.size, 7)
    results.put(
        bool(np.array_equal(files.open_original(spec, path)(indices), spec.render(indices)))
    )


# Functions cannot be pickled to a spawned process within a specification, so these tests fork.
fork = multiprocessing.get_context("fork")


def test_processes_that_open_an_unconverted_file_at_once_all_succeed(original):
    spec, path = original
    barrier, results = fork.Barrier(3), fork.Queue()
    workers = [
        fork.Process(target=open_and_compare, args=(spec, path, barrier, results)) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    assert [results.get(timeout=60) for _ in workers] == [True] * 3
    for worker in workers:
        worker.join()


def test_killed_conversion_leaves_nothing_that_looks_finished(original, monkeypatch):
    spec, path = original
    read = files._read_images

    def read_slowly(*arguments):
        for pixels in read(*arguments):
            yield pixels
            time.sleep(60)

    monkeypatch.setattr(files, "_read_images", read_slowly)
    worker = fork.Process(target=files.open_original, args=(spec, path))
    worker.start()
    deadline = time.monotonic() + 30
    while not list(path.parent.glob(".*.tmp")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    assert not path.with_suffix(".converted.npy").exists()
    monkeypatch.undo()
    assert list(path.parent.glob(".*.tmp"))
    indices = np.arange(GRID.size)
    assert np.array_equal(files.open_original(spec, path)(indices), spec.render(indices))
    assert not list(path.parent.glob(".*.tmp"))


def test_original_in_a_folder_that_cannot_be_written_to(original, tmp_path, monkeypatch):
    spec, path = original
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(files.os, "access", lambda folder, mode: folder != path.parent)
    images = files.open_original(spec, path)
    assert np.array_equal(images(np.arange(9)), spec.render(np.arange(9)))
    assert [file.name for file in path.parent.iterdir()] == ["test.npz"]
    assert (tmp_path / "data" / "raw" / "test" / "test.converted.npy").exists()


def test_download_without_network_says_what_to_do(tmp_path, monkeypatch):
    import requests

    def refuse(*arguments, **options):
        raise requests.ConnectionError("no route")

    monkeypatch.setattr(requests, "get", refuse)
    with pytest.raises(DataFileError, match=r"cannot download .* put it at .*test/test.npz"):
        files.download(make_spec(), str(tmp_path))


@pytest.mark.slow
def test_dsprites_at_full_size(tmp_path, monkeypatch):
    """Export all 737,280 images and read them back through the path of the published file."""
    spec = load_specs()["dsprites"]
    path = tmp_path / "dsprites" / spec.original.names[0]
    files.export_stand_in(spec, path)
    with np.load(path, allow_pickle=True) as arrays:
        assert arrays["latents_classes"].shape == arrays["latents_values"].shape == (737_280, 6)
        assert arrays["latents_values"].dtype == np.float64
        assert arrays["latents_classes"].dtype == np.int64
        assert arrays["metadata"][()]["latents_names"][0] == "color"
    genuine = as_original(spec, path)
    monkeypatch.setattr("disentgen.dataset.build.find_spec", lambda name: genuine)
    dataset = build_dataset("dsprites", root=str(tmp_path))
    assert dataset.label == "dSprites"
    for start in range(0, spec.grid.size, 8192):
        indices = np.arange(start, start + 8192)
        assert np.array_equal(dataset.images(indices), spec.render(indices))
    started = time.monotonic()
    build_dataset("dsprites", root=str(tmp_path))
    assert time.monotonic() - started < 1
