"""Write a run's model so that others can use it: a folder that is there whole or not at all."""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disentgen import __version__
from disentgen.errors import DataFileError, UsageError
from disentgen.export.card import write_card
from disentgen.export.files import CARD, CONFIG, FORMAT, WEIGHTS
from disentgen.files import exists, own_folder
from disentgen.paths import expand, make_folder

if TYPE_CHECKING:  # torch takes seconds to start
    from torch import nn

    from disentgen.runs import Run


def export_run(run: "Run", folder: str | Path) -> Path:
    """Write ``model.safetensors``, ``config.json`` and a model card, ``README.md``.

    Args:
        run: that has ended.
        folder: that is not there yet, or empty.

    Returns:
        The folder's absolute path.

    Raises:
        UsageError: the folder holds something, or the run has not ended.
        DataFileError: the run is damaged, or the folder cannot be written.
    """
    target = own_folder(expand(folder))
    _require_empty(target)
    if run.results is None:
        raise UsageError(
            f"{run.path} has not ended: it has no results.json, and cannot be exported."
        )
    model = run.load_model()
    weights = serialise_weights(model)
    card = write_card(run, model, target.name)
    with _filled_whole(target) as temporary:
        _write(temporary / WEIGHTS, weights)
        text = json.dumps(describe_export(run, weights), indent=2, ensure_ascii=False)
        _write(temporary / CONFIG, f"{text}\n".encode())
        _write(temporary / CARD, card.encode())
    return target


def serialise_weights(model: "nn.Module") -> bytes:
    """A model's weights as safetensors; those that share memory are written once each.

    Args:
        model: on the CPU.
    """
    import torch
    from safetensors.torch import save

    weights = {
        name: value.clone(memory_format=torch.contiguous_format)
        for name, value in model.state_dict().items()
    }
    content: bytes = save(weights, {"format": "pt"})
    return content


def describe_export(run: "Run", weights: bytes) -> dict[str, Any]:
    """What ``config.json`` of an exported model holds.

    Args:
        run: that has ended.
        weights: the content of the file of weights.
    """
    # Where somebody's data lies is nobody else's business, and lies elsewhere there.
    places = dict.fromkeys(("root", "held_in_file", "held_out_file"))
    configuration = {**run.config, "dataset": {**run.config["dataset"], **places}}
    return {
        "format": FORMAT,
        "library_name": "disent-and-gen",
        "version": __version__,
        "model": run.load_description(),
        "weights": {"sha256": hashlib.sha256(weights).hexdigest()},
        "run": {"configuration": configuration, "split": run.sides, "results": run.results},
    }


def _require_empty(folder: Path) -> None:
    if exists(folder) and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; a model is exported to a folder of its own.")


@contextlib.contextmanager
def _filled_whole(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes a folder's place once the block has ended well.

    Args:
        folder: that is not there, or empty.
    """
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.{secrets.token_hex(8)}.tmp")
    make_folder(folder.parent)
    try:
        temporary.mkdir()
        yield temporary
        temporary.rename(folder)  # fails if something has come into it since
    except OSError as error:
        raise DataFileError(f"cannot write {folder}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
