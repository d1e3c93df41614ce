"""What the page of one run shows."""

import shlex
from collections.abc import Mapping
from typing import Any

import pandas as pd

from disentgen.analysis.bounds import Bounds
from disentgen.analysis.cells import name_condition
from disentgen.analysis.collection import Collection
from disentgen.analysis.measure import Measurements
from disentgen.analysis.metrics import Result
from disentgen.analysis.results_table import SAMPLE
from disentgen.analysis.tables import CELL
from disentgen.dataset.summary import describe_duplicates
from disentgen.models import FAMILIES
from disentgen.models.outputs import Output
from disentgen.report.images import PagePicture, Place, show_drawn
from disentgen.report.links import Links
from disentgen.report.pictures import list_pictures
from disentgen.runs import Run
from disentgen.schema import flatten
from disentgen.text import make_visible

#: Of a run that cannot be built again.
LEFT_OUT = "Figures and measurements of its model are those that were kept, if any."
UNBOUNDED = {"ceiling": None, "floor": None}


def describe_page(run: Run, collection: Collection) -> dict[str, Any]:
    """What the page of one run shows, but for its pictures and links.

    Args:
        run: a finished one.
        collection: that it is of, measured.
    """
    path, results = str(run.path), run.results or {}
    return {
        "run": f"{run.experiment}/{run.id}",
        "label": results["data"]["label"],
        "unit": name_unit(run),
        "comment": run.record.comment,
        "command": describe_command(run),
        "config": flatten(run.config),
        "scores": {
            side: score | {"excess": excess_of(score)}
            for side, score in results["scores"].items()
            if score
        },
        "remarks": list_remarks(run),
        "results": {
            key: value for key, value in flatten(results).items() if not key.startswith("scores.")
        },
        "metrics": list_scores(
            collection.measured.get(path, {}), collection.bounds.get(path, {})
        ),
    }  # fmt: skip


def name_unit(run: Run) -> str:
    """What the run's NLL is in; where its model can be built, it is."""
    if run.obstacle is None:
        return run.model.output.unit
    family = FAMILIES.get(run.family)
    return (Output if family is None else family.output).unit


def excess_of(score: Mapping[str, Any]) -> float | None:
    """NLL less the entropy floor; None where one of them is not known."""
    nll, floor = score.get("nll"), score.get("nll_floor")
    return None if nll is None or floor is None else nll - floor


def list_scores(measured: Mapping[str, Result], bounds: Bounds) -> list[dict[str, Any]]:
    """A row for each single number that was measured, with its ceiling, floor and number of images.

    Args:
        measured: results of a run by key, which for metrics is their name.
        bounds: of the metrics.
    """
    return [
        {
            "metric": name,
            "part": part,
            "value": value,
            **bounds.get((name, part), UNBOUNDED),
            **{key: result.get(key) for key in SAMPLE},
        }
        for name, result in measured.items()
        for part, value in list_values(result).items()
    ]


def list_values(result: Result) -> dict[str, Any]:
    """The single numbers of a result by part; a nameless dash of one that is but a warning."""
    if result.keys() == {"warning"}:
        return {"": None}
    return {
        part: value
        for part, value in result.items()
        if part not in SAMPLE and not isinstance(value, list)
    }


def show_pictures(run: Run, collection: Collection, place: Place) -> list[PagePicture]:
    """The pictures of a run with their captions, or why they are missing.

    Args:
        run: a finished one.
        collection: that it is of.
        place: puts pictures where the page can show them.
    """
    drawn = list_pictures(Measurements(run, collection.images, collection.beside))
    return [show_drawn(picture, place) for picture in drawn]


def list_relatives(path: str, runs: pd.DataFrame, links: Links) -> dict[str, list[tuple[str, str]]]:
    """Names and addresses of the other runs of a run's cell, and of its control.

    Args:
        path: of the run.
        runs: of :func:`~disentgen.analysis.tables.tabulate_runs`.
        links: to their pages.
    """
    own = runs[runs["path"] == path]
    if not len(own):
        return {}
    cell = (runs[CELL] == own[CELL].iloc[0]).all(axis=1) & (runs["path"] != path)
    control = runs["run"].isin(own["control_run"].dropna()) & (runs["cell"] == own["cell"].item())
    groups = {"Other runs of this cell": runs[cell], "Control": runs[control]}
    return {
        title: [(name, links(path)) for name, path in zip(part["run"], part["path"], strict=True)]
        for title, part in groups.items()
        if len(part)
    }


def list_remarks(run: Run) -> list[str]:
    """What is to be known of a run's held-out side: its variant's note, identical images."""
    results = run.results or {}
    remarks = [] if run.obstacle is None else [f"This run {run.obstacle} {LEFT_OUT}"]
    variant = None if run.spec is None else run.spec.variants.get(name_condition(run)[1])
    if variant is not None and variant.note is not None:
        remarks.append(variant.note)
    if results.get("duplicates") is not None:
        remarks.append(describe_duplicates(results["duplicates"], results["split"]))
    return remarks


def describe_command(run: Run) -> str:
    """The command line that repeats a run, inside ``scripts``."""
    words = [f"{run.path}/config.json"]
    given = run.record.words
    # Words leave the rest to defaults, which may be others by now.
    # Words that hold more than can be seen, such as a line's end, are no words to be pasted.
    if (
        given
        and "".join(given).isprintable()
        and not run.lacks_settings
        and not any(word.startswith("resume=") for word in given)
    ):
        words = given
        if not any(word.startswith("seed=") for word in words):
            words = [*words, f"seed={run.config['seed']}"]
    flags = [f"--plugin={name}" for name in run.config.get("plugins", ())]
    command = shlex.join(["python", "-m", f"experiments.{run.experiment}", *flags, "with", *words])
    return make_visible(command)
