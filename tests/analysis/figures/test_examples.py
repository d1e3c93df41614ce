"""Examples of each side over what a model makes of them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from artists import list_texts, read_images, read_ticks
from disentgen.analysis.figures import reconstructions
from disentgen.analysis.figures.examples import (
    list_shown_sides,
    run_examples,
    run_task,
    save_examples,
)
from disentgen.analysis.figures.figure import Picture, load_figures
from disentgen.dataset.pictures import choose_examples
from disentgen.errors import UsageError
from disentgen.models import FAMILIES, Examples
from figure_data import (
    HEADING,
    make_images,
    make_reconstructions,
    make_subject,
    open_earlier,
)


def test_originals_stand_over_what_the_model_makes():
    run = open_earlier("lgm")
    indices = choose_examples(run.dataset, "held_out", 4)
    images = run.dataset.observe().images(indices)
    with torch.no_grad():
        made = torch.sigmoid(run.model(images).reconstruction)
    rows = run_examples(run, "held_out", 4).rows
    assert list(rows) == ["original", "reconstruction"]
    assert torch.equal(rows["original"], images)
    assert torch.equal(rows["reconstruction"], made)
    decoded = run_examples(open_earlier("decoder"), "validation", 2).rows
    assert list(decoded) == ["original", "generated"]
    known = open_earlier("decoder").dataset
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


def test_titles_of_sides_hold_the_scores_of_these_sides():
    run = open_earlier("lgm")
    for title, side in (("held in", "validation"), ("held out", "held_out")):
        score = run.results["scores"][side]
        text = reconstructions.title_side(run, title, side)
        assert text == (f"{title}: NLL {score['nll']:.1f} ± "
                        f"{score['nll_standard_error']:.1f} nats")  # fmt: skip


def test_each_family_has_the_figures_that_apply_to_it():
    shown = {"curves.png", "reconstructions.png", "errors.png"}
    latents = {"traversals.png", "traversals.gif", "samples.png"}
    codes = {"importances.png", "placement.png"}
    expected = {
        "lgm": shown | latents | codes,
        "decoder": shown,
        "composer": shown | latents | codes,
        "encoder": {"curves.png", "predictions.png", "errors.png"} | codes,
    }
    for family, known in expected.items():
        measured = SimpleNamespace(run=open_earlier(family), has_codes=family != "decoder")
        found = [figure.file for figure in load_figures("run") if figure.applies(measured)]
        assert len(found) == len(set(found))
        assert set(found) == known, family


@pytest.mark.parametrize(
    ("name", "sides"),
    [("disent/1", {"held in": "validation", "held out": "held_out"}),
     ("disent/other-nothing-held-out", {"held in": "validation"})],
)  # fmt: skip
def test_examples_are_of_the_sides_that_have_images(name, sides):
    assert list_shown_sides(open_earlier(name)) == sides


def test_a_task_is_asked_of_the_same_images_and_partners_every_time():
    run = open_earlier("composer")
    first, again = (run_task(run, "held_out", 3) for _ in range(2))
    for one, other in zip(
        (*first.inputs, first.target), (*again.inputs, again.target), strict=True
    ):
        assert torch.equal(one, other)
    task = run.task("held_out")
    indices = task.usable(choose_examples(run.dataset, "held_out", 3))
    inputs, target = task(run.dataset.observe(), indices, np.random.default_rng(0))
    assert torch.equal(first.target, target)
    with torch.no_grad():
        made = run.model(inputs)
    assert torch.equal(first.output.reconstruction, made.reconstruction)
    assert not first.output.reconstruction.requires_grad


def test_ten_examples_are_shown_of_models_that_make_images():
    rows = run_examples(open_earlier("lgm"), "validation").rows
    assert {name: len(images) for name, images in rows.items()} == {
        "original": 10, "reconstruction": 10
    }  # fmt: skip
    with pytest.raises(UsageError, match=r"^models of family 'encoder' make no images; .*/1 is"):
        run_examples(open_earlier("encoder"), "validation")


@pytest.mark.parametrize(
    ("family", "drawn"), [("lgm", "reconstructions"), ("encoder", "predictions")]
)
def test_what_is_drawn_at_the_end_of_a_training_lies_in_the_runs_folder(
    family, drawn, tmp_path, monkeypatch
):
    saved = []
    for figure in load_figures("run"):
        monkeypatch.setitem(vars(figure), "save", lambda subject, stem, name=figure.name: (
            saved.append((name, subject.run.path)) or Picture("", stem)
        ))  # fmt: skip
    run = open_earlier(family)
    assert save_examples(run) == [run.path / drawn]
    assert saved == [(drawn, run.path)]


def test_titles_without_a_score_name_the_side_alone():
    for results in (None, {}, {"scores": {}}, {"scores": {"held_out": None}}):
        run = SimpleNamespace(results=results)
        assert reconstructions.title_side(run, "held out", "held_out") == "held out"


def test_data_of_a_run_are_its_examples_by_titles_with_scores():
    run = open_earlier("lgm")
    data = reconstructions.collect_reconstructions(make_subject("lgm"))
    assert data.heading.endswith("run disent/1")
    for (title, examples), side in zip(data.sides.items(), ("validation", "held_out"), strict=True):
        assert title == reconstructions.title_side(run, title.partition(":")[0], side)
        known = run_examples(run, side)
        for name, images in known.rows.items():
            assert torch.equal(examples.rows[name], images)


def test_rows_are_as_high_as_their_images_and_captions_stand_under_their_columns():
    data = make_reconstructions(captions=("shape", "cost in $", "pos_y"))
    more = {"more": Examples(dict(zip("abcd", make_images(4, 3), strict=True)), [])}
    figure = reconstructions.draw_reconstructions(data._replace(sides=data.sides | more))
    for axis in figure.axes[:2]:
        across, down = read_ticks(axis)
        assert across == [(3.5, "shape"), (10.5, r"cost in \$"), (17.5, "pos_y")]
        assert down == [(3.5, "original"), (10.5, "reconstruction")]
    assert read_ticks(figure.axes[2])[0] == []
    figure.draw_without_rendering()
    heights = [axis.get_position().height for axis in figure.axes]
    assert heights[2] == pytest.approx(2 * heights[0], rel=0.05)
    assert figure.get_suptitle() == HEADING
    sizes = {text.get_text(): text.get_fontsize() for text in list_texts(figure)}
    assert [sizes[text] for text in (HEADING, "held in", "original", "shape")] == [9, 10, 8, 6]
    assert [axis.get_gridspec().get_geometry() for axis in figure.axes] == [(3, 1)] * 3


def test_the_caption_of_reconstructions_counts_the_fullest_row():
    one = make_reconstructions(sides=["held in"])
    few = {"held out": Examples({"original": make_images(2)}, [])}
    assert reconstructions.describe_reconstructions(one._replace(sides=few | one.sides)) == (
        "Images of each side and what the model makes of them: 3 validation images for the "
        "held-in side, 3 held-out ones. NLL: mean ± standard error over all images that the run "
        "was scored on."
    )
