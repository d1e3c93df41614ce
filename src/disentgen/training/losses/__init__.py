"""Objectives, in nats per image: sums over pixels or latents, averaged over the batch.

A class is an objective; its ``name`` is the word for it in configurations, its keyword parameters
are what can be set there. It is there because its module stands in this package and names it in
``LOSSES``.
"""

from collections.abc import Mapping
from typing import Any

from torch import nn

from disentgen.errors import UsageError
from disentgen.models.outputs import Output
from disentgen.registry import choose, load_named
from disentgen.schema import check, signature
from disentgen.training.losses.base import Loss, PairKL, Reconstruction, Terms

#: Parameters of objectives that the model gives and a configuration cannot set.
FROM_MODEL = ("latent_size",)


def losses() -> dict[str, type[Loss]]:
    """All objectives by name; one is there because it stands in a module's ``LOSSES``.

    Raises:
        UsageError: two have the same name.
    """
    return load_named(__name__, "LOSSES")


def check_loss(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an objective, checked, with its defaults filled in.

    Args:
        name: of the objective.
        params: those that differ from its defaults.

    Raises:
        UsageError: no such objective, or it does not take these parameters.
    """
    kind = choose("loss (training.loss.name)", name, losses())
    return check("training.loss.params", kind, params, supplied=FROM_MODEL)


def check_judged(name: str, output: type[Output]) -> None:
    """Check that an objective can judge what a model makes.

    Args:
        name: of the objective.
        output: the kind of output that the model makes.

    Raises:
        UsageError: it cannot, or there is no such objective.
    """
    kind = choose("loss (training.loss.name)", name, losses())
    if not issubclass(output, kind.judges):
        fit = [other for other, kind in losses().items() if issubclass(output, kind.judges)]
        raise UsageError(
            f"training.loss.name={name} cannot judge what this experiment's models make; "
            f"accepted: {', '.join(fit)}."
        )


def build_loss(
    name: str,
    params: Mapping[str, Any],
    model: nn.Module,
    reconstruction: Reconstruction = "bce",
    pair_kl: PairKL | None = None,
) -> Loss:
    """An objective for a model, from ``training.loss`` of a configuration.

    Args:
        name: of the objective.
        params: its parameters that differ from its defaults, by name.
        model: that it is to train; gives what the objective must know of it.
        reconstruction: see :class:`Loss`.
        pair_kl: see :class:`Loss`; None for models that encode one image for each target.

    Raises:
        UsageError: no such objective, or it does not take these parameters.
    """
    checked = check_loss(name, params)
    kind = losses()[name]
    needed = {key: getattr(model, key) for key in FROM_MODEL if key in signature(kind)}
    loss = kind(**checked, **needed)
    loss.reconstruction = reconstruction
    loss.pair_kl = pair_kl or loss.pair_kl
    return loss


__all__ = [
    "Loss",
    "PairKL",
    "Reconstruction",
    "Terms",
    "build_loss",
    "check_judged",
    "check_loss",
    "losses",
]
