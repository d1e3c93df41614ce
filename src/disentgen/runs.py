"""Run directories: what a training leaves behind, and how it is found and opened again."""

import datetime
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from disentgen.dataset import Dataset
from disentgen.dataset.split import Split
from disentgen.errors import DataFileError
from disentgen.models import build_model
from disentgen.paths import data_folder, write_whole
from disentgen.training.config import open_dataset

#: A run whose last sign of life is older than this is dead, whatever its status says.
STALE_SECONDS = 60


@dataclass(frozen=True)
class RunDirectory:
    """The files of one run; each is written whole or not at all."""

    path: Path

    def save_model(self, model: nn.Module, description: Mapping[str, Any]) -> None:
        """Write ``model.pt`` (weights only) and ``model.json`` (what to load them into)."""
        weights = {name: value.cpu() for name, value in model.state_dict().items()}
        self._save_json("model.json", description)
        write_whole(self.path / "model.pt", lambda file: torch.save(weights, file))

    def load_model(self) -> nn.Module:
        """Rebuild the model of ``model.json`` with the weights of ``model.pt``.

        Raises:
            DataFileError: the run has not saved a model.
        """
        description = self._load_json("model.json")
        if description is None or not (self.path / "model.pt").exists():
            raise DataFileError(f"{self.path} holds no model: no epoch of it was finished.")
        model = build_model(
            description["family"], description["image_shape"], description["parameters"]
        )
        weights = torch.load(self.path / "model.pt", map_location="cpu", weights_only=True)
        model.load_state_dict(weights)
        return model.eval()

    def save_checkpoint(self, state: Mapping[str, Any]) -> None:
        """Write ``checkpoint.pt``: all that resuming needs, as of the last finished epoch."""
        write_whole(self.path / "checkpoint.pt", lambda file: torch.save(dict(state), file))

    def load_checkpoint(self) -> dict[str, Any] | None:
        """The last checkpoint, if an epoch was finished."""
        path = self.path / "checkpoint.pt"
        if not path.exists():
            return None
        return torch.load(path, map_location="cpu", weights_only=True)

    def save_history(self, history: list[dict[str, float]]) -> None:
        """Write ``history.csv``, a row for each finished epoch."""
        frame = pd.DataFrame(history).astype({"epoch": int, "step": int})
        write_whole(self.path / "history.csv", lambda file: frame.to_csv(file, index=False))

    def save_results(self, results: Mapping[str, Any]) -> None:
        """Write ``results.json``."""
        self._save_json("results.json", results)

    def _save_json(self, name: str, content: Mapping[str, Any]) -> None:
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        write_whole(self.path / name, lambda file: file.write_text(text, encoding="utf-8"))

    def _load_json(self, name: str) -> Any:
        """The content of a file; None if it is not there or was cut off while being written."""
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None


@dataclass(frozen=True)
class Run(RunDirectory):
    """A run as its directory tells of it; nothing is read before it is asked for."""

    @property
    def experiment(self) -> str:
        return self.path.parent.name

    @property
    def id(self) -> str:
        return self.path.name

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration, with the defaults of the time filled in."""
        config = self._load_json("config.json")
        if config is None:
            raise DataFileError(f"{self.path} has no readable config.json.")
        return config

    @cached_property
    def results(self) -> dict[str, Any] | None:
        """Scores and everything about the run; None until it has ended."""
        return self._load_json("results.json")

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row for each finished epoch."""
        path = self.path / "history.csv"
        return pd.read_csv(path) if path.exists() else pd.DataFrame()

    @cached_property
    def dataset(self) -> Dataset:
        """The dataset, its split and its images."""
        return open_dataset(self.config)

    @property
    def split(self) -> Split:
        return self.dataset.split

    @cached_property
    def model(self) -> nn.Module:
        """The best model of the run (by validation NLL), in evaluation mode, on the CPU."""
        return self.load_model()

    @cached_property
    def status(self) -> str:
        """COMPLETED, FAILED, INTERRUPTED, RUNNING; DEAD if it says RUNNING and is not."""
        entry = self._load_json("run.json") or {}
        status = entry.get("status", "UNKNOWN")
        return "DEAD" if status == "RUNNING" and not _is_alive(entry) else status


def open_run(path: str | Path) -> Run:
    """Open a run directory.

    Raises:
        DataFileError: there is no run at that path.
    """
    run = Run(Path(path).expanduser().absolute())
    if not (run.path / "config.json").exists():
        raise DataFileError(f"{run.path} is not a run directory: it has no config.json.")
    return run


def find_runs(root: str | Path | None = None, **filters: Any) -> pd.DataFrame:
    """All runs below a folder, a row each.

    Args:
        root: ``sims`` in the data folder by default.
        filters: keep rows whose column has this value, such as ``status="COMPLETED"`` or, with
            dots, ``**{"dataset.variant": "shape2tx"}``.

    Returns:
        Columns ``experiment``, ``id``, ``status``, ``path``, every key of the configurations with
        dots (``model.latent_size``), and every score (``scores.held_out.nll``).
    """
    folder = Path(root).expanduser() if root else data_folder() / "sims"
    runs = [Run(path.parent.absolute()) for path in folder.glob("**/config.json")]
    rows = [_summarise(run) for run in runs if run.id != "_sources"]
    frame = pd.DataFrame(rows)
    for column, value in filters.items():
        if not len(frame):
            break
        if column not in frame:
            raise DataFileError(f"runs below {folder} have no '{column}'.")
        frame = frame[frame[column] == value]
    if not len(frame):
        return frame
    order = frame["id"].map(lambda name: (int(name), "") if name.isdigit() else (0, name))
    frame = frame.assign(_order=order).sort_values(["experiment", "_order"])
    return frame.drop(columns="_order").reset_index(drop=True)


def _summarise(run: Run) -> dict[str, Any]:
    results = run.results or {}
    return {
        "experiment": run.experiment,
        "id": run.id,
        "status": run.status,
        "source": results.get("data", {}).get("source"),
        "epochs_done": len(run.history),
        **flatten(run._load_json("config.json") or {}),
        **flatten({"scores": results.get("scores", {})}),
        "path": str(run.path),
    }


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, keys joined by dots; lists stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _is_alive(entry: Mapping[str, Any]) -> bool:
    """Whether a run that says RUNNING is: its process is there, or it has beaten of late."""
    host = entry.get("host", {})
    if host.get("hostname") == platform.node() and "process_id" in host:
        try:
            os.kill(host["process_id"], 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
    beat = entry.get("heartbeat") or entry.get("start_time")
    if beat is None:
        return False
    age = datetime.datetime.now(datetime.UTC).replace(
        tzinfo=None
    ) - datetime.datetime.fromisoformat(beat)
    return age.total_seconds() < STALE_SECONDS
