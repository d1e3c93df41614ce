"""Hinton diagrams and placement, by the numbers that are drawn."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from disentgen.analysis.figures.hintons import draw_hintons, list_hintons, title_runs
from disentgen.analysis.figures.importances import Importances, draw_importances, read_hinton
from disentgen.analysis.figures.placement import (
    Placement,
    describe_placement,
    draw_placement,
    project,
)
from disentgen.models import FAMILIES

RESULT = {
    "disentanglement": 0.5, "completeness": 0.25, "informativeness": 0.125, "images": 6_000,
    "importances": [[0.0, 1.0], [4.0, 0.25], [0.01, 0.0]],
}  # fmt: skip
FACTORS = ("shape", "pos_$x")


def areas(axis, latents, factors):
    """(latents, factors) areas of the squares of a diagram, as a share of the largest."""
    found = np.zeros((latents, factors))
    for square in axis.patches:
        centre = (square.get_x() + square.get_width() / 2, square.get_y() + square.get_height() / 2)
        latent, factor = (round(place) for place in centre)
        found[latent, factor] = square.get_width() * square.get_height()
    return found / found.max()


def test_areas_of_a_hinton_diagram_are_importances():
    diagram = read_hinton("lasso", RESULT, FACTORS)
    figure = draw_importances(Importances("heading", [diagram, diagram]))
    known = np.array(RESULT["importances"])
    for axis in figure.axes:
        np.testing.assert_allclose(areas(axis, 3, 2), known / known.max(), atol=1e-9)
        assert [text.get_text() for text in axis.get_yticklabels()] == ["shape", r"pos_\$x"]
        assert [text.get_text() for text in axis.get_xticklabels()] == ["0", "1", "2"]
        assert axis.get_xlabel() == "latent"
        assert axis.get_title() == (
            "lasso\nD 0.50, C 0.25, informativeness 0.12, n 6,000"
        )  # fmt: skip


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
    np.testing.assert_allclose(areas(second, 2, 2), np.eye(2))
    assert first.get_title() == third.get_title()
    assert not empty.axison


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
