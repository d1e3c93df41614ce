"""A step that fails costs a warning; what is wrong with the code is still seen."""

import importlib.metadata
import re

import pytest

from disentgen.drawing import make_figure
from disentgen.errors import DataFileError, describe_failure, warn, warn_on_failure
from disentgen.versions import list_versions


def test_a_step_that_fails_ends_in_a_warning_with_its_place(failures):
    with warn_on_failure("the picture 'x' is missing") as outcome:
        make_figure("wide", 1)
    assert re.fullmatch(r"TypeError: .* \(drawing.py:\d+\)", outcome.problem)
    assert failures == [f"the picture 'x' is missing: {outcome.problem}"]
    failures.clear()
    with warn_on_failure("nothing") as outcome:
        pass
    assert (outcome.problem, failures) == (None, [])


def test_errors_to_be_raised_and_interrupts_pass():
    with pytest.raises(DataFileError), warn_on_failure("x", DataFileError):
        raise DataFileError
    with pytest.raises(KeyboardInterrupt), warn_on_failure("x"):
        raise KeyboardInterrupt


def test_a_failure_is_one_short_line():
    try:
        raise RuntimeError("latex\nfailed:\n" + "y " * 1000)
    except RuntimeError as error:
        line = describe_failure(error)
    assert re.fullmatch(r"RuntimeError: latex failed: y y.* … \(test_errors.py:\d+\)", line)
    assert len(line) < 340


def test_a_warning_is_one_line_that_acts_on_no_terminal(capsys):
    warn("a\x1b[2J\nb\r\u202e" + " c" * 400)
    assert capsys.readouterr().err == "warning: a\\x1b[2J b \\u202e" + " c" * 400 + "\n"


def test_libraries_without_metadata_have_an_unknown_version(monkeypatch):
    def lacks(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("disentgen.versions.version", lacks)
    assert list_versions(["torch"])["torch"] == "unknown"
