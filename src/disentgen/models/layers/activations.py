"""Activations."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import nn

from disentgen.models.layers.base import Layer, Shape


@dataclass(frozen=True)
class Rectifier(Layer):
    """max(0, x) (torch's ``ReLU``)."""

    name = "relu"

    def module(self, shape: Shape) -> nn.Module:
        return nn.ReLU()


@dataclass(frozen=True)
class HyperbolicTangent(Layer):
    """tanh(x) (torch's ``Tanh``)."""

    name = "tanh"

    def module(self, shape: Shape) -> nn.Module:
        return nn.Tanh()


@dataclass(frozen=True)
class LeakyRectifier(Layer):
    """max(0, x) + slope · min(0, x) (torch's ``LeakyReLU``).

    Args:
        slope: below 0.
    """

    name = "leaky_relu"
    slope: Annotated[float, Field(ge=0, le=1)] = 0.01

    def module(self, shape: Shape) -> nn.Module:
        return nn.LeakyReLU(self.slope)


@dataclass(frozen=True)
class ParametricRectifier(Layer):
    """max(0, x) + a · min(0, x), a learned from 0.25 on (He et al. 2015; torch's ``PReLU``)."""

    name = "prelu"

    def module(self, shape: Shape) -> nn.Module:
        return nn.PReLU()


@dataclass(frozen=True)
class ExponentialLinearUnit(Layer):
    """max(0, x) + min(0, exp(x) - 1) (Clevert et al. 2016; torch's ``ELU``)."""

    name = "elu"

    def module(self, shape: Shape) -> nn.Module:
        return nn.ELU()


@dataclass(frozen=True)
class GaussianErrorLinearUnit(Layer):
    """x · Φ(x), Φ of the standard normal (Hendrycks & Gimpel 2016; torch's ``GELU``)."""

    name = "gelu"

    def module(self, shape: Shape) -> nn.Module:
        return nn.GELU()


@dataclass(frozen=True)
class SigmoidLinearUnit(Layer):
    """x · sigmoid(x), also called swish (torch's ``SiLU``)."""

    name = "silu"

    def module(self, shape: Shape) -> nn.Module:
        return nn.SiLU()


@dataclass(frozen=True)
class Sigmoid(Layer):
    """1 / (1 + exp(-x)) (torch's ``Sigmoid``), of hidden units: decoders end in logits."""

    name = "sigmoid"

    def module(self, shape: Shape) -> nn.Module:
        return nn.Sigmoid()


LAYERS = (
    Rectifier,
    LeakyRectifier,
    ParametricRectifier,
    ExponentialLinearUnit,
    GaussianErrorLinearUnit,
    SigmoidLinearUnit,
    HyperbolicTangent,
    Sigmoid,
)
