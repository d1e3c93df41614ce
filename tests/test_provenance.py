"""Where a run comes from."""

import json
import os
import subprocess
import sys

import pytest

from disentgen import provenance
from disentgen.provenance import GitError, note_start, read_checkout
from disentgen.run_directory import RunDirectory


@pytest.fixture
def git(tmp_path):
    """Call git in a repository of one commit."""
    folder = tmp_path / "checkout"
    folder.mkdir()

    def call(*words):
        done = subprocess.run(
            ["git", "-C", folder, "-c", "user.name=n", "-c", "user.email=e", *words],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    call("init", "-q")
    (folder / "kept.py").write_text("one = 1\n")
    (folder / ".gitignore").write_text("ignored.py\n")
    call("add", ".")
    call("commit", "-qm", "first")
    call.folder = folder
    return call


def test_the_commit_and_a_patch_of_what_differs(git, tmp_path):
    commit, patch = read_checkout(git.folder)
    assert commit == git("rev-parse", "HEAD").strip()
    assert patch == b""
    (git.folder / "kept.py").write_text("one = 2\n")
    for name in ("new.py", "ignored.py", "notes.txt"):
        (git.folder / name).write_text("two = 2\n")
    before = git("status", "--porcelain"), (git.folder / ".git" / "index").read_bytes()
    _, patch = read_checkout(git.folder)
    assert (git("status", "--porcelain"), (git.folder / ".git" / "index").read_bytes()) == before
    assert b"+one = 2" in patch and b"b/new.py" in patch
    assert b"ignored.py" not in patch and b"notes.txt" not in patch
    # The commit and the patch give the sources back.
    (tmp_path / "patch").write_bytes(patch)
    (git.folder / "new.py").unlink()
    git("checkout", "-q", "kept.py")
    git("apply", str(tmp_path / "patch"))
    assert (git.folder / "kept.py").read_text() == "one = 2\n"
    assert (git.folder / "new.py").read_text() == "two = 2\n"


def test_sources_outside_a_repository_are_said_to_be(git, tmp_path, monkeypatch):
    with pytest.raises(GitError, match="not a git repository"):
        read_checkout(tmp_path)
    (git.folder / "site-packages").mkdir()
    with pytest.raises(GitError, match="is in no git repository"):
        read_checkout(git.folder / "site-packages")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="No such file or directory: 'git'"):
        read_checkout(git.folder)


def test_starts_are_added_and_changes_kept_once(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "read_checkout", lambda folder: ("c0ffee", b"a patch"))
    directory = RunDirectory(tmp_path)
    note_start(directory)
    note_start(directory)
    first, second = directory.load_starts()
    assert first["pid"] == second["pid"] == os.getpid()
    assert sys.orig_argv[0] in first["command"] and first["commit"] == "c0ffee"
    assert "torch" in first["versions"]
    assert first["changes"] == second["changes"]
    assert (tmp_path / first["changes"]).read_bytes() == b"a patch"
    assert sorted(path.name for path in tmp_path.iterdir()) == [first["changes"], "starts.json"]


def test_a_giant_patch_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "read_checkout", lambda folder: ("c0ffee", bytes(2**20 + 1)))
    note_start(RunDirectory(tmp_path))
    (start,) = RunDirectory(tmp_path).load_starts()
    assert start["changes"] == "not kept: a patch of 1,048,577 bytes, more than 1,048,576"
    assert [path.name for path in tmp_path.iterdir()] == ["starts.json"]


def test_what_is_not_known_of_a_checkout_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "provenance.py"))
    note_start(RunDirectory(tmp_path / "run").prepare())
    (start,) = RunDirectory(tmp_path / "run").load_starts()
    assert start["commit"] is None
    assert "not known: fatal: not a git repository" in start["changes"]


def test_the_start_of_an_earlier_version_is_not_lost(tmp_path):
    record = {
        "status": "FAILED",
        "start_time": "2026-01-01T10:00:00",
        "host": {"hostname": "node7"},
        "meta": {"options": {"UPDATE": ["seed=3"]}},
    }
    (tmp_path / "run.json").write_text(json.dumps(record))
    note_start(RunDirectory(tmp_path))
    first, second = RunDirectory(tmp_path).load_starts()
    assert first == {"time": "2026-01-01T10:00:00Z", "host": "node7", "words": ["seed=3"]}
    assert second["pid"] == os.getpid()
