"""Files of tensors, and models rebuilt from them: checked before they take memory."""

import copy
from collections.abc import Mapping
from itertools import chain
from math import prod
from pathlib import Path
from typing import Any

import torch

from disentgen.errors import DataFileError
from disentgen.files import check_archive, measure_memory, open_regular
from disentgen.models import Model, build_model
from disentgen.models.layers.stack import Stack
from disentgen.text import join_lines

#: Buffers that a model computes itself, such as coordinates of pixels, may take so many bytes.
COMPUTED_BYTES = 2**30
#: Images that a model is asked for at a time, and bytes of a number.
BATCH, NUMBER_BYTES = 256, 4


def map_tensors(path: Path) -> dict[str, Any]:
    """The content of a file of tensors, which stay in the file: they take no memory.

    Args:
        path: of what ``torch.save`` has made of a dictionary of tensors and plain values.

    Raises:
        FileNotFoundError: there is none.
        DataFileError: it is no such file, or is damaged.
    """
    with open_regular(path, measure_memory()) as file:
        check_archive(file, path)
    try:
        # Mapped storages end where the file does, whatever their sizes are said to be.
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # damaged bytes make an unpickler raise whatever it meets
        raise DataFileError(f"{path} is damaged: {join_lines(error)}") from error
    if not isinstance(content, dict):
        raise DataFileError(f"{path} is damaged: it holds no tensors by name.")
    return content


def read_tensors(path: Path) -> dict[str, Any]:
    """The content of a file of tensors, in memory; see :func:`map_tensors`."""
    content = map_tensors(path)
    try:
        return copy.deepcopy(content)
    except (RuntimeError, MemoryError, RecursionError) as error:
        raise DataFileError(f"{path} is damaged: {join_lines(error)}") from error


def rebuild_model(description: Mapping[str, Any], path: Path) -> Model:
    """A model as it is described, with the weights of a file, in evaluation mode.

    Args:
        description: ``family``, ``image_shape``, ``factors``, ``parameters`` and, of models that
            need them, ``factor_values``, as in ``model.json``.
        path: of the weights.

    Raises:
        FileNotFoundError: there is no such file.
        DataFileError: they are not those of the model, or the model cannot be built.
    """
    return restore_model(description, map_tensors(path), path, path.with_name("model.json"))


def restore_model(
    description: Mapping[str, Any], weights: Mapping[str, Any], path: Path, described: Path
) -> Model:
    """A model as it is described, with weights that were read, in evaluation mode.

    Args:
        description: see :func:`rebuild_model`.
        weights: by name.
        path: of the file that they were read from.
        described: the file that the description was read from.

    Raises:
        DataFileError: see :func:`rebuild_model`.
    """
    try:
        with torch.device("meta"):
            outline = _build(description)
    except Exception as error:  # what layers say of numbers that are none of a layer's
        raise DataFileError(f"{described} describes no model: {join_lines(error)}") from error
    check_weights(outline, weights, path, described.name)
    check_size(outline, path, described)
    model = _build(description)
    model.load_state_dict(weights)
    return model.eval()


def _build(description: Mapping[str, Any]) -> Model:
    return build_model(
        description["family"],
        description["image_shape"],
        len(description["factors"]),
        description["parameters"],
        description.get("factor_values"),
    )


def check_weights(
    outline: Model, weights: Mapping[str, Any], path: Path, described: str = "model.json"
) -> None:
    """Compare names, shapes and types of weights with those of a model that has no memory yet.

    Args:
        outline: the model, on the meta device.
        weights: by name.
        path: of the weights' file, for messages.
        described: the name of the file that describes the model, likewise.

    Raises:
        DataFileError: they are not those of the model.
    """
    expected = {name: _describe(value) for name, value in outline.state_dict().items()}
    there = {str(name): _describe(value) for name, value in weights.items()}
    for name in {**expected, **there}:
        if expected.get(name) != there.get(name):
            raise DataFileError(
                f"{path} is not of the model in {described}: '{join_lines(name, 60)}' is "
                f"{there.get(name, 'not there')}, expected: {expected.get(name, 'no such weight')}."
            )


def _describe(value: Any) -> str:
    plain = isinstance(value, torch.Tensor) and value.layout is torch.strided
    return f"{value.dtype} {list(value.shape)}" if plain else f"no tensor ({type(value).__name__})"


def check_size(outline: Model, path: Path, described: Path) -> None:
    """Check that a model has no more weights than its file, and can be asked for images here.

    Args:
        outline: the model, on the meta device.
        path: of its weights.
        described: the file that describes it.

    Raises:
        DataFileError: it is larger.
    """
    kept = sum(value.nbytes for value in outline.state_dict().values())
    everything = sum(value.nbytes for value in chain(outline.parameters(), outline.buffers()))
    stacks = [module for module in outline.modules() if isinstance(module, Stack)]
    widest = max((prod(shape) for stack in stacks for shape in stack.shapes), default=0)
    needed = widest * BATCH * NUMBER_BYTES
    if kept > path.stat().st_size or everything - kept > COMPUTED_BYTES:
        raise DataFileError(f"{path} is damaged: it is smaller than the weights that it describes.")
    if needed > measure_memory():
        raise DataFileError(
            f"{described}: a layer makes {widest:,} numbers of each image; "
            f"{BATCH} images need {needed / 1e9:,.0f} GB."
        )
