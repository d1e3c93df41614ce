"""One more figure is one more file: of a run, and of a study."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import disentgen.analysis.figures
from conftest import REPOSITORY
from disentgen.analysis.collect import Collection
from disentgen.analysis.figures.figure import load_figures
from disentgen.analysis.measure import Measurements
from disentgen.analysis.tables import tabulate_cells
from disentgen.errors import DataFileError
from disentgen.registry import find_exports
from disentgen.report import pictures
from disentgen.report.images import embed, show_drawn
from disentgen.runs import open_run
from run_tables import make_runs

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
OF_A_RUN = '''
"""The number of a run's latents."""

from disentgen.analysis.figures.figure import Figure
from disentgen.drawing import make_figure


def draw(latents):
    figure = make_figure(2, 1)
    figure.subplots().bar([0], [latents])
    return figure


FIGURE = Figure(
    name="latents",
    title="Latents",
    caption=lambda latents: f"{latents} latents.",
    of="run",
    applies=lambda measured: "latent_size" in measured.run.config["model"],
    data=lambda measured: measured.run.config["model"]["latent_size"],
    draw=draw,
    order=5,
)
'''
OF_A_STUDY = '''
"""The number of runs by cell."""

from disentgen.analysis.figures.figure import Figure
from disentgen.drawing import make_figure


def draw(counts):
    figure = make_figure(2, 1)
    figure.subplots().bar(range(len(counts)), counts)
    return figure


FIGURE = Figure(
    name="counts",
    title="Runs by cell",
    caption="How many runs each cell has.",
    of="study",
    applies=lambda group: True,
    data=lambda group: group.cells["seeds"].tolist(),
    draw=draw,
    formats=("png", "svg"),
)
'''


@pytest.fixture
def only(monkeypatch):
    """Let no figures be there but those of some names."""

    def keep(*names):
        def load(of):
            return [figure for figure in load_figures(of) if figure.name in names]

        monkeypatch.setattr(pictures, "load_figures", load)

    return keep


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "disent" / "1"
    shutil.copytree(EARLIER / "disent" / "1", folder)
    return open_run(folder)


@pytest.fixture
def added(tmp_path, monkeypatch):
    """Two figures in a folder outside the package."""
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "added_latents.py").write_text(OF_A_RUN)
    (folder / "added_counts.py").write_text(OF_A_STUDY)
    paths = [*disentgen.analysis.figures.__path__, str(folder)]
    monkeypatch.setattr(disentgen.analysis.figures, "__path__", paths)
    find_exports.cache_clear()
    yield
    find_exports.cache_clear()


@pytest.mark.ci
def test_a_figure_is_one_file(added, run, tmp_path, only):
    only("latents", "counts", "curves")
    found = pictures.draw_pictures(run, 60)
    assert [picture.path.name for picture in found] == ["latents.png", "curves.png"]
    assert found[0].caption == (
        "10 latents. dSprites, rendered stand-in images; run disent/1, seed 1 (one run: no "
        "interval over seeds)."
    )
    assert all(picture.path.stat().st_size > 1000 for picture in found)
    collection = Collection([run], {}, 60)
    runs = collection.table
    saved = pictures.save_figures(collection, runs, tabulate_cells(runs), tmp_path / "report")
    (picture,) = saved
    assert picture.path == tmp_path / "report" / "counts-dsprites-stand-in.png"
    assert picture.caption == (
        "How many runs each cell has. dSprites, rendered stand-in images; runs: 1, seeds by "
        "cell: 1."
    )
    assert picture.path.with_suffix(".svg").read_text().startswith("<?xml")


def test_figures_of_a_source_are_of_scores_alone(tmp_path):
    """They need no run that can be opened; where a stratum is too small there is none."""
    runs = make_runs({"recomb2range": 150.0}, control=60.0).assign(steps=1_000, path="gone")
    (picture,) = pictures.save_figures(Collection([], {}), runs, tabulate_cells(runs), tmp_path)
    assert picture.path == tmp_path / "predictors-stand-in.png" and picture.path.exists()
    assert picture.caption.endswith(
        "dSprites, rendered stand-in images; runs: 42, seeds by cell: 3."
    )
    few = runs[runs["cell"] != "recomb2range0"]
    assert pictures.save_figures(Collection([], {}), few, tabulate_cells(few), tmp_path) == []


def test_pictures_are_drawn_once_and_anew_when_the_run_has_changed(run, only):
    only("curves")
    (picture,) = pictures.draw_pictures(run, 60)
    kept = picture.path.stat().st_mtime_ns
    assert pictures.draw_pictures(open_run(run.path), 60) == [picture]
    assert picture.path.stat().st_mtime_ns == kept
    history = (run.path / "history.csv").read_text().splitlines(keepends=True)
    (run.path / "history.csv").write_text("".join(history[:-1]))
    pictures.draw_pictures(open_run(run.path), 60)
    assert picture.path.stat().st_mtime_ns != kept
    kept = picture.path.stat().st_mtime_ns
    picture.path.with_name("pictures.json").write_text(json.dumps({"model": "as it was once"}))
    assert len(pictures.draw_pictures(open_run(run.path), 60)) == 1
    assert picture.path.stat().st_mtime_ns != kept


def test_a_picture_that_cannot_be_drawn_is_missing_with_the_reason(
    run, only, failures, monkeypatch
):
    """The run and its other pictures stay; the next report tries again."""
    only("curves", "latents")
    collection, curves = Collection([run], {}, 60), load_figures("run")[0]
    assert curves.name == "curves"

    def fail(data):
        raise MemoryError("too large\nby far")

    with monkeypatch.context() as broken:
        broken.setattr(pictures, "load_figures", lambda of: [replace(curves, draw=fail)])
        pictures.draw_runs(collection, jobs=1)
        (missing,) = pictures.list_pictures(Measurements(run, 60))
    assert collection.runs == [run]
    assert re.fullmatch(r"MemoryError: too large by far \(figure.py:\d+\)", missing.problem)
    assert failures == [f"the picture {missing.path} is missing: {missing.problem}"]
    failures.clear()
    shown = show_drawn(missing, embed)
    assert (shown.name, shown.problem, shown.source) == ("curves.png", missing.problem, "")
    (picture,) = pictures.draw_pictures(run, 60)
    assert (picture.problem, picture.path.exists()) == (None, True)


def test_a_run_that_cannot_be_read_is_left_out_with_the_reason(run, only):
    only("curves")
    (run.path / "results.json").unlink()
    collection = Collection([run], {}, 60)
    with pytest.raises(DataFileError, match=r"no run is left.*disent/1: .+"):
        pictures.draw_runs(collection, jobs=1)


def test_the_picture_at_the_end_of_a_training_is_the_reports(run, only):
    from disentgen.analysis.figures.examples import save_examples

    only("reconstructions")
    (path,) = save_examples(run)
    assert path == run.path / "reconstructions.png"
    (picture,) = pictures.draw_pictures(run, 60)
    with Image.open(path) as first, Image.open(picture.path) as second:
        assert np.array_equal(np.asarray(first), np.asarray(second))
