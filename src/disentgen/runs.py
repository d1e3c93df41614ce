"""Run directories: what a training leaves behind, and how it is found and opened again."""

import contextlib
import datetime
import io
import json
import pickle
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from filelock import FileLock, Timeout
from torch import nn

from disentgen.dataset import Dataset
from disentgen.dataset.split import Split
from disentgen.errors import DataFileError, UsageError
from disentgen.models import Model, build_model
from disentgen.paths import data_folder, sweep_temporaries, write_whole
from disentgen.training.config import open_dataset, open_split

#: Where a run's lock cannot tell, a run whose last sign of life is older than this is dead.
STALE_SECONDS = 60


@dataclass(frozen=True)
class RunDirectory:
    """The files of one run; each is written whole or not at all."""

    path: Path

    def save_model(self, model: nn.Module, description: Mapping[str, Any]) -> None:
        """Write ``model.pt`` (weights only) and ``model.json`` (what to load them into)."""
        weights = {name: value.cpu() for name, value in model.state_dict().items()}
        self._save_json("model.json", description)
        self._save_tensors("model.pt", weights)

    def load_model(self) -> Model:
        """Rebuild the model of ``model.json`` with the weights of ``model.pt``.

        Raises:
            DataFileError: the run has not saved a model.
        """
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
        # By way of memory, since torch reports a full disk as an error of its own making.
        buffer = io.BytesIO()
        torch.save(dict(content), buffer)
        write_whole(self.path / name, lambda file: file.write_bytes(buffer.getbuffer()))

    def _load_tensors(self, name: str) -> dict[str, Any]:
        try:
            return torch.load(self.path / name, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise DataFileError(f"{self.path / name} is damaged: {error}") from error

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
    def record(self) -> dict[str, Any]:
        """What Sacred keeps of the run: status, times, command line; empty if it is unreadable."""
        return self._load_json("run.json") or {}

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

    @cached_property
    def split(self) -> Split:
        """The sides of the dataset's grid; needs no images."""
        return open_split(self.config)

    @cached_property
    def family(self) -> str:
        """The family of the run's model."""
        return (self._load_json("model.json") or {})["family"]

    @cached_property
    def model(self) -> Model:
        """The model of the run's selected epoch, in evaluation mode, on the CPU."""
        return self.load_model()

    @cached_property
    def status(self) -> str:
        """COMPLETED, FAILED, INTERRUPTED, RUNNING; DEAD if it says RUNNING and is not."""
        entry = self.record
        status = entry.get("status", "UNKNOWN")
        return "DEAD" if status == "RUNNING" and not self._is_alive(entry) else status

    def _is_alive(self, entry: Mapping[str, Any]) -> bool:
        """Whether a run that says RUNNING is: its lock is held, or it has beaten of late."""
        here = entry.get("host", {}).get("hostname") == platform.node()
        if here and (self.path / "run.lock").exists():
            try:
                with FileLock(self.path / "run.lock", timeout=0):
                    return False
            except Timeout:
                return True
            except OSError:
                pass  # not ours to lock: its heartbeat must tell
        beat = entry.get("heartbeat") or entry.get("start_time")
        return beat is not None and seconds_since(beat) < STALE_SECONDS


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

    Raises:
        DataFileError: the folder is not there, or no run has a column of a filter's name.
    """
    folder = Path(root).expanduser() if root else data_folder() / "sims"
    if root and not folder.is_dir():
        raise DataFileError(f"{folder} is not a folder of runs.")
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
        "epochs_done": len(run.history),
        **flatten(run._load_json("config.json") or {}),
        **flatten({"scores": results.get("scores", {})}),
        "path": str(run.path),
    }


def seconds_since(moment: str) -> float:
    """Seconds since a time that Sacred wrote down: ISO 8601, UTC, without saying so."""
    then = datetime.datetime.fromisoformat(moment).replace(tzinfo=datetime.UTC)
    return (datetime.datetime.now(datetime.UTC) - then).total_seconds()


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, keys joined by dots; lists and empty ones stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
