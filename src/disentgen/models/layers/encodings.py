"""Codes of factor values that a decoder may take in place of the values (Liang et al. 2025).

Each factor has a code of its own, of one number for each place 0, 1, …; values are in steps from
place to place. The equations are those of the authors' code (qiyaoliang/DisentangledCompGen).
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from disentgen.errors import UsageError
from disentgen.models.layers.base import Layer, Shape
from disentgen.schema import Units

Width = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Encoding:
    """What layers have in common that make a code of each factor in turn."""

    input_axes: ClassVar[int | None] = 1
    name: ClassVar[str]
    places: Units

    def output_shape(self, shape: Shape) -> Shape:
        """(factors,) to (factors · places,)."""
        return (shape[0] * int(self.places),)

    def transposed(self, shape: Shape) -> Layer:
        """Refused: factor values are given.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"'{self.name}' is a layer of decoders; it cannot be transposed.")


@dataclass(frozen=True)
class OneHot(Encoding, Layer):
    """1 at the place of a factor's value, 0 at all others.

    Args:
        places: of each factor; values are whole numbers in 0..places − 1.
    """

    name: ClassVar[str] = "one_hot"
    places: Units

    def module(self, shape: Shape) -> nn.Module:
        return OneHotCode(int(self.places))


@dataclass(frozen=True)
class GaussianCode(Encoding, Layer):
    """exp(−(value − place)² / 2·width²) at every place.

    Args:
        places: of each factor.
        width: of the Gaussian, in steps from place to place.
    """

    name: ClassVar[str] = "gaussian_code"
    places: Units
    width: Width = 1.0

    def module(self, shape: Shape) -> nn.Module:
        return Profile(int(self.places), self.width)


class Code(nn.Module):
    """A code with a number for each place of each factor.

    Args:
        places: of each factor.
    """

    def __init__(self, places: int):
        super().__init__()
        self.register_buffer("places", torch.arange(float(places)), persistent=False)

    def measure_steps(self, values: Tensor) -> Tensor:
        """How far values (batch, factors) are from each place: (batch, factors, places)."""
        return values[..., None] - self.get_buffer("places")


class OneHotCode(Code):
    """See :class:`OneHot`."""

    def forward(self, values: Tensor) -> Tensor:
        """Values (batch, factors) to (batch, factors · places).

        Raises:
            UsageError: a value is none of the places.
        """
        hits = self.measure_steps(values) == 0
        if not torch.compiler.is_compiling() and not hits.any(-1).all():
            wrong = values[~hits.any(-1)][0].item()
            raise UsageError(
                f"layer 'one_hot' takes factor values that are whole numbers in "
                f"0..{hits.shape[-1] - 1}; one is {wrong:g}."
            )
        return hits.to(values.dtype).flatten(1)


class Profile(Code):
    """See :class:`GaussianCode`.

    Args:
        places: of each factor.
        width: in steps.
    """

    def __init__(self, places: int, width: float):
        super().__init__(places)
        self.width = width

    def forward(self, values: Tensor) -> Tensor:
        """Values (batch, factors) to (batch, factors · places)."""
        steps = self.measure_steps(values)
        return torch.exp(-steps.square() / (2 * self.width**2)).flatten(1)


LAYERS = (OneHot, GaussianCode)
