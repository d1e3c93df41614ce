"""Files that are known again, and where their converted images are kept."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from disentgen.dataset.originals import convert as convert_module
from disentgen.dataset.originals import verify
from disentgen.dataset.originals.conversions import locate_array
from disentgen.dataset.originals.convert import open_original
from disentgen.dataset.originals.verify import compute_hash
from disentgen.errors import DataFileError
from published import publish_dots, spoil, write_archive

ALL = np.arange(45)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A very small dataset, and its published file."""
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path / "data"))
    return publish_dots(tmp_path / "raw", 5, 9, 1)


def test_binary_images_of_no_whole_bytes_come_back(small):
    spec, path = small
    assert np.array_equal(open_original(spec, path)(ALL), spec.render(ALL))


def reads(monkeypatch):
    """Lists that grow with each file that is hashed, and with each that is converted."""
    hashed, converted = [], []
    hash_, convert = verify.compute_hash, convert_module.convert
    monkeypatch.setattr(
        verify, "compute_hash", lambda path, *given: hashed.append(path) or hash_(path, *given)
    )
    monkeypatch.setattr(
        convert_module, "convert",
        lambda spec, path, target: converted.append(path) or convert(spec, path, target),
    )  # fmt: skip
    return hashed, converted


def test_one_file_is_hashed_and_converted_once_by_whatever_path(small, tmp_path, monkeypatch):
    spec, path = small
    hashed, converted = reads(monkeypatch)
    other, linked = tmp_path / "hard" / path.name, tmp_path / "soft" / path.name
    for place in (other, linked):
        place.parent.mkdir()
    other.hardlink_to(path)
    linked.symlink_to(path)
    monkeypatch.chdir(path.parent)
    for place in (path, other, linked, Path(path.name), path):
        open_original(spec, place)
    assert (hashed, converted) == ([path], [path])


def test_a_copy_or_a_touched_file_is_hashed_and_not_converted_again(small, tmp_path, monkeypatch):
    spec, path = small
    open_original(spec, path)
    hashed, converted = reads(monkeypatch)
    copy = tmp_path / path.name
    shutil.copy2(path, copy)
    for place in (copy, copy, path):
        open_original(spec, place)
    os.utime(path)
    open_original(spec, path)
    assert (hashed, converted) == ([copy, path], [])


def test_another_file_in_its_place_is_refused_though_converted_images_are_there(small):
    spec, path = small
    open_original(spec, path)
    spoil(spec, path)
    os.utime(path, ns=(0, 0))
    with pytest.raises(DataFileError, match="is not the published Test|damaged"):
        open_original(spec, path)


def test_images_of_a_file_with_another_hash_are_not_taken_for_those_of_this_one(small):
    spec, path = small
    open_original(spec, path)
    path.unlink()
    pictures = 1 - spec.render(ALL).squeeze()
    write_archive(path, imgs=pictures)
    changed = replace(
        spec, original=replace(spec.original, hash=f"md5:{compute_hash(path, 'md5')}")
    )
    images = open_original(changed, path)
    assert np.array_equal(images(ALL).squeeze(), pictures)
    assert images.hash == changed.original.hash


@pytest.mark.parametrize(
    "record", ["{", '{"files": 3}', "[]", "\xff", "[" * 100_000, '{"files": [null, {"size": {}}]}']
)
def test_damaged_record_of_a_conversion_is_made_anew(small, record):
    spec, path = small
    open_original(spec, path)
    written = locate_array(spec, path).with_suffix(".json")
    written.write_text(record, encoding="latin-1")
    assert np.array_equal(open_original(spec, path)(ALL), spec.render(ALL))
    assert json.loads(written.read_text())["hash"] == spec.original.hash


def put_as_earlier(spec, path):
    """Convert a file to where earlier versions did, and with their record."""
    open_original(spec, path)
    array, status = locate_array(spec, path), path.stat()
    earlier = path.with_suffix(".converted.npy")
    shutil.move(array, earlier)
    shutil.rmtree(array.parent)
    stamp = {"path": str(path), "size": status.st_size, "modified": status.st_mtime_ns}
    earlier.with_suffix(".json").write_text(json.dumps(stamp))
    return earlier


def test_conversion_of_an_earlier_version_is_used_where_it_is(small, monkeypatch):
    spec, path = small
    put_as_earlier(spec, path)
    hashed, converted = reads(monkeypatch)
    images = open_original(spec, path)
    assert np.array_equal(images(ALL), spec.render(ALL))
    assert (hashed, converted) == ([], [])
    assert not locate_array(spec, path).parent.exists()


def test_wrong_conversion_of_an_earlier_version_is_left_alone(small):
    spec, path = small
    earlier = put_as_earlier(spec, path)
    rows = np.load(earlier)
    np.save(earlier, np.append(rows.ravel(), rows.ravel()))  # once packed across images
    assert np.array_equal(open_original(spec, path)(ALL), spec.render(ALL))
    assert locate_array(spec, path).exists()


def test_nothing_is_written_beside_a_published_file(small):
    spec, path = small
    open_original(spec, path)
    open_original(spec, path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
