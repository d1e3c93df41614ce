"""The same images as several models make them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from artists import fill_lines, read_images, read_ticks
from disentgen.analysis.figures.comparison import (
    FIGURE,
    Comparison,
    choose_comparable,
    collect_comparison,
    compare_runs,
    describe_comparison,
    draw_comparison,
)
from disentgen.dataset.pictures import choose_examples
from disentgen.errors import UsageError
from figure_data import HEADING, make_comparison, make_images, make_subject, open_earlier


def test_models_are_compared_on_the_same_images():
    pair = [open_earlier(name) for name in ("disent/1", "disent/2")]
    data = compare_runs(pair, ["VAE, seed 1", "VAE, seed 2"])
    assert data.titles == ["original", "VAE, seed 1", "VAE, seed 2"]
    for side, name in (("held in", "validation"), ("held out", "held_out")):
        images = pair[0].dataset.observe().images(choose_examples(pair[0].dataset, name, 6))
        assert torch.equal(data.sides[side][0], images)
        for row, run in zip(data.sides[side][1:], pair, strict=True):
            with torch.no_grad():
                assert torch.equal(row, torch.sigmoid(run.model(images).reconstruction))
    with pytest.raises(UsageError, match="different splits"):
        compare_runs([open_earlier("lgm"), open_earlier("decoder")], ["", ""])


def test_compared_images_are_drawn_originals_on_top():
    sides = {side: list(torch.rand(3, 2, 1, 4, 4)) for side in ("held in", "held out")}
    figure = draw_comparison(Comparison("heading", ["original", "VAE", "a_model of $"], sides))
    for axis, (title, rows) in zip(figure.axes, sides.items(), strict=True):
        assert axis.get_title() == title
        np.testing.assert_allclose(
            read_images(axis, 3, 2, 4, 4), torch.stack(rows)[:, :, 0], rtol=1e-6
        )
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["original", "VAE", r"a_model of \$"]


def make_group(*names):
    return SimpleNamespace(first_runs={name: make_subject(name) for name in names})


def test_models_that_make_one_image_of_each_are_compared_on_the_first_ones_images():
    group = make_group("composer", "disent/1", "disent/other-validation-draw", "disent/2")
    assert list(choose_comparable(group)) == ["disent/1", "disent/2"]
    data = collect_comparison(group)
    assert data.titles == ["original", "disent/1, seed 1", "disent/2, seed 2"]
    assert data.heading == "dSprites (rendered stand-in) · shape2tx"
    assert {side: [len(row) for row in rows] for side, rows in data.sides.items()} == {
        "held in": [6] * 3, "held out": [6] * 3
    }  # fmt: skip
    alone = make_group("disent/2")
    assert collect_comparison(alone).titles == ["original", "disent/2, seed 2"]
    assert FIGURE.applies(group) and FIGURE.applies(alone)
    assert not FIGURE.applies(make_group("composer"))


def test_only_the_first_of_compared_sides_names_its_rows():
    figure = draw_comparison(make_comparison())
    first, second = figure.axes
    assert [name for _, name in read_ticks(first)[1]] == ["original", "VAE, seed 0", "VAE, seed 1"]
    assert [place for place, _ in read_ticks(first)[1]] == [3.5, 10.5, 17.5]
    assert {name for _, name in read_ticks(second)[1]} == {""}
    assert [axis.get_title() for axis in figure.axes] == ["held in", "held out"]
    assert first.get_gridspec().get_geometry() == (1, 2)
    assert figure.get_suptitle() == HEADING
    lines = fill_lines(24)
    titles = ["original", " ".join(lines), "FactorVAE 20, batch_size 32 " * 3]
    texts = draw_comparison(make_comparison()._replace(titles=titles)).axes[0].get_yticklabels()
    assert texts[1].get_text() == "\n".join(lines)
    assert texts[2].get_text() == "FactorVAE 20, batch_size\n32 FactorVAE 20, …"


def test_the_caption_of_compared_images_counts_the_fullest_side():
    sides = {"held in": [make_images(2)], "held out": [make_images(5)]}
    assert describe_comparison(Comparison("", ["original"], sides)) == (
        "The same images as each model makes them, originals on top, of one run of each model "
        "(whose seed its row says): 5 of each side; held-in images are validation images."
    )
