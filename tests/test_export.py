"""Models that leave their run, and are opened again without it."""

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from torch import nn

import disentgen
from conftest import REPOSITORY
from disentgen.__main__ import main
from disentgen.errors import DataFileError, UsageError
from disentgen.export import writing
from disentgen.export.writing import export_run, serialise_weights
from disentgen.models import FAMILIES
from disentgen.runs import open_run
from disentgen.schema import merge
from strangers import SHORT

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
FILES = {"README.md", "config.json", "model.safetensors"}


@pytest.fixture
def run(tmp_path):
    """A run of its own, of a stand-in."""
    return copy_run("disent/factor", tmp_path)


def copy_run(name, folder):
    path = folder / "runs" / name
    shutil.copytree(EARLIER / name, path)
    return open_run(path)


def change(path, **given):
    path.write_text(json.dumps({**json.loads(path.read_text()), **given}))


@pytest.fixture
def exported(run, tmp_path):
    return export_run(run, tmp_path / "exported")


def forbid(*given, **options):
    raise AssertionError("pickle")


@pytest.mark.parametrize("name", ["disent/pooled", "composition/mlp", "decoders/1", "supervised/1"])
def test_a_model_is_opened_again_to_the_same_bits_without_pickle(name, tmp_path, monkeypatch):
    run = open_run(EARLIER / name)
    folder, kept = disentgen.export_run(run, tmp_path / "new" / "model"), run.model.state_dict()
    assert {path.name for path in folder.iterdir()} == FILES
    assert {path.name for path in folder.parent.iterdir()} == {"model"}
    for module, function in ((torch, "load"), (pickle, "load"), (pickle, "loads")):
        monkeypatch.setattr(module, function, forbid)
    model = disentgen.load_exported(folder)
    weights = model.state_dict()
    assert list(weights) == list(kept) and not model.training
    for key, value in kept.items():
        assert value.dtype == weights[key].dtype
        assert value.numpy().tobytes() == weights[key].numpy().tobytes()
    images = torch.rand(3, *model.image_shape, generator=torch.Generator().manual_seed(0))
    if run.family == "decoder":
        assert torch.equal(model(images[:, 0, 0, :5]).images, run.model(images[:, 0, 0, :5]).images)
    else:
        encode = FAMILIES[run.family].encode
        assert torch.equal(encode(model, images), encode(run.model, images))


def test_weights_that_share_memory_are_written_once_each(tmp_path):
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    model[1].bias.data = model[0].weight.data[0]
    (tmp_path / "tied").write_bytes(serialise_weights(model))
    written = load_file(tmp_path / "tied")
    assert written.keys() == model.state_dict().keys()
    assert all(torch.equal(value, written[key]) for key, value in model.state_dict().items())


def test_a_card_says_what_the_model_is_and_how_well_it_does_where(run, exported):
    lines = (exported / "README.md").read_text(encoding="utf-8").splitlines()
    end = lines.index("---", 1)
    header = yaml.safe_load("\n".join(lines[1:end]))
    assert header["library_name"] == "disent-and-gen" and "stand-in" in header["tags"]
    assert "stand-in" in lines[end + 2] and "stand-in" in lines[end + 4]
    card = "\n".join(lines)
    for side, known in run.sides.items():
        if side in ("held_in", "held_out", "train", "validation"):
            assert f"| {known['count']:,} | `{known['sha256']}` |" in card
    for side, scores in run.results["scores"].items():
        row = f"| {side.replace('_', '-')} | {scores['nll']:.2f} | "
        error = scores.get("nll_standard_error")
        assert row + ("" if error is None else f"{error:.2f} |") in card
    told = [
        f"held out: `{run.sides['expressions']['held_out']}`", "objective: `factor` with `gamma=",
        f"seed: {run.config['seed']}", f"exported by {disentgen.__version__}", "Kim, Hyunjik",
        "encoder: 1 × 64 × 64", "disentgen.load_exported('exported')",
    ]  # fmt: skip
    assert [text for text in told if text not in card] == []


def test_a_card_names_what_was_held_out_with_its_standard_errors(tmp_path):
    run = copy_run("disent/factor", tmp_path)
    results = run.results
    for scores in results["scores"].values():
        scores["nll_standard_error"] = 1.25
    change(run.path / "results.json", **results)
    card = (export_run(open_run(run.path), tmp_path / "e") / "README.md").read_text("utf-8")
    assert card.count("| 1.25 |") == 3


def test_the_control_says_so_and_a_published_files_images_are_no_stand_in(tmp_path):
    run = copy_run("disent/vae-control", tmp_path)
    data = {**run.results["data"], "source": "original", "label": "dSprites", "hash": "md5:00"}
    change(run.path / "results.json", data=data)
    card = (export_run(open_run(run.path), tmp_path / "e") / "README.md").read_text("utf-8")
    assert "stand-in" not in card and "**A control**" in card and "`md5:00`" in card


def test_where_data_lies_is_not_told(run, tmp_path):
    config = run.load_config()
    config["dataset"] |= {"root": "/home/somebody/raw", "held_in_file": "/home/somebody/list.csv"}
    config["dataset"] |= {"variant": None, "held_out": None, "condition": None}
    change(run.path / "config.json", **config)
    folder = export_run(open_run(run.path), tmp_path / "e")
    assert not [path for path in folder.iterdir() if b"somebody" in path.read_bytes()]


def test_a_card_says_what_was_left_out_and_how_images_were_drawn(run, tmp_path):
    sides = run.sides | {"weights": {"sha256": "f00"}}
    sides["expressions"] |= {"thin": "posX < 0.5"}
    (run.path / "split.json").write_text(json.dumps(sides))
    card = (export_run(open_run(run.path), tmp_path / "e") / "README.md").read_text("utf-8")
    assert "only: `posX < 0.5`" in card and "drawn by weights, SHA-256: `f00`" in card


def test_text_of_strangers_does_not_act_in_a_card(run, tmp_path):
    config, results = run.load_config(), run.results
    config["model"]["name"] = SHORT[:100]
    results["data"]["label"] = "a\n# b [x](y) | `c` <img src=x>\x1b[2J"
    change(run.path / "config.json", **config)
    change(run.path / "results.json", data=results["data"])
    card = (export_run(open_run(run.path), tmp_path / "e") / "README.md").read_text("utf-8")
    assert "\x1b" not in card and "\n# b" not in card
    assert "<script" not in card and "<img" not in card
    assert r"- images: a # b \[x\](y) \| \`c\` &lt;img src=x&gt;" in card


@pytest.mark.parametrize("kind", ["full", "file", "link"])
def test_a_folder_that_is_not_new_is_left_as_it_is(run, tmp_path, kind):
    folder, other = tmp_path / "there", tmp_path / "other"
    other.mkdir()
    if kind == "full":
        folder.mkdir()
        (folder / "notes").write_text("mine")
    elif kind == "file":
        folder.write_text("mine")
    else:
        folder.symlink_to(other)
    with pytest.raises((UsageError, DataFileError), match="is not empty|a folder is expected"):
        export_run(run, folder)
    assert not any(other.iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {"there", "other", "runs"}
    assert kind != "full" or [path.name for path in folder.iterdir()] == ["notes"]


def test_an_empty_folder_is_filled(run, tmp_path):
    (tmp_path / "empty").mkdir()
    assert {path.name for path in export_run(run, tmp_path / "empty").iterdir()} == FILES


def test_a_run_that_has_not_ended_or_whose_model_changed_is_refused(run, tmp_path):
    change(run.path / "results.json", model_sha256="0" * 64)
    with pytest.raises(DataFileError, match="model.pt has changed since the run ended"):
        export_run(open_run(run.path), tmp_path / "e")
    (run.path / "results.json").unlink()
    with pytest.raises(UsageError, match="has not ended: it has no results.json"):
        export_run(open_run(run.path), tmp_path / "e")
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize("empty", [True, False])
def test_a_folder_is_written_whole_or_not_at_all(run, tmp_path, monkeypatch, empty):
    write = writing._write

    def fail_at_the_card(path, content):
        if path.name == "README.md":
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(writing, "_write", fail_at_the_card)
    if empty:
        (tmp_path / "e").mkdir()
    with pytest.raises(DataFileError, match=r"cannot write .*/e: No space left on device\.$"):
        export_run(run, tmp_path / "e")
    assert {path.name for path in tmp_path.iterdir()} == {"runs", *(["e"] if empty else [])}
    assert not empty or not any((tmp_path / "e").iterdir())


def test_what_came_into_the_folder_meanwhile_is_kept(run, tmp_path, monkeypatch):
    write = writing._write

    def come_between(path, content):
        write(path, content)
        (tmp_path / "e").mkdir(exist_ok=True)
        (tmp_path / "e" / "notes").write_text("mine")

    monkeypatch.setattr(writing, "_write", come_between)
    with pytest.raises(DataFileError, match="cannot write"):
        export_run(run, tmp_path / "e")
    assert [path.name for path in (tmp_path / "e").iterdir()] == ["notes"]


def spoil(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def replace_weights(weights):
    """Weights of another kind, whose hash is in the configuration."""

    def craft(folder):
        save_file(weights, folder / "model.safetensors")
        adopt(folder)

    return craft


def adopt(folder):
    sha256 = disentgen.RunDirectory(folder).digest("model.safetensors")
    change(folder / "config.json", weights={"sha256": sha256})


def cut(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    adopt(folder)


def link(folder):
    path = folder / "model.safetensors"
    path.rename(folder / "elsewhere")
    path.symlink_to(folder / "elsewhere")


def pipe(folder):
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")


def describe(**given):
    def craft(folder):
        model = json.loads((folder / "config.json").read_text())["model"]
        change(folder / "config.json", model=merge(model, given))

    return craft


@pytest.mark.parametrize(
    ("craft", "message"),
    [
        (
            lambda folder: spoil(folder / "model.safetensors"),
            "its SHA-256 is not the one in config",
        ),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors is not there"),
        (lambda folder: (folder / "config.json").unlink(), "no exported model: it has no config"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json is damaged"),
        (
            lambda folder: change(folder / "config.json", weights=5),
            "config.json is damaged: weights",
        ),
        (lambda folder: change(folder / "config.json", format=2), "is of format 2; this version"),
        (describe(family="lmg"), "config.json describes no model: unknown model family"),
        (describe(image_shape=[1, 8, 8]), "config.json describes no model"),
        (describe(parameters={"latent_size": 5}), "not of the model in config.json: 'encoder"),
        (replace_weights({"x": torch.zeros(3)}), "'encoder.0.weight' is not there"),
        (cut, "model.safetensors is damaged"),
        (link, "model.safetensors is a symbolic link"),
        (pipe, "config.json is a pipe"),
    ],
)
def test_damage_is_named_in_a_line(exported, craft, message):
    craft(exported)
    with pytest.raises(DataFileError, match=message) as refused:
        disentgen.load_exported(exported)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 700


def test_an_exported_model_is_no_run(run, exported):
    assert list(disentgen.find_runs(exported.parent)["path"]) == [str(run.path)]
    with pytest.raises(DataFileError, match=r"is an exported model and no run; disentgen.load_exp"):
        open_run(exported)


def test_the_command_prints_where_the_model_is(run, tmp_path, capsys):
    words = ["export", str(run.path), str(tmp_path / "e")]
    main(words)
    assert capsys.readouterr().out == f"{tmp_path}/e\n"
    with pytest.raises(SystemExit, match=r"^error: .*/e is not empty; a model is exported to a"):
        main(words)
    with pytest.raises(SystemExit, match="is not a run directory"):
        main(["export", str(Path("/nowhere/1")), str(tmp_path / "f")])
