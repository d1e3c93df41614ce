"""The body of every experiment, without Sacred."""

import copy
import itertools
import math
import re
import shutil
import signal
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from configs.cnnvae import ARCHITECTURES
from configs.training import LOSSES, PAIRED, PROTOCOLS
from conftest import read_config
from disentgen.analysis.figures import reconstructions
from disentgen.analysis.figures.examples import list_shown_sides
from disentgen.errors import DataFileError, DivergenceError, UsageError
from disentgen.run_directory import RunDirectory
from disentgen.runs import open_run
from disentgen.schema import merge
from disentgen.training import machine
from disentgen.training import run as run_module
from disentgen.training.assembly import Training, assemble
from disentgen.training.checkpoint_shape import check_checkpoint
from disentgen.training.config import Config
from disentgen.training.continuing import has_ended
from disentgen.training.losses import Loss
from disentgen.training.losses.vae import BetaVAE
from disentgen.training.machine import choose_device, prepare_process
from disentgen.training.optimizers import build_optimizer, optimizers, resolve_optimizer
from disentgen.training.run import train
from disentgen.training.settings import TrainingSettings


class Recorder:
    def __init__(self):
        self.scalars = {}

    def log_scalar(self, metric_name, value, step=None):
        self.scalars.setdefault(metric_name, []).append((step, value))


#: Of the named objectives, but quick: with a small discriminator.
OBJECTIVES = (
    LOSSES
    | PAIRED
    | {"factor": merge(LOSSES["factor"], {"loss": {"params": {"discriminator_units": 50}}})}
)
#: What a run is trained by, where a test does not say something else.
QUICK = {**PROTOCOLS["fast"], "score_samples": 2, "batch_size": 16}


def make_config(loss="factor", dataset=None, family="lgm", rest=None, **training):
    given = {
        "dataset": {"name": "dsprites", "variant": "shape2tx", **(dataset or {})},
        "model": ARCHITECTURES["fast"],
        "training": {**OBJECTIVES[loss], **QUICK, **training},
    }
    return read_config(family, **given | (rest or {}))


def run(config, folder):
    folder.mkdir(parents=True, exist_ok=True)
    recorder = Recorder()
    return train(config, RunDirectory(folder), recorder).results, recorder


def read_history(folder):
    """The history without what a clock wrote."""
    return pd.read_csv(folder / "history.csv").drop(columns=["seconds", "images_per_second"])


def assert_same_run(one, other):
    pd.testing.assert_frame_equal(read_history(one), read_history(other), check_exact=True)
    for name in ("model.pt", "checkpoint.pt"):
        weights = [torch.load(folder / name, weights_only=True) for folder in (one, other)]
        weights = [state.get("model", state) for state in weights]
        assert weights[0].keys() == weights[1].keys()
        assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


@pytest.mark.parametrize("threads", [2, 3])
def test_more_threads_than_cores_are_warned_of(monkeypatch, capsys, threads):
    monkeypatch.setattr(machine, "available_threads", lambda: 2)
    prepare_process(threads)
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == (threads > 2)
    assert all("threads=3, but this process may use 2 cores" in line for line in warnings)


def test_same_seed_same_metrics_and_another_seed_others(tmp_path):
    first, _ = run(make_config(), tmp_path / "1")
    second, _ = run(make_config(), tmp_path / "2")
    other, _ = run(make_config(rest={"seed": 2}), tmp_path / "3")
    assert_same_run(tmp_path / "1", tmp_path / "2")
    assert first["scores"] == second["scores"]
    assert first["scores"] != other["scores"]
    assert first["split"] == other["split"]


@pytest.mark.parametrize(
    ("loss", "select", "precision"),
    [("factor", "best", "fp32"), ("cci", "last", "fp32"), ("beta", "last", "bf16")],
)
def test_run_stopped_after_an_epoch_goes_on_bit_by_bit(tmp_path, loss, select, precision):
    options = {
        "lr_decay": 0.9, "early_stopping": 10, "select": select, "precision": precision,
    }  # fmt: skip
    whole, _ = run(make_config(loss, epochs=4, **options), tmp_path / "whole")
    run(make_config(loss, epochs=2, **options), tmp_path / "parts")
    resumed, recorder = run(make_config(loss, epochs=4, **options), tmp_path / "parts")
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    assert whole["scores"] == resumed["scores"]
    assert [step for step, _ in recorder.scalars["train.nll"]] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("loss", "family"),
    [("vae", "composer"), pytest.param("adagvae", "lgm", marks=pytest.mark.ci)],
)
def test_images_may_be_held_on_the_device_from_any_epoch_on(tmp_path, capsys, loss, family):
    def train_for(epochs, resident, folder):
        config = make_config(loss, {"resident": resident}, family, epochs=epochs)
        results, _ = run(config, tmp_path / folder)
        return results["scores"], "cpu, images resident, seed 1" in capsys.readouterr().out

    whole, _ = train_for(2, "no", "whole")
    assert not train_for(1, "auto", "parts")[1]
    assert train_for(2, "yes", "parts") == (whole, True)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_run_stopped_while_it_was_scored_is_scored_again_and_not_trained(tmp_path):
    whole, _ = run(make_config(), tmp_path)
    weights = (tmp_path / "model.pt").read_bytes()
    (tmp_path / "results.json").unlink()
    again, _ = run(make_config(), tmp_path)
    assert again["scores"] == whole["scores"]
    assert (tmp_path / "model.pt").read_bytes() == weights
    assert len(read_history(tmp_path)) == 2


@pytest.fixture
def interrupts():
    """Ctrl-C interrupts, though tests may be run where it is ignored: in the background, say."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt_at(monkeypatch, step=None, epoch=None):
    """Let a signal come in the middle of a step, or in the validation of an epoch, once."""
    forward, validate = Loss.judge, run_module.validate

    def judge(self, output, target):
        nonlocal step
        due, step = step == 0, None if step is None else step - 1
        if due:
            signal.raise_signal(signal.SIGINT)
        return forward(self, output, target)

    def validate_once(training):
        nonlocal epoch
        if epoch == len(training.history) + 1:
            epoch = None
            signal.raise_signal(signal.SIGINT)
        return validate(training)

    monkeypatch.setattr(Loss, "judge", judge)
    monkeypatch.setattr(run_module, "validate", validate_once)


@pytest.mark.parametrize(
    ("loss", "family", "moment", "saved"),
    [
        ("factor", "lgm", {"step": 7}, "step 3 of 5 in epoch 2 of 3"),
        ("factor", "lgm", {"step": 9}, "step 5 of 5 in epoch 2 of 3"),
        ("waegan", "lgm", {"epoch": 2}, "step 5 of 5 in epoch 2 of 3"),
        pytest.param(
            "adagvae", "lgm", {"step": 3}, "step 4 of 5 in epoch 1 of 3", marks=pytest.mark.ci
        ),
        pytest.param(
            "beta", "composer", {"step": 12}, "step 3 of 5 in epoch 3 of 3", marks=pytest.mark.ci
        ),
    ],
)
@pytest.mark.usefixtures("interrupts")
def test_interrupted_run_saves_its_last_step_and_goes_on_bit_by_bit(
    tmp_path, monkeypatch, capsys, loss, family, moment, saved
):
    options = {"epochs": 3, "lr_decay": 0.9, "early_stopping": 10}
    config = make_config(loss, family=family, **options)
    whole, _ = run(config, tmp_path / "whole")
    interrupt_at(monkeypatch, **moment)
    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path / "parts")
    assert f"saved after {saved}\n" in capsys.readouterr().out
    resumed, recorder = run(config, tmp_path / "parts")
    assert f"resuming after {saved}\n" in capsys.readouterr().out
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    assert whole["scores"] == resumed["scores"]
    assert [step for step, _ in recorder.scalars["train.loss"]] == [1, 2, 3]


@pytest.mark.usefixtures("interrupts")
def test_an_interrupted_run_with_all_that_may_be_asked_for_goes_on_bit_by_bit(
    tmp_path, monkeypatch
):
    """Masks of dropout are functions of seed and epoch, learning rates of the step."""
    inner = [("batchnorm",), ("dropout",), ("linear", 32)]
    layers = [*ARCHITECTURES["fast"]["encoder"], ("dropout", 0.2), ("residual", inner)]
    options = {
        "epochs": 3, "ema": 0.9, "clip_norm": 50.0, "warmup_steps": 12, "lr": 0.01,
        "schedule": "cosineannealing", "schedule_params": {"T_max": 3},
    }  # fmt: skip
    config = make_config("factor", rest={"model": {"encoder": layers}}, **options)
    whole, recorder = run(config, tmp_path / "whole")
    rates = [rate for _, rate in recorder.scalars["lr"]]
    assert rates == pytest.approx([0.01 * 5 / 12, 0.0075 * 10 / 12, 0.0025])
    assert min(norm for _, norm in recorder.scalars["train.gradient_norm"]) > 50
    interrupt_at(monkeypatch, step=7)
    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path / "parts")
    resumed, _ = run(config, tmp_path / "parts")
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    states = [RunDirectory(tmp_path / part).load_checkpoint() for part in ("whole", "parts")]
    averages = [state["average"] for state in states]
    assert all(map(torch.equal, averages[0].values(), averages[1].values()))
    assert whole["scores"] == resumed["scores"]
    rebuilt = RunDirectory(tmp_path / "parts").load_model()
    images = torch.rand(4, 1, 64, 64)
    assert torch.equal(rebuilt.encode(images).mean, rebuilt.encode(images).mean)
    assert not torch.equal(*(rebuilt.train().encode(images).mean for _ in range(2)))


@pytest.mark.usefixtures("interrupts")
def test_seconds_of_an_interrupted_epoch_are_counted_in_both_processes(tmp_path, monkeypatch):
    interrupt_at(monkeypatch, step=2)
    with pytest.raises(KeyboardInterrupt):
        run(make_config(epochs=1), tmp_path)
    checkpoint = RunDirectory(tmp_path).load_checkpoint()
    checkpoint["unfinished_epoch"]["seconds"] += 1000
    RunDirectory(tmp_path).save_checkpoint(checkpoint)
    run(make_config(epochs=1), tmp_path)
    assert 1000 < pd.read_csv(tmp_path / "history.csv")["seconds"].item() < 2000


@pytest.mark.parametrize(
    ("minutes", "seconds", "saved"),
    [
        (None, 0, [5, 25]),  # short epochs: the first and the last
        (None, 20, [5, 10, 15, 20, 25]),
        (None, 5, [5, 15, 25]),  # the third a minute after the first, in the middle of the fourth
        (1, 5, [5, 17, 25]),
        (1e-9, 1, [*range(1, 26), 25]),
    ],
)
def test_epochs_are_saved_once_a_minute_and_steps_as_often_as_is_said(
    tmp_path, monkeypatch, minutes, seconds, saved
):
    clock, steps = time.monotonic(), []
    judge, save = Loss.judge, RunDirectory.save_checkpoint

    def take_time(self, *batch):
        nonlocal clock
        clock += seconds
        return judge(self, *batch)

    def note(self, state):
        steps.append(state["step"])
        save(self, state)

    monkeypatch.setattr(Loss, "judge", take_time)
    monkeypatch.setattr(RunDirectory, "save_checkpoint", note)
    fake = SimpleNamespace(monotonic=lambda: clock)
    monkeypatch.setattr("disentgen.training.checkpoints.time", fake)
    options = {"epochs": 5, "score_images": 16, "validation_images": 16, "batch_size": 4}
    run(make_config("vae", checkpoint_minutes=minutes, **options), tmp_path)
    assert steps == saved
    assert len(read_history(tmp_path)) == 5


def test_a_run_that_drops_its_checkpoint_is_scored_again_but_not_trained(tmp_path, capsys):
    config = make_config("vae", keep_checkpoint=False)
    whole, _ = run(config, tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()
    (tmp_path / "results.json").unlink()  # as a process does that is killed while scoring
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    del files["starts.json"]  # which the next start is added to
    again, recorder = run(config, tmp_path)
    assert again["scores"] == whole["scores"] and again["speed"] == whole["speed"]
    assert [step for step, _ in recorder.scalars["train.loss"]] == [1, 2]
    assert {name: (tmp_path / name).read_bytes() for name in files} == files
    assert "there is no checkpoint; the model is scored as it is" in capsys.readouterr().out
    with pytest.raises(DataFileError, match="has no checkpoint.pt to go on from"):
        run(make_config("vae", keep_checkpoint=False, epochs=3), tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in files} == files
    (tmp_path / "history.csv").unlink()
    with pytest.raises(DataFileError, match="has no checkpoint.pt to go on from"):
        run(config, tmp_path)


def test_history_follows_the_checkpoint(tmp_path):
    """It lacks an epoch, or has one too many, where the run was copied or killed at a bad time."""
    config = make_config("vae")
    run(config, tmp_path)
    history = (tmp_path / "history.csv").read_bytes()
    for lines in (2, 4):
        text = history.splitlines(keepends=True)
        (tmp_path / "history.csv").write_bytes(b"".join((text * 2)[:lines]))
        (tmp_path / "model.pt").unlink()
        run(config, tmp_path)
        assert (tmp_path / "history.csv").read_bytes() == history
        assert RunDirectory(tmp_path).load_model().latent_size == 10


def test_a_damaged_checkpoint_is_named_and_nothing_is_written(tmp_path):
    config, directory = make_config("vae"), RunDirectory(tmp_path)
    run(config, tmp_path)
    sound = directory.load_checkpoint()
    rows, weights = sound["history"], sound["selected"]
    damages = [
        {"history": rows[::-1]},
        {"history": [rows[0], {**rows[1], "train.loss": math.inf}]},
        {"history": [rows[0], {**rows[1], "step": 2.0}]},
        {"history": [rows[0], 2]},
        {"history": rows[:1]},
        {"step": True},
        {"step": -1},
        {"step": sound["step"] + 1},
        {"unfinished_epoch": {}},
        {"selected": {}},
        {"selected": {name: value[:1] for name, value in weights.items()}},
        {"model": None},
    ]
    cases = [{**sound, **damage} for damage in damages]
    cases += [{name: sound[name] for name in sound if name != key} for key in ("loss", "history")]
    model, length = config.build_model(), sound["step"] // 2
    given = ("model", "optimizer", "loss"), model, length, tmp_path / "checkpoint.pt"
    check_checkpoint(sound, *given)
    check_checkpoint({key: sound[key] for key in sound if key not in ("step", "selected")}, *given)
    for case in cases:
        with pytest.raises(DataFileError, match=r"checkpoint\.pt is ") as caught:
            check_checkpoint(case, *given)
        assert "\n" not in str(caught.value)
    for case in (cases[0], {**sound, "optimizer": {"state": {}}}):
        directory.save_checkpoint(case)
        (tmp_path / "model.pt").unlink(missing_ok=True)
        history = (tmp_path / "history.csv").read_bytes()
        with pytest.raises(DataFileError, match=r"checkpoint\.pt is damaged"):
            run(config, tmp_path)
        assert not (tmp_path / "model.pt").exists()
        assert (tmp_path / "history.csv").read_bytes() == history


def test_early_stopping_names_the_score_that_a_history_lacks():
    settings = make_config("vae", early_stopping=1).training
    with pytest.raises(DataFileError, match=r"history\.csv lacks validation\.nll"):
        has_ended([{"epoch": 1, "step": 5}], settings)


@pytest.mark.usefixtures("interrupts")
def test_a_run_of_which_nothing_was_saved_says_that_it_starts_again(tmp_path, monkeypatch, capsys):
    interrupt_at(monkeypatch, step=0)
    monkeypatch.setattr("disentgen.training.checkpoints.Checkpoints.save_step", lambda self: None)
    with pytest.raises(KeyboardInterrupt):
        run(make_config("vae"), tmp_path)
    assert "saved" not in capsys.readouterr().out
    run(make_config("vae"), tmp_path)
    assert "nothing was saved of this run; it starts again" in capsys.readouterr().out


def test_a_long_epoch_says_after_fifty_steps_how_long_the_run_will_take(tmp_path, capsys):
    run(make_config("vae", epochs=1, epoch_length=52, batch_size=4), tmp_path)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("step ")]
    assert len(lines) == 1
    assert re.fullmatch(r"step 50 of 52 in epoch 1 of 1  [\d,]+ images/s  \d+ s left", lines[0])


def test_every_term_is_recorded_under_its_name(tmp_path):
    results, recorder = run(make_config("factor"), tmp_path)
    history = pd.read_csv(tmp_path / "history.csv")
    terms = ["loss", "nll", "kl", "total_correlation", "discriminator_loss",
             "discriminator_accuracy", *(f"kl_per_latent_{i}" for i in range(10))]  # fmt: skip
    for term in terms:
        assert [value for _, value in recorder.scalars[f"train.{term}"]] == (
            history[f"train.{term}"].tolist()
        )
    latents = history[[f"train.kl_per_latent_{i}" for i in range(10)]].sum(axis=1)
    np.testing.assert_allclose(latents, history["train.kl"], rtol=1e-5)
    total = history["train.nll"] + history["train.kl"] + 100 * history["train.total_correlation"]
    np.testing.assert_allclose(total, history["train.loss"], rtol=1e-5)
    assert history["epoch"].tolist() == [1, 2]
    assert history["step"].tolist() == [5, 10]
    assert results["epochs"] == 2


@pytest.mark.parametrize("select", ["best", "last"])
def test_selected_epoch_is_kept_and_scored(tmp_path, select):
    config = make_config("beta", lr=0.02, epochs=5, score_images=64, select=select)
    results, _ = run(config, tmp_path)
    history = pd.read_csv(tmp_path / "history.csv").set_index("epoch")["validation.nll"]
    best = history.idxmin()
    assert best < 5, "a test of a run that is best at its end tells nothing"
    assert results["best_epoch"] == best
    assert results["select"] == select
    assert results["selected_epoch"] == (best if select == "best" else 5)
    # The fast protocol validates on the 64 images that are scored at the end here.
    assert results["scores"]["validation"]["nll"] == history[results["selected_epoch"]]
    last = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["model"]
    kept = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(torch.equal(kept[name], last[name]) for name in last) == (select == "last")


def test_last_epoch_is_kept_where_training_stops_early(tmp_path):
    config = make_config("beta", lr=0.02, epochs=9, early_stopping=1, select="last")
    results, _ = run(config, tmp_path)
    assert results["selected_epoch"] == results["epochs"] == results["best_epoch"] + 1 < 9


def test_samples_move_no_other_score(tmp_path, monkeypatch):
    monkeypatch.setattr("disentgen.training.results.BOUNDED_IMAGES", 40)
    without, _ = run(make_config(score_samples=None), tmp_path)
    (tmp_path / "results.json").unlink()
    bounded, _ = run(make_config(score_samples=3), tmp_path)
    (tmp_path / "results.json").unlink()
    fewer, _ = run(make_config(score_samples=3, score_images=30), tmp_path)
    added = {"elbo", "elbo_standard_error", "iw_nll", "iw_nll_standard_error", "samples",
             "sampled_images"}  # fmt: skip
    for side, scores in without["scores"].items():
        assert {key: bounded["scores"][side][key] for key in scores} == scores
        assert set(bounded["scores"][side]) - set(scores) == added
        assert bounded["scores"][side]["sampled_images"] == 40
        assert bounded["scores"][side]["images"] == 128
        assert fewer["scores"][side]["sampled_images"] == 30
        assert bounded["scores"][side]["samples"] == 3


def test_control_learns_from_held_out_images_and_is_scored_on_the_same(tmp_path):
    plain, _ = run(make_config(), tmp_path / "1")
    control, _ = run(make_config(dataset={"control": True}), tmp_path / "2")
    for side in ("train", "validation", "held_out"):
        assert plain["scores"][side]["images"] == control["scores"][side]["images"]
    for side in ("held_in", "held_out", "validation"):
        assert plain["split"][side] == control["split"][side]
    assert control["split"]["control"] and not plain["split"]["control"]
    assert plain["images_trained_on"] == plain["split"]["train"]["count"]
    held_out = plain["split"]["held_out"]["count"]
    assert control["images_trained_on"] == plain["images_trained_on"] + held_out


def test_control_makes_as_many_steps_as_its_counterpart():
    parts = [
        assemble(make_config(dataset={"control": control}, epoch_length=None))
        for control in (False, True)
    ]
    assert len(parts[0].batches) == len(parts[1].batches) == 583_680 // 16
    assert len(parts[1].batches.indices) > len(parts[0].batches.indices)


def test_batch_too_small_for_loss_or_model_is_refused():
    with pytest.raises(UsageError, match="batch_size=3: the loss 'factor' needs at least 4"):
        make_config("factor", batch_size=3)
    model = {**ARCHITECTURES["fast"], "mixer": "mlp"}
    with pytest.raises(UsageError, match="batch_size=1: batch normalisation needs at least 2"):
        make_config("vae", family="composer", rest={"model": model}, batch_size=1)


@pytest.mark.parametrize("control", [False, True])
def test_batch_of_more_images_than_are_held_in_is_refused(control):
    few = "~(shape == 1 & scale < 0.55 & orientation < 0.1 & posX < 0.1 & posY < 0.1)"
    dataset = {"variant": None, "held_out": few, "control": control}
    with pytest.raises(UsageError, match="batch_size=16 is more than the .* images of the held-in"):
        make_config(dataset=dataset, epoch_length=None)


def read_dataset(**given):
    """The ``dataset`` section as it is saved."""
    given = {"dataset": {"name": "dsprites", **given}, "model": {"family": "lgm"}}
    return Config.read(given, complete=False).plain()["dataset"]


def test_saved_section_says_which_images_were_meant(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))
    section = read_dataset()
    assert section["source"] == "stand-in"
    folder = tmp_path / "raw" / "dsprites"
    folder.mkdir(parents=True)
    (folder / "dsprite_train.npz").write_text("a file has come since")
    assert read_dataset(**section)["source"] == "stand-in"
    assert read_dataset()["source"] == "original"
    assert read_dataset(name="mpi3d")["version"] == "real"
    monkeypatch.chdir(tmp_path)
    assert read_dataset(root="raw")["root"] == str(tmp_path / "raw")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_training_on_a_gpu_is_repeatable_and_resumes(tmp_path, precision):
    config = make_config(epochs=4, precision=precision, rest={"device": "cuda"})
    short = make_config(epochs=2, precision=precision, rest={"device": "cuda"})
    whole, _ = run(config, tmp_path / "whole")
    run(short, tmp_path / "parts")
    resumed, _ = run(config, tmp_path / "parts")
    assert whole["device"] == "cuda"
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    assert whole["scores"] == resumed["scores"]


def test_early_stopping_ends_a_run_that_no_longer_improves(tmp_path):
    results, _ = run(make_config("vae", epochs=20, early_stopping=1, lr=1e-9), tmp_path)
    history = pd.read_csv(tmp_path / "history.csv")["validation.nll"]
    assert results["epochs"] < 20
    assert history.iloc[-1] >= history.min()


def test_learning_rate_decay(tmp_path):
    run(make_config("vae", epochs=3, lr=0.01, lr_decay=0.5), tmp_path)
    rates = pd.read_csv(tmp_path / "history.csv")["lr"]
    assert rates.tolist() == pytest.approx([0.01, 0.005, 0.0025])


def test_bf16_runs_networks_alone_in_low_precision(tmp_path, capsys):
    exact, _ = run(make_config("beta"), tmp_path / "1")
    assert "bf16" not in capsys.readouterr().out
    coarse, _ = run(make_config("beta", precision="bf16"), tmp_path / "2")
    warned = "bf16 is many times slower than fp32" in capsys.readouterr().out
    assert warned == (not torch.ops.mkldnn._is_mkldnn_bf16_supported())
    assert exact["scores"] != coarse["scores"]
    assert exact["scores"]["train"]["nll"] == pytest.approx(
        coarse["scores"]["train"]["nll"], rel=0.01
    )
    weights = torch.load(tmp_path / "2" / "model.pt", weights_only=True)
    assert {value.dtype for value in weights.values()} == {torch.float32}


def test_divergence_names_step_and_term_and_keeps_finished_epochs(tmp_path, monkeypatch):
    forward = BetaVAE.forward

    def spoil(self, output, target, step):
        terms = forward(self, output, target, step)
        return terms | {"nll": terms["nll"] * float("nan")} if step == 17 else terms

    monkeypatch.setattr(BetaVAE, "forward", spoil)
    with pytest.raises(DivergenceError, match=r"at step 18 \(epoch 4\): nll = nan"):
        run(make_config("beta", epochs=4), tmp_path)
    assert len(pd.read_csv(tmp_path / "history.csv")) == 3
    assert RunDirectory(tmp_path).load_checkpoint()["history"][-1]["epoch"] == 3
    assert RunDirectory(tmp_path).load_model().latent_size == 10
    assert not (tmp_path / "results.json").exists()


def spoil_gradient(monkeypatch, step):
    """From a training step (counted from 1) on, finite terms have a gradient that is not."""
    judge, steps = Loss.judge, itertools.count(1)

    def spoil(self, output, target):
        cost, terms = judge(self, output, target)
        return (cost + torch.sqrt(0 * cost) if next(steps) >= step else cost), terms

    monkeypatch.setattr(Loss, "judge", spoil)


def test_weights_that_are_not_finite_are_never_saved(tmp_path, monkeypatch):
    """The bad step's terms are finite yet; it would be saved, as each is, and so would its end."""
    spoil_gradient(monkeypatch, step=7)
    with pytest.raises(DivergenceError, match=r"at step 8 \(epoch 2\): loss = nan"):
        run(make_config("beta", checkpoint_minutes=1e-9), tmp_path)
    assert RunDirectory(tmp_path).load_checkpoint()["step"] == 6
    assert len(read_history(tmp_path)) == 1


@pytest.mark.usefixtures("interrupts")
def test_an_interrupted_step_with_bad_weights_is_not_saved(tmp_path, monkeypatch):
    spoil_gradient(monkeypatch, step=7)
    interrupt_at(monkeypatch, step=6)
    with pytest.raises(KeyboardInterrupt):
        run(make_config("beta"), tmp_path)
    assert RunDirectory(tmp_path).load_checkpoint()["step"] == 5


def test_without_validation_bad_weights_end_the_training_too(tmp_path, monkeypatch):
    monkeypatch.setattr(Training, "score", lambda training, *side: None)
    spoil_gradient(monkeypatch, step=10)
    with pytest.raises(DivergenceError, match="weights are not finite after epoch 2"):
        run(make_config("beta"), tmp_path)
    assert len(read_history(tmp_path)) == 1


def test_training_does_not_change_its_configuration(tmp_path):
    config = make_config()
    before = copy.deepcopy(config.plain())
    run(config, tmp_path)
    assert config.plain() == before


@pytest.mark.parametrize("name", optimizers())
def test_every_optimiser_takes_a_step(name):
    model = torch.nn.Linear(3, 1)
    before = model.weight.detach().clone()
    optimizer = build_optimizer(TrainingSettings(optimizer=name, lr=0.1), model)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.ones(1, 3)).sum().backward()
        optimizer.step()
    assert not torch.equal(model.weight, before)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"optimizer": "adan"}, "unknown optimizer .*'adan'.*Did you mean 'adam'"),
        ({"optimizer_params": {"beta": 1}}, "'beta'; accepted: betas"),
        ({"epochs": 0}, "training.epochs"),
        ({"precision": "bf61"}, "Did you mean 'bf16'"),
        ({"loss": {"nmae": "vae"}}, "training.loss.nmae"),
    ],
)
def test_mistakes_in_training(training, message):
    with pytest.raises(UsageError, match=message):
        read_config("lgm", dataset={}, model={}, training=training)


@pytest.mark.parametrize("params", [{"betas": (0.9,)}, {"betas": 1}, {"weight_decay": "much"}])
def test_optimiser_parameters_that_do_not_fit(params):
    with pytest.raises(UsageError, match="training.optimizer_params"):
        resolve_optimizer(TrainingSettings(optimizer_params=params))


def test_default_parameters_are_read_without_an_optimiser(monkeypatch):
    """The first one that is built takes torch more than a second."""
    monkeypatch.setattr("disentgen.training.optimizers.build_optimizer", None)
    assert resolve_optimizer(TrainingSettings()) is None


def test_optimiser_takes_another_implementation():
    settings = TrainingSettings(optimizer_params={"foreach": True})
    assert not build_optimizer(settings, torch.nn.Linear(1, 1)).defaults["fused"]


def test_devices(monkeypatch):
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(UsageError, match="device 'gpu'; accepted: auto, cpu, cuda, mps"):
        choose_device("gpu")
    for count in (0, 1):
        monkeypatch.setattr(torch.mps, "device_count", lambda count=count: count)
        name = f"mps:{count}" if count else "mps"
        with pytest.raises(UsageError, match=f"={name}: this machine offers {count} MPS devices"):
            choose_device(name)
    assert choose_device("mps") == torch.device("mps")
    for name in ("gpu", "cuda:x", "cuda:99"):
        with pytest.raises(UsageError, match="auto, cpu"):
            choose_device(name)


def test_process_takes_its_number_of_threads():
    prepare_process(1)
    assert torch.get_num_threads() == 1


ALONE = "shape == 3 & scale == 0.5 & orientation == 0 & posX < 0.2 & posY < 0.2"


def make_lonely(**training):
    """A composer that is trained on 48 images, with one to validate and one held out."""
    data = {
        "variant": None, "held_in": ALONE, "validation": 0.01,
        "held_out": "shape == 2 & scale == 0.5 & orientation == 0 & posX == 0 & posY == 0",
    }  # fmt: skip
    return make_config("vae", data, "composer", batch_size=4, epochs=2, **training)


def test_a_side_without_images_that_can_be_scored_costs_a_warning(tmp_path, capsys):
    """The held-out image has no partner to be composed with, the validation image has."""
    results, _ = run(make_lonely(), tmp_path)
    scores = results["scores"]
    assert scores["held_out"] is None
    assert scores["validation"]["images"] == 1
    assert "nll_standard_error" not in scores["validation"]
    printed = capsys.readouterr()
    assert printed.err == ("warning: no held-out image can be scored, since none has a partner.\n")
    assert list_shown_sides(open_run(tmp_path)) == {"held in": "validation"}
    assert reconstructions.title_side(open_run(tmp_path), "held in", "validation") == (
        f"held in: NLL {scores['validation']['nll']:.1f} nats"
    )


def test_without_validation_the_last_epoch_is_selected(tmp_path, monkeypatch, capsys):
    def choose_none_to_validate(training, side, limit):
        return choose(training, side, limit)[: 0 if side == "validation" else None]

    choose = Training.choose_images
    monkeypatch.setattr(Training, "choose_images", choose_none_to_validate)
    results, _ = run(make_lonely(), tmp_path / "1")
    assert results["scores"]["validation"] is None
    assert results["selected_epoch"] == results["best_epoch"] == 2
    assert "validation.nll" not in read_history(tmp_path / "1")
    assert "no validation image can be scored" in capsys.readouterr().err
    with pytest.raises(UsageError, match="early_stopping: no validation image"):
        run(make_lonely(early_stopping=1), tmp_path / "2")


@pytest.mark.parametrize("renamed", [True, False])
def test_a_run_whose_folder_is_gone_stops_at_the_next_save(tmp_path, renamed):
    folder = tmp_path / "run"

    class Mover:
        def log_scalar(self, metric_name, value, step=None):
            if folder.exists() and renamed:
                folder.rename(tmp_path / "renamed")
            elif folder.exists():
                shutil.rmtree(folder)

    fate = f"is called {tmp_path / 'renamed'} now" if renamed else "was deleted or moved"
    with pytest.raises(DataFileError, match=f"run {fate}, so nothing more is written"):
        train(make_config("vae", epochs=3), RunDirectory(folder), Mover())
    assert [path.name for path in tmp_path.iterdir()] == ["renamed"] * renamed
    if renamed:
        assert len(read_history(tmp_path / "renamed")) == 1
