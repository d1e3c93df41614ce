"""What the documentation tells people to do is done here, to the letter."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import REPOSITORY
from disentgen.runs import open_run


@pytest.fixture
def extended(tmp_path, environment):
    """A copy of the repository, extended as ``docs/extending.md`` says."""
    for folder in ("src", "scripts"):
        shutil.copytree(
            REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    text = (REPOSITORY / "docs" / "extending.md").read_text()
    for name, code in re.findall(r"^`(\S+\.py)`:\n\n```python\n(.*?)^```", text, re.M | re.S):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    environment["PYTHONPATH"] = f"{tmp_path / 'src'}{os.pathsep}{tmp_path / 'scripts'}"

    def run(*words, folder="scripts"):
        done = subprocess.run(
            [sys.executable, "-m", *words], cwd=tmp_path / folder, env=environment,
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return tmp_path, run


def test_a_dataset_is_one_file_and_its_test(extended, data):
    folder, run = extended
    assert "2 passed" in run("pytest", "-q", "-p", "no:cacheprovider", "tests/dataset", folder=".")
    shown = run("disentgen.dataset", "show", "discs")
    assert "Discs (rendered stand-in): 384 images of 64 × 64 × 1" in shown
    assert (data / "results" / "factors-discs.png").exists()
    assert "discs " in run("disentgen.dataset", "list")
    run(
        "ruff",
        "check",
        "--config",
        str(REPOSITORY / "pyproject.toml"),
        str(folder / "src/disentgen/dataset/specs/discs.py"),
    )
    run(
        "experiments.disent", "with", "dataset.discs", "dataset.variant=large_right", "model.kim",
        "training.beta", "training.epochs=1", "threads=1",
    )  # fmt: skip
    trained = open_run(data / "sims" / "disent" / "1")
    assert trained.results["split"]["held_out"]["count"] == 56
    assert trained.results["scores"]["held_out"]["images"] == 56
    assert trained.results["duplicates"] == {"validation": 0, "held_out": 0}
