"""What study figures draw, by its numbers."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from disentgen.analysis.figures.figure import show_figure
from disentgen.analysis.figures.points import list_points
from disentgen.analysis.figures.subjects import RunGroup
from disentgen.analysis.tables import tabulate_cells
from run_tables import make_runs


@pytest.fixture
def runs():
    """A VAE of three seeds, a FactorVAE of two, a β-VAE that has hardly learned; controls."""
    made = make_runs({"recomb2range": 150.0}, control=70.0)
    made = made[made["label"].isin(["VAE", "FactorVAE 20", "β-VAE 8"])]
    made = made[(made["label"] != "FactorVAE 20") | (made["seed"] < 3)]
    lost = made["label"] == "β-VAE 8"
    return made.assign(excess_constant=made["excess_constant"].where(~lost, 80.0))


def test_cells_are_means_with_intervals_and_few_runs_points(runs):
    cells = tabulate_cells(runs)
    points = list_points(runs, cells, "nll_held_out").merge(
        cells[["cell", "control"]].drop_duplicates("cell"), on="cell"
    )
    counts = points.groupby("label").size().to_dict()
    assert counts == {"VAE": 2, "FactorVAE 20": 4, "β-VAE 8": 2}  # with as many controls
    few = points[points["label"] == "FactorVAE 20"]
    assert few[["low", "high"]].isna().all().all()
    own = runs[runs["label"] == "FactorVAE 20"]["nll_held_out"]
    assert sorted(few["mean"]) == pytest.approx(sorted(own))
    vae = points[points["label"] == "VAE"].iloc[0]
    chosen = cells[(cells["label"] == "VAE") & ~cells["control"]].iloc[0]
    assert (vae["mean"], vae["low"], vae["high"]) == pytest.approx(
        tuple(chosen[["nll_held_out", "nll_held_out_low", "nll_held_out_high"]])
    )
    assert points.groupby("label")["hollow"].all().to_dict() == {
        "VAE": False, "FactorVAE 20": False, "β-VAE 8": True
    }  # fmt: skip


def test_a_gap_of_two_seeds_is_two_points(runs):
    few = runs[~(runs["control"] & (runs["seed"] == 3))]
    few = few.assign(gap_to_control=few["gap_to_control"].where(few["seed"] < 3))
    own = few[~few["control"]]
    points = list_points(own, tabulate_cells(own), "gap_to_control")
    vae = points[points["label"] == "VAE"]
    known = own[(own["label"] == "VAE")]["gap_to_control"]
    assert vae["mean"].dropna().tolist() == pytest.approx(known.dropna().tolist())
    assert vae["low"].isna().all()


def test_points_are_of_runs_of_the_same_cell_source_and_kind():
    runs = pd.DataFrame({
        "label": "VAE", "cell": ["a"] * 4 + ["b"] * 3,
        "control": [False, False, False, True, False, False, False],
        "source": ["stand-in", "stand-in", "original"] + ["stand-in"] * 4,
        "disentanglement": np.arange(7) / 10, "informativeness": 0.5, "nll_train": np.arange(7.0),
        "excess_train": 4.0,
    })  # fmt: skip
    cells = pd.DataFrame({
        "label": "VAE", "cell": ["a", "a", "a", "b"], "control": [False, False, True, False],
        "source": ["stand-in", "original", "stand-in", "stand-in"], "disentanglement": 0.75,
        "informativeness": 0.25, "nll_train": 50.0, "nll_train_low": 40.0, "nll_train_high": 60.0,
        "excess_train": [4.0, 5.0, 6.0, 4.5], "excess_constant": [8.0, 8.0, np.nan, 8.0],
    })  # fmt: skip
    points = list_points(runs, cells, "nll_train")
    assert points.index.tolist() == [0, 1, 2, 3, 4]
    shown = points[["cell", "disentanglement", "mean", "hollow"]].to_numpy().tolist()
    assert shown == [
        ["a", 0.0, 0.0, False], ["a", 0.1, 1.0, False], ["a", 0.2, 2.0, True],
        ["a", 0.3, 3.0, False], ["b", 0.75, 50.0, True],
    ]  # fmt: skip
    assert points[["low", "high"]].to_numpy().tolist()[4] == [40, 60]
    assert points[["low", "high"]][:4].isna().all(axis=None)
    assert points["informativeness"].tolist() == [0.5] * 4 + [0.25]
    numbers = ["disentanglement", "informativeness", "mean", "low", "high"]
    assert all(points[column].dtype == float for column in numbers)


def drawn(figure, colour, panel=0):
    """Marks of a colour in a panel: places, heights, and whether they are filled."""
    return [
        (*line.get_xydata()[0], line.get_fillstyle() == "full")
        for line in figure.axes[panel].lines
        if line.get_marker() in ("o", "X") and to_hex(line.get_color()) == to_hex(colour)
    ]


def test_scores_are_drawn_as_they_are(runs):
    cells = tabulate_cells(runs)
    figure = show_figure("scores", RunGroup(runs, cells))
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    sides = {"0.5": ("nll_train", False), "tab:red": ("nll_held_out", False),
             "tab:blue": ("nll_held_out", True)}  # fmt: skip
    for number, (colour, (score, control)) in enumerate(sides.items()):
        marks = drawn(figure, colour)
        shown = cells[cells["control"] == control].set_index("label")
        for place, label in enumerate(labels):
            heights = [(y, full) for x, y, full in marks if round(x - 0.2 * (number - 1)) == place]
            if label == "FactorVAE 20":
                own = runs[(runs["label"] == label) & (runs["control"] == control)][score]
                assert [y for y, _ in heights] == pytest.approx(own.tolist())
            else:
                assert [y for y, _ in heights] == pytest.approx([shown[score][label]])
            assert all(full == (label != "β-VAE 8") for _, full in heights)
    bars = [bar for bar in figure.axes[0].collections if len(bar.get_segments())]
    ends = sorted(end for bar in bars for segment in bar.get_segments() for end in segment[:, 1])
    columns = ["nll_train_low", "nll_train_high", "nll_held_out_low", "nll_held_out_high"]
    own = cells[~cells["control"]][columns].to_numpy(float).ravel()
    held_out = cells[cells["control"]][columns[2:]].to_numpy(float).ravel()
    known = np.concatenate([own, held_out])
    assert ends == pytest.approx(sorted(known[~np.isnan(known)]))


def test_hollow_marks_of_the_main_figure_are_models_that_have_hardly_learned(runs):
    cells = tabulate_cells(runs)
    figure = show_figure("generalisation", RunGroup(runs, cells))
    own = cells[~cells["control"]].set_index("label")
    marks = [
        (*line.get_xydata()[0], line.get_fillstyle() == "full", line.get_marker())
        for line in figure.axes[0].lines if line.get_marker() in ("o", "X")
    ]  # fmt: skip
    for mark, score in (("o", "nll_train"), ("X", "nll_held_out")):
        for label, full in (("VAE", True), ("β-VAE 8", False)):
            place = own["disentanglement"][label]
            found = [(y, filled) for x, y, filled, kind in marks
                     if kind == mark and x == pytest.approx(place)]  # fmt: skip
            assert found == [(pytest.approx(own[score][label]), full)]
        few = [y for x, y, _, kind in marks if kind == mark and x == pytest.approx(0.3)]
        mine = runs[(runs["label"] == "FactorVAE 20") & ~runs["control"]][score]
        assert few == pytest.approx(mine.tolist())


def test_a_table_without_the_mean_image_draws_no_hollow_mark(runs):
    unknown = runs.assign(excess_constant=np.nan)
    assert not list_points(unknown, tabulate_cells(unknown), "nll_train")["hollow"].any()
    assert isinstance(tabulate_cells(unknown), pd.DataFrame)


def read_marks(axis):
    """Strong marks of an axis: places, heights, kinds."""
    return [
        (*line.get_xydata()[0].tolist(), line.get_marker())
        for line in axis.lines if line.get_marker() in ("o", "X")
    ]  # fmt: skip


def test_each_column_of_the_main_figure_draws_its_own_score():
    runs = make_runs({"recomb2range": 150.0, "extrp": 300.0}, floors=(20.0, 35.0), control=70.0)
    cells = tabulate_cells(runs)
    own = cells[~cells["control"]]
    axes = show_figure("generalisation", RunGroup(runs, cells)).axes
    columns = {
        "NLL, nats": ["nll_train", "nll_held_out"],
        "excess over entropy floor, nats": ["excess_train", "excess_held_out"],
        "gap to control, nats": [None, "gap_to_control"],
    }
    for place, axis in enumerate(axes[:6]):
        title, scores = list(columns.items())[place % 3]
        assert axis.get_ylabel() == title
        shown = own[own["condition"] == ("recomb2range", "extrp")[place // 3]]
        expected = [
            (*row, mark)
            for score, mark in zip(scores, "oX", strict=True) if score
            for row in shown[["disentanglement", score]].to_numpy(float).tolist()
        ]  # fmt: skip
        assert [mark for *_, mark in read_marks(axis)] == [mark for *_, mark in expected]
        found = np.array([row[:2] for row in read_marks(axis)])
        np.testing.assert_allclose(found, [row[:2] for row in expected])
        bars = [line for line in axis.lines if line.get_linewidth() == 3]
        ends = [line.get_ydata() for line in bars]
        known = [
            row for score in scores if score
            for row in shown[[f"{score}_low", f"{score}_high"]].to_numpy(float)
        ]  # fmt: skip
        np.testing.assert_allclose(ends, known)
        assert np.ptp(ends, axis=1).min() > 0 or "nll_train" in scores or "excess_train" in scores
    assert axes[3].get_xlabel() == "DCI disentanglement\n(lasso, n 50,000)"


def test_faint_marks_are_runs(runs):
    axes = show_figure("generalisation", RunGroup(runs, tabulate_cells(runs))).axes
    own = runs[~runs["control"]]
    for axis, scores in zip(
        axes[:3], (["nll_train", "nll_held_out"], ["excess_train", "excess_held_out"],
                   ["gap_to_control"]), strict=True,
    ):  # fmt: skip
        for marks, score in zip(axis.collections, scores, strict=True):
            np.testing.assert_allclose(marks.get_offsets(), own[["disentanglement", score]])


def test_the_legend_names_the_colours_of_the_models(runs):
    figure = show_figure("generalisation", RunGroup(runs, tabulate_cells(runs)))
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    colours = dict(zip(names, [to_hex(mark.get_color()) for mark in legend.legend_handles],
                       strict=True))  # fmt: skip
    assert names == ["FactorVAE 20", "VAE", "β-VAE 8", "training images", "held-out images"]
    places = {"VAE": 0.2, "FactorVAE 20": 0.3, "β-VAE 8": 0.6}
    for line in figure.axes[0].lines:
        if line.get_marker() in ("o", "X"):
            (label,) = [
                name for name, x in places.items() if line.get_xdata()[0] == pytest.approx(x)
            ]
            assert to_hex(line.get_color()) == colours[label]
