"""What is measured on a finished run, recalled by name or measured now."""

import contextlib
from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from disentgen.analysis.bounds import Bounds, measure_bounds, name_dataset
from disentgen.analysis.kept import KeptArrays, KeptResults
from disentgen.analysis.measurements import Measurement, Part, load_measurements
from disentgen.analysis.measurements.codes import Codes
from disentgen.analysis.measurements.metrics import list_metrics
from disentgen.analysis.metrics import Result
from disentgen.analysis.places import Place, choose_place
from disentgen.errors import DisentgenError, UsageError, warn_on_failure
from disentgen.files import own_folder
from disentgen.models import FAMILIES
from disentgen.registry import choose
from disentgen.runs import Run


class Measurements:
    """All that is measured on one run: computed when asked for, kept for the next time.

    What is kept belongs to one state of the model: once a run was trained further, it is dropped.
    What was measured on different numbers of images is kept side by side.

    Args:
        run: a run that has saved a model.
        images: of each side to measure everything on; by default each measurement's own number.
        beside: the folder of a report, where what is measured is kept if the run's own folder
            cannot be written to; without it, nothing is then.

    Raises:
        DataFileError: the run's folder ``analysis`` leads elsewhere.
    """

    def __init__(self, run: Run, images: int | None = None, beside: Path | None = None):
        self.run = run
        self.images = images
        self.beside = beside

    @cached_property
    def place(self) -> Place:
        """Where what is measured is kept."""
        return choose_place(self.run.path, self.beside)

    @property
    def pictures(self) -> Path:
        """The folder of the pictures; of a number of images that a user chose, one of its own."""
        folder = self.place.folder
        return folder if self.images is None else own_folder(folder / f"images_{self.images}")

    @cached_property
    def stamp(self) -> dict[str, Any]:
        """What kept measurements must have been made from."""
        return {"model": self.run.digest("model.pt")}

    @cached_property
    def kept(self) -> KeptResults:
        """Results of plain data that were measured earlier."""
        return KeptResults(self.place.folder / "metrics.json", self.stamp, self.place.writable)

    def applies(self, name: str) -> bool:
        """Whether a run of this kind has a measurement.

        Raises:
            UsageError: there is none of that name.
        """
        return choose("measurement", name, load_measurements()).applies(self.run)

    def get(self, name: str, part: str | None = None, images: int | None = None) -> Any:
        """What is measured under a name: recalled, or measured now and kept.

        Args:
            name: of the measurement, such as ``errors``.
            part: of the measurement, where it has several, such as ``held_out`` of ``codes``; by
                default a dictionary of all.
            images: of each side, at most, where the whole object was given no number; by default
                the measurement's own.

        Raises:
            UsageError: there is no such measurement or part, or this run's model has none.
        """
        if not self.applies(name):
            raise UsageError(
                f"runs of the family '{self.run.family}' have no '{name}'; {self.run.path} is one."
            )
        measurement = load_measurements()[name]
        parts = measurement.list_parts(self.run)
        if part is not None:
            return self._recall(measurement, choose(f"part of {name}", part, parts), images)
        results = {key: self._recall(measurement, each, images) for key, each in parts.items()}
        return results[name] if measurement.parts is None else results

    def _recall(self, measurement: Measurement, part: Part, images: int | None) -> Any:
        limit = part.limit(self.run, self.images if self.images is not None else images)
        computation = measurement.measure, self, limit, *part.given
        if (arrays := measurement.arrays) is None:
            fits = partial(measurement.fits, part.key)
            return self.kept.recall(part.key, limit, part.revision, *computation, fits=fits)

        def measure() -> Mapping[str, Any]:
            return arrays.save(measurement.measure(self, limit, *part.given))

        kept = KeptArrays(self.place.folder, self.stamp, self.place.writable)
        load = partial(arrays.load, self.run)
        return kept.recall(part.key, limit, part.revision, measure, load)

    @property
    def has_codes(self) -> bool:
        """Whether the run's model has an encoder."""
        return self.applies("codes")

    def codes(self, side: str, images: int | None = None) -> Codes:
        """Codes of images of a side.

        Args:
            side: ``train``, ``validation`` or ``held_out``.
            images: see :meth:`get`.
        """
        codes: Codes = self.get("codes", side, images)
        return codes

    def metrics(self, names: Iterable[str] | None = None) -> dict[str, Result]:
        """Metrics by name; all by default, none where the model has no codes."""
        if not self.has_codes:
            return {}
        if names is None:
            return dict(self.get("metrics"))
        return {name: self.get("metrics", name) for name in names}

    def results(self, only: Iterable[str] | None = None) -> dict[str, Result]:
        """Everything that stands in tables, by key; what does not is measured too by default.

        What is measured on request alone is left out where it was not.

        Where a measurement fails, its result is but a ``warning`` that says why.

        Args:
            only: keys of results that are wanted; all else is left out.
        """
        wanted = None if only is None else set(only)
        results: dict[str, Result] = {}
        if self.run.family not in FAMILIES:  # it is a plugin's that is not in use
            return results
        # Of a run that cannot be built again there is what was kept.
        left_out = (DisentgenError,) if self.run.obstacle is not None else ()
        for name, measurement in load_measurements().items():
            with contextlib.suppress(*left_out):
                results |= self._list_results(name, measurement, wanted, *left_out)
        return results

    def _list_results(
        self,
        name: str,
        measurement: Measurement,
        wanted: set[str] | None,
        *left_out: type[Exception],
    ) -> dict[str, Result]:
        """The results of a measurement that stand in tables; all that are wanted are measured."""
        results: dict[str, Result] = {}
        if not measurement.applies(self.run):
            return results
        in_tables = {column.key for column in measurement.columns().values()}
        for place, part in measurement.list_parts(self.run).items():
            asked = wanted is None or part.key in wanted
            if asked and not (measurement.on_request and not self._is_kept(part)):
                with contextlib.suppress(*left_out):
                    result = self._try_to_get(name, place)
                    results |= {part.key: result} if part.key in in_tables else {}
        return results

    def _is_kept(self, part: Part) -> bool:
        """Whether a result of plain data is kept."""
        return self.kept.has(part.key, part.limit(self.run, self.images), part.revision)

    def _try_to_get(self, name: str, part: str) -> Any:
        """A result, or what stands in its place where a sound run cannot be measured."""
        with warn_on_failure(f"{self.run.path} has no '{part}'", DisentgenError) as outcome:
            return self.get(name, part)
        return {"warning": outcome.problem}

    def bounds(self) -> Bounds:
        """Ceiling and floor of every metric on the images that it was measured on.

        See :func:`~disentgen.analysis.bounds.measure_bounds`.
        """
        if self.run.obstacle is not None or not self.has_codes:
            return {}
        section, latents = self.run.config["dataset"], self.codes("train").codes.shape[1]
        label = name_dataset(section["name"], section.get("version"))
        metrics = [part.given[0] for part in list_metrics(self.run).values()]
        split, beside = self.run.split, self.beside
        return measure_bounds(label, split, latents, self.images, metrics, beside)
