"""Data that moved, and data that is sent to other processes."""

import pickle
import shutil

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from configs.cnnvae import ARCHITECTURES
from configs.training import PROTOCOLS
from conftest import read_config
from disentgen.dataset import build_dataset
from disentgen.dataset.build import open_images
from disentgen.dataset.spec import load_specs
from disentgen.dataset.views import View
from disentgen.errors import DataFileError
from disentgen.run_directory import RunDirectory
from disentgen.runs import open_run
from disentgen.training.continuing import check_images
from disentgen.training.run import train
from published import publish_dots


@pytest.fixture
def dots(tmp_path, monkeypatch):
    """A dataset whose published file lies outside the data folder, known to all that runs here."""
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path / "data"))
    spec, path = publish_dots(tmp_path / "raw", 16, 16, 1)
    known = {**load_specs(), "test": (spec,)}
    monkeypatch.setattr("disentgen.dataset.spec.load_specs", lambda: known)
    return spec, path


def test_file_that_was_moved_to_the_data_folder_is_used_and_said_to_be(dots, tmp_path):
    spec, path = dots
    root = str(path.parents[1])
    _, note = open_images(spec, root, "original")
    assert note == f"images: the private file of Test, {path}"
    moved = tmp_path / "data" / "raw" / "test" / path.name
    moved.parent.mkdir(parents=True)
    shutil.move(path, moved)
    images, note = open_images(spec, root, "original")
    assert note == f"images: the private file of Test, {moved} (none below {root})"
    assert np.array_equal(images(np.arange(9)), spec.render(np.arange(9)))


def test_run_of_a_file_with_another_hash_is_refused(dots, tmp_path):
    spec, _ = dots
    directory = RunDirectory(tmp_path)
    check_images(spec, directory.load_images())
    directory.save_images(build_dataset("test", root=str(dots[1].parent)).describe())
    assert directory.load_images() == {
        "name": "test", "label": "Test", "source": "original", "hash": spec.original.hash,
    }  # fmt: skip
    check_images(spec, directory.load_images())
    with pytest.raises(DataFileError, match=f"with md5:1; the file now has {spec.original.hash}"):
        check_images(spec, {"hash": "md5:1"})


def test_view_of_a_published_file_opens_it_anew_where_it_is_sent(dots):
    dataset = build_dataset("test", root=str(dots[1].parent))
    view = View(dataset, "supervised", "train")
    sent = pickle.dumps(view)
    assert len(sent) < 100_000
    for ours, theirs in zip(view[5], pickle.loads(sent)[5], strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.ci
def test_spawned_workers_load_published_files_and_stand_ins(dots):
    for dataset in (
        build_dataset("test", root=str(dots[1].parent)),
        build_dataset("dsprites", source="stand-in", validation=0.0001),
    ):
        view = View(dataset, "unsupervised", "validation")
        loader = DataLoader(view, 8, num_workers=2, multiprocessing_context="spawn")
        images = torch.cat(list(loader))
        assert torch.equal(images, torch.stack([view[i] for i in range(len(view))]))


def train_on(root, folder, epochs):
    config = read_config(
        "lgm",
        dataset={"name": "test", "root": str(root), "source": "original"},
        model=ARCHITECTURES["fast"],
        training={**PROTOCOLS["fast"], "score_samples": 2, "epochs": epochs},
    )
    return train(config, RunDirectory(folder))


def test_run_goes_on_and_is_opened_with_data_that_moved(dots, tmp_path):
    spec, path = dots
    folder, elsewhere = tmp_path / "sims" / "1", tmp_path / "elsewhere"
    folder.mkdir(parents=True)
    train_on(path.parent, folder, 1)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    shutil.move(path.parent, elsewhere)
    with pytest.raises(DataFileError, match="is not at"):
        train_on(path.parent, folder, 2)
    results = train_on(elsewhere, folder, 2).results
    assert results["data"]["hash"] == spec.original.hash == open_run(folder).load_images()["hash"]
    before = (folder / "config.json").read_bytes()
    (elsewhere / path.name).write_bytes(b"other")
    with pytest.raises(DataFileError, match="not an npz file"):
        train_on(elsewhere, folder, 3)
    assert (folder / "config.json").read_bytes() == before
    with pytest.raises(DataFileError, match="not an npz file"):
        open_run(folder).dataset  # noqa: B018
