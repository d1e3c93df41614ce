"""Exported models, opened again: without pickle, and checked before they take memory."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from disentgen.errors import DataFileError
from disentgen.export.files import CONFIG, FORMAT, WEIGHTS, SavedExport
from disentgen.files import measure_memory, open_regular
from disentgen.paths import expand
from disentgen.plain_files import read_saved
from disentgen.text import join_lines

if TYPE_CHECKING:  # torch takes seconds to start
    from torch import Tensor

    from disentgen.models import Model


def load_exported(folder: str | Path) -> "Model":
    """The model of a folder that :func:`~disentgen.export.writing.export_run` has written.

    Args:
        folder: whose files may be anybody's: they are read as data, and no link is followed.

    Returns:
        The model in evaluation mode, on the CPU, with the weights of its run to the last bit.

    Raises:
        DataFileError: it holds no exported model, or one that is damaged or of a later version.
    """
    from disentgen.weights import restore_model

    path = expand(folder)
    saved = read_saved(path / CONFIG, SavedExport)
    if saved is None:
        raise DataFileError(f"{path} holds no exported model: it has no {CONFIG}.")
    if saved["format"] != FORMAT:
        raise DataFileError(
            f"{path / CONFIG} is of format {saved['format']}; this version reads {FORMAT}."
        )
    content = _read_weights(path / WEIGHTS)
    if hashlib.sha256(content).hexdigest() != saved["weights"]["sha256"]:
        raise DataFileError(
            f"{path / WEIGHTS} is damaged or another file: its SHA-256 is not the one in {CONFIG}."
        )
    weights = _parse_weights(path / WEIGHTS, content)
    return restore_model(saved["model"], weights, path / WEIGHTS, path / CONFIG)


def _read_weights(path: Path) -> bytes:
    try:
        with open_regular(path, measure_memory()) as file:
            return file.read()
    except FileNotFoundError as error:
        raise DataFileError(f"{path} is not there.") from error


def _parse_weights(path: Path, content: bytes) -> "dict[str, Tensor]":
    from safetensors.torch import load

    try:
        weights: dict[str, Tensor] = load(content)
        return weights
    except Exception as error:  # whatever the parser meets in damaged bytes
        raise DataFileError(f"{path} is damaged: {join_lines(error)}") from error
