"""Runs below a folder, by way of links."""

import os
from pathlib import Path

import pytest

from disentgen.listing import find_runs
from disentgen.paths import walk_runs


@pytest.fixture
def archive(tmp_path):
    """Two runs of an experiment, outside of the folder of runs."""
    for name in ("1", "2"):
        make_run(tmp_path / "archive" / "disent" / name)
    (tmp_path / "sims").mkdir()
    return tmp_path / "archive"


def make_run(folder):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")


def walk(folder):
    return sorted(str(path.relative_to(folder)) for path in walk_runs(folder))


def test_an_experiment_a_run_or_all_of_them_may_be_a_link(archive, tmp_path):
    sims = tmp_path / "sims"
    (sims / "disent").symlink_to(archive / "disent")
    assert walk(sims) == ["disent/1", "disent/2"]
    assert sorted(find_runs(sims)["id"]) == ["1", "2"]
    (sims / "disent").unlink()
    (sims / "disent").mkdir()
    (sims / "disent" / "mine").symlink_to(
        os.path.relpath(archive / "disent" / "2", sims / "disent")
    )
    assert walk(sims) == ["disent/mine"]
    (sims / "others").symlink_to(archive)
    assert walk(sims) == ["others/disent/1", "others/disent/2"]
    (tmp_path / "root").symlink_to(sims)
    assert walk(tmp_path / "root") == ["others/disent/1", "others/disent/2"]


def test_a_run_is_listed_once_and_by_its_own_path(archive):
    (archive / "disent" / "0-latest").symlink_to("1")
    (archive / "again").symlink_to("disent")
    assert walk(archive) == ["disent/1", "disent/2"]


def test_circles_of_links_end(archive):
    (archive / "up").symlink_to(archive.parent)
    (archive / "disent" / "self").symlink_to("self")
    (archive / "disent" / "circle").symlink_to("..")
    (archive / "nowhere").symlink_to("missing")
    assert walk(archive) == ["disent/1", "disent/2"]


def test_a_link_to_a_whole_disk_is_not_walked(archive, tmp_path, monkeypatch):
    make_run(tmp_path / "disk" / "a" / "b" / "c" / "run")
    (archive / "disk").symlink_to(tmp_path / "disk")
    (archive / "disent" / "1" / "more").symlink_to(tmp_path / "disk" / "a" / "b")
    assert walk(archive) == ["disent/1", "disent/2"]


def test_links_in_folders_of_a_run_are_not_followed(archive, tmp_path):
    make_run(tmp_path / "elsewhere" / "run")
    inside = archive / "disent" / "1" / "analysis" / "sub"
    inside.mkdir(parents=True)
    (inside / "link").symlink_to(tmp_path / "elsewhere")
    (inside.parent / "link").symlink_to(tmp_path / "elsewhere" / "run")
    assert walk(archive) == ["disent/1", "disent/2"]


def test_runs_inside_runs_and_far_down_are_seen(archive):
    make_run(archive / "disent" / "1" / "deeper" / "run")
    make_run(archive / "a" / "b" / "c" / "d" / "run")
    assert walk(archive) == ["a/b/c/d/run", "disent/1", "disent/1/deeper/run", "disent/2"]


def test_a_folder_that_cannot_be_looked_into_hides_no_other(archive, monkeypatch):
    scan = os.scandir

    def refuse(place):
        if Path(place).name == "1":
            raise PermissionError
        return scan(place)

    monkeypatch.setattr(os, "scandir", refuse)
    assert walk(archive) == ["disent/2"]
