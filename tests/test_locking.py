"""Files that one process at a time holds."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from disentgen.errors import DataFileError, RunningError
from disentgen.locking import HeldError, Lock, is_held
from disentgen.run_directory import RunDirectory


def test_one_process_at_a_time_holds_a_file(tmp_path):
    path = tmp_path / "lock"
    lock = Lock.take(path)
    assert lock.is_new
    assert is_held(path)
    with pytest.raises(HeldError):
        Lock.take(path)
    lock.release()
    assert is_held(path) is False
    again = Lock.take(path)
    assert not again.is_new
    again.release()


@pytest.mark.ci
def test_looking_disturbs_nobody(tmp_path):
    """However many look, and however often, who may hold the file gets it."""
    path, looked, ended = tmp_path / "lock", [], threading.Event()

    def look():
        while not ended.is_set():
            looked.append(is_held(path))

    lookers = [threading.Thread(target=look) for _ in range(4)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(200):
            Lock.take(path).release()
    finally:
        ended.set()
        for looker in lookers:
            looker.join()
    assert len(looked) > 200


def test_who_looks_is_waited_for_and_does_not_hold(tmp_path):
    path = tmp_path / "lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)  # what looking does
        assert is_held(path) is False
        threading.Timer(0.1, lambda: fcntl.flock(file, fcntl.LOCK_UN)).start()
        lock = Lock.take(path)
        assert is_held(path)
        lock.release()


def test_looking_leaves_nothing(tmp_path):
    assert is_held(tmp_path / "lock") is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("make", ["link", "dangling", "pipe", "folder"])
def test_what_is_no_file_is_neither_held_nor_changed(tmp_path, make):
    path, other = tmp_path / "run.lock", tmp_path / "other"
    if make == "pipe":
        os.mkfifo(path)
    elif make == "folder":
        path.mkdir()
    else:
        path.symlink_to(other)
    if make == "link":
        other.write_text("of somebody else")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DataFileError, match="cannot lock .*run.lock: "):
        Lock.take(path)
    assert is_held(path) is None
    assert sorted(tmp_path.iterdir()) == before
    assert make != "link" or other.read_text() == "of somebody else"


def test_what_stands_in_a_lock_stays(tmp_path):
    path = tmp_path / "run.lock"
    path.write_text("of an earlier version")
    Lock.take(path).release()
    assert path.read_text() == "of an earlier version"


def test_a_process_that_dies_holds_nothing(tmp_path):
    program = (
        "import sys, pathlib; from disentgen.locking import Lock; "
        "lock = Lock.take(pathlib.Path(sys.argv[1])); print('held', flush=True); input()"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        assert is_held(tmp_path / "lock")
        process.send_signal(signal.SIGKILL)
    assert is_held(tmp_path / "lock") is False


def test_a_lock_that_is_withdrawn_leaves_nothing_and_lets_others_in(tmp_path):
    path, taken = tmp_path / "lock", []
    lock = Lock.take(path)
    waiting = threading.Thread(target=lambda: taken.append(Lock.take(path, wait=True)))
    waiting.start()
    time.sleep(0.1)  # until it has the file open
    lock.withdraw()
    waiting.join()
    assert is_held(path)  # the file at this place, not the one that is gone
    taken[0].withdraw()
    assert not list(tmp_path.iterdir())


def test_who_holds_a_run_is_named(tmp_path):
    directory = RunDirectory(tmp_path / "1")
    with directory.held():
        start = {"time": "2026-01-01T00:00:00+00:00", "host": "node7", "pid": 12}
        directory.save_starts([{}, start])
        message = "training in .*/1: process 12 on node7, since 2026-01-01T00:00:00"
        with pytest.raises(RunningError, match=message), directory.held():
            pass
