"""Stand-ins that are drawn anew: runs on earlier pictures are never mixed with new ones."""

import json
import shutil

import pytest

from configs.cnnvae import ARCHITECTURES
from conftest import REPOSITORY, read_config
from disentgen.analysis.cells import describe_cell
from disentgen.dataset.spec import find_spec
from disentgen.errors import DataFileError, UsageError
from disentgen.runs import open_run
from disentgen.training.baseline import drop_as_before
from disentgen.training.config import Config
from disentgen.training.identity import cell_settings

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs" / "disent" / "mpi3d"


def make_config(name="mpi3d", **dataset):
    dataset = {"name": name, "source": "stand-in", **dataset}
    return read_config("lgm", dataset=dataset, model=ARCHITECTURES["fast"])


def list_telling(config):
    """The settings that tell a cell from those of earlier versions."""
    return drop_as_before(cell_settings(config, config.split.describe()))


def test_a_new_drawing_makes_another_cell_and_the_first_one_none():
    assert list_telling(make_config())["dataset.drawing"] == 2
    for config in (make_config("dsprites"), make_config(version="toy")):
        assert "dataset.drawing" not in list_telling(config)
    assert {spec: find_spec("mpi3d", spec).drawing for spec in ("real", "realistic", "toy")} == {
        "real": 2, "realistic": 2, "toy": 1,
    }  # fmt: skip


def test_runs_on_earlier_drawings_open_but_not_their_images(tmp_path):
    run = open_run(shutil.copytree(EARLIER, tmp_path / "1"))
    assert run.settings.dataset["drawing"] == 1
    assert run.results["scores"]["held_out"]["nll"] > 0
    with pytest.raises(DataFileError, match="drawing=1: the stand-in of MPI3D real is drawn anew"):
        _ = run.dataset
    again = json.loads((EARLIER / "config.json").read_text())
    again["dataset"]["drawing"] = 2
    (tmp_path / "1" / "config.json").write_text(json.dumps(again))
    new = open_run(tmp_path / "1")
    assert new.dataset.label == "MPI3D real (rendered stand-in)"
    assert describe_cell(new).key != describe_cell(run).key


def test_nothing_is_trained_on_an_earlier_drawing():
    with pytest.raises(UsageError, match="dataset.drawing=1: the stand-in of MPI3D real is drawn"):
        make_config(drawing=1)
    config = make_config()
    assert Config.read(config.plain()).plain() == config.plain()
