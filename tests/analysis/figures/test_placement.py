"""Placement: bars of probes, their whiskers, and codes, by the numbers that are drawn."""

import itertools
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from artists import PLAIN_WIDTH, fill_lines, read_lines, read_ticks
from disentgen.analysis.figures.placement import (
    FIGURE,
    Placement,
    collect_placement,
    describe_placement,
    draw_placement,
    project,
)
from figure_data import make_placement as make_two_probes

GREY, BLUE, RED = to_hex("0.55"), to_hex("tab:blue"), to_hex("tab:red")
PROBES = pd.DataFrame({
    "factor": ["shape", "pos_x"] * 2, "side": ["train"] * 2 + ["held_out"] * 2,
    "squared_error": [0.25, 0.5, 0.75, 1.5], "standard_error": [0.01, 0.02, 0.03, 0.04],
    "images": [5_000] * 2 + [60] * 2,
})  # fmt: skip


def make_placement():
    places = {"train": np.array([[1.0, 2.0], [3.0, 4.0]]), "held_out": np.array([[5.0, 6.0]])}
    return Placement("heading", {"linear": PROBES, "mlp": PROBES[::-1]}, places)


def test_bars_are_squared_errors_and_their_whiskers_standard_errors():
    figure = draw_placement(make_placement())
    for axis, rows in zip(figure.axes[:2], (PROBES, PROBES[::-1]), strict=True):
        names = [text.get_text() for text in axis.get_xticklabels()]
        assert names == [factor.replace("_", " ") for factor in rows["factor"].unique()]
        found = {}
        for bars in axis.containers:
            if not hasattr(bars, "patches"):
                continue
            (whiskers,) = bars.errorbar.lines[2]
            ends = [segment[:, 1] for segment in whiskers.get_segments()]
            for bar, (low, high) in zip(bars.patches, ends, strict=True):
                place = round(bar.get_x() + bar.get_width() / 2)
                key = names[place], bars.get_label()
                found[key] = bar.get_height(), (high - low) / 2, (high + low) / 2
        known = {
            (row.factor.replace("_", " "), row.side.replace("_", " ")): pytest.approx(
                (row.squared_error, row.standard_error, row.squared_error)
            )
            for row in rows.itertuples()
        }
        assert found == known
    assert figure.axes[0].get_title() == "linear probe"
    assert figure.axes[1].get_title() == "mlp probe"
    assert figure.axes[0].get_ylabel() == "squared error / variance over the grid"


def test_codes_are_drawn_by_side():
    plane = draw_placement(make_placement()).axes[2]
    found = {line.get_label(): line.get_xydata().tolist() for line in plane.lines}
    assert found == {"train": [[1, 2], [3, 4]], "held out": [[5, 6]]}
    assert "n: train 5,000, held out 60." in describe_placement(make_placement())


def test_codes_lie_along_the_principal_components_of_training_images():
    rng = np.random.default_rng(0)
    codes = rng.normal([7, 8, 9], [0.1, 5, 1], (200, 3))
    found = project({"train": codes, "held_out": codes[:3] + np.array([0, 1, 0])})
    centred = codes - codes.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(codes.T))
    expected = centred @ vectors[:, np.argsort(-values)[:2]]
    np.testing.assert_allclose(np.abs(found["train"]), np.abs(expected), atol=1e-8)
    moved = np.abs(found["held_out"] - found["train"][:3])
    np.testing.assert_allclose(moved, np.abs([vectors[1, np.argsort(-values)[:2]]] * 3), atol=1e-8)
    one = project({"train": codes[:, :1]})["train"]
    assert one.shape == (200, 2)
    assert not one[:, 1].any()


def test_codes_of_training_images_alone_say_where_the_middle_is():
    codes = {"train": np.array([[1.0, 0.0], [3.0, 0.0]]), "held_out": np.array([[12.0, 5.0]])}
    places = project(codes)
    assert np.abs(places["train"]).tolist() == [[1, 0], [1, 0]]
    assert np.abs(places["held_out"]).tolist() == [[10, 5]]


def test_codes_of_many_images_need_no_square_of_memory_and_few_are_drawn():
    codes = np.random.default_rng(0).normal(size=(2_000, 3))
    tracemalloc.start()
    places = project({"train": codes, "held_out": codes[:7]})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * codes.nbytes
    assert {side: part.shape for side, part in places.items()} == {
        "train": (1_500, 2), "held_out": (7, 2)
    }  # fmt: skip
    np.testing.assert_allclose(places["train"][:7], places["held_out"])


def test_bars_of_a_factor_stand_beside_each_other_around_its_tick():
    figure = draw_placement(make_two_probes())
    for axis in figure.axes[:2]:
        bars = [container for container in axis.containers if hasattr(container, "patches")]
        colours = [to_hex(group.patches[0].get_facecolor()) for group in bars]
        assert colours == [GREY, BLUE, RED]
        assert [group.get_label() for group in bars] == ["train", "validation", "held out"]
        for factor in range(2):
            edges = [(group.patches[factor].get_x(), group.patches[factor].get_x() +
                      group.patches[factor].get_width()) for group in bars]  # fmt: skip
            assert edges == sorted(edges)
            assert all(right < left for (_, right), (left, _) in itertools.pairwise(edges))
            assert factor - 0.5 < edges[0][0] and edges[2][1] < factor + 0.5
            assert edges[0][0] + edges[2][1] == pytest.approx(2 * factor)
        assert read_ticks(axis)[0] == [(0, "shape"), (1, "pos x")]
        texts = axis.get_xticklabels()
        assert all((text.get_rotation(), text.get_ha()) == (45, "right") for text in texts)
        legend = [text.get_text() for text in axis.get_legend().get_texts()]
        assert legend == ["train", "validation", "held out"]
        (line,) = [line for line in axis.lines if line.get_linestyle() == ":"]
        assert line.get_xydata().tolist() == [[0, 1], [1, 1]]  # of who knows the mean alone


def test_long_names_of_factors_stand_in_several_lines():
    lines = fill_lines(14)
    figure = draw_placement(make_two_probes(["_".join(lines).replace(" ", "_"), "pos_x"]))
    assert read_ticks(figure.axes[0])[0] == [(0, "\n".join(lines)), (1, "pos x")]


def test_helping_lines_are_thin():
    axis = draw_placement(make_two_probes()).axes[0]
    (mean,) = [line for line in axis.lines if line.get_linestyle() == ":"]
    whiskers = [bars.errorbar.lines[2][0] for bars in axis.containers if hasattr(bars, "patches")]
    widths = [mean.get_linewidth(), *(width for bars in whiskers for width in bars.get_lw())]
    assert all(0 < width < PLAIN_WIDTH for width in widths)
    assert mean.get_color() == "0.3"


def test_factors_of_bars_may_stand_in_any_order_by_side():
    data = make_two_probes()
    mixed = data.probes["linear"].iloc[[0, 1, 3, 2, 5, 4]]
    figure = draw_placement(data._replace(probes={"linear": mixed}))
    heights = [[bar.get_height() for bar in bars.patches] for bars in figure.axes[0].containers
               if hasattr(bars, "patches")]  # fmt: skip
    assert heights == [pytest.approx(row) for row in ([0.25, 0.5], [0.75, 1.0], [1.25, 1.5])]


def test_codes_have_the_colours_and_names_of_their_sides():
    figure = draw_placement(make_two_probes())
    plane = figure.axes[-1]
    assert read_lines(plane) == [
        ([[1, 2], [3, 4]], GREY, ".", True, "train"), ([[5, 6]], RED, ".", True, "held out")
    ]  # fmt: skip
    assert {line.get_linestyle() for line in plane.lines} == {"None"}
    assert all(line.get_alpha() < 1 for line in plane.lines)  # they lie over each other
    assert all(0 < line.get_markersize() < 3 for line in plane.lines)
    marks = plane.get_legend().legend_handles
    assert all(mark.get_markersize() > plane.lines[0].get_markersize() for mark in marks)
    assert [text.get_text() for text in plane.get_legend().get_texts()] == ["train", "held out"]
    assert (plane.get_title(), plane.get_xlabel(), plane.get_ylabel()) == (
        "codes", "first principal component", "second principal component"
    )  # fmt: skip
    assert figure.get_suptitle() == make_two_probes().heading


def test_the_caption_says_how_many_images_of_each_side():
    assert describe_placement(make_two_probes()) == (
        "How well factors are read from the codes of each side by probes that were fitted to "
        "training images: mean squared error ± standard error over images, 1 (dotted) for a "
        "reader that knows the factor's mean alone. Right: codes along the first two principal "
        "components of those of training images, of at most 1,500 images of a side. n: train "
        "5,000, validation 400, held out 60."
    )


@pytest.mark.parametrize("sides", [("train", "held_out"), ("train",)])
def test_data_are_probes_and_the_codes_of_sides_that_have_images(sides):
    codes = {"train": np.array([[1.0], [3.0]]), "held_out": np.array([[5.0]])}
    run = SimpleNamespace(
        split=SimpleNamespace(mask=lambda side: np.array([side in sides, False])),
        config={"model": {"name": "kim"}, "training": {"loss": {"name": "vae"}}, "seed": 3},
        experiment="disent", id="7", dataset=SimpleNamespace(label="dSprites"),
    )  # fmt: skip
    rows = {kind: make_two_probes().probes[kind].to_dict("records") for kind in ("linear", "mlp")}
    measured = SimpleNamespace(
        run=run, has_codes=True, get={"probes": rows}.get,
        codes=lambda side: SimpleNamespace(codes=codes[side]),
    )  # fmt: skip
    data = collect_placement(measured)
    assert data.heading == "dSprites · kim · vae · run disent/7 · seed 3"
    assert {kind: table.to_dict("records") for kind, table in data.probes.items()} == rows
    assert {side: part[:, 0].tolist() for side, part in data.places.items()} == {
        side: (codes[side][:, 0] - 2).tolist() for side in sides
    }
    assert FIGURE.applies(measured)
    assert not FIGURE.applies(SimpleNamespace(has_codes=False))
