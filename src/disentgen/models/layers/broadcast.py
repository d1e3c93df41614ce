"""Spatial broadcast decoders' first layer."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from disentgen.errors import UsageError
from disentgen.models.layers.base import AsImage, Layer, Length, Shape


@dataclass(frozen=True)
class SpatialBroadcast(Layer):
    """Latents repeated at every place of a picture, beside its coordinates (Watters et al. 2019).

    Args:
        size: height and width of the picture; ``image`` for an image's.
    """

    name = "broadcast"
    input_axes = 1
    takes_shape = True
    size: tuple[Length, Length] | AsImage = "image"

    def output_shape(self, shape: Shape) -> Shape:
        (latents,) = shape
        return (latents + 2, *(int(length) for length in self.size))

    def module(self, shape: Shape) -> nn.Module:
        return Broadcast(*self.output_shape(shape)[1:])

    def transposed(self, shape: Shape) -> Layer:
        raise UsageError("'broadcast' is a layer of decoders; it cannot be transposed.")

    def fill(self, image_shape: Shape) -> Layer:
        _, height, width = image_shape
        return SpatialBroadcast((height, width) if self.size == "image" else self.size)


class Broadcast(nn.Module):
    """Repeats vectors over a picture and adds two channels: row and column, from -1 to 1.

    Args:
        height: of the picture.
        width: of the picture.
    """

    def __init__(self, height: int, width: int):
        super().__init__()
        rows, columns = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
        coordinates = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))
        self.register_buffer("coordinates", coordinates, persistent=False)

    def forward(self, latents: Tensor) -> Tensor:
        """(batch, latents) to (batch, latents + 2, height, width)."""
        coordinates: Tensor = self.get_buffer("coordinates")
        repeated = latents[:, :, None, None].expand(-1, -1, *coordinates.shape[1:])
        places = coordinates.to(latents.dtype).expand(len(latents), -1, -1, -1)
        return torch.cat([repeated, places], dim=1)


LAYERS = (SpatialBroadcast,)
