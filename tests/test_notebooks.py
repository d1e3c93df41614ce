"""Notebooks run on runs that the command line has just made, and hold no outputs in git."""

import os
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from conftest import REPOSITORY, SCRIPTS

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_holds_no_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A data folder with a run of each experiment, as the batch scripts' smoke runs make them."""
    data = tmp_path_factory.mktemp("study")
    environment = {**os.environ, "DISENTGEN_DATA": str(data)}
    words = {
        "disent": ("model.fast", "training.fast"),
        "decoders": ("model.fast", "training.epochs=2", "training.epoch_length=3",
                     "training.validation_images=32", "training.score_images=64",
                     "training.find_duplicates=False"),
        "composition": ("model.fast", "training.fast"),
    }  # fmt: skip
    for experiment, settings in words.items():
        command = [sys.executable, "-m", f"experiments.{experiment}", "with", "dataset.dsprites",
                   "dataset.variant=shape2tx", *settings, "threads=1", "seed=1"]  # fmt: skip
        subprocess.run(command, cwd=SCRIPTS, env=environment, check=True, capture_output=True)
    return data


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, study, monkeypatch):
    monkeypatch.setenv("DISENTGEN_DATA", str(study))
    notebook = nbformat.read(path, as_version=4)
    parameters = next(cell for cell in notebook.cells if cell.metadata.get("tags"))
    assert parameters.metadata["tags"] == ["parameters"]
    parameters.source += "\nimages = 200\njobs = 1"
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3
