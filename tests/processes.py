"""Processes that tests start: commands in forks of a loaded process, and none that stays behind."""

import gc
import multiprocessing
import os
import re
import runpy
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil
import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"

#: Commands are forked from a process that has loaded these: that takes longer than most of them.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["disentgen.report.page", "disentgen.training.run", "git", "lightgbm", "sacred_compat",
     "sklearn.linear_model", "torch._dynamo", "torchvision"]
)  # fmt: skip

#: In the environment of all processes that descend from this one, whatever their parent is by now.
MARK = "DISENTGEN_TESTED_BY"
os.environ[MARK] = uuid.uuid4().hex
# PyTorch compiles in this process then, not in a pool that would remain.
os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"


def start_forkserver() -> None:
    """Start the process that commands are forked from, if it is not there yet.

    It may preload modules of ``scripts``: older Pythons do not give it this process's path.
    """
    paths = [str(SCRIPTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        forkserver.ensure_running()


def become_module(
    module: str, words: tuple[str, ...], environment: dict[str, str], streams: tuple[Path, Path]
) -> None:
    """What ``python -m module words…`` does in a fresh process inside ``scripts``."""
    for number, path in zip((1, 2), streams, strict=True):
        os.dup2(os.open(path, os.O_WRONLY), number)
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(  # noqa: SIM115
        2, "w", encoding="utf-8", buffering=1, closefd=False
    )
    # Undoes what nohup or a shell's "&" around the tests makes their children ignore.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(SCRIPTS)
    sys.path.insert(0, str(SCRIPTS))
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


@dataclass(frozen=True)
class Command:
    """A command that has been started.

    Args:
        words: the module and what follows it.
        process: that the command is run by.
        streams: the files that its output and its errors go to.
    """

    words: tuple[str, ...]
    process: BaseProcess
    streams: tuple[Path, Path]

    def wait(self) -> subprocess.CompletedProcess:
        """Wait for the command's end, however long that takes: other processes may hold it up."""
        self.process.join()
        printed = [path.read_text(encoding="utf-8") for path in self.streams]
        return subprocess.CompletedProcess(self.words, self.process.exitcode, *printed)


@contextmanager
def start_module(environment: dict[str, str], module: str, *words: str) -> Iterator[Command]:
    """Start ``python -m module …`` inside ``scripts``; it has ended when the block is left."""
    with tempfile.TemporaryDirectory() as folder:
        streams = Path(folder, "output"), Path(folder, "errors")
        for path in streams:
            path.touch()
        start_forkserver()
        process = FORKS.Process(target=become_module, args=(module, words, environment, streams))
        process.start()
        try:
            yield Command((module, *words), process, streams)
        finally:
            process.kill()
            process.join()


#: Ends a warning of a step that has failed: its place in the code.
FAILURE = re.compile(r"^warning: .* \(\w+\.py:\d+\)$", re.M)


def call_module(
    environment: dict[str, str], module: str, *words: str, status: int = 0, fails: bool = False
) -> subprocess.CompletedProcess:
    """Run ``python -m module …`` inside ``scripts``.

    Args:
        environment: of the command.
        module: that is run.
        words: of its command line.
        status: that it must end with.
        fails: whether it must warn of steps that have failed, without ending of them.
    """
    with start_module(environment, module, *words) as command:
        done = command.wait()
    assert done.returncode == status, done.stdout + done.stderr
    assert bool(FAILURE.search(done.stderr)) == fails, done.stderr
    return done


def list_remaining() -> list[psutil.Process]:
    """The processes that these tests have started and that would outlive them."""
    own, children = os.environ[MARK], psutil.Process().children(recursive=True)
    pids = {child.pid for child in children}
    return [
        process
        for process in psutil.process_iter(["cmdline", "environ", "ppid", "status"])
        if (process.pid in pids or (process.info["environ"] or {}).get(MARK) == own)
        and process.info["status"] != psutil.STATUS_ZOMBIE
        and not is_server(process)
    ]


def is_server(process: psutil.Process) -> bool:
    """Whether it serves this process as part of multiprocessing, and is stopped at the end."""
    command = " ".join(process.info["cmdline"] or ())
    return process.info["ppid"] == os.getpid() and "from multiprocessing." in command


@pytest.fixture(scope="session", autouse=True)
def no_process_remains() -> Iterator[None]:
    """Fail at the end of a session (of each worker, where there are several) if one does."""
    yield
    # Sacred leaves its repositories to the garbage collector, and they end git when they go.
    gc.collect()
    _, remaining = psutil.wait_procs(list_remaining(), timeout=10)
    for process in remaining:
        process.kill()
    # By themselves they end only some time after this process.
    forkserver._forkserver._stop()
    resource_tracker._resource_tracker._stop()
    assert not remaining, [(process.pid, process.info["cmdline"]) for process in remaining]
