"""Images that stay on a device, where batches are gathered from them."""

from math import prod

import numpy as np
import torch
from torch import Tensor

from disentgen.dataset.devices import measure_free_memory, send
from disentgen.dataset.images import Images, Indices, Resident, find_places, pack_bits
from disentgen.errors import UsageError

#: The share of a device's free memory that images may take where nobody has asked for it.
SHARE = 0.5


class ResidentImages:
    """All images of a grid on a device: packed bits of binary ones, else bytes.

    An image is read or drawn, and sent, when it is asked for the first time; from then on it is
    only gathered, together with the others of its batch, by a tensor of indices.

    Args:
        images: of the grid.
        count: how many there are; none is held for combinations that are missing.
        device: that they are held on.
    """

    def __init__(self, images: Images, count: int, device: torch.device):
        self._images = images
        self._device = device
        self._is_held = np.zeros(count, dtype=bool)
        self._rows = torch.empty((count, measure_row(images)), dtype=torch.uint8, device=device)
        # The first pixel is the highest bit of its byte.
        self._shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=device)

    def __call__(self, indices: Indices) -> Tensor:
        """Images: (n,) indices to (n, height, width, channels) of uint8, on the device."""
        missing = self._list_missing(indices)
        if len(missing):
            self._hold(missing)
        rows = self._rows[send(self._find(indices), self._device)]
        values = self._unpack_bits(rows) if self._images.maximum == 1 else rows
        return values.reshape(-1, *self._images.pixels_shape)

    def expect(self, indices: Indices) -> None:
        """Let a disk read ahead what of (n,) indices is not held yet."""
        missing = self._list_missing(indices)
        if len(missing):
            self._images.expect(missing)

    def _find(self, indices: Indices) -> Indices:
        """The rows of (n,) indices."""
        return find_places(self._images.places, indices)

    def _list_missing(self, indices: Indices) -> Indices:
        return np.unique(indices[~self._is_held[self._find(indices)]])

    def _hold(self, indices: Indices) -> None:
        """Read or draw images at (n,) different indices, and send them."""
        pixels, places = self._images(indices), self._find(indices)
        binary = self._images.maximum == 1
        rows = pack_bits(pixels) if binary else pixels.reshape(len(pixels), -1)
        self._rows.index_copy_(0, send(places, self._device), send(rows, self._device))
        self._is_held[places] = True

    def _unpack_bits(self, rows: Tensor) -> Tensor:
        """Binary pixels from packed bits: (n, bytes) to (n, pixels) of 0 and 1."""
        bits = (rows[:, :, None] >> self._shifts & 1).flatten(1)
        return bits[:, : prod(self._images.pixels_shape)]


def hold_images(
    images: Images, count: int, device: torch.device, resident: Resident
) -> ResidentImages | None:
    """Room for the images of a grid on a device, or None where they are to stay where they are.

    Args:
        images: of the grid.
        count: how many there are.
        device: that batches are wanted on.
        resident: ``yes``; ``no``; or ``auto`` for a CUDA GPU that has twice the room free.

    Raises:
        UsageError: they are wanted there and do not fit.
    """
    if resident == "no" or (resident == "auto" and device.type != "cuda"):
        return None
    needed, free = count * measure_row(images), measure_free_memory(device)
    if resident == "yes" and needed > free:
        raise UsageError(
            f"dataset.resident=yes: {count:,} images are {needed / 1e9:.1f} GB, and {device} has "
            f"{free / 1e9:.1f} GB left; accepted here: auto, no."
        )
    if resident == "auto" and needed > SHARE * free:
        return None
    return ResidentImages(images, count, device)


def measure_row(images: Images) -> int:
    """The bytes that an image takes, packed where it is binary."""
    pixels = prod(images.pixels_shape)
    return -(-pixels // 8) if images.maximum == 1 else pixels
