"""The files of a run, each written whole or not at all."""

import contextlib
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from filelock import FileLock, Timeout

from disentgen.errors import DataFileError, UsageError
from disentgen.files import exists, measure_memory, open_regular, own_folder
from disentgen.paths import sweep_temporaries, write_whole
from disentgen.plain_files import read_saved
from disentgen.saved import SavedConfig, SavedModel, SavedResults

if TYPE_CHECKING:  # torch takes seconds to start, and a list of runs needs none of it
    from torch import nn

    from disentgen.dataset.split import Split
    from disentgen.models import Model
    from disentgen.training.config import Config


@dataclass(frozen=True)
class RunDirectory:
    """The files of one run; each is written whole or not at all.

    Args:
        path: of the folder.
    """

    path: Path

    def has(self, name: str) -> bool:
        """Whether the folder has something of a name, be it damaged or not."""
        return exists(self.path / name)

    def subfolder(self, name: str) -> Path:
        """The path of a folder inside this one, which is there or can be made.

        Raises:
            DataFileError: something else has its name: a link, say, which leads elsewhere.
        """
        return own_folder(self.path / name)

    def digest(self, name: str) -> str:
        """SHA-256 of a file.

        Raises:
            DataFileError: it is not there, or cannot be read.
        """
        path = self.path / name
        try:
            with open_regular(path, measure_memory()) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise DataFileError(f"{path} is not there.") from error

    def save_config(self, config: "Config") -> None:
        """Write ``config.json``: what the run is, and all that opening it again needs."""
        self._save_json("config.json", config.plain())

    def load_config(self) -> dict[str, Any] | None:
        """The configuration that is saved, as plain data; None if there is none.

        Raises:
            DataFileError: the file is damaged.
        """
        return read_saved(self.path / "config.json", SavedConfig)

    def save_split(self, split: "Split") -> None:
        """Write ``split.json``: counts and hashes of the split's sides."""
        self._save_json("split.json", split.describe())

    def save_model(self, model: "nn.Module", description: Mapping[str, Any]) -> None:
        """Write ``model.pt`` (weights only) and ``model.json`` (what to load them into).

        Args:
            model: whose weights are kept.
            description: what it was built from, as plain data.
        """
        weights = {name: value.cpu() for name, value in model.state_dict().items()}
        self._save_json("model.json", description)
        self._save_tensors("model.pt", weights)

    def load_model(self) -> "Model":
        """Rebuild the model of ``model.json`` with the weights of ``model.pt``.

        Raises:
            DataFileError: the run has not saved a model, its files are damaged or do not belong
                together, or ``model.pt`` is not the file that ``results.json`` is about.
        """
        from disentgen.weights import rebuild_model

        description = read_saved(self.path / "model.json", SavedModel)
        if description is None or not self.has("model.pt"):
            raise DataFileError(f"{self.path} holds no model: no epoch of it was finished.")
        results = read_saved(self.path / "results.json", SavedResults) or {}
        # Runs of earlier versions do not say which file they were scored with.
        scored = results.get("model_sha256")
        if scored is not None and self.digest("model.pt") != scored:
            raise DataFileError(
                f"{self.path / 'model.pt'} has changed since the run ended: its SHA-256 is not the "
                "one in results.json."
            )
        return rebuild_model(description, self.path / "model.pt")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the directory for this process; the system lets it go should the process die.

        Raises:
            UsageError: another process holds it.
        """
        lock = self.path / "run.lock"
        try:
            with FileLock(lock, timeout=0):
                try:
                    yield
                finally:
                    lock.unlink(missing_ok=True)
        except Timeout:
            raise UsageError(f"another process is training in {self.path}.") from None

    def is_held(self) -> bool | None:
        """Whether a process of this machine holds the directory; None where no lock says it."""
        lock = self.path / "run.lock"
        if not lock.exists():
            return None
        try:
            with FileLock(lock, timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # not ours to lock
            return None

    def clear(self) -> None:
        """Remove results of an earlier end of the run, and what a killed process was writing."""
        for name in ("results.json", "reconstructions.png", "predictions.png"):
            (self.path / name).unlink(missing_ok=True)
        sweep_temporaries(self.path)

    def save_checkpoint(self, state: Mapping[str, Any]) -> None:
        """Write ``checkpoint.pt``: all that resuming needs, as of the last finished epoch."""
        self._save_tensors("checkpoint.pt", state)

    def load_checkpoint(self) -> dict[str, Any] | None:
        """The last checkpoint, if an epoch was finished.

        Raises:
            DataFileError: the file is damaged.
        """
        from disentgen.weights import read_tensors

        try:
            return read_tensors(self.path / "checkpoint.pt")
        except FileNotFoundError:
            return None

    def save_history(self, history: list[dict[str, float]]) -> None:
        """Write ``history.csv``, a row for each finished epoch."""
        frame = pd.DataFrame(history).astype({"epoch": int, "step": int})
        write_whole(self.path / "history.csv", lambda file: frame.to_csv(file, index=False))

    def save_results(self, results: Mapping[str, Any]) -> None:
        """Write ``results.json``."""
        self._save_json("results.json", results)

    def _save_tensors(self, name: str, content: Mapping[str, Any]) -> None:
        import torch

        # By way of memory, since torch reports a full disk as an error of its own making.
        buffer = io.BytesIO()
        torch.save(dict(content), buffer)
        write_whole(self.path / name, lambda file: file.write_bytes(buffer.getbuffer()))

    def _save_json(self, name: str, content: Mapping[str, Any]) -> None:
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        write_whole(self.path / name, lambda file: file.write_text(text, encoding="utf-8"))
