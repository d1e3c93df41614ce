"""Traversals and samples from the prior: which image is drawn where."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from artists import read_images, read_ticks
from disentgen.analysis.figures import animation, samples, traversals
from disentgen.dataset.pictures import choose_examples
from disentgen.drawing import GAP
from disentgen.errors import UsageError
from figure_data import HEADING, make_samples, make_subject, make_traversals, open_earlier


class Painter(nn.Module):
    """Decodes latents to images whose two pixels are the logits of the first two latents."""

    def decode(self, latents):
        return latents[:, None, None, :2]


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


def test_traversals_of_a_run_are_in_the_order_of_kl():
    run = open_earlier("lgm")
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


def test_samples_are_decoded_from_the_same_standard_normal_draws():
    run = open_earlier("lgm")
    found = samples.collect_samples(make_subject("lgm"))
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
        samples.collect_samples(make_subject("decoder"))


def test_a_run_is_traversed_in_eleven_steps_and_moves_in_twice_as_many():
    subject = make_subject("lgm")
    still = traversals.FIGURE.data(subject)
    moving = animation.FIGURE.data(subject)
    for data, steps in ((still, 11), (moving, 22)):
        assert data.places.tolist() == pytest.approx(np.linspace(-2.5, 2.5, steps).tolist())
        assert data.images.shape == (10, steps, 1, 64, 64)
        assert data.heading.endswith("run disent/1 · seed 1")
    assert still.names == moving.names


@pytest.mark.parametrize("results", [None, {"scores": {}}])
def test_only_finished_runs_whose_models_decode_latents_are_traversed(results):
    run = open_earlier("lgm" if results is None else "decoder")
    stopped = SimpleNamespace(model=run.model, results=results, experiment="disent", id="9")
    with pytest.raises(UsageError, match=r"^run disent/9 has no latents to move\.$"):
        traversals.traverse_run(stopped)


def test_values_of_traversed_latents_stand_under_their_images():
    data = make_traversals(latents=2, steps=3)._replace(images=torch.rand(2, 3, 1, 4, 6))
    figure = traversals.draw_traversals(data)
    (axis,) = figure.axes
    across, down = read_ticks(axis)
    assert across == [(4.5, "-2.5"), (13.5, "+0.0"), (22.5, "+2.5")]
    assert down == [(3.5, "z0 (1.00)"), (10.5, "z1 (1.00)")]
    assert axis.get_xlabel() == "value of the latent; beside rows: latent (KL in nats)"
    assert figure.get_suptitle() == HEADING


def test_captions_of_decoded_latents_say_how_far_and_from_what():
    still = traversals.describe_traversals(make_traversals())
    assert still == (
        "Latents moved one at a time from the code of one validation image, from -2.5 to +2.5 "
        "standard deviations of the prior; those of the largest KL (mean over the training images "
        "that the run was scored on) on top."
    )
    moving = animation.describe_animation(make_traversals())
    assert moving == f"The same, moving; in rows of 5. {still}"
    assert samples.describe_samples(make_samples(24)) == (
        "Samples from the prior: 24 images decoded from z ~ N(0, I) of 10 latents, drawn with a "
        "generator of seed 0 whatever the run; pixels are means of their Bernoulli distributions."
    )


def test_latents_beside_each_other_in_an_animation_have_grey_between_them():
    images = torch.linspace(0, 1, 14).reshape(7, 2, 1, 1, 1).expand(7, 2, 1, 8, 8)
    frames = animation.draw_frames(traversals.Traversals("", images, [""] * 7, torch.arange(2.0)))
    assert len(frames) == 2
    for step, frame in enumerate(frames):
        shown = np.asarray(frame.convert("L"), dtype=float) / 255
        assert shown.shape == (2 * 11 + GAP, 5 * 11 + GAP)
        assert shown[:GAP] == pytest.approx(np.full((GAP, 58), 0.6), abs=0.01)
        assert shown[GAP : GAP + 8, GAP + 8 : GAP + 11] == pytest.approx(0.6, abs=0.01)
        for latent in range(7):
            row, column = divmod(latent, 5)
            image = shown[GAP + 11 * row :, GAP + 11 * column :][:8, :8]
            assert image == pytest.approx(np.full((8, 8), images[latent, step, 0, 0, 0]), abs=0.01)


def test_samples_stand_in_rows_of_twelve_under_what_they_are():
    figure = samples.draw_samples(make_samples(36))
    (axis,) = figure.axes
    images = make_samples(36).images
    shown = read_images(axis, 3, 12, 4, 4)
    np.testing.assert_allclose(shown.reshape(36, 4, 4), images[:, 0], rtol=1e-6)
    assert axis.images[0].get_array().shape[:2] == (3 * 7 + GAP, 12 * 7 + GAP)
    assert figure.get_suptitle() == f"{HEADING} · samples from the prior"
    assert {name for _, name in read_ticks(axis)[1]} == {""}


def test_samples_of_runs_without_a_prior_are_refused_by_name():
    with pytest.raises(UsageError, match=r"^run decoders/1 has no prior over latents to draw f"):
        samples.collect_samples(make_subject("decoder"))
    assert samples.collect_samples(make_subject("lgm")).heading.endswith("disent/1 · seed 1")
    applies = {name: traversals.decodes_latents(make_subject(name))
               for name in ("lgm", "decoder", "composer", "encoder")}  # fmt: skip
    assert applies == {"lgm": True, "decoder": False, "composer": True, "encoder": False}
