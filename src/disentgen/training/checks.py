"""Whether the parts of a training fit each other and the machine, before they take memory."""

from math import prod

import torch

from disentgen.dataset.split import Split
from disentgen.errors import UsageError
from disentgen.files import measure_memory
from disentgen.models import Model
from disentgen.models.layers import Stack
from disentgen.training.losses import Loss

#: Weights, their gradient and Adam's two moments, in bytes for each parameter.
BYTES_PER_PARAMETER = 16
BYTES_PER_VALUE = 4


def check_memory(*modules: torch.nn.Module) -> None:
    """Check that the training of some modules fits into this machine's memory.

    Raises:
        UsageError: it does not.
    """
    count = sum(parameter.numel() for module in modules for parameter in module.parameters())
    memory = measure_memory()
    if count * BYTES_PER_PARAMETER > memory:
        raise UsageError(
            f"a model of {count:,} parameters needs {count * BYTES_PER_PARAMETER / 1e9:,.0f} GB "
            f"to be trained; this machine has {memory / 1e9:,.0f} GB."
        )


def check_largest_tensor(model: Model, batch_size: int) -> None:
    """Check that what a batch becomes in a model's layers fits into this machine's memory.

    Raises:
        UsageError: a single layer's output is larger.
    """
    stacks = [module for module in model.modules() if isinstance(module, Stack)]
    largest = max((prod(shape) for stack in stacks for shape in stack.shapes), default=0)
    if largest * batch_size * BYTES_PER_VALUE > measure_memory():
        raise UsageError(
            f"a layer makes {largest:,} values of each image, which are "
            f"{largest * batch_size * BYTES_PER_VALUE / 1e9:,.0f} GB of a batch of {batch_size:,}; "
            f"this machine has {measure_memory() / 1e9:,.0f} GB."
        )


def check_batch_size(batch_size: int, split: Split, model: Model, loss: Loss) -> None:
    """Check that split, model and objective can work on batches of a size.

    Args:
        batch_size: images in a batch.
        split: whose held-in side must fill one; of a control too, which is as long as its run.
        model: that is to be trained.
        loss: the objective.

    Raises:
        UsageError: there are too few images, or batches must be larger.
    """
    needs = {f"the loss '{loss.name}'": loss.minimum_batch}
    if any(isinstance(module, torch.nn.modules.batchnorm._BatchNorm) for module in model.modules()):
        needs["batch normalisation"] = 2
    for name, least in needs.items():
        if batch_size < least:
            raise UsageError(
                f"training.batch_size={batch_size}: {name} needs at least {least} images in a "
                "batch."
            )
    if (count := int(split.mask("train").sum())) < batch_size:
        raise UsageError(
            f"training.batch_size={batch_size} is more than the {count} training images of the "
            "held-in side."
        )
