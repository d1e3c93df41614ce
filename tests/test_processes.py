"""The suite leaves no process behind, and passes where a shell makes it ignore signals."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from conftest import REPOSITORY

LEAVING = """
import multiprocessing
import subprocess
import time

from processes import no_process_remains

def test_that_leaves_processes():
    subprocess.Popen(["sleep", "1000"])
    subprocess.run("sleep 2000 & exit", shell=True)
    multiprocessing.get_context("fork").Process(target=time.sleep, args=(3000,)).start()
"""


def run_pytest(folder, *words):
    """Run pytest as ``nohup … | cat &`` does in a script: status, output, processes that it leaves.

    The output ends when no process has it open any more.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(REPOSITORY / "tests"), environment.get("PYTHONPATH", "")]
    )
    ignoring = ["sh", "-c", 'trap "" INT QUIT HUP; exec "$0" "$@"']
    command = [*ignoring, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    with subprocess.Popen(
        command, cwd=folder, env=environment, start_new_session=True, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            output = process.communicate()[0]
        finally:
            left = kill_group(process.pid)
    return process.returncode, output, left


def kill_group(number):
    """Kill the processes of a group, and list them."""
    left = []
    for process in psutil.process_iter(["cmdline", "status"]):
        try:
            if os.getpgid(process.pid) == number and process.info["status"] != "zombie":
                os.kill(process.pid, signal.SIGKILL)
                left.append(process.info["cmdline"])
        except ProcessLookupError:
            continue  # it has ended meanwhile
    return left


@pytest.mark.ci
def test_processes_that_remain_fail_the_session_and_are_ended(tmp_path):
    (tmp_path / "test_leaving.py").write_text(LEAVING)
    status, output, left = run_pytest(tmp_path, "test_leaving.py")
    assert status == pytest.ExitCode.TESTS_FAILED, output
    assert "1 passed, 1 error" in output
    for command in ("'sleep', '1000'", "'sleep', '2000'", "test_leaving.py"):
        assert command in output.partition("AssertionError: ")[2]
    assert not left


@pytest.mark.ci
def test_signals_are_tested_where_a_shell_has_them_ignored(tmp_path):
    chosen = ("tests/scripts/test_disent.py", "-m", "not slow", "-k", "signals or nohup or killed")
    status, output, left = run_pytest(REPOSITORY, *chosen, "--basetemp", str(tmp_path / "base"))
    assert status == pytest.ExitCode.OK, output
    assert "5 passed" in output
    assert not left
