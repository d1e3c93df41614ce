"""The process that a training takes place in: device, threads, memory."""

import ctypes

import torch
from torch import Tensor

from disentgen.cores import available_threads
from disentgen.errors import UsageError, warn
from disentgen.registry import unknown

DEVICES = ("auto", "cpu", "cuda", "mps")


def check_device(name: str) -> None:
    """Check the name of a device, which need not be there: runs are opened on other machines.

    Raises:
        UsageError: there can be no such device.
    """
    kind, _, number = name.partition(":")
    if kind not in DEVICES or (number and not (number.isascii() and number.isdigit())):
        raise unknown("device", name, DEVICES, {"gpu": "cuda"})


def choose_device(name: str, precision: str = "fp32") -> torch.device:
    """The device that ``auto``, ``cpu``, ``cuda`` (``cuda:1``, …) or ``mps`` means.

    Args:
        name: of the device.
        precision: that networks are to run in there, ``fp32`` or ``bf16``.

    Raises:
        UsageError: there is no such device, or it has no bfloat16 and is to use it.
    """
    check_device(name)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    counts = {"cuda": torch.cuda.device_count(), "mps": torch.mps.device_count()}
    if kind in counts and int(number or 0) >= counts[kind]:
        raise UsageError(
            f"device={name}: this machine offers {counts[kind]} {kind.upper()} devices; "
            "accepted: auto, cpu."
        )
    device = torch.device(name)
    if precision == "bf16" and not has_bf16(device):
        raise UsageError(
            f"training.precision=bf16: {name_device(device)} has no bfloat16 that a training could "
            "use; accepted there: fp32."
        )
    return device


def name_device(device: torch.device) -> str:
    """A device as its maker calls it, where that is known."""
    if device.type != "cuda":
        return str(device)
    return f"{torch.cuda.get_device_name(device)} ({device})"


def has_bf16(device: torch.device) -> bool:
    """Whether networks can run in bfloat16 on a device, without a GPU that only imitates it.

    CUDA GPUs of capability 8.0 and later have it; of ``mps`` it is not known well enough.
    """
    if device.type != "cuda":
        return device.type == "cpu"
    with torch.cuda.device(device):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def lacks_bf16(device: torch.device) -> bool:
    """Whether a device is a processor on which bfloat16 is many times slower than float32."""
    return device.type == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported()


def find_exact_device(device: torch.device) -> torch.device:
    """Where double precision is to be had for values on a device: there, but for ``mps``."""
    return torch.device("cpu") if device.type == "mps" else device


def make_exact(values: Tensor) -> Tensor:
    """Values (…,) in double precision, on the CPU where their device has none."""
    return values.to(find_exact_device(values.device)).double()


def prepare_process(threads: int) -> None:
    """Set the number of threads, make a GPU repeatable, and let malloc keep freed memory.

    glibc otherwise returns every large buffer to the system and each step pays for fresh pages.

    Args:
        threads: of the CPU; more than there are cores are warned of.
    """
    if threads > (cores := available_threads()):
        warn(
            f"threads={threads}, but this process may use {cores} "
            f"{'core' if cores == 1 else 'cores'}: threads that share one hinder each other."
        )
    torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        maximum_of_mappings, trim_threshold = -4, -1
        library.mallopt(maximum_of_mappings, 0)
        library.mallopt(trim_threshold, 2**31 - 1)
