"""Files are written into the folder that they belong to, or not at all."""

import os

import pytest

from disentgen.errors import DataFileError
from disentgen.paths import (
    FolderIdentity,
    can_be_written,
    make_folder,
    sweep_temporaries,
    write_whole,
)
from disentgen.run_directory import RunDirectory


def fill(file):
    file.write_text("x")


def test_a_folder_that_is_gone_does_not_come_back_as_one_of_a_single_file(tmp_path):
    with pytest.raises(DataFileError, match=r"cannot write .*gone/a/b: No such file"):
        write_whole(tmp_path / "gone" / "a" / "b", fill)
    assert list(tmp_path.iterdir()) == []
    write_whole(make_folder(tmp_path / "gone" / "a") / "b", fill)
    assert (tmp_path / "gone" / "a" / "b").read_text() == "x"


def test_a_renamed_folder_is_named_and_another_of_its_name_is_not_written_to(tmp_path):
    directory = RunDirectory(tmp_path / "disent" / "1").prepare()
    directory.save_results({"kept": 1})
    (tmp_path / "disent" / "1").rename(tmp_path / "disent" / "first")
    for again in (False, True):
        if again:
            (tmp_path / "disent" / "1").mkdir()
        with pytest.raises(DataFileError, match=r"disent/1 is called .*disent/first now") as caught:
            directory.save_results({"kept": 2})
        assert "\n" not in str(caught.value)
    assert {path.name for path in (tmp_path / "disent").rglob("*")} == {
        "1", "first", "results.json"
    }  # fmt: skip
    assert '"kept": 1' in (tmp_path / "disent" / "first" / "results.json").read_text()


def test_a_deleted_folder_is_named_even_if_all_around_it_is_gone(tmp_path):
    folder = make_folder(tmp_path / "sims" / "disent" / "1")
    identity = FolderIdentity.of(folder)
    identity.check()
    for gone in (folder, folder.parent):
        gone.rmdir()
        with pytest.raises(DataFileError, match=r"disent/1 was deleted or moved"):
            identity.check()


def test_whether_a_path_can_be_written_to_is_that_of_the_nearest_folder(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("disentgen.paths.os.access", lambda path, mode: asked.append(path) or False)
    assert not can_be_written(tmp_path / "a" / "b")
    assert asked == [tmp_path]


def test_only_files_of_other_processes_are_swept(tmp_path):
    (tmp_path / ".x.tmp").mkdir()
    (tmp_path / ".link.tmp").symlink_to("x")
    for name in (".y.1.ab.tmp", f".z.{os.getpid()}.ab.tmp"):
        fill(tmp_path / name)
    sweep_temporaries(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        ".x.tmp", ".link.tmp", f".z.{os.getpid()}.ab.tmp"
    }  # fmt: skip
