"""Traversals, samples from the prior, reconstructions: which image is drawn where."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from conftest import REPOSITORY
from disentgen.analysis.figures import animation, reconstructions, samples, traversals
from disentgen.analysis.figures.comparison import Comparison, compare_runs, draw_comparison
from disentgen.analysis.figures.examples import run_examples
from disentgen.analysis.figures.figure import load_figures
from disentgen.analysis.figures.predictions import collect_predictions, draw_predictions
from disentgen.dataset.pictures import choose_examples
from disentgen.drawing import GAP
from disentgen.errors import UsageError
from disentgen.models import FAMILIES, Examples
from disentgen.runs import open_run

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"


@pytest.fixture(scope="module")
def runs():
    """A run of each family, of models that have hardly been trained."""
    names = {"lgm": "disent/1", "decoder": "decoders/1", "composer": "composition/unbroken",
             "encoder": "supervised/1"}  # fmt: skip
    return {family: open_run(EARLIER / name) for family, name in names.items()}


def subject(run):
    return SimpleNamespace(run=run)


class Painter(nn.Module):
    """Decodes latents to images whose two pixels are the logits of the first two latents."""

    def decode(self, latents):
        return latents[:, None, None, :2]


def read_images(axis, rows, columns, height, width):
    """The images that were drawn in rows, (rows, columns, height, width)."""
    picture = np.asarray(axis.images[0].get_array())[..., 0]
    return np.array([
        [picture[GAP + row * (height + GAP) :, GAP + column * (width + GAP) :][:height, :width]
         for column in range(columns)]
        for row in range(rows)
    ])  # fmt: skip


def test_each_latent_is_moved_alone_and_upwards():
    places = torch.tensor([-2.0, 0.0, 1.0])
    code = torch.tensor([0.5, -0.5, 3.0])
    images = traversals.traverse(Painter(), code, places)
    assert images.shape == (3, 3, 1, 1, 2)
    logits = torch.logit(images)[:, :, 0, 0]
    moved, fixed = places.tolist(), [0.5] * 3
    assert logits[0, :, 0].tolist() == pytest.approx(moved, abs=1e-5)
    assert logits[0, :, 1].tolist() == pytest.approx([-0.5] * 3, abs=1e-5)
    assert logits[1, :, 1].tolist() == pytest.approx(moved, abs=1e-5)
    assert logits[1, :, 0].tolist() == pytest.approx(fixed, abs=1e-5)
    assert logits[2].tolist() == [pytest.approx([0.5, -0.5], abs=1e-5)] * 3


def test_traversals_of_a_run_are_in_the_order_of_kl(runs):
    run = runs["lgm"]
    found = traversals.traverse_run(run, 5)
    kl = np.array(run.results["scores"]["train"]["kl_per_latent"])
    order = np.argsort(-kl)
    assert found.names == [f"z{latent} ({kl[latent]:.2f})" for latent in order]
    assert found.places.tolist() == [-2.5, -1.25, 0, 1.25, 2.5]
    image = run.dataset.observe().images(choose_examples(run.dataset, "validation", 1))
    for row, latent in ((0, order[0]), (9, order[9])):
        with torch.no_grad():
            code = run.model.encode(image).mean
            code[0, latent] = -2.5
            first = torch.sigmoid(run.model.decode(code))[0]
        torch.testing.assert_close(found.images[row, 0], first, rtol=1e-4, atol=1e-5)


def test_traversals_are_drawn_row_by_row():
    images = torch.rand(2, 3, 1, 4, 6)
    data = traversals.Traversals("heading", images, ["z1 (2.00)", "z0 (1.00)"],
                                 torch.tensor([-1.0, 0.0, 1.0]))  # fmt: skip
    (axis,) = traversals.draw_traversals(data).axes
    np.testing.assert_allclose(read_images(axis, 2, 3, 4, 6), images[:, :, 0], rtol=1e-6)
    assert [text.get_text() for text in axis.get_yticklabels()] == data.names
    assert [text.get_text() for text in axis.get_xticklabels()] == ["-1.0", "+0.0", "+1.0"]
    assert axis.get_yticks()[0] < axis.get_yticks()[1]
    assert axis.get_ylim()[0] > axis.get_ylim()[1]  # the first row is on top


def test_the_animation_moves_there_and_back():
    images = torch.linspace(0, 1, 4)[None, :, None, None, None].expand(7, 4, 1, 8, 8)
    data = traversals.Traversals("", images, [""] * 7, torch.arange(4.0))
    frames = animation.draw_frames(data)
    shown = [frame.convert("L").getpixel((6, 6)) for frame in frames]
    assert shown == [0, 85, 170, 255, 170, 85]
    assert frames[0].size == (5 * 11 + GAP, 2 * 11 + GAP)


def test_samples_are_decoded_from_the_same_standard_normal_draws(runs):
    run = runs["lgm"]
    found = samples.collect_samples(subject(run))
    again = samples.draw_latents(len(found.latents), 10)
    assert torch.equal(found.latents, again)
    generator = torch.Generator().manual_seed(0)
    assert torch.equal(again, torch.randn(60, 10, generator=generator))
    with torch.no_grad():
        images = torch.sigmoid(run.model.decode(again))
    assert torch.equal(found.images, images)
    many = samples.draw_latents(100_000, 2)
    assert many.mean(0).tolist() == pytest.approx([0, 0], abs=0.02)
    assert torch.cov(many.T).flatten().tolist() == pytest.approx([1, 0, 0, 1], abs=0.02)
    (axis,) = samples.draw_samples(found).axes
    shown = read_images(axis, samples.ROWS, samples.COLUMNS, 64, 64)
    np.testing.assert_allclose(shown.reshape(-1, 64, 64), images[:, 0], rtol=1e-6)
    assert "60 images decoded from z ~ N(0, I) of 10 latents" in samples.describe_samples(found)
    with pytest.raises(UsageError, match="no prior over latents"):
        samples.collect_samples(subject(runs["decoder"]))


def test_originals_stand_over_what_the_model_makes(runs):
    run = runs["lgm"]
    indices = choose_examples(run.dataset, "held_out", 4)
    images = run.dataset.observe().images(indices)
    with torch.no_grad():
        made = torch.sigmoid(run.model(images).reconstruction)
    rows = run_examples(run, "held_out", 4).rows
    assert list(rows) == ["original", "reconstruction"]
    assert torch.equal(rows["original"], images)
    assert torch.equal(rows["reconstruction"], made)
    decoded = run_examples(runs["decoder"], "validation", 2).rows
    assert list(decoded) == ["original", "generated"]
    known = runs["decoder"].dataset
    expected = known.observe().images(choose_examples(known, "validation", 2))
    assert torch.equal(decoded["original"], expected)
    assert not torch.equal(decoded["generated"], expected)


def test_a_composers_rows_are_named_by_what_they_are():
    made, reference, other, target = torch.rand(4, 2, 1, 3, 3).split(1)
    action = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    output = SimpleNamespace(images=made[0])
    arrange = FAMILIES["composer"].examples
    found = arrange((reference[0], other[0], action), target[0], output, ("shape", "size"))
    assert found.captions == ["size", "shape"]
    assert list(found.rows) == ["reference", "takes from", "target", "composed"]
    expected = (reference[0], other[0], target[0], made[0])
    for row, images in zip(found.rows.values(), expected, strict=True):
        torch.testing.assert_close(row, images)


def test_reconstructions_are_drawn_in_the_rows_of_their_names():
    sides = {
        title: Examples(dict(zip(names, torch.rand(2, 3, 1, 4, 4), strict=True)), captions)
        for title, names, captions in (
            ("held in: NLL 1", ("original", "reconstruction"), []),
            ("held out", ("target", "composed"), ["a", "b", "c"]),
        )
    }
    data = reconstructions.Reconstructions("costs $1 and $2", sides)
    figure = reconstructions.draw_reconstructions(data)
    for axis, (title, examples) in zip(figure.axes, sides.items(), strict=True):
        assert axis.get_title(loc="left") == title
        assert [text.get_text() for text in axis.get_yticklabels()] == list(examples.rows)
        expected = torch.stack(list(examples.rows.values()))[:, :, 0]
        np.testing.assert_allclose(read_images(axis, 2, 3, 4, 4), expected, rtol=1e-6)
    assert [text.get_text() for text in figure.axes[1].get_xticklabels()] == ["a", "b", "c"]
    assert "3 validation images" in reconstructions.describe_reconstructions(data)


def test_titles_of_sides_hold_the_scores_of_these_sides(runs):
    run = runs["lgm"]
    for title, side in (("held in", "validation"), ("held out", "held_out")):
        score = run.results["scores"][side]
        text = reconstructions.title_side(run, title, side)
        assert text == (f"{title}: NLL {score['nll']:.1f} ± "
                        f"{score['nll_standard_error']:.1f} nats")  # fmt: skip


def test_predictions_are_drawn_over_true_values(runs):
    run = runs["encoder"]
    data = collect_predictions(subject(run))
    indices = choose_examples(run.dataset, "held_out", 500)
    observed = run.dataset.observe()
    with torch.no_grad():
        predicted = run.model(observed.images(indices)).prediction
    true = observed.factor_values(indices)
    figure = draw_predictions(data)
    for number, (factor, axis) in enumerate(zip(run.split.grid.names, figure.axes, strict=False)):
        points = data.points[factor]["held out"]
        np.testing.assert_allclose(points.true, true[:, number], rtol=1e-6)
        np.testing.assert_allclose(points.predicted, predicted[:, number], rtol=1e-5, atol=1e-6)
        assert axis.get_title() == factor
        marks = {line.get_label(): line for line in axis.lines}
        np.testing.assert_allclose(marks["held out"].get_xdata(), points.true)
        np.testing.assert_allclose(marks["held out"].get_ydata(), points.predicted)
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == [
        "square", "ellipse", "heart"
    ]  # fmt: skip
    values = observed.factor_values(np.arange(0, run.split.grid.size, 1000))[:, 0].tolist()
    assert figure.axes[0].get_xticks().tolist() == pytest.approx(sorted(set(values)))
    assert figure.axes[0].get_ylabel() == "predicted"
    assert figure.get_supxlabel() == "true value"


def test_models_are_compared_on_the_same_images(runs):
    pair = [open_run(EARLIER / name) for name in ("disent/1", "disent/2")]
    data = compare_runs(pair, ["VAE, seed 1", "VAE, seed 2"])
    assert data.titles == ["original", "VAE, seed 1", "VAE, seed 2"]
    for side, name in (("held in", "validation"), ("held out", "held_out")):
        images = pair[0].dataset.observe().images(choose_examples(pair[0].dataset, name, 6))
        assert torch.equal(data.sides[side][0], images)
        for row, run in zip(data.sides[side][1:], pair, strict=True):
            with torch.no_grad():
                assert torch.equal(row, torch.sigmoid(run.model(images).reconstruction))
    with pytest.raises(UsageError, match="different splits"):
        compare_runs([runs["lgm"], runs["decoder"]], ["", ""])


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


def test_each_family_has_the_figures_that_apply_to_it(runs):
    shown = {"curves.png", "reconstructions.png", "errors.png"}
    latents = {"traversals.png", "traversals.gif", "samples.png"}
    codes = {"importances.png", "placement.png"}
    expected = {
        "lgm": shown | latents | codes,
        "decoder": shown,
        "composer": shown | latents | codes,
        "encoder": {"curves.png", "predictions.png", "errors.png"} | codes,
    }
    for family, run in runs.items():
        measured = SimpleNamespace(run=run, has_codes=family != "decoder")
        found = [figure.file for figure in load_figures("run") if figure.applies(measured)]
        assert len(found) == len(set(found))
        assert set(found) == expected[family], family
