"""What a checkpoint must hold, checked before a training goes on from it."""

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeGuard

import torch
from torch import Tensor

from disentgen.errors import DataFileError
from disentgen.models import Model
from disentgen.text import join_lines
from disentgen.weights import check_weights

#: Weights of the model: as they are trained, selected, averaged over steps.
WEIGHTS = ("model", "selected", "average")
#: What an unfinished epoch has come to, and the types of it.
UNFINISHED: dict[str, type | tuple[type, ...]] = {
    "batches": Mapping, "average": Mapping, "seconds": (int, float), "terms": Mapping,
    "random": Tensor,
}  # fmt: skip


@contextlib.contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn what is raised over content that does not fit into an error that names the file.

    Args:
        path: of the file that the content is of.

    Raises:
        DataFileError: in place of errors that content raises.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (LookupError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        reason = join_lines(f"{type(error).__name__}: {error}")
        raise DataFileError(f"{path} is damaged: {reason}") from error


def check_checkpoint(
    checkpoint: Mapping[str, Any], names: Iterable[str], model: Model, length: int, path: Path
) -> None:
    """Check a checkpoint whole, before anything of it is loaded or written.

    Args:
        checkpoint: as it was read; those of whole epochs alone have neither ``step`` nor
            ``selected``.
        names: of what has a state of its own.
        model: that the weights are of.
        length: steps in an epoch.
        path: of the file, for messages.

    Raises:
        DataFileError: something is missing, or is not what a training has saved.
    """
    missing = [name for name in (*names, "history") if name not in checkpoint]
    if missing:
        raise DataFileError(f"{path} is damaged: it lacks {', '.join(missing)}.")
    with damage_named(path):
        check_rows(checkpoint["history"])
        done = len(checkpoint["history"])
        check_step(checkpoint, done, length)
        weights = {name: checkpoint[name] for name in WEIGHTS if name in checkpoint}
        for name, values in weights.items():
            if not isinstance(values, Mapping):
                raise ValueError(f"'{name}' is no weights by name")
            if name != "selected" or done or values:  # none are selected in the first epoch
                check_weights(model, values, path)


def check_rows(history: Any) -> None:
    """Check that a history is a list of rows of numbers, of one epoch after another.

    Raises:
        ValueError: it is not; the message names the row.
    """
    if not isinstance(history, list):
        raise ValueError("its history is no list of rows")
    for number, row in enumerate(history, start=1):
        if not isinstance(row, dict) or not all(map(is_score, row.values())):
            raise ValueError(f"row {number} of its history is no row of numbers")
        epoch, step = row.get("epoch"), row.get("step")
        if not (is_count(epoch) and is_count(step) and epoch == number <= step):
            raise ValueError(f"row {number} of its history is of no such epoch and step")
        if not all(isinstance(name, str) for name in row):
            raise ValueError(f"row {number} of its history has columns without names")


def check_step(checkpoint: Mapping[str, Any], done: int, length: int) -> None:
    """Check that a checkpoint is of a step in the epoch after its history, and has what it needs.

    Args:
        checkpoint: with a history.
        done: rows of the history.
        length: steps in an epoch.

    Raises:
        ValueError: it is not.
    """
    first = done * length
    step, unfinished = checkpoint.get("step", first), checkpoint.get("unfinished_epoch")
    if not is_count(step) or not first <= step <= first + length:
        raise ValueError(f"step {step!r} is none of the epoch after {done} finished ones")
    if (unfinished is None) != (step == first):
        raise ValueError(f"step {step} of epochs of {length} steps has another state")
    if unfinished is None:
        return
    for name, kind in UNFINISHED.items():
        if not isinstance(unfinished, Mapping) or not isinstance(unfinished.get(name), kind):
            raise ValueError(f"its unfinished epoch lacks {name}")
    if not all(isinstance(term, Tensor) for term in unfinished["terms"].values()):
        raise ValueError("the terms of its unfinished epoch are no tensors")


def is_count(value: Any) -> TypeGuard[int]:
    """Whether a value is a whole number from 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_score(value: Any) -> bool:
    """Whether a value is a number of a history: finite, or NaN where it is not known."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and not (isinstance(value, float) and math.isinf(value))
