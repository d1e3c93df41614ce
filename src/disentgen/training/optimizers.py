"""Optimisers of ``torch.optim`` by name."""

import inspect
from collections.abc import Callable

import torch
from torch import nn

from disentgen.errors import UsageError
from disentgen.registry import choose, unknown
from disentgen.training.settings import TrainingSettings


def optimizers() -> dict[str, Callable[..., torch.optim.Optimizer]]:
    """The optimisers of ``torch.optim`` that take a step from one gradient, by lower-case name."""
    found = {
        name.lower(): kind
        for name, kind in vars(torch.optim).items()
        if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer)
    }
    return {
        name: kind for name, kind in sorted(found.items())
        if name not in ("optimizer", "lbfgs", "sparseadam", "muon")
    }  # fmt: skip


def check_optimizer(settings: TrainingSettings) -> None:
    """Check the optimiser's name and its parameters' names.

    Raises:
        UsageError: there is no such optimiser, or it does not take a parameter.
    """
    kind = choose("optimizer (training.optimizer)", settings.optimizer, optimizers())
    accepted = [name for name in inspect.signature(kind).parameters if name not in ("params", "lr")]
    for name in settings.optimizer_params or {}:
        if name not in accepted:
            raise unknown("parameter in training.optimizer_params:", name, accepted)


def build_optimizer(settings: TrainingSettings, model: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a model's parameters."""
    check_optimizer(settings)
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
