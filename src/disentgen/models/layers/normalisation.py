"""Normalisation."""

from dataclasses import dataclass
from math import prod

from torch import nn

from disentgen.models.layers.base import Layer, Shape
from disentgen.schema import Units


@dataclass(frozen=True)
class BatchNormalisation(Layer):
    """Batch normalisation of features, or of the channels of a picture (Ioffe & Szegedy 2015)."""

    name = "batchnorm"

    def module(self, shape: Shape) -> nn.Module:
        return nn.BatchNorm1d(shape[0]) if len(shape) == 1 else nn.BatchNorm2d(shape[0])


@dataclass(frozen=True)
class GroupNormalisation(Layer):
    """Normalisation of each image over groups of features or channels (Wu & He 2018).

    Args:
        groups: that they are divided into, as many in each.
    """

    name = "groupnorm"
    groups: Units

    def output_shape(self, shape: Shape) -> Shape:
        if shape[0] % self.groups:
            raise ValueError(f"{shape[0]} cannot be divided into {self.groups} groups")
        _require_values(prod(shape) // self.groups)
        return shape

    def module(self, shape: Shape) -> nn.Module:
        return nn.GroupNorm(self.groups, shape[0])


@dataclass(frozen=True)
class LayerNormalisation(Layer):
    """Normalisation of each image over all its features or pixels (Ba et al. 2016)."""

    name = "layernorm"

    def output_shape(self, shape: Shape) -> Shape:
        _require_values(prod(shape))
        return shape

    def module(self, shape: Shape) -> nn.Module:
        return nn.LayerNorm(shape)


def _require_values(count: int) -> None:
    """Check that so many values are normalised together that something is left of them."""
    if count < 2:
        raise ValueError("a single value, normalised on its own, is 0 whatever it was")


LAYERS = (BatchNormalisation, GroupNormalisation, LayerNormalisation)
