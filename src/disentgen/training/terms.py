"""Terms of the objective as rows of the history: flattened on the device, named again outside."""

from typing import cast

import torch
from ignite.engine import Engine
from torch import Tensor

from disentgen.training.losses import Terms

#: A row of the history: numbers by column.
Row = dict[str, float]


def read_terms(engine: Engine) -> Terms:
    """The terms of the trainer's last step, a scalar each, or (latents,) of each latent."""
    return cast(Terms, engine.state.output)


def flatten_terms(terms: Terms) -> Tensor:
    """All values of the terms in one vector, (values,)."""
    return torch.cat([term.reshape(-1) for term in terms.values()])


def name_terms(prefix: str, terms: Terms, values: Tensor) -> Row:
    """A vector as made by :func:`flatten_terms`, under the terms' names again.

    Args:
        prefix: of the names, such as ``train``.
        terms: whose names and shapes count, not their values.
        values: (values,), in the order of the terms.
    """
    named: Row = {}
    parts = torch.split(values, [term.numel() for term in terms.values()])
    for (name, term), part in zip(terms.items(), parts, strict=True):
        if term.ndim:
            named |= number_latents(f"{prefix}.{name}", part.tolist())
        else:
            named[f"{prefix}.{name}"] = part.item()
    return named


def number_latents(name: str, values: list[float]) -> Row:
    """Values of each latent under names of their own: ``name_0``, ``name_1``, …"""
    return {f"{name}_{number}": value for number, value in enumerate(values)}
