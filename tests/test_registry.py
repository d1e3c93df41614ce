from typing import Annotated, Literal

import pytest
from pydantic import Field

from disentgen import registry, schema
from disentgen.errors import UsageError
from disentgen.training.schedules import Linear


def target(
    size: Annotated[int, Field(ge=1)],
    mode: Literal["plain", "fancy"] = "plain",
    schedule: Linear | None = None,
) -> None: ...


def test_defaults_are_plain_data_without_required_parameters():
    assert schema.defaults(target) == {"mode": "plain", "schedule": None}


def test_check_fills_in_defaults_and_converts():
    line = {"start": 0, "stop": 1, "steps": 5}
    checked = schema.check("model", target, {"size": "3", "schedule": line})
    assert checked == {"size": 3, "mode": "plain", "schedule": Linear(0, 1, 5)}
    assert schema.plain(target, checked)["schedule"] == line


def test_null_is_none():
    assert schema.check("model", target, {"size": 1, "schedule": "null"})["schedule"] is None
    with pytest.raises(UsageError, match="model.size: .* given: None"):
        schema.check("model", target, {"size": "null"})


def test_supplied_parameters_cannot_be_set():
    assert schema.check("model", target, {}, supplied=("size",))["mode"] == "plain"
    with pytest.raises(UsageError, match="unknown parameter in model: 'size'"):
        schema.check("model", target, {"size": 1}, supplied=("size",))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sise": 3}, "'sise'; accepted: size, mode, schedule. Did you mean 'size'?"),
        ({}, "model.size is missing"),
        ({"size": 0}, "model.size: input should be greater than or equal to 1; given: 0"),
        ({"size": "abc"}, "model.size: input should be a valid integer.*given: 'abc'"),
        ({"size": 1, "mode": "fanci"}, "given: 'fanci'. Did you mean 'fancy'?"),
        ({"size": 1, "schedule": {"start": 0, "stop": 1, "step": 5}}, "model.schedule.step"),
    ],
)
def test_mistakes_name_what_was_given_and_what_is_accepted(given, message):
    with pytest.raises(UsageError, match=message):
        schema.check("model", target, given)


def test_choose_suggests_whatever_the_case():
    with pytest.raises(
        UsageError, match="unknown loss 'BETTA'; accepted: beta, cci. Did you .*beta"
    ):
        registry.choose("loss", "BETTA", {"beta": 1, "cci": 2})
