"""Disentanglement never stands without what shows whether it means anything."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from disentgen.analysis.figures.generalisation import choose_mark_colour, draw_score
from disentgen.analysis.figures.importances import describe_importances
from disentgen.analysis.figures.panels import Panel
from disentgen.analysis.figures.points import list_points
from disentgen.analysis.figures.subjects import count_images
from disentgen.analysis.results_table import tabulate_metrics
from disentgen.report.compare import format_comparison

RUNS = pd.DataFrame({
    "label": ["VAE", "VAE", "decoder"],
    "disentanglement": [0.4, 0.9, 1.0],
    "informativeness": [0.1, 0.0999, 1.0],
    "metric_images": [50_000, 60, np.nan],
    "cell": ["a", "b", "c"], "control": False, "source": "stand-in",
    "excess_train": 50.0, "excess_constant": 500.0,
    "nll_train": [50.0, 600.0, 40.0],
    "nll_held_out": [60.0, 700.0, 50.0],
})  # fmt: skip
CELLS = RUNS.assign(**{
    f"{score}_{end}": RUNS[score] for score in ("nll_train", "nll_held_out")
    for end in ("low", "high")
})  # fmt: skip
COLOURS = {"VAE": "#ff0000", "decoder": "#00ff00"}


def test_marks_of_codes_that_say_nothing_are_grey():
    found = [choose_mark_colour(row, COLOURS) for _, row in RUNS.iterrows()]
    assert found == ["#ff0000", "0.75", "#00ff00"]
    unknown = RUNS.iloc[0].copy()
    unknown["informativeness"] = np.nan
    assert choose_mark_colour(unknown, COLOURS) == "#ff0000"


def test_runs_and_cells_are_drawn_in_these_colours():
    axis = Figure().subplots()
    scores = ("nll_train", "nll_held_out")
    points = {score: list_points(RUNS, CELLS, score) for score in scores}
    draw_score(axis, Panel("", RUNS, CELLS, points), scores, COLOURS)
    for marks in axis.collections:
        assert [to_hex(colour) for colour in marks.get_facecolors()] == [
            "#ff0000", "#bfbfbf", "#00ff00"
        ]  # fmt: skip
    cells = [line.get_color() for line in axis.lines if line.get_marker() in "oX"]
    assert cells == ["#ff0000", "0.75", "#00ff00"] * 2


def test_figures_say_on_how_many_images():
    assert count_images(RUNS) == ", n 60 to 50,000"
    assert count_images(RUNS[:1]) == ", n 50,000"
    assert count_images(RUNS[2:]) == ""
    result = {
        "disentanglement": 0.5,
        "completeness": 0.25,
        "informativeness": 0.125,
        "images": 6_000,
    }
    assert describe_importances(result) == "D 0.50, C 0.25, informativeness 0.12, n 6,000"


def test_compared_cells_have_a_column_of_it():
    row = {
        "dataset": "dsprites", "variant": "v", "model": "m", "parameters": "p",
        "source": "original", "seeds": 1, "steps": 10, "informativeness": 0.271,
        **{f"{start}{score}": 1.0 for start in ("", "published_")
           for score in ("nll_train", "nll_held_out", "disentanglement")},
    }  # fmt: skip
    head, line = format_comparison(pd.DataFrame([row, row | {"seeds": 0}])).splitlines()
    assert head.endswith("inform.")
    assert line.endswith(" 0.27")


def test_numbers_of_metrics_stand_beside_their_bounds_and_images():
    measured = {
        "/sims/disent/1": {"mig": {"images": 50, "score": 0.5, "gap": [[0.1, None]]}},
        "/sims/disent/2": {"mig": {"images": 9, "warning": "few", "score": 0.25}},
    }
    bounds = {"/sims/disent/1": {("mig", "score"): {"ceiling": 0.9, "floor": 0.1}}}
    table = tabulate_metrics(measured, bounds)
    assert list(table) == [
        "run", "metric", "part", "place", "value", "ceiling", "floor", "images", "warning"
    ]  # fmt: skip
    assert table["value"].tolist() == pytest.approx([0.5, 0.1, np.nan, 0.25], nan_ok=True)
    assert table["place"].tolist() == ["", "0.0", "0.1", ""]
    assert table["ceiling"].tolist() == pytest.approx([0.9] + 3 * [np.nan], nan_ok=True)
    assert table["floor"].tolist() == pytest.approx([0.1] + 3 * [np.nan], nan_ok=True)
    assert table["images"].tolist() == [50, 50, 50, 9]
    assert table["warning"].fillna("").tolist() == ["", "", "", "few"]
    assert table["run"].tolist() == 3 * ["disent/1"] + ["disent/2"]
