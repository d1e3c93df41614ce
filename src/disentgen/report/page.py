"""One page about all runs: tables, figures, and a section for each run; works without a network."""

import argparse
import base64
import io
import json
import shlex
from collections.abc import Hashable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

import disentgen
from disentgen.analysis.cells import CONDITION_TITLES, name_condition
from disentgen.analysis.collect import add_arguments, open_collection, print_left_out
from disentgen.analysis.collection import Collection
from disentgen.analysis.figures.figure import Picture
from disentgen.analysis.figures.subjects import name_data
from disentgen.analysis.measure import Measurements
from disentgen.analysis.measurements.metrics import DISENTANGLEMENT
from disentgen.analysis.metrics import load_metrics
from disentgen.analysis.results_table import tabulate_metrics
from disentgen.analysis.tables import MINIMUM_SEEDS, tabulate_cells
from disentgen.dataset.summary import describe_duplicates
from disentgen.errors import DataFileError
from disentgen.paths import data_folder, write_whole
from disentgen.report.compare import (
    StudyResult,
    compare_studies,
    join_departures,
    name_departures,
    save_comparison,
)
from disentgen.report.pictures import draw_runs, list_pictures, save_figures
from disentgen.runs import Run
from disentgen.schema import flatten

UNBOUNDED = {"ceiling": None, "floor": None}


def save_report(collection: Collection, folder: Path) -> Path:
    """Write tables, figures and ``report.html`` from measured and drawn runs.

    Returns:
        The path of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    runs = collection.table
    results = compare_studies(runs, collection.runs)
    runs = join_departures(runs, results)
    departures = [name for result in results for name in name_departures(result.study).values()]
    cells = tabulate_cells(runs, departures)
    runs.drop(columns="path").to_csv(folder / "runs.csv", index=False, float_format="%.6g")
    cells.to_csv(folder / "cells.csv", index=False, float_format="%.6g")
    tabulate_metrics(collection.measured, collection.bounds).to_csv(
        folder / "metrics.csv", index=False, float_format="%.6g"
    )
    save_comparison(results, folder)
    figures = save_figures(collection, runs, cells, folder)
    page = render_page(collection, runs, cells, results, figures)
    path = folder / "report.html"
    write_whole(path, lambda file: file.write_text(page, encoding="utf-8"))
    return path


def render_page(
    collection: Collection,
    runs: pd.DataFrame,
    cells: pd.DataFrame,
    results: list[StudyResult],
    figures: list[Picture],
) -> str:
    """The page, with all pictures inside it."""
    import jinja2

    source = files("disentgen.report").joinpath("report.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["embed"] = embed
    environment.filters["number"] = format_number
    known = load_metrics()
    return environment.from_string(source).render(
        data=name_data(runs),
        stand_in=(runs["source"] == "stand-in").any(),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        version=disentgen.__version__,
        conditions=CONDITION_TITLES,
        metrics={
            name: metric.title
            for name, metric in known.items()
            if name != DISENTANGLEMENT  # that has a column of its own
        },
        cells=records(cells),
        runs=records(runs.assign(differs=list_differences(collection.runs, runs))),
        studies=[describe_study(result) for result in results],
        minimum_seeds=MINIMUM_SEEDS,
        figures=figures,
        left_out=collection.left_out,
        pages=[describe_page(run, collection) for run in collection.runs],
    )


def describe_study(result: StudyResult) -> dict[str, Any]:
    """What the page shows of runs beside a study."""
    return {
        "name": result.study.name,
        "title": result.study.title,
        "citation": result.study.citation,
        "protocol": name_departures(result.study)["protocol"],
        "comparison": records(result.cells[result.cells["seeds"] > 0]),
        "claims": records(result.verdicts),
        "strays": records(result.strays),
    }


def records(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Rows as dictionaries, NaN as None."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def list_differences(all_runs: list[Run], table: pd.DataFrame) -> list[str]:
    """For each row, the settings that are not the same in all runs, as one text."""
    flat = {str(run.path): flatten(run.config) for run in all_runs}
    keys = dict.fromkeys(key for config in flat.values() for key in config)
    columns = [
        key for key in keys
        if key not in ("seed", "dataset.variant", "dataset.control")
        and len({json.dumps(config.get(key)) for config in flat.values()}) > 1
        and not key.startswith(("model.encoder", "model.decoder"))
    ]  # fmt: skip
    return [
        ", ".join(f"{key}={flat[path][key]}" for key in columns if key in flat[path])
        for path in table["path"]
    ]


def describe_page(run: Run, collection: Collection) -> dict[str, Any]:
    """What the page of one run shows."""
    measured = Measurements(run, collection.images)
    results, bounds = run.results or {}, collection.bounds.get(str(run.path), {})
    return {
        "name": f"{run.experiment}/{run.id}",
        "label": run.dataset.label,
        "unit": run.model.output.unit,
        "command": describe_command(run),
        "config": flatten(run.config),
        "scores": {side: score for side, score in results["scores"].items() if score},
        "remarks": list_remarks(run),
        "results": {
            key: value for key, value in flatten(results).items() if not key.startswith("scores.")
        },
        "metrics": {
            name: [
                {"part": part, "value": value, **bounds.get((name, part), UNBOUNDED)}
                for part, value in result.items()
                if not isinstance(value, list)
            ]
            for name, result in collection.measured.get(str(run.path), {}).items()
        },
        "pictures": list_pictures(measured),
    }


def list_remarks(run: Run) -> list[str]:
    """What is to be known of a run's held-out side: its variant's note, identical images."""
    results = run.results or {}
    variant = run.settings.spec.variants.get(name_condition(run)[1])
    remarks = [variant.note] if variant is not None and variant.note is not None else []
    if results.get("duplicates") is not None:
        remarks.append(describe_duplicates(results["duplicates"], results["split"]))
    return remarks


def describe_command(run: Run) -> str:
    """The command line that repeats a run, inside ``scripts``."""
    words = [f"{run.path}/config.json"]
    given = run.record.words
    # Words leave the rest to defaults, which may be others by now.
    if given and not run.lacks_settings and not any(word.startswith("resume=") for word in given):
        words = given
        if not any(word.startswith("seed=") for word in words):
            words = [*words, f"seed={run.config['seed']}"]
    return shlex.join(["python", "-m", f"experiments.{run.experiment}", "with", *words])


def embed(path: Path) -> str:
    """A picture, still or moving, as text that a page can hold: as WebP, a fraction of its size."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(path) as picture:
        picture.save(buffer, "WEBP", quality=80, save_all=True)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def format_number(value: Any, digits: int = 3) -> str:
    """A number for people; a dash for none."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.{digits}g}"


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis.report", description="Tables, figures and a page about all runs."
    )
    add_arguments(parser)
    parser.add_argument("--output", type=Path, help="results/report in the data folder")
    given = parser.parse_args(arguments)
    try:
        collection = open_collection(given)
        collection.measure()
        draw_runs(collection, given.jobs)
    except DataFileError as error:
        raise SystemExit(str(error)) from None
    page = save_report(collection, given.output or data_folder() / "results" / "report")
    print_left_out(collection)
    print(f"{len(collection.runs)} runs: {page}")
