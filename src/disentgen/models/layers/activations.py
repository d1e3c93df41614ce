"""Activations."""

from dataclasses import dataclass

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


LAYERS = (Rectifier, HyperbolicTangent)
