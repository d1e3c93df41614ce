"""The files of a run, each written whole or not at all."""

import contextlib
import io
import json
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from filelock import FileLock, Timeout

from disentgen.errors import DataFileError, UsageError
from disentgen.paths import sweep_temporaries, write_whole

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

    def save_config(self, config: "Config") -> None:
        """Write ``config.json``: what the run is, and all that opening it again needs."""
        self._save_json("config.json", config.plain())

    def load_config(self) -> dict[str, Any] | None:
        """The configuration that is saved, as plain data; None if there is none."""
        return self._load_json("config.json")

    def save_split(self, split: "Split") -> None:
        """Write ``split.json``: counts and hashes of the split's sides."""
        self._save_json("split.json", split.describe())

    def save_images(self, description: Mapping[str, Any]) -> None:
        """Write ``images.json``: which images the run is of, with the hash of their file."""
        self._save_json("images.json", description)

    def load_images(self) -> dict[str, Any]:
        """Which images the run is of; nothing of runs that were made before this was kept."""
        return self._load_json("images.json") or {}

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
            DataFileError: the run has not saved a model.
        """
        from disentgen.models import build_model

        description = self._load_json("model.json")
        if description is None or not (self.path / "model.pt").exists():
            raise DataFileError(f"{self.path} holds no model: no epoch of it was finished.")
        model = build_model(
            description["family"],
            description["image_shape"],
            len(description["factors"]),
            description["parameters"],
        )
        model.load_state_dict(self._load_tensors("model.pt"))
        return model.eval()

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
        if not (self.path / "checkpoint.pt").exists():
            return None
        return self._load_tensors("checkpoint.pt")

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

    def _load_tensors(self, name: str) -> dict[str, Any]:
        import torch

        try:
            content: dict[str, Any] = torch.load(
                self.path / name, map_location="cpu", weights_only=True
            )
            return content
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise DataFileError(f"{self.path / name} is damaged: {error}") from error

    def _save_json(self, name: str, content: Mapping[str, Any]) -> None:
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        write_whole(self.path / name, lambda file: file.write_text(text, encoding="utf-8"))

    def _load_json(self, name: str) -> dict[str, Any] | None:
        """The content of a file; None if it is not there, was cut off or holds something else."""
        try:
            content = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return content if isinstance(content, dict) else None
