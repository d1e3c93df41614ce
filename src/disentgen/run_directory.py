"""The files of a run, each written whole or not at all."""

import contextlib
import csv
import io
import json
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from disentgen.errors import DataFileError, RunningError
from disentgen.locking import HeldError, Lock, is_held
from disentgen.paths import sweep_temporaries, write_whole

if TYPE_CHECKING:  # torch takes seconds to start, and a list of runs needs none of it
    from torch import Tensor

    from disentgen.dataset.split import Split
    from disentgen.models import Model
    from disentgen.training.config import Config


#: The file by which a process holds a run's directory.
LOCK = "run.lock"


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

    def load_record(self) -> dict[str, Any]:
        """What Sacred keeps of the run in ``run.json``; empty if nothing."""
        return self._load_json("run.json") or {}

    def save_split(self, split: "Split") -> None:
        """Write ``split.json``: counts and hashes of the split's sides."""
        self._save_json("split.json", split.describe())

    def save_model(self, weights: Mapping[str, "Tensor"], description: Mapping[str, Any]) -> None:
        """Write ``model.pt`` (weights only) and ``model.json`` (what to load them into).

        Args:
            weights: by name, (…,) of any shape, on the CPU.
            description: what the model was built from, as plain data.
        """
        self._save_json("model.json", description)
        self._save_tensors("model.pt", weights)

    def load_weights(self) -> dict[str, "Tensor"]:
        """The weights of ``model.pt`` by name, (…,) of any shape, on the CPU.

        Raises:
            DataFileError: the run has not saved a model, or the file is damaged.
        """
        if not (self.path / "model.pt").exists():
            raise DataFileError(f"{self.path} holds no model: no epoch of it was finished.")
        return self._load_tensors("model.pt")

    def load_model(self) -> "Model":
        """Rebuild the model of ``model.json`` with the weights of ``model.pt``.

        Raises:
            DataFileError: the run has not saved a model.
        """
        from disentgen.models import build_model

        weights, description = self.load_weights(), self._load_json("model.json")
        if description is None:
            raise DataFileError(f"{self.path} has no readable model.json.")
        model = build_model(
            description["family"],
            description["image_shape"],
            len(description["factors"]),
            description["parameters"],
        )
        model.load_state_dict(weights)
        return model.eval()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the directory for this process, which makes it if it is not there.

        Raises:
            RunningError: another process holds it.
            DataFileError: it cannot be made or locked.
        """
        lock = self.take()
        try:
            yield
        finally:
            lock.release()

    def take(self) -> Lock:
        """The lock of the directory, taken by this process; see :meth:`held`."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            return Lock.take(self.path / LOCK)
        except HeldError:
            raise RunningError(
                f"another process is training in {self.path}{self._describe_holder()}."
            ) from None
        except DataFileError:
            raise
        except OSError as error:
            raise DataFileError(f"cannot write {self.path}: {error.strerror or error}.") from error

    def is_held(self) -> bool | None:
        """Whether a process of this machine holds the directory; None where no lock says it."""
        return is_held(self.path / LOCK)

    def _describe_holder(self) -> str:
        last = (self.load_starts() or [{}])[-1]
        if not {"pid", "host", "time"} <= set(last):
            return ""
        return f": process {last['pid']} on {last['host']}, since {last['time']}"

    def load_starts(self) -> list[dict[str, Any]]:
        """Who has started the run or gone on with it, when and how; the first start first."""
        starts = (self._load_json("starts.json") or {}).get("starts")
        listed = starts if isinstance(starts, list) else []
        return [start for start in listed if isinstance(start, dict)]

    def save_starts(self, starts: list[dict[str, Any]]) -> None:
        """Write ``starts.json``."""
        self._save_json("starts.json", {"starts": starts})

    def save_changes(self, name: str, patch: bytes) -> None:
        """Write how a checkout differed from its commit, as a patch."""
        write_whole(self.path / name, lambda file: file.write_bytes(patch))

    @property
    def has_started(self) -> bool:
        """Whether a process has begun to train here, though it may not have come to save it."""
        return (self.path / "split.json").exists()

    @property
    def has_saved(self) -> bool:
        """Whether anything is there that a training can go on from, or be scored again by."""
        return any((self.path / name).exists() for name in ("checkpoint.pt", "history.csv"))

    def clear(self) -> None:
        """Remove results of an earlier end of the run, and what a killed process was writing."""
        for name in ("results.json", "reconstructions.png", "predictions.png"):
            (self.path / name).unlink(missing_ok=True)
        sweep_temporaries(self.path)

    def save_checkpoint(self, state: Mapping[str, Any]) -> None:
        """Write ``checkpoint.pt``: all that resuming needs."""
        self._save_tensors("checkpoint.pt", state)

    def drop_checkpoint(self) -> None:
        """Remove ``checkpoint.pt`` of a run that has ended and is not to be trained further."""
        (self.path / "checkpoint.pt").unlink(missing_ok=True)

    def load_checkpoint(self) -> dict[str, Any] | None:
        """The last checkpoint; None as long as nothing was saved, or where it was not kept.

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

    def load_history(self) -> list[dict[str, float]]:
        """The rows of ``history.csv``, each with the columns that it has a value in.

        Raises:
            DataFileError: the file is damaged.
        """
        path = self.path / "history.csv"
        if not path.exists():
            return []
        try:
            with path.open(newline="", encoding="utf-8") as file:
                return [
                    {
                        name: int(value) if name in ("epoch", "step") else float(value)
                        for name, value in row.items()
                        if value
                    }
                    for row in csv.DictReader(file)
                ]
        except (ValueError, TypeError, csv.Error) as error:
            raise DataFileError(f"{path} is damaged: {error}") from error

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
