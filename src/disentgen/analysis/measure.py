"""What is measured on finished runs, and kept beside them in ``analysis/`` of the run's folder."""

import hashlib
import json
from collections.abc import Iterable
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from disentgen.analysis.codes import Codes, collect_codes, encode
from disentgen.analysis.constant import CONSTANT, measure_constant
from disentgen.analysis.errors import ErrorMap, measure_errors
from disentgen.analysis.metrics import Metric, Result, Sampler, load_metrics
from disentgen.analysis.probes import PROBES, measure_placement
from disentgen.dataset.split import SIDES
from disentgen.paths import write_whole
from disentgen.runs import Run

#: Images of each side that codes are collected of.
CODES = 5_000
VERSIONS = ("disent-and-gen", "numpy", "scikit-learn", "lightgbm", "torch")


class Measurements:
    """Metrics, codes and errors of one run: computed when asked for, kept for the next time.

    What is kept belongs to one state of the model: once a run was trained further, it is dropped.

    Args:
        run: a run that has saved a model.
        images: codes are of at most so many images of each side.
    """

    def __init__(self, run: Run, images: int = CODES):
        self.run = run
        self.images = images
        self.folder = run.path / "analysis"

    @cached_property
    def stamp(self) -> dict[str, Any]:
        """What kept measurements must have been made from."""
        digest = hashlib.sha256((self.run.path / "model.pt").read_bytes()).hexdigest()
        return {"model": digest, "images": self.images}

    @property
    def has_codes(self) -> bool:
        """Whether the run's model has an encoder."""
        return self.run.family != "decoder"

    def codes(self, side: str) -> Codes:
        """Codes of images of a side; empty where the side is."""
        path = self.folder / f"codes_{side}.npz"
        kept = _load_arrays(path, self.stamp)
        if kept is None:
            found = collect_codes(self.run, side, self.images)
            _save_arrays(path, self.stamp, found._asdict())
            return found
        return Codes(**kept)

    def errors(self) -> ErrorMap:
        """NLL of single images all over the factor grid."""
        path = self.folder / "errors.npz"
        kept = _load_arrays(path, self.stamp)
        if kept is None:
            found = measure_errors(self.run, self.images)
            _save_arrays(path, self.stamp, found._asdict())
            return found
        return ErrorMap(**kept)

    def metrics(self, names: Iterable[str] | None = None) -> dict[str, Result]:
        """Metrics by name; all by default. Each is kept as soon as it is there.

        Training images stand for the held-in side.
        """
        if not self.has_codes:
            return {}
        known = load_metrics()
        return {
            name: self._recall(
                name, lambda name=name: self._measure(known[name]), known[name].revision
            )
            for name in (known if names is None else names)
        }

    def constant(self) -> Result:
        """How the mean training image scores; empty for models that make no images."""
        limit = self.run.config["training"]["score_images"]
        return self._recall(f"{CONSTANT}_{limit}", lambda: measure_constant(self.run, limit))

    def probes(self) -> dict[str, list[dict[str, Any]]]:
        """How well factors are read from codes on every side, by kind of probe."""
        if not self.has_codes:
            return {}
        shown = [side for side in SIDES if self.run.split.mask(side).any()]
        sides: dict[str, Codes] = {side: self.codes(side) for side in shown}
        return {
            kind: self._recall(
                f"probe_{kind}",
                lambda kind=kind: measure_placement(sides, self.run.split.grid.names, kind).to_dict(
                    "records"
                ),
            )
            for kind in PROBES
        }

    def _measure(self, metric: Metric) -> Result:
        grid = self.run.split.grid
        if metric.samples:
            sampler = Sampler(
                self._encode, grid, np.random.default_rng(0), self.run.split.mask("train")
            )
            return metric.function(sampler)
        found = self.codes("train")
        return metric.function(found.codes, grid.classes(found.indices))

    def _encode(self, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        images = self.run.dataset.observe().images(indices)
        with torch.no_grad():
            return encode(self.run.model, images).double().numpy()

    def _recall(self, name: str, measure: Any, revision: int = 1) -> Any:
        path = self.folder / "metrics.json"
        kept = _load(path)
        if kept.get("stamp") != self.stamp:
            kept = {"stamp": self.stamp, "versions": {}, "measured": {}}
        revisions = kept.setdefault("revisions", {})
        if name not in kept["measured"] or revisions.get(name, 1) != revision:
            kept["measured"][name] = _plain(measure())
            revisions[name] = revision
            kept["versions"][name] = {package: version(package) for package in VERSIONS}
            text = json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
            path.parent.mkdir(exist_ok=True)
            write_whole(path, lambda file: file.write_text(text, encoding="utf-8"))
        return kept["measured"][name]


def _plain(value: Any) -> Any:
    """Arrays as lists, NaN as None: what JSON can hold."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _load(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _load_arrays(path: Path, stamp: dict[str, Any]) -> dict[str, NDArray] | None:
    """Arrays that were kept under the same stamp, if they can be read."""
    try:
        with np.load(path) as kept:
            if str(kept["stamp"]) != json.dumps(stamp):
                return None
            return {name: kept[name] for name in kept.files if name != "stamp"}
    except (OSError, BadZipFile, ValueError, KeyError):
        return None


def _save_arrays(path: Path, stamp: dict[str, Any], arrays: dict[str, NDArray]) -> None:
    path.parent.mkdir(exist_ok=True)

    def write(file: Path) -> None:
        with file.open("wb") as opened:
            content: dict[str, Any] = {"stamp": np.array(json.dumps(stamp)), **arrays}
            np.savez(opened, **content)

    write_whole(path, write)
