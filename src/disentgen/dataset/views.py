"""Datasets as PyTorch knows them, for use with its loaders."""

import numpy as np
import torch
from torch import Tensor

from disentgen.dataset.build import Dataset
from disentgen.registry import unknown

KINDS = ("unsupervised", "reconstruction", "supervised")


#: An image, or a pair of an image and what it should be made into.
Sample = Tensor | tuple[Tensor, Tensor]


class View(torch.utils.data.Dataset[Sample]):
    """One side of a dataset as a map from position to sample.

    A sample is an image (channels, height, width) in 0..1 (``unsupervised``), a pair of the image
    and itself (``reconstruction``), or a pair of the image and its (factor_count,) factor values in
    the dataset's ``factor_scale`` (``supervised``). A loader fetches a batch of them at once.

    Args:
        dataset: the opened dataset.
        kind: what a sample is.
        side: ``train``, ``validation``, ``held_in`` or ``held_out``.

    Raises:
        UsageError: there is no such kind or side.
    """

    def __init__(self, dataset: Dataset, kind: str, side: str = "train"):
        if kind not in KINDS:
            raise unknown("view", kind, KINDS)
        self.kind = kind
        self.side = side
        self.label = dataset.label
        self.indices = dataset.split.indices(side)
        self.observed = dataset.observe()

    def __repr__(self) -> str:
        return f"View({self.label}, {self.kind}, {len(self):,} {self.side})"

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, position: int) -> Sample:
        return self.__getitems__([position])[0]

    def __getitems__(self, positions: list[int]) -> list[Sample]:
        """Samples at several positions."""
        indices = self.indices[np.asarray(positions)]
        images = self.observed.images(indices)
        if self.kind == "unsupervised":
            return list(images)
        targets = images if self.kind == "reconstruction" else self.observed.factor_values(indices)
        return list(zip(images, targets, strict=True))
