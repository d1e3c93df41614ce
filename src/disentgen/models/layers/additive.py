"""Additive decoders: a network for each block of latents, their images summed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain
from operator import add
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from disentgen.errors import UsageError
from disentgen.models.layers.base import Layer, NestedLayers, Shape
from disentgen.models.layers.stack import Stack, trace_shapes
from disentgen.schema import Units

Latent = Annotated[int, Field(ge=0, le=10**6)]
Block = Annotated[tuple[Latent, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Additive(Layer):
    """f(z) = Σ f_B(z_B) over blocks B of the latents (Lachapelle et al. 2023, definition 1).

    Each block has layers of its own, alike but for their weights. The paper sums images: so does
    this at the end of a ground-truth decoder with ``model.likelihood=gaussian``. Elsewhere what is
    summed are logits, and images are additive but for a sigmoid of each pixel.

    Args:
        layers: from a block's latents to what is summed.
        blocks: as many blocks of neighbours, all of a size, or the positions of the latents in
            each, which together are all, each once.
    """

    name = "additive"
    input_axes = 1
    takes_layers = True
    layers: NestedLayers
    blocks: Units | Annotated[tuple[Block, ...], Field(min_length=1)] = 2

    def divide(self, latents: int) -> list[list[int]]:
        """The positions of each block's latents.

        Args:
            latents: how many there are.

        Raises:
            ValueError: they cannot be divided so.
        """
        if isinstance(self.blocks, int):
            size, rest = divmod(latents, self.blocks)
            if rest or not size:
                raise ValueError(f"{latents} latents are no {self.blocks} blocks of a size")
            return [list(range(first, first + size)) for first in range(0, latents, size)]
        blocks = [list(block) for block in self.blocks]
        if sorted(chain(*blocks)) != list(range(latents)):
            raise ValueError(f"blocks {blocks} are not each of {latents} latents (from 0) once")
        return blocks

    def output_shape(self, shape: Shape) -> Shape:
        made = {trace_shapes(self.layers, (len(block),))[-1] for block in self.divide(*shape)}
        if len(made) > 1:
            raise ValueError(f"its blocks make {sorted(made)}, which cannot be summed")
        return made.pop()

    def module(self, shape: Shape) -> nn.Module:
        blocks = self.divide(*shape)
        return BlockSum([Stack(self.layers, (len(block),)) for block in blocks], blocks)

    def transposed(self, shape: Shape) -> Layer:
        raise UsageError("'additive' is a layer of decoders; it cannot be transposed.")

    def fill(self, image_shape: Shape) -> Layer:
        return replace(self, layers=tuple(layer.fill(image_shape) for layer in self.layers))


class BlockSum(nn.ModuleList):
    """The sum of what networks make of parts of a vector.

    Args:
        stacks: the networks.
        blocks: of each, the positions that it takes.
    """

    def __init__(self, stacks: Sequence[Stack], blocks: Sequence[Sequence[int]]):
        super().__init__(stacks)
        for number, block in enumerate(blocks):
            self.register_buffer(f"block_{number}", torch.tensor(block), persistent=False)

    def forward(self, latents: Tensor) -> Tensor:
        """(batch, latents) to the sum, (batch, …)."""
        return reduce(add, self.list_parts(latents))

    def list_parts(self, latents: Tensor) -> list[Tensor]:
        """(batch, latents) to what each block adds, (batch, …)."""
        return [
            stack(latents.index_select(1, self.get_buffer(f"block_{number}")))
            for number, stack in enumerate(self)
        ]


LAYERS = (Additive,)
