"""What a sweep will cost, in images, hours and disk, by earlier runs of the same kind."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from disentgen.errors import DisentgenError
from disentgen.paths import data_folder, walk_runs
from disentgen.runs import Run
from disentgen.training.config import Config
from disentgen.training.console import format_duration
from experiments.cells import Cell, count_cells, describe_sides

#: Of each kind that is measured: two epochs, of which the first warms up.
MEASURED = (
    "training.epochs=2", "training.epoch_length=50", "training.validation_images=64",
    "training.score_images=64", "training.find_duplicates=False",
)  # fmt: skip
#: A run of fewer steps says nothing of the speed of a longer one.
STEPS = 100
#: Images in a second; a history that says less is no measurement.
SLOWEST = 1e-3


@dataclass(frozen=True)
class Cost:
    """What a run costs.

    Args:
        rate: images that it trains on in a second.
        disk: bytes of its folder.
    """

    rate: float
    disk: float


def name_kind(config: Config) -> str:
    """What the speed of a training depends on, in one text."""
    training, dataset = config.training, config.dataset
    parts = (config.plain()["model"], training.loss.name, training.batch_size, training.precision,
             training.execution, config.device, dataset["name"], dataset["version"])  # fmt: skip
    return json.dumps(parts, sort_keys=True)


def count_images(config: Config) -> int:
    """How many images a training goes through."""
    training = config.training
    whole = describe_sides(config)["train"]["count"] // training.batch_size
    return training.epochs * (training.epoch_length or whole) * training.batch_size


def list_costs(paths: Iterable[Path]) -> dict[str, list[Cost]]:
    """What runs have cost, by their kind; those that cannot be read say nothing.

    Args:
        paths: of their folders.
    """
    costs: dict[str, list[Cost]] = {}
    for path in paths:
        run = Run(path)
        try:
            rates = run.history["images_per_second"].dropna().tolist()
            if rates and rates[-1] > SLOWEST and run.history["step"].iloc[-1] >= STEPS:
                cost = Cost(rates[-1], measure_folder(path))
                costs.setdefault(name_kind(run.settings), []).append(cost)
        except (DisentgenError, OSError, KeyError):
            continue
    return costs


def measure_folder(path: Path) -> int:
    """Bytes of the files of a folder."""
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())


def measure_kind(cell: Cell) -> list[Cost]:
    """What a run of a cell's kind costs, by training 100 steps that are not kept; none if it fails.

    Args:
        cell: one of that kind.
    """
    with tempfile.TemporaryDirectory() as folder:
        words = ("-m", f"experiments.{cell.experiment}", f"--file_storage={folder}", "with",
                 *cell.words, *MEASURED)  # fmt: skip
        with subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL) as process:
            try:
                process.wait()
            except BaseException:
                process.terminate()
                raise
        paths = [path.parent for path in Path(folder).glob("*/results.json")]
        return next(iter(list_costs(paths).values()), [])


def describe_costs(cells: Sequence[Cell], jobs: int, measure: bool) -> str:
    """What cells will cost, in a line; those of kinds that nothing is known of are counted.

    Args:
        cells: that are to be made, of one experiment.
        jobs: how many are made beside each other.
        measure: train some steps of each kind that no run is of.
    """
    folder = data_folder() / "sims" / cells[0].experiment if cells else data_folder()
    costs = list_costs(walk_runs(folder)) if cells else {}
    kinds = {cell: name_kind(cell.config) for cell in cells}
    for cell, kind in kinds.items() if measure else ():
        if kind not in costs:
            costs[kind] = measure_kind(cell)
    images = sum(count_images(cell.config) for cell in cells)
    known = {cell: typical(costs[kind]) for cell, kind in kinds.items() if costs.get(kind)}
    parts = [f"{count_cells(cells)} to make: {images:,} images", *describe_known(known, jobs)]
    if lacking := len(cells) - len(known):
        parts.append(
            f"of {lacking} no run is there to go by"
            + ("" if measure else "; --measure trains 100 steps of each kind")
        )
    return "; ".join(parts)


def typical(costs: Sequence[Cost]) -> Cost:
    """The medians of several."""
    rate = statistics.median(cost.rate for cost in costs)
    return Cost(rate, statistics.median(cost.disk for cost in costs))


def describe_known(known: Mapping[Cell, Cost], jobs: int) -> list[str]:
    """Hours and disk of cells of which it is known what such cost."""
    if not known:
        return []
    seconds = sum(count_images(cell.config) / cost.rate for cell, cost in known.items())
    disk = sum(cost.disk for cost in known.values())
    which = f" for {len(known)} of them" if len(known) > 1 else ""
    beside = f", {jobs} at a time" if jobs > 1 else ""
    return [f"about {format_duration(seconds / jobs)} and {disk / 1e6:,.0f} MB{which}{beside}"]
