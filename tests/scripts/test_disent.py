"""``python -m experiments.disent`` as a user types it."""

import datetime
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from conftest import FAST
from disentgen.dataset.duplicates import count_duplicates, find_duplicates
from disentgen.runs import open_run
from processes import SCRIPTS, call_module, start_module

SHORT = ("training.epochs=1", "training.epoch_length=2", "training.score_images=64",
         "training.validation_images=64", "training.find_duplicates=False",
         "threads=1")  # fmt: skip


@pytest.fixture
def runs(data):
    return data / "sims" / "disent"


def test_the_line_of_the_published_repository(disent, runs):
    disent(
        "with", "dataset.dsprites", "model.kim", "training.factor", "model.latent_size=50",
        "training.loss.params.beta=10", *SHORT,
    )  # fmt: skip
    run = open_run(runs / "1")
    assert run.status == "COMPLETED"
    assert run.config["training"]["loss"] == {
        "name": "factor",
        "params": {
            "gamma": 100.0,
            "beta": 10.0,
            "discriminator_lr": 1e-5,
            "discriminator_units": 1000,
        },
        "reconstruction": "bce",
        "pair_kl": None,
    }
    assert run.model.latent_size == 50
    assert run.results["data"]["source"] == "stand-in"
    assert run.results["scores"]["held_out"] is None
    assert run.results["duplicates"] is None


def test_a_run_leaves_all_that_is_promised(disent, data, runs, monkeypatch):
    monkeypatch.setenv("DISENTGEN_DATA", str(data))
    done = disent(
        "with", "dataset.variant=shape2tx", "training.factor", *FAST,
        "training.find_duplicates=True",
    )  # fmt: skip
    folder = runs / "1"
    assert "dSprites (rendered stand-in)" in done.stdout
    assert "held-out" in done.stdout
    run = open_run(folder)
    results = run.results
    for side in ("held_in", "held_out"):
        assert set(results["split"][side]) == {"count", "sha256"}
    assert results["split"]["held_out"]["sha256"].startswith("700b839710fa6e30")
    for side in ("train", "validation", "held_out"):
        keys = {"nll", "nll_floor", "kl", "images", "nll_standard_error"}
        assert keys <= set(results["scores"][side])
        assert results["scores"][side]["nll_floor"] == 0
    expected = count_duplicates(run.split, find_duplicates(run.dataset))
    assert results["duplicates"] == expected
    line = f"identical to a training image: {expected['validation']:,} of 30,720 validation images"
    assert line in done.stdout
    # Found once, and after the training.
    assert done.stdout.index("comparing the 737,280 images") > done.stdout.index("epoch 2/2")
    assert (data / "raw" / "dsprites" / "dsprites-stand-in-duplicates.npz").exists()
    assert results["seed"] == run.config["seed"] == 1
    assert results["speed"]["images_per_second"] > 0
    assert {"torch", "numpy", "python"} <= set(results["versions"])
    assert (folder / "reconstructions.png").read_bytes().startswith(b"\x89PNG")
    assert "model" in torch.load(folder / "checkpoint.pt", weights_only=True)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["validation.nll"]["values"] == run.history["validation.nll"].tolist()
    assert metrics["train.discriminator_accuracy"]["steps"] == [1, 2]
    assert not list(folder.glob(".*"))
    output = (folder / "cout.txt").read_bytes()
    assert b"\r" not in output and b"epoch 2/2" in output and len(output) < 5000


@pytest.mark.parametrize(
    "words",
    [
        ("dataset.condition=recomb2range", "dataset.variant=shape2tx", "training.beta"),
        ('dataset.held_out="shape == 1 & posX > 0.5"', "training.banneal"),
        ("dataset.held_out=posX > 0.6", "dataset.held_in=posX < 0.4", "training.bsched"),
        ("dataset.variant=blank_side", "dataset.control=True", "training.cci"),
        ("dataset.variant=leave1out", "training.vae", "dataset.fast", "training.precision=bf16"),
    ],
)
def test_variations_train(disent, runs, words):
    disent("with", *FAST, *words)
    assert open_run(runs / "1").results["scores"]["held_out"]["images"] == 128


def test_print_config_shows_what_the_loss_uses_and_no_colour(disent):
    done = disent("print_config", "with", "training.factor")
    assert "beta = 1.0" in done.stdout and "gamma = 100.0" in done.stdout
    assert "capacity" not in done.stdout
    assert "\x1b" not in done.stdout
    done = disent("print_config", "with", "dataset.dsprites", "model.burgess", "training.cci")
    assert "capacity" in done.stdout and "beta" not in done.stdout


def test_named_configs_are_listed(disent):
    names = disent("print_named_configs").stdout.split()
    architectures = ["higgins", "burgess", "burgess_v2", "kim", "mathieu", "mpcnn", "fast"]
    losses = ["vae", "beta", "cci", "factor", "banneal", "bsched", "fast"]
    for name in ["dataset.dsprites", "dataset.fast", *(f"model.{a}" for a in architectures),
                 *(f"training.{loss}" for loss in losses)]:  # fmt: skip
        assert name in names


def test_shows(disent, data):
    shown = disent("model.show", "with", "dataset.dsprites", "model.mathieu").stdout
    assert "498,005 parameters" in shown
    shown = disent("dataset.show", "with", "dataset.dsprites", "dataset.variant=leave1out").stdout
    assert "731,472" in shown and "5,808  9f5ff0857f7ab8a0" in shown
    assert "variant: Montero et al. 2021\nellipses look the same after half a turn" in shown
    assert re.search(r"identical to a training image: 2,\d+ of 36,574 validation .*, 0 of 5,808 "
                     r"held-out images \(0.0%\)", shown)  # fmt: skip
    (picture,) = (data / "results").glob("*.png")
    assert str(picture) in shown
    shown = disent("training.show", "with", "training.factor").stdout
    assert "Kim & Mnih 2018" in shown and "training.loss.params.gamma" in shown
    assert not (data / "sims").exists()


KIM = ("dataset.dsprites", "model.kim", "training.beta")
MISTAKES = [
    (("dataset.dsprites", "model.kimm"), "unknown named config 'model.kimm'.*'model.kim'"),
    (("dataset.dsprites", "modle.kim"), "unknown named config 'modle.kim'.*'model.kim'"),
    (("dataset.dsprites", "model.kim", "training.betta"), "'training.betta'.*'training.beta'"),
    ((*KIM, "training.loss.name=fctor"), "unknown loss .*'fctor'.*Did you mean 'factor'"),
    ((*KIM, "training.loss.params.betta=4"), "'betta'; accepted: beta, schedule.*'beta'"),
    ((*KIM, "dataset.variant=shape2ty"), "variant 'shape2ty'.*Did you mean 'shape2tx'"),
    ((*KIM, "dataset.condition=recomb2rang"), "dataset.condition.*Did you mean 'recomb2range'"),
    ((*KIM, "dataset.held_out=posx > 0.5"), "unknown factor 'posx'.*Did you mean 'posX'"),
    ((*KIM, "dataset.held_out=posX > 2"), "holds for none"),
    ((*KIM, "dataset.held_out=posX < 2"), "holds for all"),
    ((*KIM, "dataset.held_out=shape == & posX"), "cannot read the expression"),
    ((*KIM, "dataset.held_out=__import__('os').system('x')"), "is not allowed"),
    ((*KIM, "model.latent_size=0"), "model.latent_size.*greater than or equal to 1; given: 0"),
    ((*KIM, "model.latent_size=abc"), "model.latent_size.*integer.*given: 'abc'"),
    ((*KIM, "model.latnt_size=5"), "'latnt_size'.*Did you mean 'latent_size'"),
    ((*KIM, "sede=5"), "unknown configuration key 'sede'.*Did you mean 'seed'"),
    ((*KIM, "model.mathieu"), "model.kim and model.mathieu exclude each other"),
    ((*KIM, "training.factor"), "training.beta and training.factor exclude each other"),
    (("dataset.dsprites",), "no model is named; accepted: higgins.*with model.higgins"),
    (("model.kim",), "no dataset is named; accepted: dsprites.*with dataset.dsprites"),
    ((*KIM, "device=gpu"), "device 'gpu'; accepted: auto, cpu, cuda"),
    ((*KIM, "dataset.name=dsprite"), "unknown dataset 'dsprite'.*Did you mean 'dsprites'"),
    ((*KIM, "dataset.source=original"), "raw/dsprites/dsprite_train.npz; get it with .*https://"
     "github.com/deepmind.*md5:7da33b31b13a06f4b04a70402ce90c2e"),
    (("resume=7",), "resume=7 is not a run directory; runs in .*/sims/disent: none"),
    (("rseume=7",), "unknown configuration key 'rseume'.*Did you mean 'resume'"),
    (("dataset=dsprites", "model.kim"), "is a section of settings; write dataset.dsprites"),
    ((*KIM, "dataset.held_out=" + "not " * 5_000 + "posX"), "nested too deeply"),
    ((*KIM, "dataset.held_out=" + "-" * 3_000 + "1"), "nested too deeply|dataset.held_out"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"), MISTAKES, ids=[words[-1][:60] for words, _ in MISTAKES]
)
def test_mistakes_are_told_in_one_line_before_any_work(disent, data, words, message):
    done = disent("with", *words, status=1)
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert re.search(message, line), line
    assert not data.exists()


@pytest.mark.parametrize("words", [KIM, ("wth", *KIM)])
def test_a_forgotten_with_is_named(disent, words):
    done = disent(*words, status=1)
    assert done.stderr.startswith(
        "error: settings stand after 'with': python -m experiments.disent"
    )


def write_truncated(path):
    path.write_bytes(b"PK\x03\x04 and no more")


def write_other_shape(path):
    np.savez(path, imgs=np.zeros((5, 64, 64), np.uint8))


def write_other_file(path):
    """The right key, type and shape, but another file: only its hash tells."""
    with zipfile.ZipFile(path, "w") as archive, archive.open("imgs.npy", "w") as member:
        header = {"descr": "|u1", "fortran_order": False, "shape": (737_280, 64, 64)}
        np.lib.format.write_array_header_1_0(member, header)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_truncated, "truncated, damaged or not an npz"),
        (write_other_shape, "shape (5, 64, 64), expected uint8 of (737280, 64, 64)"),
    ],
)
def test_damaged_original_is_refused(disent, data, write, message):
    folder = data / "raw" / "dsprites"
    folder.mkdir(parents=True)
    write(folder / "dsprite_train.npz")
    done = disent("with", *FAST, status=1)
    (line,) = done.stderr.strip().splitlines()
    assert message in line
    assert not (data / "sims").exists()
    assert [path.name for path in folder.iterdir() if path.suffix != ".lock"] == [
        "dsprite_train.npz"
    ]


def test_another_file_fails_the_run_before_any_step(disent, data, runs):
    """Its hash takes a minute, so that it is looked at once the run has its folder."""
    path = data / "raw" / "dsprites" / "dsprite_train.npz"
    path.parent.mkdir(parents=True)
    write_other_file(path)
    done = disent("with", *FAST, status=1)
    assert "expected 7da33b31b13a06f4b04a70402ce90c2e" in done.stderr
    assert "Traceback" not in done.stderr
    assert open_run(runs / "1").status == "FAILED"
    assert not (runs / "1" / "history.csv").exists()


def test_unwritable_run_folder(disent, data):
    data.mkdir()
    (data / "sims").write_text("a file where the folder should be")
    done = disent("with", *FAST, status=1)
    assert "error: cannot write runs to" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@contextmanager
def start_process(environment, *command):
    """Start a command inside ``scripts``, in a process of its own that ends with the block."""
    with subprocess.Popen(
        command, cwd=SCRIPTS, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_epoch(folder, number, is_running):
    history = folder / "history.csv"
    while not history.exists() or len(history.read_text().splitlines()) <= number:
        assert is_running(), "the run has ended before"
        time.sleep(0.02)


SMALL_FACTOR = ("training.factor", "training.loss.params.discriminator_units=50")
LONG = (*SMALL_FACTOR, "training.epoch_length=40", "training.epochs=3")


def read_run(folder):
    history = pd.read_csv(folder / "history.csv")
    weights = torch.load(folder / "model.pt", weights_only=True)
    return history.drop(columns=["seconds", "images_per_second"]), weights


@pytest.mark.ci
def test_killed_run_is_dead_and_resumes_bit_by_bit(disent, environment, runs):
    words = (*FAST, *LONG, "dataset.variant=shape2tx")
    disent("with", *words)
    with start_module(environment, "experiments.disent", "with", *words) as command:
        wait_for_epoch(runs / "2", 1, command.process.is_alive)
    assert command.process.exitcode == -signal.SIGKILL
    assert open_run(runs / "2").status == "DEAD"
    listed = call_module(environment, "disentgen").stdout
    assert "DEAD" in listed and "COMPLETED" in listed
    disent("with", "resume=2")
    assert open_run(runs / "2").status == "COMPLETED"
    (whole, weights), (resumed, resumed_weights) = read_run(runs / "1"), read_run(runs / "2")
    pd.testing.assert_frame_equal(whole, resumed, check_exact=True)
    assert all(torch.equal(weights[name], resumed_weights[name]) for name in weights)
    scores = [open_run(runs / name).results["scores"] for name in "12"]
    assert scores[0] == scores[1]
    metrics = json.loads((runs / "2" / "metrics.json").read_text())
    assert metrics["train.loss"]["values"] == whole["train.loss"].tolist()
    assert sorted(path.name for path in runs.iterdir()) == ["1", "2", "_sources"]
    for name in "12":
        assert not list((runs / name).glob(".*")) and open_run(runs / name).is_held() is False


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_signals_end_a_run_cleanly(environment, runs, number, status):
    words = (*FAST, *SMALL_FACTOR, "training.epochs=1000")
    with start_module(environment, "experiments.disent", "with", *words) as command:
        wait_for_epoch(runs / "1", 1, command.process.is_alive)
        os.kill(command.process.pid, number)
        ended = command.wait()
    assert ended.returncode == status, ended
    assert "Traceback" not in ended.stdout + ended.stderr
    assert f"resume={runs / '1'}" in ended.stdout
    assert "saved after " in ended.stdout
    run = open_run(runs / "1")
    assert run.status == "INTERRUPTED"
    done = len(run.history)
    assert run.load_checkpoint()["history"][-1]["epoch"] == done >= 1
    metrics = json.loads((runs / "1" / "metrics.json").read_text())
    assert len(metrics["train.loss"]["values"]) == done
    assert run.model.latent_size == 10
    assert not list((runs / "1").glob(".*"))


@pytest.mark.ci
def test_a_run_interrupted_before_its_first_step_says_that_nothing_was_saved(environment, runs):
    program = """
import sys
from disentgen.training import run

def interrupt(*arguments):
    raise KeyboardInterrupt

run.train_held = interrupt
from experiments.disent import experiment

experiment.run_commandline(["disent", "with", *sys.argv[1:]])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *FAST], cwd=SCRIPTS, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 130
    assert "interrupted; nothing was saved; start again with: python -m" in done.stdout
    assert open_run(runs / "1").status == "INTERRUPTED"


@pytest.mark.ci
def test_nohup_is_respected(environment, runs):
    command = ["nohup", sys.executable, "-m", "experiments.disent", "with", *FAST]
    with start_process(environment, *command, "training.epochs=20") as process:
        wait_for_epoch(runs / "1", 1, lambda: process.poll() is None)
        process.send_signal(signal.SIGHUP)
        assert process.wait() == 0
    assert len(open_run(runs / "1").history) == 20


@pytest.mark.ci
def test_resume_takes_more_epochs_and_nothing_else(disent, runs):
    disent("with", *FAST)
    done = disent("with", "resume=1", status=1)
    assert "is complete (2 epochs)" in done.stderr
    assert "epochs = 2" in disent("print_config", "with", "resume=1").stdout
    done = disent("with", "resume=1", "training.lr=1", status=1)
    assert "'training.lr' cannot change" in done.stderr
    done = disent("with", "resume=1", "training.epochs=3", "model.encoder=[]", status=1)
    assert "'model.encoder' cannot change" in done.stderr
    done = disent("with", "resume=1", "model.kim", status=1)
    assert "takes no named configs" in done.stderr
    done = disent("with", "resume=1", "training.epochs=1", status=1)
    assert "has 2 epochs already; training.epochs=1 is less" in done.stderr
    assert open_run(runs / "1").status == "COMPLETED"
    disent("with", f"resume={runs / '1'}", "training.epochs=3")
    disent("with", "resume=1", "training.score_images=500")
    assert open_run(runs / "1").results["duplicates"] is None
    disent("with", "resume=1", "training.find_duplicates=True")
    done = disent("with", "resume=1", "training.select=last", status=1)
    assert "'training.select' cannot change" in done.stderr
    before = open_run(runs / "1").results["scores"]["train"]
    disent("with", "resume=1", "training.score_samples=3")
    run = open_run(runs / "1")
    assert run.results["duplicates"]["validation"] > 1000
    assert run.results["scores"]["train"]["images"] == 500
    assert run.results["scores"]["train"]["nll"] == before["nll"]
    assert run.results["scores"]["train"]["samples"] == 3 != before["samples"]
    assert run.history["epoch"].tolist() == [1, 2, 3]
    assert run.config["training"]["epochs"] == 3
    assert run.status == "COMPLETED"


def test_diverging_run_fails_and_names_the_step(disent, runs):
    done = disent("with", *FAST, "training.lr=1e30", "training.epochs=5", status=1)
    assert "error: training diverged at step" in done.stderr
    assert "Traceback" not in done.stderr
    assert open_run(runs / "1").status == "FAILED"


def test_output_of_many_epochs_is_short(disent, runs):
    disent("with", *FAST, "training.epochs=10")
    output = (runs / "1" / "cout.txt").read_bytes()
    assert b"\r" not in output
    assert len(output) < 5000
    assert output.count(b"\nepoch ") == 10


@pytest.mark.slow
def test_first_batch_within_15_seconds_and_memory_below_1500_megabytes(environment, runs):
    """The line of the published repository at full size, as it is."""
    command = (
        sys.executable, "-m", "experiments.disent", "with", "dataset.dsprites", "model.kim",
        "training.factor", "model.latent_size=50", "training.loss.params.beta=10",
        "training.epoch_length=20", "training.epochs=1",
    )  # fmt: skip
    with start_process(environment, *command) as process:
        started, peak = datetime.datetime.now(datetime.UTC), 0
        while process.poll() is None:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            peaks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
            peak = max([peak, *peaks])
            time.sleep(0.1)
        assert process.returncode == 0
    first = datetime.datetime.fromisoformat(open_run(runs / "1").results["times"]["first_batch"])
    assert (first - started).total_seconds() < 15
    assert peak < 1_500_000


@pytest.mark.ci
def test_a_configuration_is_read_once_and_added_observers_are_kept(environment, runs):
    program = """
from sacred_compat import RunObserver
from disentgen.training.config import Config
from experiments.disent import experiment

class Listener(RunObserver):
    def started_event(self, ex_info, command, host_info, start_time, config, meta_info, _id):
        print("heard of", config["training"]["batch_size"], config["seed"])

calls, read = [], Config.read
Config.read = lambda *args, **options: calls.append(1) or read(*args, **options)
experiment.observers.append(Listener())
named = ["dataset.dsprites", "model.fast", "training.fast"]
run = experiment.run(named_configs=named, config_updates={"training.batch_size": "32"})
assert run.config["seed"] == experiment.config_read.seed
print("read", len(calls), "times")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=SCRIPTS, env=environment, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert "read 1 times" in done.stdout
    run = open_run(runs / "1")
    assert f"heard of 32 {run.config['seed']}" in done.stdout
    assert json.loads((runs / "1" / "config.json").read_text()) == run.config


def test_a_saved_configuration_is_not_mixed_with_another_choice(disent, runs):
    disent("with", *FAST, "dataset.variant=shape2tx", "training.beta")
    saved = str(runs / "1" / "config.json")
    for word in ("model.kim", "training.factor"):
        done = disent("with", saved, word, status=1)
        assert re.search("error: .* exclude each other; they would be mixed", done.stderr)
    disent("with", saved, "seed=2")
    first, second = (open_run(runs / name) for name in "12")
    assert second.config == {**first.config, "seed": 2}
    assert second.results["split"] == first.results["split"]


def test_from_python_a_mistake_is_an_exception(environment):
    """And ends a command line with a line, after which Python is served as before."""
    program = """
from experiments.disent import experiment
from disentgen.errors import UsageError

def try_to(call, *args, **options):
    try:
        call(*args, **options)
    except (UsageError, SystemExit) as error:
        print(type(error).__name__, error)

words = {"named_configs": ["dataset.dsprites", "model.fast", "training.fast"]}
wrong = {"training.batch_sise": 3}
for _ in range(2):
    try_to(experiment.run, config_updates=wrong, **words)
    try_to(experiment.run, "model.show", config_updates={"model.latent_size": "ten"}, **words)
    try_to(experiment.run_commandline, ["disent", "with", *words["named_configs"],
                                        "training.batch_sise=3"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=SCRIPTS, env=environment, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if "Error" in line or "Exit" in line]
    wrong = "unknown parameter in training: 'batch_sise'"
    assert len(lines) == 6
    for one, other, command in (lines[:3], lines[3:]):
        assert one.startswith(f"UsageError {wrong}")
        assert other.startswith("UsageError model.latent_size: input should be a valid integer")
        assert command.startswith(f"SystemExit error: {wrong}")


def test_a_value_is_of_the_type_of_its_key_however_it_is_written(disent, tmp_path):
    """One cell: what was read is kept, not what was typed."""
    ways = [
        ("training.loss.params.beta=4", "model.latent_size=10", "training.batch_size=16"),
        ("training.loss.params.beta=4.0", "model.latent_size=10.0", "training.batch_size='16'"),
        ("training.loss.params.beta='4'", "model.latent_size='10'", "training.batch_size=1.6e1"),
    ]
    files = {
        "a.json": '{"training": {"loss": {"params": {"beta": "4"}}, "batch_size": 16.0},'
        '"model.latent_size": 10}',
        "b.yaml": "training: {loss: {params: {beta: 40e-1}}, batch_size: '16'}\n"
        "model: {latent_size: 1.0e+1}",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
        ways.append((str(tmp_path / name),))
    shown = {
        disent("print_config", "with", *FAST, "training.beta", *words).stdout for words in ways
    }
    assert len(shown) == 1
    assert "beta = 4.0" in shown.pop()
