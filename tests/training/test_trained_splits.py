"""Trainings on families of splits and on splits in files."""

import json
import shutil

import numpy as np
import pytest

from configs.cnnvae import ARCHITECTURES
from configs.training import LOSSES, PROTOCOLS
from conftest import read_config
from disentgen.analysis.cells import find_variant
from disentgen.dataset.listed import read_listed
from disentgen.errors import DataFileError
from disentgen.run_directory import RunDirectory
from disentgen.runs import open_run
from disentgen.training.assembly import assemble
from disentgen.training.config import Config
from disentgen.training.console import describe_start
from disentgen.training.identity import cell_settings, hash_cell, list_hashes
from disentgen.training.run import train
from experiments.resume import check_continued

QUICK = {**PROTOCOLS["fast"], "score_samples": 2, "batch_size": 16, "score_images": 32}
CORRELATED = {"split": "correlated", "split_params": {"pairs": [["posX", "posY"]]}}


def make_config(seed=0, training=None, **dataset):
    return read_config(
        "lgm",
        dataset={"name": "dsprites", "source": "stand-in", **dataset},
        model=ARCHITECTURES["fast"],
        training={**LOSSES["vae"], **QUICK, **(training or {})},
        seed=seed,
    )


def find_cell(config):
    return hash_cell(cell_settings(config, config.split.describe()))


@pytest.fixture
def listed(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, np.random.default_rng(0).choice(737_280, 5_000, replace=False))
    return path


def test_a_run_keeps_a_copy_of_the_list_that_it_was_given(tmp_path, listed):
    given, moved = tmp_path / "1", tmp_path / "moved"
    train(make_config(held_in_file=str(listed)), RunDirectory(given))
    expected, _ = read_listed(listed, open_run(given).settings.spec.grid)
    listed.unlink()
    shutil.move(given, moved)
    run = open_run(moved)
    assert np.array_equal(run.split.held_in, expected)
    assert run.split.sha256("held_out") == run.sides["held_out"]["sha256"]
    longer = make_config(training={"epochs": 3}, held_in_file=run.settings.dataset["held_in_file"])
    train(longer, RunDirectory(moved))
    assert len(open_run(moved).history) == 3
    (moved / "held_in.npz").unlink()
    with pytest.raises(DataFileError, match="held_in.npz is not there"):
        _ = open_run(moved).split


def test_a_run_does_not_go_on_with_another_list(tmp_path, listed):
    path, other = tmp_path / "1", tmp_path / "other.npz"
    train(make_config(held_in_file=str(listed)), RunDirectory(path))
    np.savez(other, np.arange(5_000))
    files = {file.name: file.read_bytes() for file in path.iterdir()}
    longer = make_config(training={"epochs": 3}, held_in_file=str(other))
    with pytest.raises(
        DataFileError,
        match="begun on another split: held out was 'not listed in "
        "mine.npz .*, and now is 'not listed in other.npz .* 'held_in'",
    ):
        train(longer, RunDirectory(path))
    with pytest.raises(DataFileError, match="begun on another split"):
        check_continued(open_run(path), longer)  # before anything says that it is running again
    for name in ("config.json", "split.json", "held_in.npz", "model.pt"):
        assert (path / name).read_bytes() == files[name]
    shutil.copy(other, path / "held_in.npz")
    for read in ("split", "dataset"):
        with pytest.raises(DataFileError, match="begun on another split"):
            getattr(open_run(path), read)


def test_a_run_that_goes_on_by_its_copy_says_what_it_was_given(tmp_path, listed):
    path = tmp_path / "1"
    train(make_config(held_in_file=str(listed)), RunDirectory(path))
    begun = open_run(path).sides
    own = open_run(path).settings.dataset["held_in_file"]
    train(make_config(training={"epochs": 3}, held_in_file=own), RunDirectory(path))
    assert open_run(path).sides == begun == open_run(path).results["split"]
    assert begun["expressions"]["held_in"].startswith("listed in mine.npz")
    saved = json.loads((path / "config.json").read_text())
    assert saved["dataset"]["held_in_file"] == str(listed)


def test_what_a_run_names_as_its_list_is_not_read(tmp_path, listed):
    config = make_config(held_in_file=str(listed))
    RunDirectory(tmp_path / "1").prepare().save_config(config)
    saved = open_run(tmp_path / "1").saved["dataset"]["held_in_file"]
    assert saved == str(tmp_path / "1" / "held_in.npz")


def test_lists_of_the_same_images_are_one_cell_and_weights_make_others(tmp_path, listed):
    other = tmp_path / "sorted.csv"
    rows = np.sort(np.load(listed)["arr_0"])
    np.savetxt(other, rows, fmt="%d")
    assert find_cell(make_config(held_in_file=str(listed))) == find_cell(
        make_config(held_in_file=str(other))
    )
    dials = ({}, {"sigma": 0.05, "beyond": 4}, {"sigma": 0.05})
    params = [{"pairs": [["shape", "scale"]], **dial} for dial in dials]
    cells = {find_cell(make_config(split="correlated", split_params=each)) for each in params}
    assert len(cells) == 3
    assert find_cell(make_config(variant="single_2_01")) == find_cell(make_config(**CORRELATED))
    assert find_cell(make_config(variant="single_2_01", control=True)) == find_cell(
        make_config(**CORRELATED)
    )


def test_images_of_a_correlated_split_are_drawn_by_their_weights():
    training = assemble(make_config(**CORRELATED))
    assert training.batches.weights is not None
    drawn = np.concatenate([*training.batches.order(1, 0), *training.batches.order(2, 0)])
    split = training.dataset.split
    assert split.mask("train")[drawn].all()
    assert split.weights[drawn].mean() > split.weights[split.mask("train")].mean()
    control = assemble(make_config(control=True, **CORRELATED))
    assert len(control.batches.weights) == len(control.dataset.split.trained_on())
    assert len(set(control.batches.weights)) == 1


def test_a_run_on_a_correlated_split_goes_on_bitwise(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(make_config(training={"epochs": 2}, **CORRELATED), RunDirectory(whole))
    train(make_config(training={"epochs": 1}, **CORRELATED), RunDirectory(parts))
    train(make_config(training={"epochs": 2}, **CORRELATED), RunDirectory(parts))
    assert (whole / "model.pt").read_bytes() == (parts / "model.pt").read_bytes()


def test_saved_configurations_read_as_they_were(listed):
    for dataset in (CORRELATED, {"held_in_file": str(listed)}, {"variant": "matched_c1"}):
        config = make_config(**dataset)
        assert Config.read_saved(config.plain()).plain() == config.plain()
    assert make_config(**CORRELATED).dataset["split_params"] == {
        "pairs": [["posX", "posY"]], "sigma": 0.1, "beyond": 2.0,
    }  # fmt: skip


def test_a_split_whose_weights_are_null_has_none(tmp_path):
    split = make_config(variant="blank_side").split
    run = RunDirectory(tmp_path)
    run.save_split(split)
    (tmp_path / "split.json").write_text(json.dumps({**split.describe(), "weights": None}))
    assert list_hashes(run.load_split()) == list_hashes(split.describe())
    assert find_variant("dsprites", None, run.load_split()) == "blank_side"


def test_the_first_lines_say_that_images_are_drawn_by_weight():
    assert "images to train on (drawn by weight), " in describe_start(
        assemble(make_config(**CORRELATED))
    )
    assert "images to train on, " in describe_start(assemble(make_config(variant="shape2tx")))
