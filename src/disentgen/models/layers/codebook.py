"""A readout against a fixed codebook, whose neighbouring classes have similar vectors."""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from disentgen.models.layers.base import Layer, Shape
from disentgen.schema import Units

Variance = Annotated[float, Field(gt=0, allow_inf_nan=False)]
#: What one class differs by from the next in the power that a vector is taken to.
STEP = 0.4


@dataclass(frozen=True)
class Codebook(Layer):
    """Cosine of features, unbound by a fixed key, to a fixed vector of each class.

    After Camposampiero et al. 2025, by their published code (``CosineCircConv`` with codebooks of
    fractional powers). The vector of class k has the spectrum exp(i θ (0.4 k + 1)), its phases θ
    drawn from a normal distribution of standard deviation 2π √variance, and length 1. Features x of
    length 1 are unbound by circular convolution with a key of standard normal numbers. Key and
    vectors are drawn when the model is built, kept with its weights, and not trained.

    Args:
        classes: how many.
        variance: of the phases; with 0.2 neighbouring classes are alike (mean cosine 0.53), with
            1.0 hardly any two are (0.04).
    """

    name = "codebook"
    input_axes = 1

    classes: Units
    variance: Variance = 0.2

    def output_shape(self, shape: Shape) -> Shape:
        if shape[0] < 3:
            raise ValueError("a codebook needs 3 features and more")
        return (self.classes,)

    def module(self, shape: Shape) -> nn.Module:
        return CodebookReadout(shape[0], self.classes, self.variance)


class CodebookReadout(nn.Module):
    """The module of :class:`Codebook`.

    Args:
        features: how many it is given.
        classes: how many there are.
        variance: of the phases.
    """

    key: Tensor
    codebook: Tensor

    def __init__(self, features: int, classes: int, variance: float):
        super().__init__()
        self.register_buffer("key", torch.randn(features))
        self.register_buffer("codebook", draw_codebook(features, classes, variance))

    def forward(self, features: Tensor) -> Tensor:
        """(batch, features) to cosines, (batch, classes), which stand in the place of logits."""
        given = functional.normalize(features.float(), dim=-1)
        spectrum = torch.fft.rfft(self.key) * torch.fft.rfft(given)
        unbound = torch.fft.irfft(spectrum, n=len(self.key))
        return functional.normalize(unbound, dim=-1) @ self.codebook.T


def draw_codebook(features: int, classes: int, variance: float) -> Tensor:
    """Vectors of fractional powers, (classes, features), of length 1.

    Args:
        features: length of a vector.
        classes: how many vectors.
        variance: of the phases.
    """
    phases = torch.zeros(features // 2 + 1)
    free = (features - 1) // 2  # the mean, and the fastest of an even number, are real
    phases[1 : free + 1] = torch.randn(free) * 2 * math.pi * math.sqrt(variance)
    powers = STEP * torch.arange(classes) + 1
    angles = powers[:, None] * phases
    return functional.normalize(
        torch.fft.irfft(torch.complex(angles.cos(), angles.sin()), n=features), dim=-1
    )


LAYERS = (Codebook,)
