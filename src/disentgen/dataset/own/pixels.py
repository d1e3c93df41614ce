"""Images of a user's file as bytes: which numbers they may be, and what becomes of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.images import Pixels
from disentgen.errors import DataFileError

#: Of bytes, a fully bright pixel.
BRIGHTEST = 255


@dataclass
class PixelReader:
    """Turns blocks of images into bytes, and notes whether all are black and white alone.

    Floats in 0..1 become round(255·x); whole numbers stay, and so do truth values.

    Args:
        file: of the images, for messages.
        key: of the array.
        channels_first: whether height and width come after the channels.
        is_01: whether every value so far was 0 or 1.
        is_0255: whether every one was 0 or 255.
    """

    file: Path
    key: str
    channels_first: bool
    is_01: bool = True
    is_0255: bool = True

    def __call__(self, block: NDArray[Any]) -> Pixels:
        """Images (n, …) of the file to (n, height, width, channels) of bytes.

        Raises:
            DataFileError: a value is outside the range of its kind.
        """
        if self.channels_first:
            block = np.moveaxis(block, 1, -1)
        pixels = self._from_floats(block) if block.dtype.kind == "f" else self._from_whole(block)
        return pixels[..., None] if pixels.ndim == 3 else pixels

    def _from_floats(self, block: NDArray[Any]) -> Pixels:
        self._check(block, 1, "floats in 0..1 (divide by their largest)")
        pixels: Pixels = np.rint(block.astype(np.float64) * BRIGHTEST).astype(np.uint8)
        self.is_01 = False
        # A float between is none of the two, whatever it is rounded to.
        self.is_0255 = self.is_0255 and bool(((block == 0) | (block == 1)).all())
        return pixels

    def _from_whole(self, block: NDArray[Any]) -> Pixels:
        self._check(block, BRIGHTEST, "whole numbers in 0..255")
        pixels = block.astype(np.uint8)
        self.is_01 = self.is_01 and bool((pixels <= 1).all())
        self.is_0255 = self.is_0255 and bool(((pixels == 0) | (pixels == BRIGHTEST)).all())
        return pixels

    def _check(self, block: NDArray[Any], brightest: int, expected: str) -> None:
        inside = (block >= 0) & (block <= brightest)  # not a number is not inside
        if not inside.all():
            value = block[~inside].flat[0]
            raise DataFileError(f"{self.file}: '{self.key}' holds {value}; expected {expected}.")

    @property
    def maximum(self) -> int:
        """The value of a fully bright pixel of images as they are kept: 1 for black and white."""
        return 1 if self.is_01 or self.is_0255 else BRIGHTEST
