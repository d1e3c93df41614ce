"""Batches for scoring of images that are tensors already."""

import numpy as np
import torch

from disentgen.dataset.batches import ScoringBatches
from disentgen.dataset.tasks import Reconstruct

CPU = torch.device("cpu")


class Given:
    """Images that are tensors already."""

    def __init__(self, tensor):
        self.tensor = tensor

    def images(self, indices):
        return self.tensor[indices]

    def announce(self, batches):
        return batches


def batch(images, size, indices=None):
    """Batches of given images."""
    chosen = np.arange(len(images)) if indices is None else indices
    return ScoringBatches(Given(images), Reconstruct(None, None), chosen, size)


class OneBatch:
    """A single batch of any input and target."""

    batch_size = 1_000

    def __init__(self, inputs, target):
        self.content, self.indices = (inputs, target), np.arange(len(target))

    def __len__(self):
        return 1

    def __iter__(self):
        yield self.content
