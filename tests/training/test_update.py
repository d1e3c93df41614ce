"""An update executed in other ways than one operation after the other, and what it must not fix."""

import os
import subprocess
import sys
from functools import partial

import pandas as pd
import pytest
import torch

from configs.cnnvae import ARCHITECTURES
from configs.decoders import DECODERS
from configs.training import LOSSES, PROTOCOLS
from conftest import read_config
from disentgen.errors import UsageError
from disentgen.models import FAMILIES
from disentgen.run_directory import RunDirectory
from disentgen.saved import LIVE
from disentgen.training.assembly import assemble
from disentgen.training.losses import losses
from disentgen.training.run import train
from disentgen.training.schedules import Linear
from execution import EXECUTIONS, WARM_UP, compile_by

STEPS = 8
#: Schedules that change with every step.
SCHEDULED = {
    "beta": {"schedule": {"start": 0.0, "stop": 1.0, "steps": STEPS}},
    "adagvae": {"schedule": {"start": 0.0, "stop": 1.0, "steps": STEPS}},
    "cci": {"capacity": {"start": 0.0, "stop": 20.0, "steps": STEPS}},
}
KINDS = [
    *((name, "lgm") for name in losses()),
    *(
        (name, family)
        for name, family in (("vae", "composer"), ("nll", "encoder"), ("nll", "decoder"))
    ),
]
#: The default tests take a schedule, and a discriminator with noise of its own.
TRIED = {("cci", "lgm"), ("factor", "lgm")}
PARAMS = [
    pytest.param(*kind, marks=() if kind in TRIED else pytest.mark.ci) for kind in KINDS
]  # fmt: skip


def make_training(name, family, device="cpu", **given):
    layers = (DECODERS if family == "decoder" else ARCHITECTURES)["fast"]
    params = SCHEDULED.get(name, {}) | ({"discriminator_units": 50} if name == "factor" else {})
    training = {"loss": {"name": name, "params": params}, "batch_size": 8, "lr": 1e-3, **given}
    model = {key: layers[key] for key in ("name", "encoder", "decoder") if key in layers}
    dataset = {"name": "dsprites", "variant": "shape2tx", "source": "stand-in"}
    return assemble(
        read_config(family, dataset=dataset, model=model, training=training, device=device)
    )


def take_steps(training, update):
    """All terms of some steps, (steps, terms), and the weights after them."""
    torch.manual_seed(1)
    batches = zip(range(STEPS), training.batches.epoch(1), strict=False)
    rows = [
        torch.cat([term.reshape(-1) for term in update(batch, step).values()]).clone()
        for step, batch in batches
    ]
    weights = [*training.model.parameters(), *training.loss.parameters()]
    return torch.stack(rows), torch.cat([weight.detach().flatten() for weight in weights])


def assert_same_steps(execute, name, family, device="cpu", tolerance=1e-5, **given):
    expected, made = (
        take_steps(training, change(training.update))
        for change in (lambda update: update, execute)
        for training in [make_training(name, family, device, **given)]
    )
    for one, other in zip(expected, made, strict=True):
        assert (one - other).abs().max() <= tolerance * one.abs().max()


def test_every_family_is_tried():
    assert {family for _, family in KINDS} == set(FAMILIES) - {LIVE}


@pytest.mark.parametrize(("name", "family"), PARAMS)
def test_forward_pass_and_objective_compile_whole_and_once(name, family):
    torch._dynamo.reset()
    counts = torch._dynamo.utils.counters
    counts.clear()
    compiler = partial(torch.compile, backend="eager", fullgraph=True, dynamic=False)
    assert_same_steps(partial(compile_by, compiler), name, family)
    assert counts["stats"]["unique_graphs"] == 1


@pytest.mark.parametrize(("name", "family"), PARAMS)
@pytest.mark.parametrize("precision", ["fp32", pytest.param("bf16", marks=pytest.mark.ci)])
def test_nothing_of_a_recorded_update_is_fixed(name, family, precision):
    """Batch, noise, schedules, Adam's count of steps: what were fixed would differ from then on."""
    assert WARM_UP + 1 < STEPS - 2
    # Where a module is used twice, a recorded update adds up its gradients in single precision.
    tolerance = 1e-3 if precision == "bf16" else 1e-5
    assert_same_steps(
        EXECUTIONS["captured"], name, family, tolerance=tolerance, precision=precision
    )


def test_what_were_fixed_would_show(monkeypatch):
    """A schedule whose value is a number is recorded as that."""
    monkeypatch.setattr(Linear, "__call__", lambda self, step: 20.0 * int(step) / STEPS)
    with pytest.raises(AssertionError):
        assert_same_steps(EXECUTIONS["captured"], "cci", "lgm")


def test_a_learning_rate_that_changes_reaches_a_recorded_update():
    training = make_training("vae", "lgm")
    update = EXECUTIONS["captured"](training.update)
    take_steps(training, update)
    training.optimizer.param_groups[0]["lr"].fill_(0.0)
    weights = [weight.clone() for weight in training.model.parameters()]
    update(next(training.batches.epoch(1)), 0)
    assert all(map(torch.equal, weights, training.model.parameters()))


def test_a_step_counts_as_a_number_or_a_tensor():
    line = Linear(start=1.0, stop=3.0, steps=4)
    assert [line(step) for step in (0, 1, 4, 9)] == [1.0, 1.5, 3.0, 3.0]
    assert [line(torch.tensor(step)).item() for step in (0, 1, 4, 9)] == [1.0, 1.5, 3.0, 3.0]


def test_what_cannot_be_compiled_is_refused_in_a_line_before_anything_is_written(
    tmp_path, monkeypatch
):
    def compile_nothing(*given, **options):
        raise RuntimeError("no compiler\nsee its manual: " + "long " * 50)

    monkeypatch.setattr(torch, "compile", compile_nothing)
    with pytest.raises(UsageError) as refused:
        run(tmp_path, 1, execution="compiled")
    line = str(refused.value)
    assert line.startswith(
        "training.execution=compiled: PyTorch cannot compile for cpu here (no compiler see its"
    )
    assert line.endswith(" …); accepted here: eager.") and "\n" not in line and len(line) < 250
    assert not (tmp_path / "config.json").exists()


@pytest.mark.ci
def test_a_missing_compiler_is_seen_though_all_was_compiled_before():
    script = (
        "import torch; from disentgen.training.update import find_compiler;"
        "find_compiler('compiled', torch.device('cpu'))"
    )

    def try_it(**environment):
        command = [sys.executable, "-c", script]
        return subprocess.run(
            command, env=os.environ | environment, capture_output=True, text=True, check=False
        )

    assert try_it().returncode == 0
    missing = try_it(CXX="/nowhere/g++")
    assert "UsageError: training.execution=compiled: PyTorch cannot comp" in missing.stderr
    assert "No working C++ compiler" in missing.stderr


def run(folder, epochs, device="cpu", **given):
    """The history of a run without what a clock wrote."""
    folder.mkdir(exist_ok=True)
    training = {
        **LOSSES["cci"], **PROTOCOLS["fast"], "score_samples": 2, "batch_size": 16,
        "lr_decay": 0.9, "clip_norm": 500.0, "ema": 0.9, "epochs": epochs, **given,
    }  # fmt: skip
    dataset = {"name": "dsprites", "variant": "shape2tx", "source": "stand-in"}
    model = ARCHITECTURES["fast"]
    config = read_config("lgm", dataset=dataset, model=model, training=training, device=device)
    train(config, RunDirectory(folder))
    history = pd.read_csv(folder / "history.csv")
    return history.drop(columns=["seconds", "images_per_second"])


def assert_near(history, other):
    pd.testing.assert_frame_equal(history, other, rtol=1e-4, check_exact=False)


def check_compiled_runs(folder, device):
    """Compare with an eager run; then the histories of a whole one and of one in two parts."""
    eager = run(folder / "eager", 4, device)
    torch._dynamo.reset()
    whole = run(folder / "whole", 4, device, execution="compiled")
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    assert_near(whole, eager)
    run(folder / "changed", 2, device)
    assert_near(run(folder / "changed", 4, device, execution="compiled"), eager)
    run(folder / "parts", 2, device, execution="compiled")
    torch._dynamo.reset()
    return whole, run(folder / "parts", 4, device, execution="compiled")


@pytest.mark.ci
def test_a_compiled_run_is_an_eager_one_up_to_rounding_and_goes_on_bit_by_bit(tmp_path, capsys):
    whole, parts = check_compiled_runs(tmp_path, "cpu")
    assert whole.equals(parts)
    # Of its six starts, four are compiled.
    printed = capsys.readouterr().out
    assert printed.count(", cpu, compiled in the first step, seed 1") == 4
    assert printed.count(", cpu, seed 1") == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_compiled_run_on_a_gpu_is_an_eager_one_up_to_rounding(tmp_path):
    # Which code is the fastest is found by trying, so that it may be another one each time.
    assert_near(*check_compiled_runs(tmp_path, "cuda"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize(("name", "family"), KINDS)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_nothing_of_an_update_that_a_gpu_has_recorded_is_fixed(name, family, precision):
    assert_same_steps(
        EXECUTIONS["captured"], name, family, "cuda", tolerance=1e-3, precision=precision
    )
