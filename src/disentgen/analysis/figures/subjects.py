"""What figures are of: a run, the runs on a dataset or on one of its splits, those of a source."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd

from disentgen.analysis.cells import condition_titles, read_settings
from disentgen.analysis.figures.labels import label_cells
from disentgen.analysis.measure import Measurements
from disentgen.dataset.spec import find_known
from disentgen.models import FAMILIES
from disentgen.runs import Run, open_run


def makes_images(run: Run) -> bool:
    """Whether a run's model makes images."""
    return FAMILIES[run.family].makes_images


def describe_run(run: Run) -> str:
    """Data, model, objective and folder of a run in a line."""
    name = run.config["model"].get("name") or "model"
    loss = run.config["training"]["loss"]["name"]
    return f"{run.dataset.label} · {name} · {loss} · run {run.experiment}/{run.id}"


def describe_run_and_seed(run: Run) -> str:
    """The same with the run's seed."""
    return f"{describe_run(run)} · seed {run.config['seed']}"


def name_data(table: pd.DataFrame) -> str:
    """What images a table is of; stand-ins are called that.

    Args:
        table: with columns ``dataset``, ``version`` and ``source``.
    """
    titles = []
    names = table[["dataset", "version", "source"]].drop_duplicates()
    for name, version, source in names.itertuples(index=False):
        spec = find_known(name, version or None)
        title = name if spec is None else spec.title
        titles.append(f"{title} (rendered stand-in)" if source == "stand-in" else title)
    return ", ".join(titles)


def name_source(source: str) -> str:
    """Where images are from, for captions."""
    return {"stand-in": "rendered stand-in images", "drawn": "drawn images"}.get(
        source, "original images"
    )


def count_seeds(cells: pd.DataFrame) -> str:
    """How many seeds cells have, as in ``2`` or ``2 to 3``."""
    low, high = cells["seeds"].min(), cells["seeds"].max()
    return str(low) if low == high else f"{low} to {high}"


def count_images(runs: pd.DataFrame) -> str:
    """On how many images disentanglement was measured, as in ``, n 50,000`` or ``, n 60 to 90``."""
    counts = runs["metric_images"].dropna().astype(int)
    if counts.empty:
        return ""
    return ", n " + " to ".join(dict.fromkeys(f"{n:,}" for n in (counts.min(), counts.max())))


@dataclass(frozen=True)
class RunGroup:
    """Runs that one figure shows.

    Args:
        runs: rows of :func:`~disentgen.analysis.tables.tabulate_runs`.
        cells: rows of :func:`~disentgen.analysis.tables.tabulate_cells`, of the same runs. In both,
            labels distinguish all cells on one split.
        name: for files, such as ``dsprites-stand-in``.
        images: see :class:`~disentgen.analysis.measure.Measurements`.
        beside: likewise.
    """

    runs: pd.DataFrame
    cells: pd.DataFrame
    name: str = "runs"
    images: int | None = None
    beside: Path | None = None

    @cached_property
    def first_runs(self) -> dict[str, Measurements]:
        """The first run of each cell, by label; controls are left out."""
        first = self.runs[~self.runs["control"]].drop_duplicates("cell")
        return {
            label: Measurements(open_run(path), self.images, self.beside)
            for label, path in zip(first["label"], first["path"], strict=True)
        }

    def describe(self) -> str:
        """Source of the images, runs and seeds, for captions."""
        names = self.runs[["dataset", "version"]].drop_duplicates()
        specs = [(name, find_known(name, version or None)) for name, version in names.to_numpy()]
        titles = ", ".join(name if spec is None else spec.title for name, spec in specs)
        return (
            f"{titles}, {name_source(self.runs['source'].iloc[0])}; "
            f"runs: {len(self.runs)}, seeds by cell: {count_seeds(self.cells)}."
        )


def describe_subject(subject: Any) -> str:
    """What a caption says of a figure's subject: source of the images, run, seed, numbers."""
    if isinstance(subject, RunGroup):
        return subject.describe()
    run = subject.run
    return (
        f"{run.settings.spec.title}, {name_source(run.config['dataset']['source'])}; "
        f"run {run.experiment}/{run.id}, seed {run.config['seed']} "
        "(one run: no interval over seeds)."
    )


def group_by_dataset(
    runs: pd.DataFrame, cells: pd.DataFrame, images: int | None, beside: Path | None = None
) -> Iterator[RunGroup]:
    """The runs on each dataset that make images and hold some out.

    Args:
        runs: of :func:`~disentgen.analysis.tables.tabulate_runs`.
        cells: of :func:`~disentgen.analysis.tables.tabulate_cells`.
        images: see :class:`RunGroup`.
        beside: likewise.
    """
    shown = runs[runs["condition"] != "none"]
    groups = shown["family"].map(lambda name: FAMILIES[name].figure_group).rename("group")
    for key, part in shown.groupby([groups, "dataset", "version", "source"]):
        own = cells[cells["cell"].isin(part["cell"])]
        names = label_cells(own, partial(read_cell, part))
        yield RunGroup(
            part.assign(label=part["cell"].map(names)),
            own.assign(label=own["cell"].map(names)),
            "-".join(word for word in map(str, key) if word),
            images,
            beside,
        )


def group_by_source(runs: pd.DataFrame, cells: pd.DataFrame) -> Iterator[RunGroup]:
    """All runs on original images, all on stand-ins, and all on drawn ones.

    Args:
        runs: of :func:`~disentgen.analysis.tables.tabulate_runs`.
        cells: of :func:`~disentgen.analysis.tables.tabulate_cells`.
    """
    for source, part in runs.groupby("source"):
        yield RunGroup(part, cells[cells["source"] == source], str(source))


def read_cell(runs: pd.DataFrame, cell: str) -> dict[str, Any]:
    """All settings of a cell, by key with dots, from the first of its runs."""
    return read_settings(open_run(runs.loc[runs["cell"] == cell, "path"].iloc[0]))


def group_by_split(group: RunGroup) -> Iterator[RunGroup]:
    """The runs of a dataset on each of its splits, controls left out."""
    own = group.runs[~group.runs["control"]]
    splits = own.groupby(["condition", "variant"], sort=False)
    for number, ((condition, variant), rows) in enumerate(splits):
        # An expression of a user's own makes no file name.
        word = number if condition == "own" else variant
        cells = group.cells[group.cells["cell"].isin(rows["cell"]) & ~group.cells["control"]]
        name = f"{group.name}-{condition}-{word}"
        yield RunGroup(rows, cells, name, group.images, group.beside)


def title_split(runs: pd.DataFrame) -> str:
    """Condition and variant of runs on one split, as a title."""
    condition, variant = runs[["condition", "variant"]].iloc[0]
    return f"{condition_titles().get(condition, condition)}: {variant}"
