"""Dropout."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import nn

from disentgen.models.layers.base import Layer, Shape


@dataclass(frozen=True)
class Dropout(Layer):
    """In training each value is 0 with a probability, the others are scaled up to make up for it.

    Srivastava et al. 2014. Scores, codes and pictures are computed without it.

    Args:
        p: the probability.
    """

    name = "dropout"
    p: Annotated[float, Field(ge=0, lt=1)] = 0.5

    def module(self, shape: Shape) -> nn.Module:
        return nn.Dropout(self.p)


LAYERS = (Dropout,)
