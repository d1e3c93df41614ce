"""Notebooks run on runs that the command line has just made, and hold no outputs in git."""

import shutil

import nbformat
import pytest
from nbclient import NotebookClient

from conftest import REPOSITORY

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_holds_no_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")


@pytest.mark.ci
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path / "data")
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path / "data"))
    notebook = nbformat.read(path, as_version=4)
    parameters = next(cell for cell in notebook.cells if cell.metadata.get("tags"))
    assert parameters.metadata["tags"] == ["parameters"]
    parameters.source += "\nimages = 200\njobs = 1"
    NotebookClient(notebook, timeout=None, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3
