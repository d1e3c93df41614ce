"""Modules of somebody's own as layers, by their import path."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from disentgen.errors import UsageError, describe_failure
from disentgen.models.layers.base import Layer, Shape
from disentgen.plugins import import_class

#: Images of the batch that shapes are tried with; of a single one, batches cannot be normalised.
TRIED = 2


class Imported(nn.Module):
    """A network of somebody's own, which keeps the initial weights that it has given itself.

    Args:
        network: from a batch (batch, …) to a batch (batch, …).
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """What the network makes of a batch, (batch, …)."""
        output: Tensor = self.network(inputs)
        return output


@dataclass(frozen=True)
class Import(Layer):
    """An ``nn.Module`` of a plugin, by its import path, such as ``my_package.nets:Encoder``.

    Args:
        path: of its module and class.
        params: keyword arguments that it is made with; none by default.
    """

    name = "import"

    path: str
    params: dict[str, Any] | None = None

    def __hash__(self) -> int:
        return hash(self.path)

    def output_shape(self, shape: Shape) -> Shape:
        try:
            with torch.device("meta"), torch.no_grad():
                made = self.module(shape)(torch.empty(TRIED, *shape))
            made_shape = tuple(made.shape)
        except UsageError:
            raise
        except Exception as error:  # code of others raises whatever it likes
            raise ValueError(f"{self.path}: {describe_failure(error)}") from error
        if not made_shape or made_shape[0] != TRIED:
            raise ValueError(f"{self.path} makes {made_shape} of a batch of {TRIED}")
        return made_shape[1:]

    def module(self, shape: Shape) -> nn.Module:
        kind = import_class(self.path, nn.Module)
        try:
            return Imported(kind(**self.params or {}))
        except Exception as error:
            raise UsageError(
                f"{self.path} cannot be made with {self.params or {}}: {describe_failure(error)}"
            ) from error

    def transposed(self, shape: Shape) -> Layer:
        raise UsageError(f"{self.path} cannot be transposed; give model.decoder too.")


LAYERS = (Import,)
