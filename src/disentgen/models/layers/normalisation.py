"""Normalisation."""

from dataclasses import dataclass

from torch import nn

from disentgen.models.layers.base import Layer, Shape


@dataclass(frozen=True)
class BatchNormalisation(Layer):
    """Batch normalisation of features, or of the channels of a picture (Ioffe & Szegedy 2015)."""

    name = "batchnorm"

    def module(self, shape: Shape) -> nn.Module:
        return nn.BatchNorm1d(shape[0]) if len(shape) == 1 else nn.BatchNorm2d(shape[0])


LAYERS = (BatchNormalisation,)
