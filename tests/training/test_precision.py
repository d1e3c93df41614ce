"""bfloat16: what runs in it, how near it comes to float32, and where it is refused."""

import pytest
import torch

from configs.cnnvae import ARCHITECTURES
from configs.training import LOSSES
from conftest import read_config
from disentgen.errors import UsageError
from disentgen.training import machine
from disentgen.training.assembly import assemble
from disentgen.training.machine import choose_device

#: A value that is rounded to bfloat16 is off by up to this share of it.
ROUNDING = 2**-9


def take_step(precision, family, loss):
    """One step from the same weights, on the same batch, with the same noise: terms, gradients."""
    training = assemble(
        read_config(
            family,
            dataset={"name": "dsprites", "variant": "shape2tx", "source": "stand-in"},
            model=ARCHITECTURES["kim"],
            training={
                **LOSSES[loss],
                "optimizer": "sgd",
                "lr": 1e-9,
                "batch_size": 16,
                "precision": precision,
            },
        )
    )
    torch.manual_seed(0)
    terms = training.update(next(training.batches.epoch(1)), 0)
    return terms, torch.cat([weight.grad.flatten() for weight in training.model.parameters()])


@pytest.mark.parametrize(("family", "loss"), [("lgm", "beta"), ("composer", "vae")])
def test_gradients_are_near_those_in_float32(family, loss):
    """A gradient passes 18 layers forward and back; 36 independent roundings add as their root."""
    (terms, exact), (low_terms, low) = (
        take_step(precision, family, loss) for precision in ("fp32", "bf16")
    )
    error = ((low - exact).norm() / exact.norm()).item()
    assert 0 < error < 36**0.5 * ROUNDING
    # Terms are sums in float32 of thousands of values: their errors average out.
    assert {term.dtype for term in low_terms.values()} == {torch.float32}
    assert low_terms["loss"].item() == pytest.approx(terms["loss"].item(), rel=ROUNDING / 2)
    assert low.dtype == torch.float32


def test_the_optimiser_stays_in_float32():
    config = read_config(
        "lgm",
        dataset={"name": "dsprites", "variant": "shape2tx"},
        model=ARCHITECTURES["fast"],
        training={**LOSSES["beta"], "precision": "bf16", "batch_size": 4},
    )
    training = assemble(config)
    training.update(next(training.batches.epoch(1)), 0)
    kept = [value for state in training.optimizer.state.values() for value in state.values()]
    assert {value.dtype for value in kept} == {torch.float32}


@pytest.mark.parametrize("name", ["auto", "cuda", "cuda:1"])
def test_a_gpu_without_bfloat16_refuses_it(monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla V100")
    monkeypatch.setattr(machine, "has_bf16", lambda device: False)
    assert choose_device(name).type == choose_device(name, "fp32").type == "cuda"
    with pytest.raises(UsageError) as refused:
        choose_device(name, "bf16")
    assert str(refused.value) == (
        f"training.precision=bf16: Tesla V100 ({name.replace('auto', 'cuda')}) has no bfloat16 "
        "that a training could use; accepted there: fp32."
    )
    monkeypatch.setattr(machine, "has_bf16", lambda device: True)
    assert choose_device(name, "bf16").type == "cuda"


def test_bfloat16_is_refused_where_it_is_not_tested(monkeypatch):
    monkeypatch.setattr(torch.mps, "device_count", lambda: 1)
    with pytest.raises(UsageError, match="bf16: mps has no bfloat16 .*; accepted there: fp32"):
        choose_device("mps", "bf16")


def test_a_configuration_is_refused_before_anything_is_built(monkeypatch):
    def refuse(name, precision):
        raise UsageError(f"{name} lacks {precision}")

    monkeypatch.setattr("disentgen.training.config.choose_device", refuse)
    given = {"dataset": {"name": "dsprites"}, "model": ARCHITECTURES["fast"]}
    with pytest.raises(UsageError, match="cpu lacks bf16"):
        read_config("lgm", **given, training={"precision": "bf16"})
