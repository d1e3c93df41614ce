"""What is measured on finished runs, and kept beside them in ``analysis/`` of the run's folder."""

import hashlib
import json
from collections.abc import Hashable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.bounds import Bounds, measure_bounds, name_dataset
from disentgen.analysis.kept import KeptResults
from disentgen.analysis.measurements.codes import Codes, collect_codes
from disentgen.analysis.measurements.constant import AVERAGED, CONSTANT, measure_constant
from disentgen.analysis.measurements.errors import ErrorMap, measure_errors
from disentgen.analysis.measurements.probes import PROBES, Kind, measure_placement
from disentgen.analysis.metrics import IMAGES, Metric, Result, load_metrics
from disentgen.dataset.split import SIDES
from disentgen.models import FAMILIES
from disentgen.paths import write_whole
from disentgen.runs import Run


class Measurements:
    """Metrics, codes and errors of one run: computed when asked for, kept for the next time.

    What is kept belongs to one state of the model: once a run was trained further, it is dropped.
    What was measured on different numbers of images is kept side by side.

    Args:
        run: a run that has saved a model.
        images: of each side to measure everything on; by default each metric's own number, and
            5,000 for all else.
    """

    def __init__(self, run: Run, images: int | None = None):
        self.run = run
        self.images = images
        self.folder = run.path / "analysis"

    @cached_property
    def stamp(self) -> dict[str, Any]:
        """What kept measurements must have been made from."""
        digest = hashlib.sha256((self.run.path / "model.pt").read_bytes()).hexdigest()
        return {"model": digest}

    @cached_property
    def kept(self) -> KeptResults:
        """Metrics and probes that were measured earlier."""
        return KeptResults(self.folder / "metrics.json", self.stamp)

    @property
    def has_codes(self) -> bool:
        """Whether images have codes by the run's model."""
        return FAMILIES[self.run.family].encode is not None

    def limit(self, wanted: int = IMAGES) -> int:
        """How many images of a side something is measured on that wants so many."""
        return wanted if self.images is None else self.images

    def codes(self, side: str, wanted: int = IMAGES) -> Codes:
        """Codes of images of a side, of so many where ``images`` was not given."""
        limit = self.limit(wanted)
        path = self.folder / f"codes_{side}_{limit}.npz"
        kept = _load_arrays(path, self.stamp)
        if kept is None:
            found = collect_codes(self.run, side, limit)
            # Models compute in single precision, so nothing is lost.
            kept = {"indices": found.indices, "codes": found.codes.astype(np.float32)}
            _save_arrays(path, self.stamp, kept)
        grid = self.run.split.grid
        values = grid.standardise(grid.values(kept["indices"]))
        return Codes(kept["indices"], kept["codes"].astype(np.float64), values)

    def errors(self) -> ErrorMap:
        """NLL of single images all over the factor grid."""
        path = self.folder / f"errors_{self.limit()}.npz"
        kept = _load_arrays(path, self.stamp)
        if kept is None:
            found = measure_errors(self.run, self.limit())
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
        chosen = [known[name] for name in (known if names is None else names)]
        return {
            metric.name: self.kept.recall(
                metric.name, self.limit(metric.images), metric.revision, self._measure, metric
            )
            for metric in chosen
        }

    def constant(self) -> Result:
        """How the mean training image scores; empty for models that make no images."""
        limit = min(self.run.config["training"]["score_images"] or AVERAGED, AVERAGED)
        return self.kept.recall(CONSTANT, limit, 1, measure_constant, self.run, limit)

    def bounds(self) -> Bounds:
        """Ceiling and floor of every metric on the images that it was measured on.

        See :func:`~disentgen.analysis.bounds.measure_bounds`.
        """
        if not self.has_codes:
            return {}
        section, latents = self.run.config["dataset"], self.codes("train").codes.shape[1]
        label = name_dataset(section["name"], section.get("version"))
        return measure_bounds(label, self.run.split, latents, self.images)

    def probes(self) -> dict[str, list[dict[str, Any]]]:
        """How well factors are read from codes on every side, by kind of probe."""
        if not self.has_codes:
            return {}
        shown = [side for side in SIDES if self.run.split.mask(side).any()]
        sides: dict[str, Codes] = {side: self.codes(side) for side in shown}
        return {
            kind: self.kept.recall(f"probe_{kind}", self.limit(), 1, self._probe, sides, kind)
            for kind in PROBES
        }

    def _probe(self, sides: dict[str, Codes], kind: Kind) -> list[dict[Hashable, Any]]:
        return measure_placement(sides, self.run.split.grid.names, kind).to_dict("records")

    def _measure(self, metric: Metric) -> Result:
        found = self.codes("train", metric.images)

        def encode(indices: NDArray[np.int64]) -> NDArray[np.float64]:
            return found.codes[np.searchsorted(found.indices, indices)]

        return metric.measure(encode, self.run.split.grid, found.indices)


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
