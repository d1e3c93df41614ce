"""Ceilings and floors of metrics: what they say of the factors themselves, and of noise.

Few metrics say 1 of perfect codes and 0 of useless ones, and by how much they miss depends on the
factor grid and on the number of images. A score is therefore read between two others, measured on
the same images: of the factors' values as codes, one latent for each factor (the ceiling), and of
Gaussian noise with as many latents as the model has (the floor).
"""

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock

from disentgen.analysis.code_kinds import CELLS, KINDS, LATENTS, choose_images, measure_kind
from disentgen.analysis.kept import KeptResults, has_numbers
from disentgen.analysis.metrics import OF_ONE_RUN, Metric, load_metrics
from disentgen.command_line import CommandParser, bounded, plain_errors, positive
from disentgen.dataset import build_dataset
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.split import Split
from disentgen.paths import can_be_written, data_folder, make_folder

#: Ceiling and floor by metric and part.
Bounds = dict[tuple[str, str], dict[str, float | None]]
GRIDS = ("dsprites", "shapes3d", "mpi3d")


@dataclass(frozen=True)
class Reference:
    """Codes of a split's training images that need no model: factor values, or noise.

    Args:
        dataset: its name and version, for the file's name.
        split: whose training images are coded.
        latents: of the noise; None for the factors' values, standardised.
        beside: folder of a report, where scores are kept if the data folder is read-only.
    """

    dataset: str
    split: Split
    latents: int | None = None
    beside: Path | None = None

    @property
    def stamp(self) -> dict[str, Any]:
        """What scores of these codes depend on, beside the metric and the number of images."""
        factors = repr(list(self.split.grid.factor_values.items()))
        return {
            "dataset": self.dataset,
            "factors": hashlib.sha256(factors.encode()).hexdigest(),
            "train": self.split.sha256("train"),
            "codes": "factors" if self.latents is None else f"noise-{self.latents}",
        }

    @property
    def path(self) -> Path:
        """The file that scores are kept in."""
        digest = hashlib.sha256(json.dumps(self.stamp).encode()).hexdigest()[:12]
        name = f"{self.dataset}-{self.stamp['codes']}-{digest}.json"
        results = data_folder() / "results"
        if self.beside is not None and not can_be_written(results):
            results = self.beside
        return results / "metric_bounds" / name

    def score(
        self, metrics: Iterable[Metric], images: int | None = None
    ) -> dict[tuple[str, str], float | None]:
        """Scores of metrics by name and part; each is measured once and kept.

        Args:
            metrics: that are asked for.
            images: to measure on; by default, the number that each metric names.
        """
        make_folder(self.path.parent)
        kept = KeptResults(self.path, self.stamp)
        scores: dict[tuple[str, str], float | None] = {}
        # Runs that are measured side by side ask for the same scores.
        with FileLock(self.path.with_suffix(".lock")):
            for metric in metrics:
                count = metric.images if images is None else images
                result = kept.recall(
                    metric.name,
                    count,
                    metric.revision,
                    self._measure,
                    metric,
                    count,
                    fits=partial(has_numbers, metric.scores),
                )
                scores |= {(metric.name, part): result[part] for part in metric.scores}
        return scores

    def _measure(self, metric: Metric, images: int) -> dict[str, float]:
        indices = self.split.sample("train", images)
        if self.latents is None:
            result = measure_kind(metric, "perfect", self.split.grid, indices)
        else:
            result = measure_kind(metric, "noise", self.split.grid, indices, self.latents)
        return {part: result[part] for part in metric.scores}


def measure_bounds(
    dataset: str,
    split: Split,
    latents: int,
    images: int | None = None,
    metrics: Sequence[Metric] | None = None,
    beside: Path | None = None,
) -> Bounds:
    """Ceiling and floor of metrics on a split's training images.

    Args:
        dataset: its name and version.
        split: whose training images are measured on.
        latents: of the noise.
        images: how many; by default, the number that each metric names.
        metrics: of single runs; all of these by default.
        beside: see :class:`Reference`.

    Returns:
        ``ceiling`` and ``floor`` by metric and part, of parts that are scores.
    """
    chosen = list(load_metrics(*OF_ONE_RUN).values()) if metrics is None else metrics
    ceiling = Reference(dataset, split, None, beside).score(chosen, images)
    floor = Reference(dataset, split, latents, beside).score(chosen, images)
    return {part: {"ceiling": ceiling[part], "floor": floor[part]} for part in ceiling}


def format_bounds(datasets: Sequence[str], latents: int, images: int | None = None) -> str:
    """Ceilings and floors of metrics of single runs, nothing held out, as a Markdown table.

    Args:
        datasets: whose grids are coded, by name.
        latents: of the noise.
        images: how many; by default, the number that each metric names.

    Raises:
        UsageError: no such dataset, or too few images.
    """
    tables = {}
    for name in datasets:
        dataset = build_dataset(name)
        label = name_dataset(name, dataset.spec.version)
        tables[label] = measure_bounds(label, dataset.split, latents, images)
    lines = [
        "| metric | part | images |" + "".join(f" {name} |" for name in tables),
        "|---|---|---|" + "---|" * len(tables),
    ]
    for metric in load_metrics(*OF_ONE_RUN).values():
        for part in metric.scores:
            bounds = [table[metric.name, part] for table in tables.values()]
            cells = [f" {format_score(*row.values())} |" for row in bounds]
            count = f"{images or metric.images:,}"
            lines.append(f"| {metric.title} | {part} | {count} |" + "".join(cells))
    return "\n".join(lines)


def format_kinds(datasets: Sequence[str], latents: int, images: int | None = None) -> str:
    """What metrics of single runs say of all kinds of codes, as Markdown tables.

    In each cell of the table, of all combinations, of a tenth of them at random, and of a tenth in
    which two factors go together: see :data:`~disentgen.analysis.code_kinds.CELLS`.

    Args:
        datasets: whose grids are coded, by name.
        latents: of kinds that are made of nothing.
        images: how many; by default, the number that each metric names.

    Raises:
        UsageError: no such dataset, or too few images.
    """
    tables = []
    for name in datasets:
        spec = build_dataset(name).spec
        lines = [
            f"| {name_dataset(name, spec.version)} | part |"
            + "".join(f" {kind} |" for kind in KINDS),
            "|---|---|" + "---|" * len(KINDS),
        ]
        for metric in load_metrics(*OF_ONE_RUN).values():
            lines += list_kinds(metric, spec.grid, latents, images or metric.images)
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def list_kinds(metric: Metric, grid: FactorGrid, latents: int, images: int) -> list[str]:
    """A line of a Markdown table for each score of a metric.

    Args:
        metric: of codes or of a sampler.
        grid: the factor grid.
        latents: of kinds that are made of nothing.
        images: how many.
    """
    indices = [choose_images(grid, cells, images) for cells in CELLS]
    results = [
        [measure_kind(metric, kind, grid, some, latents) for some in indices] for kind in KINDS
    ]
    return [
        f"| {metric.title} | {part} |"
        + "".join(f" {format_score(*(result[part] for result in row))} |" for row in results)
        for part in metric.scores
    ]


def format_score(*scores: float | None) -> str:
    """Scores to three digits, such as ceiling and floor; a dash where one is not defined."""
    # Adding 0 takes the sign off -0.
    words = [
        "–" if value is None or math.isnan(value) else f"{round(value, 3) + 0:.3f}"
        for value in scores
    ]
    return " / ".join(words)


def name_dataset(name: str, version: str | None) -> str:
    """A dataset's name, with its version where there are several."""
    return f"{name}-{version}" if version else name


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = CommandParser(
        prog="python -m analysis.bounds",
        description="Ceiling (the factors as codes) / floor (noise) of all metrics; or, with "
        "--kinds, scores of seven kinds of codes on all combinations / a tenth at random / a "
        "tenth in which two factors go together.",
    )
    parser.add_argument("datasets", nargs="*", default=GRIDS, help=", ".join(GRIDS))
    parser.add_argument("--latents", type=bounded(1000), default=LATENTS, help="of the noise (10)")
    parser.add_argument("--images", type=positive, help="to measure on; each metric's own number")
    parser.add_argument("--kinds", action="store_true", help=", ".join(KINDS))
    given = parser.parse_args(arguments)
    with plain_errors():
        form = format_kinds if given.kinds else format_bounds
        print(form(given.datasets, given.latents, given.images))
