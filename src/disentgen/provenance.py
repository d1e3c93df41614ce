"""Where a run comes from: its starts, and the state of the checkout at each of them."""

import datetime
import hashlib
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from disentgen.record import Record
from disentgen.run_directory import RunDirectory
from disentgen.versions import LIBRARIES, list_versions

#: A larger patch is not kept.
PATCH_BYTES = 2**20
GIT_SECONDS = 20


class GitError(Exception):
    """Git is not there, or does not answer as it should."""


def note_start(directory: RunDirectory) -> None:
    """Add a start to ``starts.json``, and keep how the checkout differs from its commit.

    Args:
        directory: of the run, held by this process.
    """
    starts = directory.load_starts() or _list_earlier(directory)
    start, patch = describe_start()
    if patch:
        start["changes"] = f"changes-{hashlib.sha256(patch).hexdigest()[:8]}.patch"
        directory.save_changes(start["changes"], patch)
    directory.save_starts([*starts, start])


def _list_earlier(directory: RunDirectory) -> list[dict[str, Any]]:
    """The start of a run that was made before starts were noted, by what Sacred keeps of it."""
    record = Record(directory.load_record())
    if record.start_time is None:
        return []
    return [{"time": f"{record.start_time}Z", "host": record.hostname, "words": record.words}]


def describe_start() -> tuple[dict[str, Any], bytes]:
    """This process as an entry of ``starts.json``, and a patch from its commit to its sources.

    The patch is empty where there are no changes, or where the entry says why there is none.
    """
    start: dict[str, Any] = {
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "host": platform.node(),
        "pid": os.getpid(),
        "command": shlex.join(sys.orig_argv),
        "directory": str(Path.cwd()),
        "versions": {"python": platform.python_version(), **list_versions(LIBRARIES)},
    }
    try:
        commit, patch = read_checkout(Path(__file__).parent)
    except GitError as error:
        return start | {"commit": None, "changes": f"not known: {error}"}, b""
    if len(patch) > PATCH_BYTES:
        reason = f"not kept: a patch of {len(patch):,} bytes, more than {PATCH_BYTES:,}"
        return start | {"commit": commit, "changes": reason}, b""
    return start | {"commit": commit, "changes": None}, patch


def read_checkout(package: Path) -> tuple[str, bytes]:
    """The commit of a checkout, and a patch from it to the files that are there.

    New Python files are in the patch unless they are ignored. Nothing of the repository is changed:
    new files are announced in a copy of its index.

    Args:
        package: a folder of the checkout with files that its repository has.

    Raises:
        GitError: there is no git, no such repository or no commit.
    """
    if not _call_git(package, "ls-files"):
        raise GitError(f"{package} is in no git repository")
    root = Path(os.fsdecode(_call_git(package, "rev-parse", "--show-toplevel")).rstrip("\n"))
    commit = _call_git(root, "rev-parse", "HEAD").decode().strip()
    index = root / os.fsdecode(_call_git(root, "rev-parse", "--git-path", "index")).rstrip("\n")
    new = _call_git(root, "ls-files", "--others", "--exclude-standard", "-z", "*.py")
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "index")
        copy.write_bytes(index.read_bytes())
        if new:
            announcing = ("add", "-N", "--pathspec-from-file=-", "--pathspec-file-nul")
            _call_git(root, "--literal-pathspecs", *announcing, index=copy, given=new)
        patch = _call_git(root, "diff", "--binary", "--no-ext-diff", "HEAD", index=copy)
    return commit, patch


def has_commit(folder: Path) -> bool:
    """Whether a folder is in a git repository that can be read and has a commit."""
    try:
        return bool(_call_git(folder, "rev-parse", "HEAD"))
    except GitError:
        return False


def _call_git(folder: Path, *words: str, index: Path | None = None, given: bytes = b"") -> bytes:
    """What git prints, asked about the repository of a folder, whatever the environment says."""
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    if index is not None:
        environment["GIT_INDEX_FILE"] = str(index)
    command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *words]
    try:
        done = subprocess.run(
            command,
            env=environment,
            input=given,
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError(str(error)) from error
    if done.returncode:
        raise GitError(done.stderr.decode(errors="replace").strip().partition("\n")[0])
    return done.stdout
