"""The pictures of a report: those of each run, and those of the study."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from disentgen.analysis.cells import CONDITION_TITLES
from disentgen.analysis.collection import Collection, work_on
from disentgen.analysis.figures.drawing import save, save_examples
from disentgen.analysis.figures.run_figures import (
    draw_curves,
    draw_errors,
    draw_importances,
    draw_placement,
    draw_traversals,
    save_traversals,
)
from disentgen.analysis.figures.scores import draw_scores
from disentgen.analysis.figures.study_figures import (
    INFORMATIVE,
    draw_comparison,
    draw_generalisation,
    draw_hintons,
    name_data,
)
from disentgen.analysis.measure import Measurements
from disentgen.errors import describe_failure
from disentgen.models import FAMILIES, Autoencoder
from disentgen.paths import write_whole
from disentgen.runs import Run, open_run

CAPTIONS = {
    "generalisation": (
        "NLL of training images (circles) and held-out images (crosses) against disentanglement; "
        "below it the excess over the pixels' floor, and the gap to controls trained on all "
        "images. Strong marks: means over seeds with 95 % intervals, cut off where they leave the "
        "panel; faint ones: runs. Below three seeds every run is a strong mark, without interval. "
        "Hollow: models that have hardly learned (train excess above half of the mean image's). "
        "Grey: the lasso reads next to nothing from the codes (informativeness below "
        f"{INFORMATIVE:g}), so that disentanglement means nothing."
    ),
    "scores": (
        "NLL by model and condition, beside that of controls trained on all images where there "
        "are any; means with 95 % intervals over seeds, cut off where they leave the panel, or "
        "every run where there are fewer than three seeds. Hollow: models that have hardly learned "
        "(train excess above half of the mean image's)."
    ),
}
PICTURE_CAPTIONS = {
    "curves.png": "Training curves.",
    "reconstructions.png": "Images of each side and what the model makes of them.",
    "predictions.png": "Factor values that the model reads, against the true ones.",
    "errors.png": "Where on the factor grid the NLL is high.",
    "importances.png": "How important each latent is for each factor; n: images.",
    "placement.png": "How well factors are read from the codes of each side.",
    "traversals.png": "Latents moved one at a time.",
    "traversals.gif": "The same, moving.",
}
Drawers = dict[str, Callable[[Path], Any]]


def list_pictures(measured: Measurements) -> Drawers:
    """The pictures of a run by file name, and what draws each."""
    run = measured.run
    shown = FAMILIES[run.family].examples is not None
    examples = "reconstructions.png" if shown else "predictions.png"
    pictures: Drawers = {
        "curves.png": lambda path: save(draw_curves(run), path),
        examples: lambda path: write_whole(
            path, lambda file: file.write_bytes(save_examples(run).read_bytes())
        ),
        "errors.png": lambda path: save(draw_errors(measured), path),
    }
    if measured.has_codes:
        pictures["importances.png"] = lambda path: save(draw_importances(measured), path)
        pictures["placement.png"] = lambda path: save(draw_placement(measured), path)
    if isinstance(run.model, Autoencoder):
        pictures["traversals.png"] = lambda path: save(draw_traversals(run), path)
        pictures["traversals.gif"] = lambda path: save_traversals(run, path)
    return pictures


def draw_run(path: Path, images: int | None) -> tuple[str, str | None]:
    """Draw what is missing of a run's pictures, in its folder ``analysis``; why it cannot be."""
    torch.set_num_threads(1)
    try:
        draw_pictures(open_run(path), images)
    except Exception as error:
        return str(path), describe_failure(error)
    return str(path), None


def draw_pictures(run: Run, images: int | None) -> None:
    """Draw the pictures of a run that are not there, or are of an earlier state of it."""
    measured = Measurements(run, images)
    drawn = measured.folder / "pictures.json"
    written = {
        name: hashlib.sha256((run.path / name).read_bytes()).hexdigest()
        for name in ("results.json", "history.csv")
    }
    stamp = json.dumps(measured.stamp | written | {"images": images})
    fresh = drawn.exists() and drawn.read_text(encoding="utf-8") == stamp
    for name, draw in list_pictures(measured).items():
        if not fresh or not (measured.folder / name).exists():
            draw(measured.folder / name)
    write_whole(drawn, lambda file: file.write_text(stamp, encoding="utf-8"))


def draw_runs(collection: Collection, jobs: int) -> None:
    """Draw what is missing of all runs' pictures, several runs at a time.

    A run that cannot be drawn is left out, with the reason.

    Raises:
        DataFileError: none is left.
    """
    for path, problem in work_on(collection, jobs, "drawing", draw_run, collection.images):
        if problem is not None:
            collection.left_out[path] = problem
    collection.drop_left_out()


def save_figures(
    collection: Collection, runs: pd.DataFrame, cells: pd.DataFrame, folder: Path
) -> list[tuple[str, Path]]:
    """The figures of each dataset, as captions and paths."""
    saved = []
    split = runs[runs["condition"] != "none"]
    groups = split["family"].map(lambda name: FAMILIES[name].figure_group).rename("group")
    for key, part in split.groupby([groups, "dataset", "version", "source"]):
        own = cells[cells["cell"].isin(part["cell"])]
        name = "-".join(word for word in map(str, key) if word)
        drawn = {
            "generalisation": draw_generalisation(part, own),
            "scores": draw_scores(part, own),
        }
        for kind, figure in drawn.items():
            path = save(figure, folder / f"{kind}-{name}.png")
            saved.append((f"{name_data(part)}: {CAPTIONS[kind]}", path))
        own_runs = part[~part["control"]]
        for number, ((condition, variant), rows) in enumerate(
            own_runs.groupby(["condition", "variant"], sort=False)
        ):
            title = f"{name_data(part)}, {CONDITION_TITLES[str(condition)]} ({variant})"
            # An expression of a user's own makes no file name.
            word = number if condition == "own" else variant
            chosen = rows.drop_duplicates("label")
            shown = [open_run(path) for path in chosen["path"]]
            labels = list(chosen["label"])
            measured = [Measurements(run, collection.images) for run in shown]
            path = folder / f"hinton-{name}-{condition}-{word}.png"
            save(draw_hintons(measured, labels), path)
            saved.append((f"{title}: importance of latents (lasso; n: images).", path))
            # Validation images are drawn, perhaps otherwise in some runs.
            makers = [
                place
                for place, run in enumerate(shown)
                if FAMILIES[run.family].scores_all_images
                and run.sides["validation"] == shown[0].sides["validation"]
            ]
            if makers:
                path = folder / f"images-{name}-{condition}-{word}.png"
                made = [shown[place] for place in makers]
                save(draw_comparison(made, [labels[place] for place in makers]), path)
                saved.append((f"{title}: the same images as each model makes them.", path))
    return saved
