"""Optimisers of ``torch.optim`` by name."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import nn

from disentgen.errors import UsageError
from disentgen.registry import choose, unknown
from disentgen.schema import Finite, convert
from disentgen.training.settings import TrainingSettings


def optimizers() -> dict[str, Callable[..., torch.optim.Optimizer]]:
    """The optimisers of ``torch.optim`` that take a step from one gradient, by lower-case name."""
    kinds = {
        name.lower(): kind
        for name, kind in vars(torch.optim).items()
        if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer)
    }
    return {
        name: kind for name, kind in sorted(kinds.items())
        if name not in ("optimizer", "lbfgs", "sparseadam", "muon")
    }  # fmt: skip


def resolve_optimizer(settings: TrainingSettings) -> dict[str, Any] | None:
    """The optimiser's parameters, converted to its defaults' types; None where there are none.

    Raises:
        UsageError: there is no such optimiser, or it does not take a parameter or its value.
    """
    kind = choose("optimizer (training.optimizer)", settings.optimizer, optimizers())
    known = {
        name: parameter.default
        for name, parameter in inspect.signature(kind).parameters.items()
        if name not in ("params", "lr")
    }
    params = {}
    for name, value in (settings.optimizer_params or {}).items():
        if name not in known:
            raise unknown("parameter in training.optimizer_params:", name, known)
        params[name] = convert(f"training.optimizer_params.{name}", find_hint(known[name]), value)
    if not params:
        return None  # defaults fit, and the first optimiser takes torch a second to build
    # It alone knows which values fit together.
    build_optimizer(replace(settings, optimizer_params=params), nn.Linear(1, 1))
    return params


def find_hint(default: Any) -> Any:
    """The type of a parameter with a default; torch's own hints allow tensors too."""
    if isinstance(default, tuple):
        return Annotated[list[Finite], Field(min_length=len(default), max_length=len(default))]
    return {bool: bool, float: Finite, int: Finite, str: str}.get(type(default), Any)


def build_optimizer(settings: TrainingSettings, model: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a model's parameters.

    Raises:
        UsageError: values of its parameters do not fit.
    """
    kind = optimizers()[settings.optimizer]
    params = dict(settings.optimizer_params or {})
    # Faster where there is such a form, and the same arithmetic.
    accepts_fused = "fused" in inspect.signature(kind).parameters
    if accepts_fused and not {"fused", "foreach", "differentiable"} & set(params):
        params["fused"] = True
    try:
        return kind(model.parameters(), lr=settings.lr, **params)
    except (TypeError, ValueError, RuntimeError, IndexError) as error:
        given = settings.optimizer_params
        raise UsageError(f"training.optimizer_params={given}: {error}") from None
