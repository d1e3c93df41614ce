"""Every mistake on a command line ends it with one line, within seconds, and leaves nothing."""

import os
import re
import shlex
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bad_lines import FILES, LINES
from processes import start_module

#: Lines of the default tests: one of each kind that has its own way through the code.
SAMPLE = LINES[::25]
SECONDS = 10
#: What a sweep says before its cells are checked.
ANNOUNCED = re.compile(r"\A\w+: .*: [\d,]+ cells?\n\Z")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The folder of the files that lines name."""
    folder = tmp_path_factory.mktemp("files")
    for name, content in FILES.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    os.mkfifo(folder / "pipe.json")
    (folder / "folder.json").mkdir()
    (folder / "circle.json").symlink_to("circle.json")
    return folder


def check_line(line, files, environment, data):
    """What is wrong with how a command line ends; nothing if all is well."""
    module, words, message = (part.replace("{files}", str(files)) for part in line)
    environment = {**environment, "DISENTGEN_DATA": str(data)}
    started = time.monotonic()
    with start_module(environment, module, *shlex.split(words)) as command:
        command.process.join(3 * SECONDS)
        seconds, status = time.monotonic() - started, command.process.exitcode
        output, errors = (path.read_text(encoding="utf-8") for path in command.streams)
    printed, silent = errors.strip().splitlines(), not ANNOUNCED.sub("", output)
    left = [str(path) for path in data.rglob("*")]
    good = {
        "ends": status not in (None, 0),
        "one line": len(printed) == 1 and printed[0].startswith("error: ") and silent,
        "short": len(errors) < 1_000,
        "message": re.search(message, errors) is not None,
        "in time": seconds < SECONDS,
        "leaves nothing": not left,
    }
    wrong = [name for name, holds in good.items() if not holds]
    return f"{module} {words[:200]!r} ({seconds:.1f} s): {wrong}: {errors[-500:]!r} {left}" * bool(
        wrong
    )


@pytest.mark.parametrize("lines", [SAMPLE, pytest.param(LINES, marks=pytest.mark.slow)])
def test_a_mistake_ends_a_command_with_one_line_and_leaves_nothing(files, environment, data, lines):
    before = sorted(files.iterdir())
    # The first one waits for the process that all are forked from.
    check_line(lines[0], files, environment, data)

    def check(number):
        given = lines[number], files, environment, data / str(number)
        # Other processes may have held it up.
        return check_line(*given) and check_line(*given)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = list(filter(None, pool.map(check, range(len(lines)))))
    assert not problems, "\n".join(problems)
    assert sorted(files.iterdir()) == before


def test_there_are_lines_for_every_command():
    assert len(LINES) >= 150
    assert len({module for module, _, _ in LINES}) == 11
    assert len(set(LINES)) == len(LINES)
