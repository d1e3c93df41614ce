"""Runs of earlier versions are opened, grouped and resumed (see ``fixtures/earlier_runs``)."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from conftest import REPOSITORY
from disentgen.analysis.cells import describe_cell
from disentgen.runs import Run, find_runs, open_run
from processes import call_module

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
EXPECTED = json.loads((EARLIER / "expected.json").read_text(encoding="utf-8"))
GROUPS = {row["group"]: [name for name in EXPECTED if EXPECTED[name]["group"] == row["group"]]
          for row in EXPECTED.values()}  # fmt: skip
SPEED = ["seconds", "images_per_second"]


def open_earlier(name: str) -> Run:
    return open_run(EARLIER / name)


def test_every_folder_is_expected_and_listed():
    listed = {run.relative_to(EARLIER).as_posix() for run in EARLIER.glob("*/*") if run.is_dir()}
    assert listed == set(EXPECTED)
    assert len(find_runs(EARLIER)) == len(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_run_opens(name):
    run = open_earlier(name)
    images = torch.zeros(2, *run.model.image_shape) if run.family != "decoder" else None
    if run.family == "lgm":
        assert run.model(images).reconstruction.shape == images.shape
    assert sum(weight.numel() for weight in run.model.parameters()) > 0
    assert len(run.history) == (
        2 if name == "composition/killed" else run.config["training"]["epochs"]
    )
    if name == "composition/killed":
        assert (run.status, run.results) == ("DEAD", None)
        return
    assert run.status == "COMPLETED"
    assert run.results["scores"]["train"]["nll"] > 0
    held_out = run.results["scores"]["held_out"]
    assert (held_out is None) == (name == "disent/other-nothing-held-out")
    # A variant may be written in other words by now; its sides are the same.
    sides = ("held_in", "held_out", "train", "validation")
    assert [run.split.describe()[side] for side in sides] == [run.sides[side] for side in sides]


@pytest.mark.parametrize("name", ["disent/pooled", "disent/upsampled"])
def test_a_model_makes_what_it_made(name):
    with np.load(EARLIER / "reconstructions.npz") as made:
        images, logits = torch.from_numpy(made["images"]).float(), made[name.split("/")[1]]
    with torch.no_grad():
        found = open_earlier(name).model(images).reconstruction.numpy()
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("group", [group for group in GROUPS if len(GROUPS[group]) > 1])
def test_runs_that_mean_the_same_are_one_cell(group):
    keys = {name: describe_cell(open_earlier(name)).key for name in GROUPS[group]}
    assert len(set(keys.values())) == 1, keys


def test_runs_that_do_not_are_several():
    keys = {
        group: {describe_cell(open_earlier(name)).key for name in names}
        for group, names in GROUPS.items()
    }
    assert sum(map(len, keys.values())) == len(set().union(*keys.values()))


def test_a_saved_configuration_means_what_it_meant(environment):
    """Though it lacks settings whose default is another one by now."""
    saved = str(EARLIER / "composition" / "unbroken" / "config.json")
    shown = call_module(environment, "experiments.composition", "print_config", "with", saved)
    assert re.search(r"pair_kl = 'mean'", shown.stdout)
    words = ("print_config", "with", saved, "training.loss.pair_kl=sum")
    shown = call_module(environment, "experiments.composition", *words)
    assert re.search(r"pair_kl = 'sum'", shown.stdout)
    assert open_earlier("composition/unbroken").lacks_settings


def test_a_finished_run_without_checkpoint_is_scored_again_and_never_trained_anew(
    environment, data
):
    folder = data / "sims" / "disent" / "1"
    shutil.copytree(EARLIER / "disent" / "beta-4", folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    words = ("with", "resume=1", "training.epochs=50")
    done = call_module(environment, "experiments.disent", *words, status=1)
    assert "has no checkpoint.pt to go on from" in done.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    words = ("with", "resume=1", "training.score_samples=4")
    done = call_module(environment, "experiments.disent", *words)
    assert "there is no checkpoint; the model is scored as it is" in done.stdout
    run = open_run(folder)
    assert run.results["scores"]["train"]["samples"] == 4
    assert run.status == "COMPLETED"
    for name in ("model.pt", "history.csv"):
        assert (folder / name).read_bytes() == before[name]


def test_a_killed_run_ends_as_if_it_had_not_been_killed(environment, data):
    folder = data / "sims" / "composition" / "killed"
    shutil.copytree(EARLIER / "composition" / "killed", folder)
    call_module(environment, "experiments.composition", "with", "resume=killed")
    resumed, unbroken = open_run(folder), open_earlier("composition/unbroken")
    assert resumed.status == "COMPLETED"
    # To the last bit on one machine; others add up in another order.
    pd.testing.assert_frame_equal(
        resumed.history.drop(columns=SPEED), unbroken.history.drop(columns=SPEED), rtol=1e-5
    )
    for side, scores in unbroken.results["scores"].items():
        assert resumed.results["scores"][side]["nll"] == pytest.approx(scores["nll"], rel=1e-5)
    assert resumed.results["best_epoch"] == unbroken.results["best_epoch"]
