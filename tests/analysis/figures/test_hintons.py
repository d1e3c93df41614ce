"""Hinton diagrams, of a run and of the models on a split, by the numbers that are drawn."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as MplFigure

from artists import fill_lines, read_areas, read_ticks
from disentgen.analysis.figures import hintons
from disentgen.analysis.figures.hintons import (
    collect_hintons,
    draw_hintons,
    is_disentangled,
    list_hintons,
    title_runs,
)
from disentgen.analysis.figures.importances import (
    Hinton,
    Importances,
    collect_importances,
    draw_hinton,
    draw_importances,
    read_hinton,
)
from disentgen.models import FAMILIES
from figure_data import make_group, make_hinton, make_hintons

RESULT = {
    "disentanglement": 0.5, "completeness": 0.25, "informativeness": 0.125, "images": 6_000,
    "importances": [[0.0, 1.0], [4.0, 0.25], [0.01, 0.0]],
}  # fmt: skip
FACTORS = ("shape", "pos_$x")


def test_areas_of_a_hinton_diagram_are_importances():
    diagram = read_hinton("lasso", RESULT, FACTORS)
    figure = draw_importances(Importances("heading", [diagram, diagram]))
    known = np.array(RESULT["importances"])
    for axis in figure.axes:
        np.testing.assert_allclose(read_areas(axis, 3, 2), 0.95**2 * known / 4, atol=1e-9)
        latents, factors = read_ticks(axis)
        assert factors == [(0, "shape"), (1, r"pos_\$x")]
        assert latents == [(0, "0"), (1, "1"), (2, "2")]
        assert axis.get_xlabel() == "latent"
        assert axis.get_title() == (
            "lasso\nD 0.50, C 0.25, informativeness 0.12, n 6,000"
        )  # fmt: skip


def draw(diagram):
    axis = MplFigure().subplots()
    draw_hinton(axis, diagram)
    return axis


def test_squares_are_dark_on_a_bright_panel_that_holds_all_the_first_factor_on_top():
    axis = draw(make_hinton(latents=4, factors=3))
    for square in axis.patches:
        assert max(to_rgb(square.get_facecolor())) < 0.5 < min(to_rgb(axis.get_facecolor()))
        assert square.get_linewidth() == 0  # it would add to the area
    assert axis.get_aspect() == 1
    ticks = [*axis.xaxis.get_major_ticks(), *axis.yaxis.get_major_ticks()]
    assert {tick.tick1line.get_markersize() for tick in ticks} == {0}
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    assert -1 < left < -0.475 and 3.475 < right < 4
    assert -1 < top < -0.475 and 2.475 < bottom < 3


@pytest.mark.filterwarnings("error")
def test_a_diagram_of_nothing_has_no_squares():
    assert not read_areas(draw(make_hinton()._replace(importances=np.zeros((2, 5)))), 2, 5).any()


def test_long_titles_stand_in_lines_over_the_scores():
    lines = fill_lines(50)
    assert draw(make_hinton(" ".join(lines))).get_title().split("\n") == [
        *lines, "D 0.50, C 0.25, informativeness 0.12, n 6,000"
    ]  # fmt: skip


def make_measured(seed, family="lgm"):
    run = SimpleNamespace(
        config={"seed": seed}, family=family,
        split=SimpleNamespace(grid=SimpleNamespace(names=FACTORS)),
    )  # fmt: skip
    has_codes = FAMILIES[family].encode is not None
    return SimpleNamespace(run=run, has_codes=has_codes, metrics=lambda names: {names[0]: RESULT})


def test_diagrams_of_models_say_seeds_and_are_the_identity_by_construction():
    shown = {"VAE": make_measured(4), "ground-truth decoder": make_measured(7, "decoder")}
    assert title_runs(shown) == ["VAE, seed 4", "ground-truth decoder, seed 7"]
    without = SimpleNamespace(**vars(shown["VAE"]) | {"has_codes": False})
    assert list_hintons({"a model without codes": without}) == []
    vae, decoder = list_hintons(shown)
    assert vae.importances.tolist() == RESULT["importances"]
    assert decoder.importances.tolist() == np.eye(2).tolist()
    figure = draw_hintons(SimpleNamespace(heading="", diagrams=[vae, decoder, vae]))
    first, second, third, empty = figure.axes
    assert second.get_title() == "ground-truth decoder, seed 7\nby construction"
    np.testing.assert_allclose(read_areas(second, 2, 2), 0.95**2 * np.eye(2))
    assert first.get_title() == third.get_title()
    assert not empty.axison


def test_importances_of_a_run_are_by_lasso_and_by_trees():
    measured = make_measured(3)
    measured.run.config |= {"model": {"name": "kim"}, "training": {"loss": {"name": "vae"}}}
    measured.run.dataset = SimpleNamespace(label="dSprites")
    measured.run.experiment, measured.run.id = "disent", "7"
    results = {name: RESULT | {"importances": [[number, 0]], "images": number}
               for number, name in enumerate(("dci_trees", "dci_lasso"))}  # fmt: skip
    measured.metrics = lambda names: {name: results[name] for name in names}
    heading, (lasso, trees) = collect_importances(measured)
    assert heading == "dSprites · kim · vae · run disent/7 · seed 3"
    assert (lasso.title, lasso.importances.tolist()) == ("lasso", [[1, 0]])
    assert (trees.title, trees.importances.tolist()) == ("boosted trees", [[0, 0]])
    assert lasso.scores.endswith("n 1") and trees.scores.endswith("n 0")
    assert lasso.factor_names == FACTORS
    assert lasso.importances.dtype == float
    figure = draw_importances(Importances("heading", [lasso, trees]))
    assert figure.get_suptitle() == "heading"
    assert figure.axes[0].get_gridspec().get_geometry() == (1, 2)


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (2, 1, 2), (3, 2, 2), (4, 2, 2)])
def test_diagrams_stand_in_two_columns(count, rows, columns):
    figure = draw_hintons(make_hintons(count))
    assert figure.axes[0].get_gridspec().get_geometry() == (rows, columns)
    places = [axis.get_title().partition("\n")[0] for axis in figure.axes]
    assert places == [f"VAE, seed {seed}" for seed in range(count)] + [""] * (
        rows * columns - count
    )
    assert [axis.axison for axis in figure.axes] == [bool(title) for title in places]
    assert figure.get_suptitle() == make_hintons().heading


def test_diagrams_of_a_split_are_named_by_data_and_split():
    group = make_group(2)
    vars(group)["first_runs"] = {"VAE": make_measured(4)}
    data = collect_hintons(group)
    assert data.heading == (
        "dSprites (rendered stand-in) · Recombination to element: leave1out"
    )  # fmt: skip
    (diagram,) = data.diagrams
    assert (diagram.title, diagram.scores) == (
        "VAE, seed 4", "D 0.50, C 0.25, informativeness 0.12, n 6,000"
    )  # fmt: skip
    assert isinstance(diagram, Hinton) and diagram.factor_names == FACTORS


@pytest.mark.parametrize(
    ("families", "expected"),
    [(["lgm"], True), (["decoder"], True), (["encoder", "decoder"], True), ([], False)],
)
def test_diagrams_are_drawn_of_codes_or_where_these_are_the_factors(families, expected):
    runs = {family: make_measured(1, family) for family in families}
    assert hintons.FIGURE.applies(SimpleNamespace(first_runs=runs)) is expected
    assert {family for family in FAMILIES if is_disentangled(make_measured(1, family))} == {
        "decoder"
    }  # fmt: skip
