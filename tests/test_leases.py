"""What machines hold on a file system that they share, where none sees another one's locks."""

import errno
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from disentgen import leases, locking
from disentgen.errors import DataFileError, RunningError
from disentgen.leases import BEAT_SECONDS, Holder, Lease, LeasedError, is_leased_elsewhere
from disentgen.leases import _rename as rename
from disentgen.locking import Lock, is_held
from disentgen.record import STALE_SECONDS
from disentgen.run_directory import RunDirectory


@pytest.fixture
def be(monkeypatch):
    """Go on as a process of a machine, which sees no locks of others."""

    def change(name):
        monkeypatch.setattr(leases, "identify_machine", lambda: name)
        monkeypatch.setattr(leases.platform, "node", lambda: f"host_of {name}")

    monkeypatch.setattr(locking, "_try", lambda descriptor, kind: True)
    change("a")
    return change


def age(folder, seconds):
    """Let the last sign of life be so old."""
    file = Holder.find(folder).file
    os.utime(file, (time.time() - seconds,) * 2)


def test_one_machine_at_a_time_has_a_lease(tmp_path, be):
    folder = tmp_path / "x.lease"
    lease = Lease.take(folder)
    assert not is_leased_elsewhere(folder)
    be("b")
    assert is_leased_elsewhere(folder)
    with pytest.raises(LeasedError, match=f"^process {os.getpid()} on host_of a$"):
        Lease.take(folder)
    age(folder, STALE_SECONDS - 1)
    with pytest.raises(LeasedError):
        Lease.take(folder)
    lease.release()
    assert not is_leased_elsewhere(folder)
    assert not list(tmp_path.iterdir())
    Lease.take(folder).release()


def test_a_lease_without_signs_of_life_is_taken_over_and_its_holder_sees_it(tmp_path, be):
    folder = tmp_path / "x.lease"
    first = Lease.take(folder)
    age(folder, STALE_SECONDS + 1)
    be("b")
    assert not is_leased_elsewhere(folder)
    second = Lease.take(folder)
    assert first.is_lost and not second.is_lost
    assert time.time() - Holder.find(folder).beat < STALE_SECONDS / 2
    first.release()
    assert not second.is_lost
    second.release()
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_is_nobodys_also_where_none_can_be_replaced(tmp_path, be, monkeypatch):
    folder = tmp_path / "x.lease"
    folder.mkdir()
    monkeypatch.setattr(
        leases, "_rename", lambda own, folder: not folder.exists() and rename(own, folder)
    )
    Lease.take(folder).release()
    assert not list(tmp_path.iterdir())


def test_on_one_machine_locks_decide_and_not_signs_of_life(tmp_path, be):
    left = Lease.take(tmp_path / "x.lease")  # by a process that was killed, say
    again = Lease.take(tmp_path / "x.lease")
    assert left.is_lost and not again.is_lost
    again.release()


def test_a_holder_gives_signs_of_life(tmp_path, be, monkeypatch):
    assert BEAT_SECONDS == STALE_SECONDS / 10
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.01)
    lease = Lease.take(tmp_path / "x.lease")
    age(lease.folder, 1000)
    ends = time.monotonic() + 30
    while Holder.find(lease.folder).has_lost(time.time()) and time.monotonic() < ends:
        time.sleep(0.01)
    assert not Holder.find(lease.folder).has_lost(time.time())
    lease.release()


def test_ages_are_by_the_clock_of_the_file_system(tmp_path, be, monkeypatch):
    """A machine whose clock is an hour fast takes nothing away."""
    Lease.take(tmp_path / "x.lease")
    be("b")
    monkeypatch.setattr(time, "time", lambda: time.time_ns() / 1e9 + 3600)
    with pytest.raises(LeasedError):
        Lease.take(tmp_path / "x.lease")


@pytest.mark.parametrize("make", ["file", "link", "folder inside", "link inside"])
def test_what_is_no_lease_is_left_and_said(tmp_path, be, make):
    folder, other = tmp_path / "run.lease", tmp_path / "other"
    other.mkdir()
    (other / "file").touch()
    if make == "file":
        folder.touch()
    elif make == "link":
        folder.symlink_to(other)
    else:
        folder.mkdir()
        if make == "folder inside":
            (folder / "a_b_1_c").mkdir()
        else:
            (folder / "a_b_1_c").symlink_to(other / "file")
    with pytest.raises(DataFileError, match="cannot lock .*run.lock: "):
        Lock.take(tmp_path / "run.lock")
    assert not is_leased_elsewhere(folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "run.lease", "run.lock"]
    assert [path.name for path in other.iterdir()] == ["file"]


def test_a_run_of_another_machine_is_refused_and_seen(tmp_path, be):
    directory = RunDirectory(tmp_path / "1")
    with directory.held():
        be("b")
        assert directory.is_held()
        with pytest.raises(RunningError, match="another process is training in"), directory.held():
            pass
        be("a")
    be("b")
    assert directory.is_held() is False
    with directory.held():
        pass


def test_who_has_lost_a_run_writes_nothing_more(tmp_path, be):
    with RunDirectory(tmp_path / "1").held() as directory:
        directory.save_results({"by": "first"})
        age(tmp_path / "1" / "run.lease", STALE_SECONDS + 1)
        be("b")
        with RunDirectory(tmp_path / "1").held() as other:
            other.save_results({"by": "second"})
            with pytest.raises(DataFileError, match="has been taken over by another machine"):
                directory.save_results({"by": "first"})
        assert '"second"' in (tmp_path / "1" / "results.json").read_text()


def test_a_wait_for_another_machine_is_said_once(tmp_path, be, monkeypatch, capsys):
    first = Lock.take(tmp_path / "lock")
    be("b")
    monkeypatch.setattr(locking, "PATIENCE", 0.3)
    timer = threading.Timer(2, first.release)
    timer.start()
    Lock.take(tmp_path / "lock", wait=True).release()
    timer.join()
    assert capsys.readouterr().err == (
        f"warning: waiting for process {os.getpid()} on host_of a, which has {tmp_path / 'lock'}; "
        "60 s at most if it was lost.\n"
    )


def test_who_loses_a_run_while_writing_to_it_leaves_the_file_as_it_is(tmp_path, be):
    """The process may sleep at any moment, such as while a file is written beside its place."""
    with RunDirectory(tmp_path / "1").held() as directory, ExitStack() as stack:

        def write(file):
            age(tmp_path / "1" / "run.lease", STALE_SECONDS + 1)
            be("b")
            other = stack.enter_context(RunDirectory(tmp_path / "1").held())
            other.save_results({"by": "second"})
            file.write_text("by first")

        with pytest.raises(DataFileError, match="has been taken over by another machine"):
            directory._write("results.json", write)
        assert '"second"' in (tmp_path / "1" / "results.json").read_text()


def test_what_cannot_be_read_or_given_back_is_said_or_left(tmp_path, be, monkeypatch):
    """An error of a network file system says nothing of who holds what."""

    def fail(*given, **options):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    lock = Lock.take(tmp_path / "run.lock")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "lstat", fail)
        with pytest.raises(DataFileError, match=f"^cannot read {tmp_path}: Stale file handle.$"):
            lock.check()
        patch.setattr(Path, "unlink", fail)
        patch.setattr(Path, "rmdir", fail)
        lock.withdraw()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(lock.descriptor)


def test_a_lock_that_another_machine_removes_while_it_is_waited_for_is_made_anew(tmp_path, be):
    path = tmp_path / "lock"
    first = Lock.take(path)
    be("b")
    command = [sys.executable, "-c", OTHER, "c", str(tmp_path), "0"]
    with subprocess.Popen(command) as process:
        while not (tmp_path / "came").exists():
            time.sleep(0.01)
        first.withdraw()
        assert process.wait() == 0
    assert not path.exists() or is_held(path) is False


#: A process of a machine of its own: it takes turns for some seconds, and dies in some of them.
OTHER = """
import os, pathlib, random, sys, time
from disentgen import leases, locking
name, folder, seconds = sys.argv[1], pathlib.Path(sys.argv[2]), float(sys.argv[3])
leases.identify_machine = lambda: name
leases.BEAT_SECONDS, leases.STALE_SECONDS = 0.05, 0.5
locking._try = lambda descriptor, kind: True
locking.JITTER.uniform = lambda low, high: 0.005
ends, turns = time.monotonic() + seconds, 0
(folder / "came").touch()
while not turns or time.monotonic() < ends:
    lock = locking.Lock.take(folder / "lock", wait=True)
    os.close(os.open(folder / "inside", os.O_CREAT | os.O_EXCL))  # nobody else is
    time.sleep(random.uniform(0, 0.005))
    lock.check()
    os.unlink(folder / "inside")
    turns += 1
    with (folder / "turns").open("a") as file:
        print(name, file=file)
    if seconds and random.random() < 0.02:
        os._exit(9)
    random.choice([lock.release, lock.withdraw])()
"""


@pytest.mark.ci
def test_machines_take_turns_and_outlive_those_that_die_in_theirs(tmp_path):
    """Each starts again when it has died, and the others wait until its lease is lost."""
    ends, dead = time.monotonic() + 4, 0

    def start(name):
        return subprocess.Popen([sys.executable, "-c", OTHER, name, str(tmp_path), "2"])

    processes = {name: start(name) for name in "abcd"}
    while processes:
        for name, process in list(processes.items()):
            if process.poll() is None:
                continue
            assert process.returncode in (0, 9)
            dead += process.returncode == 9
            del processes[name]
            if process.returncode == 9 and time.monotonic() < ends:
                processes[name] = start(name)
        time.sleep(0.02)
    assert set((tmp_path / "turns").read_text().split()) == set("abcd")
    assert not (tmp_path / "inside").exists()


def test_what_a_killed_process_left_is_removed_a_day_later(tmp_path):
    left, fresh = tmp_path / ".0a.lease", tmp_path / ".0b.lease"
    for folder in (left, fresh):
        folder.mkdir()
        (folder / "name").touch()
    day_ago = time.time() - 25 * 3600
    os.utime(left, (day_ago, day_ago))
    Lease.take(tmp_path / "run.lease").release()
    assert [path.name for path in tmp_path.iterdir()] == [".0b.lease"]
