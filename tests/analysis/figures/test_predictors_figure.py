"""Which score predicts the gap, as drawn: where marks and intervals stand, what is said of them."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from artists import read_legend, read_lines, read_ticks
from disentgen.analysis.figures.predictors import (
    FIGURE,
    PredictorData,
    collect_predictors,
    describe_predictors,
    draw_predictors,
)
from disentgen.analysis.figures.subjects import RunGroup, group_by_source
from disentgen.analysis.predictors import ENDS, STRATUM, Predictors
from disentgen.analysis.tables import tabulate_cells
from run_tables import make_runs

BLACK = "#000000"


def make_group(held_out, source="stand-in"):
    runs = make_runs(held_out, control=60.0).assign(steps=1_000, source=source)
    return RunGroup(runs, tabulate_cells(runs), source)


def make_strata(variants, scores):
    """ρ of two scores in some strata: the numbers tell which."""
    rows = [
        dict(zip(STRATUM, ("disent", "dsprites", "", "stand-in", "extrp", variant, "kim"),
                 strict=True))
        | {"models": 3, "seeds": 2, "score": score, "title": f"title of {score}", "cells": 7}
        | dict(zip(ENDS, rho, strict=True))
        for variant, of_variant in variants.items()
        for score, rho in zip(scores, of_variant, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def make_data(variants, combined):
    """Two scores, the second lower than the first, with made correlations."""
    strata = make_strata(variants, combined)
    rows = pd.DataFrame([
        {"score": score, "title": f"title of {score}", "strata": len(variants), "cells": 14,
         **dict(zip(ENDS, rho, strict=True)), "p": 0.01, "p_holm": p}
        for score, (*rho, p) in combined.items()
    ])  # fmt: skip
    predictors = Predictors(rows, strata, {"without control": 3}, 28, 7)
    return PredictorData("heading", predictors, rows.sort_values("rho"))


@pytest.fixture
def two():
    return make_data(
        {"blank_side": [(0.5, 0.1, 0.7), (-0.4, -0.6, 0.2)],
         "other": [(0.6, 0.3, 0.8), (np.nan, np.nan, np.nan)]},
        {"a": (0.55, 0.35, 0.75, 0.041), "b": (-0.4, np.nan, np.nan, 0.2)},
    )  # fmt: skip


def test_marks_and_intervals_stand_at_correlations_a_row_for_each_score(two):
    axis, right = draw_predictors(two).axes
    lines = read_lines(axis)
    marks = {
        (round(x, 6), line.colour, line.marker): y
        for line in lines for x, y in line.points
        if line.marker in ("o", "D") and np.isfinite(x)
    }  # fmt: skip
    blue, orange = (to_hex(colour) for colour in ("tab:blue", "tab:orange"))
    assert set(marks) == {
        (-0.4, blue, "o"), (-0.4, BLACK, "D"),
        (0.5, blue, "o"), (0.6, orange, "o"), (0.55, BLACK, "D"),
    }  # fmt: skip
    assert {key: round(height) for key, height in marks.items()} == {
        key: 0 if key[0] < 0 else 1 for key in marks
    }
    assert len(set(marks.values())) == 5  # none over another
    spans = [(line.points, line.colour) for line in lines
             if line.marker == "None" and np.isfinite(line.points).all()]  # fmt: skip
    ends = sorted((a[0], b[0], colour) for (a, b), colour in spans if a[1] == b[1])
    assert ends == [(-0.6, 0.2, blue), (0.1, 0.7, blue), (0.3, 0.8, orange), (0.35, 0.75, BLACK)]
    for (a, b), colour in spans:
        if a[1] == b[1]:  # an interval lies at its mark
            assert a[1] in [height for (_, other, _), height in marks.items() if other == colour]
    assert ([[0.0, 0.0], [0.0, 1.0]], to_hex("0.7")) in spans  # 0 from top to bottom
    low, high = axis.get_xlim()
    assert low < -1 and 1 < high < 1.1
    assert read_ticks(axis)[1] == [(0, "title of b"), (1, "title of a")]
    assert read_ticks(right)[1] == [(0, "0.2  (14 cells, 2 strata)"),
                                    (1, "0.041  (14 cells, 2 strata)")]  # fmt: skip
    assert axis.get_ylim() == right.get_ylim() == (1.5, -0.5)
    assert right.get_ylabel() == "p, adjusted for 2 scores"


def test_the_legend_names_strata_in_the_order_of_the_marks(two):
    (legend,) = draw_predictors(two).legends
    assert {name: look[:2] for name, look in read_legend(legend).items()} == {
        "disent: dsprites, Extrapolation: blank_side, kim": (to_hex("tab:blue"), "o"),
        "disent: dsprites, Extrapolation: other, kim": (to_hex("tab:orange"), "o"),
        "over all strata": (BLACK, "D"),
    }


def test_one_stratum_is_not_drawn_twice():
    one = make_data({"blank_side": [(0.5, 0.1, 0.7)]}, {"a": (0.5, np.nan, np.nan, 0.3)})
    figure = draw_predictors(one)
    axis, right = figure.axes
    marks = [line for line in read_lines(axis) if line.marker != "None"]
    assert [(line.marker, line.points) for line in marks] == [("o", [[0.5, 0.0]])]  # in the middle
    assert list(read_legend(figure.legends[0])) == [
        "disent: dsprites, Extrapolation: blank_side, kim"
    ]
    assert read_ticks(right)[1] == [(0, "0.3  (14 cells, 1 stratum)")]


def test_the_figure_grows_with_scores_and_strata(two):
    one = make_data({"blank_side": [(0.5, 0.1, 0.7)]}, {"a": (0.5, np.nan, np.nan, 0.3)})
    width, height = draw_predictors(two).get_size_inches()
    assert (width, height) == pytest.approx((6.75, 2 * (0.16 + 3 * 0.075) + 1.1 + 2 * 0.14))
    assert draw_predictors(one).get_size_inches()[1] < height


def test_the_caption_says_how_much_was_tried_and_left_out(two):
    caption = describe_predictors(two)
    assert "Holm for the 2 scores that were tried" in caption
    assert "seeds by cell: 2 or more" in caption
    assert caption.endswith("Runs: 28; left out: without control: 3.")
    assert "95 % intervals" in caption and "6 or more in each stratum" in caption


def test_data_are_of_all_strata_from_the_best_predictor_on():
    data = collect_predictors(make_group({"recomb2element": 80.0, "recomb2range": 150.0}))
    assert data.heading == "Gap to control; dSprites (rendered stand-in)"
    assert list(data.combined["score"]) == ["disentanglement"]
    assert data.combined["p_holm"].notna().all()
    assert set(data.predictors.strata["variant"]) == {"leave1out", "shape2tx"}
    rho = data.predictors.combined.set_index("score")["rho"].dropna()
    assert list(data.combined["rho"]) == sorted(rho)


def test_it_applies_where_a_stratum_is_large_enough():
    group = make_group({"recomb2range": 150.0})
    assert FIGURE.applies(group)
    few = group.runs[group.runs["cell"] != "recomb2range0"]
    assert not FIGURE.applies(RunGroup(few, tabulate_cells(few)))
    short = group.runs.assign(steps=10)
    assert not FIGURE.applies(RunGroup(short, group.cells))


def test_runs_of_each_source_are_a_group():
    both = [make_group({"extrp": 300.0}, source).runs for source in ("stand-in", "original")]
    runs = pd.concat(both)
    runs["dataset"] = runs["dataset"].where(runs["source"] == "original", "shapes3d")
    groups = list(group_by_source(runs, tabulate_cells(runs)))
    assert [group.name for group in groups] == ["original", "stand-in"]
    for group in groups:
        assert set(group.runs["source"]) == set(group.cells["source"]) == {group.name}
    assert groups[0].describe() == "dSprites, original images; runs: 42, seeds by cell: 3."
    several = RunGroup(runs.assign(source="original"), groups[0].cells)
    assert several.describe().startswith("3DShapes, dSprites, original images; runs: 84")
