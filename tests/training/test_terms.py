"""Terms of the objective as numbers by name, and a training that diverges."""

import math
from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Engine, State

from disentgen.errors import DivergenceError
from disentgen.training.divergence import ADVICE, FirstDivergence, attach_guard
from disentgen.training.terms import flatten_terms, name_terms, number_latents

TERMS = {
    "loss": torch.tensor(3.0),
    "kl_per_latent": torch.tensor([0.5, 0.25]),
    "alone": torch.tensor([7.0]),
    "kl": torch.tensor(0.75),
}


def test_terms_are_a_vector_and_get_their_names_back():
    values = flatten_terms(TERMS)
    assert values.tolist() == [3.0, 0.5, 0.25, 7.0, 0.75]
    named = name_terms("train", TERMS, 2 * values)
    assert named == {
        "train.loss": 6.0,
        "train.kl_per_latent_0": 1.0,
        "train.kl_per_latent_1": 0.5,
        "train.alone_0": 14.0,
        "train.kl": 1.5,
    }
    assert number_latents("a", [1.0, 2.0]) == {"a_0": 1.0, "a_1": 2.0}


def make_engine(steps, device="cpu"):
    """A guarded engine whose steps have these terms."""
    engine = Engine(lambda engine, batch: steps[engine.state.iteration - 1])
    attach_guard(engine, torch.device(device))
    return engine


def make_terms(value):
    return {"loss": torch.tensor(value), "parts": torch.tensor([value, 0.0])}


def test_a_training_of_finite_terms_goes_on():
    engine = make_engine([make_terms(value) for value in (1.0, 2.0, 3.0)])
    engine.run(range(3))
    assert engine.state.iteration == 3


@pytest.mark.parametrize(
    ("device", "bad", "ended"),
    [
        ("cpu", 7, 7),
        ("cpu", 1, 1),
        # What a GPU has recorded is sent every 25 steps, read 25 later or at the end of an epoch.
        ("cuda", 7, 50),
        ("cuda", 25, 50),
        ("cuda", 26, 75),
        ("cuda", 76, 120),
    ],
)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_first_bad_step_is_named(device, bad, ended, value):
    # Later steps are bad in another way.
    values = [1.0] * (bad - 1) + [value] + [math.inf if value < 0 else -math.inf] * (120 - bad)
    engine = make_engine(list(map(make_terms, values)), device)
    with pytest.raises(DivergenceError) as stopped:
        engine.run(range(120))
    assert engine.state.iteration == ended
    assert str(stopped.value) == (
        f"training diverged at step {bad} (epoch 1): loss = {value}, parts_0 = {value}. {ADVICE}"
    )


def test_a_step_that_is_bad_for_once_ends_the_training_with_its_epoch():
    engine = make_engine([make_terms(value) for value in (1.0, 1.0, math.nan, 1.0)], "cuda")
    with pytest.raises(DivergenceError, match=r"at step 3 \(epoch 2\): loss = nan"):
        engine.run(range(2), max_epochs=3)
    assert engine.state.iteration == 4


def test_what_has_not_arrived_yet_ends_no_training():
    first = FirstDivergence()
    engine = SimpleNamespace(state=State(iteration=25, epoch=1, output=make_terms(1.0)))
    first.record(engine)
    first._sent = torch.tensor(5)
    first.look(engine)
    assert not first.has_happened


def test_steps_are_exact_however_many_there_are():
    first, step = FirstDivergence(), 2**24 + 1
    first.record(SimpleNamespace(state=State(iteration=step, output=make_terms(math.inf))))
    assert first.step == step


@pytest.mark.parametrize(("count", "more"), [(4, ""), (5, " and 1 more"), (9, " and 5 more")])
def test_no_more_than_four_bad_terms_are_listed(count, more):
    terms = {"good": torch.tensor(1.0), "bad": torch.full((count,), math.nan)}
    listed = ", ".join(f"bad_{number} = nan" for number in range(4))
    with pytest.raises(DivergenceError) as stopped:
        make_engine([terms]).run(range(1))
    assert f"(epoch 1): {listed}{more}. {ADVICE}" in str(stopped.value)
