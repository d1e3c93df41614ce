"""Forced rendering: a learned picture for each value of each factor (Liang et al. 2025)."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from disentgen.errors import UsageError
from disentgen.models.layers.base import Layer, Length, Penalised, Shape
from disentgen.schema import Units

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
#: Shares of λ² below this count as this in the entropy, as published.
SMALLEST_SHARE = 1e-8


@dataclass(frozen=True)
class Rendering(Layer):
    """A picture L·diag(λ)·R for each factor, of its one-hot or graded code.

    Every place (token) of a code has its own size × size matrices L and R and vector λ, which a
    code mixes; then columns of L and rows of R have length 1. Penalties on entropy and variance
    make a token's picture one stripe.

    Args:
        places: of each factor's code.
        size: height and width of pictures.
        entropy: weight of the entropy of λ² / Σλ², summed over tokens, in nats per image.
        variance: weight of the variance of columns of L and rows of R, summed likewise.
    """

    name = "rendering"
    input_axes = 1
    places: Units
    size: Length
    entropy: Weight = 0.0
    variance: Weight = 0.0

    def output_shape(self, shape: Shape) -> Shape:
        factors, rest = divmod(shape[0], int(self.places))
        if rest or not factors:
            raise ValueError(f"{shape[0]} features are no codes of {self.places} places each")
        return (factors, int(self.size), int(self.size))

    def module(self, shape: Shape) -> nn.Module:
        factors = self.output_shape(shape)[0]
        return Renderer(factors, int(self.places), int(self.size), self.entropy, self.variance)

    def transposed(self, shape: Shape) -> Layer:
        raise UsageError("'rendering' is a layer of decoders; it cannot be transposed.")


class Renderer(Penalised):
    """Codes of factors to a picture each; see :class:`Rendering`.

    The equations, the initial weights and the penalties are those of the authors' code
    (qiyaoliang/DisentangledCompGen, ``regularised_network``), where the squared error is a mean
    over pixels: weights in nats per image are theirs times half the number of pixels.

    Args:
        factors: how many.
        places: of each factor's code.
        size: height and width of pictures.
        entropy: weight of the entropy of λ² / Σλ².
        variance: weight of the variance of columns of L and rows of R.
    """

    def __init__(self, factors: int, places: int, size: int, entropy: float, variance: float):
        super().__init__()
        shape = (factors, places, size, size)
        self.values = nn.Parameter(torch.randn(shape[:-1]) / size**0.5)
        self.left = nn.Parameter(F.normalize(torch.randn(shape), dim=-2))
        self.right = nn.Parameter(F.normalize(torch.randn(shape), dim=-1))
        self.entropy, self.variance = entropy, variance

    def forward(self, codes: Tensor) -> Tensor:
        """Codes (batch, factors · places) to pictures (batch, factors, size, size)."""
        factors, places = self.values.shape[:2]
        tokens = codes.reshape(len(codes), factors, places)
        values = torch.einsum("nfp,fpk->nfk", tokens, self.values)
        left = F.normalize(torch.einsum("nfp,fpik->nfik", tokens, self.left), dim=-2)
        right = F.normalize(torch.einsum("nfp,fpkj->nfkj", tokens, self.right), dim=-1)
        return left @ (values[..., None] * right)

    def penalty(self) -> Tensor:
        """Entropies of λ² / Σλ² and variances of L and R, each by its weight, (), in nats."""
        squares = self.values.square()
        shares = (squares / squares.sum(-1, keepdim=True)).clamp(min=SMALLEST_SHARE)
        entropy = -(shares * shares.log()).sum()
        variance = self.left.var(dim=-2).sum() + self.right.var(dim=-1).sum()
        return self.entropy * entropy + self.variance * variance


LAYERS = (Rendering,)
