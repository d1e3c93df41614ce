"""A run ends well whatever becomes of what it prints and draws; not where its folder is gone."""

import os
import subprocess
import sys
import time

import pytest

from conftest import FAST
from disentgen.runs import open_run
from processes import SCRIPTS, start_module

pytestmark = pytest.mark.ci


def test_a_run_is_completed_whatever_becomes_of_its_lines_and_pictures(environment, data, tmp_path):
    """Its output is ASCII and full, its errors are closed, its name begins a formula."""
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nbackend: none\naxes.titlesize: x\n")
    command = ["sh", "-c", '"$0" "$@" >/dev/full 2>&-', sys.executable, "-m", "experiments.disent",
               "with", *FAST, r"model.name=a$b_{c\d"]  # fmt: skip
    changes = {"PYTHONIOENCODING": "ascii", "MATPLOTLIBRC": str(tmp_path)}
    done = subprocess.run(
        command, cwd=SCRIPTS, env={**os.environ, **environment, **changes}, check=False
    )
    run = open_run(data / "sims" / "disent" / "1")
    assert (done.returncode, run.status) == (0, "COMPLETED")
    assert run.results["scores"]["validation"]["nll"] > 0
    assert (run.path / "reconstructions.png").stat().st_size > 1000
    assert "± s.e." in (run.path / "cout.txt").read_text(encoding="utf-8")


def test_a_run_without_a_backend_for_pictures_is_completed(disent, environment, data):
    environment["MPLBACKEND"] = "none"
    done = subprocess.run(
        [sys.executable, "-m", "experiments.disent", "with", *FAST], cwd=SCRIPTS,
        env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, open_run(data / "sims" / "disent" / "1").status) == (0, "COMPLETED")
    assert "warning: pictures of the run are missing: ValueError: Key backend" in done.stderr


def test_a_run_whose_folder_is_renamed_ends_in_a_line(environment, data):
    folder = data / "sims" / "disent" / "1"
    words = ("with", *FAST, "training.epochs=500")
    with start_module(environment, "experiments.disent", *words) as command:
        while not (folder / "history.csv").exists():
            assert command.process.is_alive()
            time.sleep(0.05)
        folder.rename(folder.with_name("mine"))
        done = command.wait()
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert f"{folder} is called {folder.with_name('mine')} now" in line
    assert "epoch 100/500" not in done.stdout  # it does not train on for nothing
    assert {path.name for path in folder.parent.iterdir()} == {"mine", "_sources"}
