"""Labels that tell cells apart, and panels that keep splits apart."""

from itertools import pairwise

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from conftest import REPOSITORY
from disentgen.analysis.figures.figure import show_figure
from disentgen.analysis.figures.labels import label_cells, list_differences, name_setting
from disentgen.analysis.figures.panels import HOLLOW, INTERVALS, choose_colours, divide_splits
from disentgen.analysis.figures.subjects import RunGroup, group_by_dataset, group_by_split
from disentgen.analysis.tables import tabulate_cells, tabulate_runs
from disentgen.registry import load_records
from disentgen.runs import open_run
from run_tables import make_runs

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"


def make_cells(*rows):
    return pd.DataFrame(rows, columns=["cell", "label", "condition", "variant"])


def test_cells_of_one_label_are_told_apart_by_what_differs():
    settings = {
        "a": {"model.name": "kim", "model.encoder": [1], "training.lr": 1e-4, "split.held_in": "x"},
        "b": {"model.name": "higgins", "model.encoder": [2], "training.lr": 1e-4},
        "c": {"model.name": "kim", "model.encoder": [1], "training.lr": 5e-5},
        "d": {"model.name": "kim", "model.encoder": [1], "training.lr": 1e-4, "split.held_in": "y"},
    }
    asked = []

    def read(cell):
        asked.append(cell)
        return settings[cell]

    cells = make_cells(
        ("a", "β-VAE 8", "extrp", "v"), ("b", "β-VAE 8", "extrp", "v"),
        ("c", "β-VAE 8", "extrp", "v"), ("d", "β-VAE 8", "extrp", "w"),
        ("a", "β-VAE 8", "extrp", "v"), ("e", "VAE", "extrp", "v"),
    )  # fmt: skip
    assert label_cells(cells, read) == {
        "a": "β-VAE 8, kim, lr 0.0001",
        "b": "β-VAE 8, higgins, lr 0.0001",
        "c": "β-VAE 8, kim, lr 5e-05",
        "d": "β-VAE 8, kim, lr 0.0001",  # of another split: the same model
        "e": "VAE",
    }
    assert asked == ["a", "b", "c", "d"]


def test_cells_that_only_their_validation_images_tell_apart_are_named_by_their_key():
    cells = make_cells(("1a", "VAE", "extrp", "v"), ("2b", "VAE", "extrp", "v"))
    assert label_cells(cells, lambda cell: {"split.validation": cell}) == {
        "1a": "VAE, cell 1a", "2b": "VAE, cell 2b"
    }  # fmt: skip


def test_layers_of_one_name_are_told_apart_by_a_hash():
    cells = make_cells(("a", "VAE", "extrp", "v"), ("b", "VAE", "extrp", "v"))
    found = label_cells(cells, lambda cell: {"model.encoder": [cell], "model.name": "own"})
    assert found["a"].startswith("VAE, encoder ")
    assert len(set(found.values())) == 2


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("model.name", "kim", "kim"),
        ("model.name", None, "own layers"),
        ("training.batch_size", 32, "batch_size 32"),
        ("training.loss.params.beta", 4.0, "beta 4"),
        ("training.lr", 5e-05, "lr 5e-05"),
        ("seed", 1, "seed 1"),
        ("dataset.control", False, "control False"),
        # sha256 of "[1, 2]"
        ("model.encoder", [1, 2], "encoder 3a31"),
    ],
)
def test_settings_are_named_in_few_words(key, value, expected):
    assert name_setting(key, value) == expected


def test_settings_that_all_have_or_that_some_lack():
    settings = {
        "a": {"x.same": 1, "x.lists": [1], "x.other": "left"},
        "b": {"x.same": 1, "x.lists": [1], "x.other": "right", "y.more": 2.5},
        "c": {"x.same": 1, "x.lists": [1]},
    }
    assert list_differences(settings) == {
        "a": ["other left"], "b": ["other right", "more 2.5"], "c": []
    }  # fmt: skip
    assert list_differences({"a": {"x.only": 1}}) == {"a": []}


def test_cells_that_no_setting_tells_apart_share_a_label_on_different_splits_alone():
    cells = make_cells(
        ("1", "VAE", "extrp", "v"), ("2", "VAE", "extrp", "w"), ("3", "VAE", "own", "v"),
        ("4", "VAE", "own", "v"),
    )  # fmt: skip
    assert label_cells(cells, lambda cell: {}) == {
        "1": "VAE", "2": "VAE", "3": "VAE, cell 3", "4": "VAE, cell 4"
    }  # fmt: skip


def test_colours_are_those_of_the_models_names_in_order():
    names = [f"m{number:02}" for number in range(12)]
    colours = choose_colours(reversed([*names, *names]))
    assert list(colours) == names
    assert [to_hex(colour) for colour in colours.values()] == [
        to_hex(f"tab:{name}") for name in (
            "blue", "orange", "green", "red", "purple", "brown", "pink", "gray", "olive", "cyan",
            "blue", "orange",
        )
    ]  # fmt: skip


def test_panels_have_the_points_of_the_scores_that_there_are():
    runs = make_runs({"extrp": 60.0, "recomb2element": 150.0}, control=70.0)
    group = RunGroup(runs, tabulate_cells(runs))
    first, second = divide_splits(group, ["gap_to_control", "no_such_score", "nll_train"])
    assert (first.title, second.title) == (
        "Recombination to element: leave1out", "Extrapolation: blank_side"
    )  # fmt: skip
    for panel, condition in ((first, "recomb2element"), (second, "extrp")):
        assert list(panel.points) == ["gap_to_control", "nll_train"]
        for own, table in ((panel.runs, group.runs), (panel.cells, group.cells)):
            pd.testing.assert_frame_equal(own, table[table["condition"] == condition])
        for score, points in panel.points.items():
            known = panel.cells[score].dropna().tolist()
            assert points["mean"].dropna().tolist() == pytest.approx(known)
    without = RunGroup(runs, group.cells.drop(columns="nll_train"))
    assert list(divide_splits(without, ["nll_train"])[0].points) == []


def test_many_splits_of_a_condition_stay_in_the_order_of_their_runs():
    variants = [f"v{number % 7}{number}" for number in range(40)]
    table = pd.DataFrame({"condition": "own", "variant": variants})
    panels = divide_splits(RunGroup(table, table), ())
    assert [panel.title for panel in panels] == [f"Own split: {variant}" for variant in variants]


@pytest.mark.parametrize("name", ["scores", "generalisation"])
def test_captions_say_what_intervals_and_hollow_marks_are(name):
    caption = load_records("disentgen.analysis.figures", "FIGURE")[name].caption
    assert INTERVALS in caption and HOLLOW in caption


@pytest.fixture(scope="module")
def earlier():
    """Tables of runs of two architectures, two batch sizes, two splits, and a control."""
    names = ("1", "2", "batch-16", "other-activation", "other-split", "vae-control")
    runs = tabulate_runs([open_run(EARLIER / "disent" / name) for name in names])
    return runs, tabulate_cells(runs)


def test_runs_are_grouped_by_dataset_and_by_split(earlier):
    (group,) = group_by_dataset(*earlier, images=60)
    labels = dict(zip(group.runs["run"], group.runs["label"], strict=True))
    assert len(set(labels.values())) == 3
    assert labels["disent/1"] == labels["disent/vae-control"] == labels["disent/other-split"]
    assert labels["disent/batch-16"].startswith("VAE, ")
    assert "batch_size 16" in labels["disent/batch-16"]
    assert "batch_size 64" in labels["disent/1"]
    assert set(group.cells["label"]) == set(labels.values())
    first, second = group_by_split(group)
    assert first.runs["run"].tolist() == [
        "disent/1", "disent/2", "disent/batch-16", "disent/other-activation"
    ]  # fmt: skip
    assert second.runs["run"].tolist() == ["disent/other-split"]
    assert second.name == "dsprites-stand-in-own-1"
    assert not first.cells["control"].any()
    assert [measured.run.id for measured in first.first_runs.values()] == [
        "1", "batch-16", "other-activation"
    ]  # fmt: skip
    assert {measured.images for measured in first.first_runs.values()} == {60}


def test_own_splits_have_panels_of_their_own_with_titles_of_few_lines(earlier):
    (group,) = group_by_dataset(*earlier, images=60)
    panels = divide_splits(group, ())
    assert [panel.title for panel in panels] == [
        "Recombination to range: shape2tx", "Own split: shape == 1 & posX > 0.75"
    ]  # fmt: skip
    assert [len(panel.runs) for panel in panels] == [5, 1]


def test_variants_of_one_condition_do_not_share_a_panel():
    runs = make_runs({"recomb2element": 60.0, "recomb2range": 150.0})
    heart = runs[runs["condition"] == "recomb2element"].assign(
        variant="leave1out_heart", cell=lambda table: "heart" + table["cell"], nll_held_out=90.0
    )
    odd = heart.assign(condition="own", variant="shape == 1 & " * 40, cell="own" + heart["cell"])
    new = heart.assign(condition="new", variant="x", cell="new" + heart["cell"])
    table = pd.concat([new, odd, runs, heart])
    group = RunGroup(table, tabulate_cells(table))
    titles = ["Recombination to element: leave1out", "Recombination to element: leave1out_heart",
              "Recombination to range: shape2tx", "Own split: shape == 1 &", "new: x"]  # fmt: skip
    found = divide_splits(group, ["nll_held_out"])
    for panel, title in zip(found, titles, strict=True):
        assert panel.title.startswith(title)
        assert len(panel.cells) == 7
    assert found[1].points["nll_held_out"]["mean"].tolist() == pytest.approx([90] * 7)
    for name, step, columns in (("scores", 1, 32), ("generalisation", 3, 32)):
        figure = show_figure(name, group)
        shown = [axis.get_title() or axis.get_title(loc="left") for axis in figure.axes[: 5 * step]]
        shown = [title.replace("\n", " ") for title in shown if title]
        assert [title[:20] for title in shown] == [title[:20] for title in titles]
        for axis in figure.axes:
            for title in (axis.get_title(), axis.get_title(loc="left")):
                assert title.count("\n") < 3
                assert all(len(line) <= columns for line in title.split("\n"))
        assert figure.get_figwidth() == 6.75


@pytest.mark.parametrize("name", ["scores", "generalisation"])
def test_long_titles_and_labels_leave_the_panels_their_room(name):
    runs = make_runs({"recomb2element": 60.0})
    names = {"β-VAE 8": "β-VAE 8, burgess_v2, batch_size 32, lr 0.001"}
    odd = runs.assign(
        condition="own", variant="shape == 1 & posX > 0.25 & " * 6, cell="own" + runs["cell"]
    )
    table = pd.concat([runs, odd]).replace({"label": names})
    figure = show_figure(name, RunGroup(table, tabulate_cells(table)))
    figure.draw_without_rendering()
    panels = [axis for axis in figure.axes if axis.axison]
    widths = [axis.get_position().width for axis in panels]
    assert min(widths) > 0.2
    assert max(widths) < 1.1 * min(widths)
    for axis in panels:
        low, high = axis.get_xlim()  # ticks beyond these are not drawn
        ticks = [text for text in axis.get_xticklabels() if low <= text.get_position()[0] <= high]
        texts = [axis.title, axis._left_title, *ticks]
        boxes = [text.get_window_extent() for text in texts if text.get_text()]
        assert all(0 <= box.x0 <= box.x1 <= figure.bbox.x1 for box in boxes)
    if name == "scores":
        assert panels[0].get_xticklabels()[4].get_text().startswith("β-VAE 8, burgess_v2")
        for axis in panels:
            boxes = [text.get_window_extent() for text in axis.get_xticklabels()]
            if axis.get_xticklabels()[0].get_rotation() == 90:
                assert all(a.x1 <= b.x0 + 1 for a, b in pairwise(boxes))
