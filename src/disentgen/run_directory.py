"""The files of a run, each written whole or not at all."""

import contextlib
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from disentgen.errors import DataFileError, RunningError
from disentgen.files import exists, measure_memory, open_regular, own_folder, remove_file
from disentgen.history import read_rows
from disentgen.locking import HeldError, Lock, is_held
from disentgen.paths import FolderIdentity, make_folder, sweep_temporaries, write_whole
from disentgen.plain_files import read_saved
from disentgen.saved import (
    SavedConfig,
    SavedImages,
    SavedModel,
    SavedRecord,
    SavedResults,
    SavedSplit,
    SavedStarts,
)

if TYPE_CHECKING:  # torch takes seconds to start, and a list of runs needs none of it
    from torch import Tensor

    from disentgen.dataset.split import Split
    from disentgen.models import Model
    from disentgen.training.config import Config


#: Settings that name a file of images, with the side that it lists and the copy that a run keeps.
LISTED = {
    "held_in_file": ("held_in", "held_in.npz"),
    "held_out_file": ("held_out", "held_out.npz"),
}
#: The file by which a process holds a run's directory.
LOCK = "run.lock"


@dataclass(frozen=True)
class RunDirectory:
    """The files of one run; each is written whole or not at all.

    Args:
        path: of the folder.
        identity: of the folder that is written to, and of no other; None where that is any.
        lock: by which this process holds it; None where it does not.
    """

    path: Path
    identity: FolderIdentity | None = field(default=None, compare=False, repr=False)
    lock: Lock | None = field(default=None, compare=False, repr=False)

    def prepare(self, lock: Lock | None = None) -> Self:
        """The same files in the folder that is at the path now, which is made if need be.

        Once that folder was deleted or renamed, or is not held any more, saving raises a
        DataFileError.

        Args:
            lock: of :meth:`take`, where this process holds the folder.
        """
        return replace(self, identity=FolderIdentity.of(make_folder(self.path)), lock=lock)

    def check(self) -> None:
        """Check that a folder that was prepared is where it was, and held as it was.

        Raises:
            DataFileError: it was deleted or renamed, or another machine has taken it over.
        """
        if self.identity is not None:
            self.identity.check()
        if self.lock is not None:
            self.lock.check()

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
        """Write ``config.json``: what the run is, and all that opening it again needs.

        Of files that list the images of a side, a copy is kept beside it; a run that goes on by its
        copy keeps the names of what it was given.
        """
        plain = config.plain()
        saved = (self._read_config() or {}).get("dataset", {})
        for key, (side, name) in LISTED.items():
            if config.dataset[key] == self._locate_copy(name) and self.has(name):
                plain["dataset"][key] = saved.get(key) or config.dataset[key]
            elif config.dataset[key] is not None:
                from disentgen.dataset.listed import write_listed

                self._write(name, partial(write_listed, indices=config.split.indices(side)))
        self._save_json("config.json", plain)

    def load_config(self) -> dict[str, Any] | None:
        """The configuration that is saved, as plain data; None if there is none.

        Files that list the images of a side are those that the folder has a copy of: what is named
        there may be gone, or stand for anything on this machine.

        Raises:
            DataFileError: the file is damaged.
        """
        config = self._read_config()
        dataset = (config or {}).get("dataset", {})
        for key, (_, name) in LISTED.items():
            if dataset.get(key) is not None:
                dataset[key] = self._locate_copy(name)
        return config

    def _read_config(self) -> dict[str, Any] | None:
        return read_saved(self.path / "config.json", SavedConfig)

    def _locate_copy(self, name: str) -> str:
        return str(self.path.absolute() / name)

    def load_record(self) -> dict[str, Any]:
        """What Sacred keeps of the run in ``run.json``; empty if nothing.

        Raises:
            DataFileError: the file is damaged.
        """
        return read_saved(self.path / "run.json", SavedRecord) or {}

    def save_split(self, split: "Split") -> None:
        """Write ``split.json``: counts and hashes of the split's sides.

        A run goes on with the split that it was begun with, in the words of its beginning.
        """
        if not self.has("split.json"):
            self._save_json("split.json", split.describe())

    def load_split(self) -> dict[str, Any] | None:
        """What :meth:`save_split` has written; None if nothing.

        Raises:
            DataFileError: the file is damaged.
        """
        return read_saved(self.path / "split.json", SavedSplit)

    def save_images(self, description: Mapping[str, Any]) -> None:
        """Write ``images.json``: which images the run is of, with the hash of their file."""
        self._save_json("images.json", description)

    def load_images(self) -> dict[str, Any]:
        """Which images the run is of; nothing of runs that were made before this was kept.

        Raises:
            DataFileError: the file is damaged.
        """
        return read_saved(self.path / "images.json", SavedImages) or {}

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
        from disentgen.weights import read_tensors

        try:
            return read_tensors(self.path / "model.pt")
        except FileNotFoundError as error:
            raise DataFileError(
                f"{self.path} holds no model: no epoch of it was finished."
            ) from error

    def load_description(self) -> dict[str, Any]:
        """What ``model.pt`` is to be loaded into: the content of ``model.json``.

        Raises:
            DataFileError: the run has not saved a model, or the file is damaged.
        """
        description = read_saved(self.path / "model.json", SavedModel)
        if description is None or not self.has("model.pt"):
            raise DataFileError(f"{self.path} holds no model: no epoch of it was finished.")
        return description

    def load_model(self) -> "Model":
        """Rebuild the model of ``model.json`` with the weights of ``model.pt``.

        Raises:
            DataFileError: the run has not saved a model, its files are damaged or do not belong
                together, or ``model.pt`` is not the file that ``results.json`` is about.
        """
        from disentgen.weights import rebuild_model

        description = self.load_description()
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
    def held(self) -> Iterator[Self]:
        """Hold the directory, which is made if need be, for this process; yields it prepared.

        Raises:
            RunningError: another process holds it.
            DataFileError: it cannot be made or locked.
        """
        lock = self.take()
        try:
            yield self.prepare(lock)
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
        """Whether a process holds the directory; None where no lock says it."""
        return is_held(self.path / LOCK)

    def _describe_holder(self) -> str:
        last = (self.load_starts() or [{}])[-1]
        if not {"pid", "host", "time"} <= set(last):
            return ""
        return f": process {last['pid']} on {last['host']}, since {last['time']}"

    def load_starts(self) -> list[dict[str, Any]]:
        """Who has started the run or gone on with it, when and how; the first start first.

        Raises:
            DataFileError: ``starts.json`` is damaged.
        """
        starts: list[dict[str, Any]] = (
            read_saved(self.path / "starts.json", SavedStarts) or {"starts": []}
        )["starts"]
        return starts

    def save_starts(self, starts: list[dict[str, Any]]) -> None:
        """Write ``starts.json``."""
        self._save_json("starts.json", {"starts": starts})

    def save_changes(self, name: str, patch: bytes) -> None:
        """Write how a checkout differed from its commit, as a patch."""
        self._write(name, lambda file: file.write_bytes(patch))

    @property
    def has_started(self) -> bool:
        """Whether a process has begun to train here, though it may not have come to save it."""
        return self.has("split.json")

    @property
    def has_saved(self) -> bool:
        """Whether anything is there that a training can go on from, or be scored again by."""
        return any(self.has(name) for name in ("checkpoint.pt", "history.csv"))

    def clear(self) -> None:
        """Remove results of an earlier end of the run, and what a killed process was writing."""
        self.check()
        for name in ("results.json", "reconstructions.png", "predictions.png"):
            remove_file(self.path / name)
        sweep_temporaries(self.path)

    def save_checkpoint(self, state: Mapping[str, Any]) -> None:
        """Write ``checkpoint.pt``: all that resuming needs."""
        self._save_tensors("checkpoint.pt", state)

    def drop_checkpoint(self) -> None:
        """Remove ``checkpoint.pt`` of a run that has ended and is not to be trained further."""
        self.check()
        remove_file(self.path / "checkpoint.pt")

    def load_checkpoint(self) -> dict[str, Any] | None:
        """The last checkpoint; None as long as nothing was saved, or where it was not kept.

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
        import pandas as pd

        frame = pd.DataFrame(history).astype({"epoch": int, "step": int})
        self._write("history.csv", lambda file: frame.to_csv(file, index=False))

    def load_history(self) -> list[dict[str, float]]:
        """The rows of ``history.csv``, each with the columns that it has a value in.

        Raises:
            DataFileError: the file is damaged.
        """
        return read_rows(self.path / "history.csv")

    def save_results(self, results: Mapping[str, Any]) -> None:
        """Write ``results.json``."""
        self._save_json("results.json", results)

    def _save_tensors(self, name: str, content: Mapping[str, Any]) -> None:
        import torch

        # By way of memory, since torch reports a full disk as an error of its own making.
        buffer = io.BytesIO()
        torch.save(dict(content), buffer)
        self._write(name, lambda file: file.write_bytes(buffer.getbuffer()))

    def _save_json(self, name: str, content: Mapping[str, Any]) -> None:
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        self._write(name, lambda file: file.write_text(text, encoding="utf-8"))

    def _write(self, name: str, write: Callable[[Path], object]) -> None:
        self.check()
        write_whole(self.path / name, write, self.check)
