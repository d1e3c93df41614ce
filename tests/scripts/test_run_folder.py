"""A run's folder that is full or gone: what Sacred prints and forgets, its observer keeps."""

import datetime
import shutil
from pathlib import Path

import pytest

from disentgen.errors import DataFileError
from disentgen.run_directory import RunDirectory
from ingredients import observers
from ingredients.observers import RunFolderObserver

NOW = datetime.datetime(2026, 1, 1)


@pytest.fixture
def observer(tmp_path):
    """Of a run that has started."""
    observer = RunFolderObserver(tmp_path / "sims")
    start(observer)
    return observer


def start(observer):
    observer.keep_in(RunDirectory(Path(observer.basedir) / "1").prepare())
    information = {"base_dir": "", "sources": []}
    observer.started_event(information, "main", {}, NOW, {"seed": 1}, {}, None)


def beat(observer, text):
    observer.heartbeat_event({}, text, NOW, None)


def test_a_disk_that_was_full_for_a_while_is_no_problem(observer, monkeypatch):
    def fail(path, write, check):
        raise DataFileError(f"cannot write {path}: No space left on device.")

    with monkeypatch.context() as full:
        full.setattr(observers, "write_whole", fail)
        beat(observer, "one\n")
        with pytest.raises(DataFileError, match=r"run.json: No space left"):
            observer.check()
    beat(observer, "one\ntwo\n")
    observer.completed_event(NOW, 1.0)
    observer.check()


def test_a_disk_that_is_full_at_the_start_ends_the_run(tmp_path, monkeypatch):
    def fail(path, write, check):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(observers, "write_whole", fail)
    with pytest.raises(DataFileError, match=r"cannot write .*sims/1: No space left on device\."):
        start(RunFolderObserver(tmp_path / "sims"))


@pytest.mark.parametrize("replaced", [False, True])
def test_nothing_is_written_once_the_folder_is_gone(observer, tmp_path, replaced):
    beat(observer, "one\n")
    (tmp_path / "sims" / "1").rename(tmp_path / "sims" / "mine")
    if replaced:
        shutil.copytree(tmp_path / "sims" / "mine", tmp_path / "sims" / "1")
    beat(observer, "one\ntwo\n")
    observer.completed_event(NOW, 1.0)
    for name in ["mine"] + ["1"] * replaced:
        folder = tmp_path / "sims" / name
        assert (folder / "cout.txt").read_text() == "one\n"
        assert '"status": "RUNNING"' in (folder / "run.json").read_text()
    assert (tmp_path / "sims" / "1").exists() == replaced
    with pytest.raises(DataFileError, match=r"sims/1 is called .*sims/mine now"):
        observer.check()
