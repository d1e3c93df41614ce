"""The ``training`` section of a configuration, and the process that a run takes place in."""

import ctypes
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from pydantic import ConfigDict, Field
from pydantic import dataclasses as pydantic_dataclasses
from torch import nn

from disentgen.errors import UsageError
from disentgen.registry import choose, plain, unknown
from disentgen.training.losses import Reconstruction, check_loss, losses

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


@pydantic_dataclasses.dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LossChoice:
    """An objective by name.

    Args:
        name: which.
        params: its parameters that differ from its defaults.
        reconstruction: ``bce`` trains by the NLL of pixels, ``mse`` by their squared error; scores
            are by NLL either way. For that the output goes through a sigmoid in ``mse`` too, where
            the published code compares the raw output with the image.
    """

    name: str = "vae"
    params: dict[str, Any] = Field(default_factory=dict)
    reconstruction: Reconstruction = "bce"


@dataclass(frozen=True)
class TrainingSettings:
    """How a model is trained and scored.

    Args:
        loss: the objective.
        epochs: how many.
        epoch_length: batches in an epoch; by default as many as fill the training images.
        batch_size: images in a batch.
        optimizer: an optimiser of ``torch.optim``, in lower case.
        optimizer_params: its parameters other than the learning rate.
        lr: learning rate.
        lr_decay: factor on the learning rate after every epoch; none by default.
        early_stopping: stop after so many epochs without a better validation NLL.
        select: whose weights are kept and scored: ``best`` those of the epoch with the lowest
            validation NLL, ``last`` those of the last epoch.
        precision: ``bf16`` runs encoder and decoder in bfloat16; everything else stays float32.
        validation_images: at most so many are scored after each epoch; null is all.
        score_images: at most so many of each side are scored at the end; null is all.
        score_samples: draws from the posterior of each image, for ELBO and importance-weighted NLL
            at the end, of Latent Gaussian Models and at most 1,000 images of each side; null leaves
            both out.
    """

    loss: LossChoice = LossChoice()
    epochs: Count = 30
    epoch_length: Count | None = None
    batch_size: Count = 64
    optimizer: str = "adam"
    optimizer_params: dict[str, Any] | None = None
    lr: Positive = 1e-4
    lr_decay: Positive | None = None
    early_stopping: Count | None = None
    select: Literal["best", "last"] = "best"
    precision: Literal["fp32", "bf16"] = "fp32"
    validation_images: Count | None = 5_000
    score_images: Count | None = 20_000
    score_samples: Count | None = 16

    def resolve_loss(self) -> dict[str, Any]:
        """The objective's parameters as plain data, its defaults filled in."""
        checked = check_loss(self.loss.name, self.loss.params)
        return plain(losses()[self.loss.name], checked)


def optimizers() -> dict[str, Callable[..., torch.optim.Optimizer]]:
    """The optimisers of ``torch.optim`` that take a step from one gradient, by lower-case name."""
    found = {
        name.lower(): kind
        for name, kind in vars(torch.optim).items()
        if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer)
    }
    return {
        name: kind for name, kind in sorted(found.items())
        if name not in ("optimizer", "lbfgs", "sparseadam", "muon")
    }  # fmt: skip


def check_optimizer(settings: TrainingSettings) -> None:
    """Check the optimiser's name and its parameters' names.

    Raises:
        UsageError: there is no such optimiser, or it does not take a parameter.
    """
    kind = choose("optimizer (training.optimizer)", settings.optimizer, optimizers())
    accepted = [name for name in inspect.signature(kind).parameters if name not in ("params", "lr")]
    for name in settings.optimizer_params or {}:
        if name not in accepted:
            raise unknown("parameter in training.optimizer_params:", name, accepted)


def build_optimizer(settings: TrainingSettings, model: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a model's parameters."""
    check_optimizer(settings)
    kind = optimizers()[settings.optimizer]
    params = dict(settings.optimizer_params or {})
    # Faster where there is such a form, and the same arithmetic.
    accepts_fused = "fused" in inspect.signature(kind).parameters
    if accepts_fused and not {"fused", "foreach", "differentiable"} & set(params):
        params["fused"] = True
    try:
        return kind(model.parameters(), lr=settings.lr, **params)
    except (TypeError, ValueError, RuntimeError, IndexError) as error:
        given = settings.optimizer_params
        raise UsageError(f"training.optimizer_params={given}: {error}") from None


def choose_device(name: str) -> torch.device:
    """The device that ``auto``, ``cpu`` or ``cuda`` (``cuda:1``, …) means.

    Raises:
        UsageError: there is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
        raise unknown("device", name, ["auto", "cpu", "cuda"])
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"device={name}: this machine offers {torch.cuda.device_count()} CUDA devices; "
            "accepted: auto, cpu."
        )
    return torch.device(name)


def lacks_bf16(device: torch.device) -> bool:
    """Whether a device is a processor on which bfloat16 is many times slower than float32."""
    return device.type == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported()


def available_threads() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare_process(threads: int) -> None:
    """Set the number of threads, make a GPU repeatable, and let malloc keep freed memory.

    glibc otherwise returns every large buffer to the system and each step pays for fresh pages.
    """
    torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        maximum_of_mappings, trim_threshold = -4, -1
        library.mallopt(maximum_of_mappings, 0)
        library.mallopt(trim_threshold, 2**31 - 1)
