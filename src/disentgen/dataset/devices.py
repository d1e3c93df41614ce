"""Devices as data sees them: how arrays get there, and how much more they can hold."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from disentgen.files import measure_memory


def send(array: NDArray[Any], device: torch.device) -> Tensor:
    """An array as a tensor on a device; a GPU is not waited for.

    Args:
        array: (…,), whose shape the tensor has too.
        device: that the tensor is wanted on.
    """
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        # A copy from memory that may be paged out waits for all that was queued before it.
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def measure_free_memory(device: torch.device) -> int:
    """The bytes that a device can still hold; of a CPU all the memory that the machine has."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return measure_memory()
