"""A line that cannot be printed ends no command."""

import os
import re
import subprocess
import sys

import pytest

from disentgen.streams import LenientFile

COMMAND = """
import os, sys
from disentgen.streams import run_command, find_problem

def main():
    print("± β –")
    print("x" * 100_000, flush=True)
    print("printed", file=sys.stderr)
    opened = os.open(os.devnull, os.O_RDONLY)
    assert opened > 2, opened
    os.write(int(os.environ["DONE"]), b"done")

run_command(main)
"""


def run_shell(redirection, **environment):
    """A command that prints 100 kB, its output redirected by a shell: status, errors, its end."""
    reading, writing = os.pipe()
    words = ["sh", "-c", f'"$0" -c "$1" {redirection}', sys.executable, COMMAND]
    done = subprocess.run(
        words, capture_output=True, pass_fds=[writing], check=False,
        env={**os.environ, "DONE": str(writing), **environment},
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"done", done.stderr
    return done


@pytest.mark.parametrize(
    ("redirection", "status", "errors"),
    [
        (">/dev/full", 1, r"printed\nwarning: what was printed is incomplete: No space left .*\n"),
        (">/dev/full 2>/dev/full", 1, ""),
        (">&-", 0, r"printed\n"),
        (">&- 2>&-", 0, ""),
        ("<&- >&-", 0, r"printed\n"),
        ("2>&-", 0, ""),
    ],
)
def test_output_that_cannot_be_written_ends_no_command(redirection, status, errors):
    done = run_shell(redirection)
    assert re.fullmatch(errors, done.stderr.decode())
    assert done.returncode == status


def test_a_reader_that_has_gone_ends_a_command_quietly():
    piped = ["bash", "-c", '"$0" -c "$1" | true; exit ${PIPESTATUS[0]}', sys.executable, COMMAND]
    done = subprocess.run(piped, capture_output=True, check=False, env={**os.environ, "DONE": "2"})
    assert (done.returncode, done.stderr) == (141, b"printed\ndone")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_characters_that_an_encoding_lacks_are_escaped(encoding):
    done = run_shell("", PYTHONIOENCODING=encoding)
    line = done.stdout.splitlines()[0].decode(encoding)
    assert line == "± β –".encode(encoding, "backslashreplace").decode(encoding)


def test_what_cannot_be_written_is_dropped_and_why_is_kept():
    reading, writing = os.pipe()
    file = LenientFile(writing, "<pipe>")
    assert (file.write(b"abc"), os.read(reading, 9), file.problem) == (3, b"abc", None)
    os.close(reading)
    assert file.write(b"abc") == 3
    assert isinstance(file.problem, BrokenPipeError)
    os.close(writing)
