"""Notebooks run on runs that the command line has just made, and hold no outputs in git."""

import shutil

import nbformat
import pytest
from nbclient import NotebookClient

from conftest import REPOSITORY
from strangers import CRAFTS, make_folder, make_outside, snapshot

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_holds_no_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")


def run_notebook(path, images):
    """What the cells of a notebook put out, measured on so many images."""
    notebook = nbformat.read(path, as_version=4)
    parameters = next(cell for cell in notebook.cells if cell.metadata.get("tags"))
    assert parameters.metadata["tags"] == ["parameters"]
    parameters.source += f"\nimages = {images}\njobs = 1"
    NotebookClient(notebook, timeout=None, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3
    return outputs


@pytest.mark.ci
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path / "data")
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path / "data"))
    run_notebook(path, 200)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_over_folders_of_anybody(path, trained, tmp_path, monkeypatch):
    """What cannot be measured is left out and named; nothing of it acts on the page."""
    shutil.copytree(trained, tmp_path / "data")
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path / "data"))
    outside = make_outside(tmp_path / "outside")
    before, sims = snapshot(outside), tmp_path / "data" / "sims"
    for number, name in enumerate(CRAFTS):
        make_folder(sims / "crafted" / str(number), sims / "disent" / "1", outside, name)
    outputs = run_notebook(path, 20)
    assert snapshot(outside) == before and not list(tmp_path.rglob("executed"))
    pages = [output.get("data", {}).get("text/html", "") for output in outputs]
    assert not any("<script>alert" in page or "\x1b" in page for page in pages)
    printed = "".join(output.get("text", "") for output in outputs)
    assert "left out" in printed or path.stem in (
        "transformers",
        "own_data",
    )  # whose runs are none of these
    assert "\x1b[2J" not in printed
