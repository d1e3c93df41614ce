"""What holds of every figure: its place among them, its size, texts that can be read."""

from itertools import combinations

import pytest

from artists import list_texts
from disentgen.analysis.figures.figure import Figure, load_figures
from disentgen.drawing import default_style
from disentgen.registry import load_records
from figure_data import (
    HEADING,
    Importances,
    make_all,
    make_comparison,
    make_curves,
    make_errors,
    make_hinton,
    make_hintons,
    make_predictions,
    make_reconstructions,
    make_samples,
    make_traversals,
)

FIGURES = load_records("disentgen.analysis.figures", "FIGURE")
DATA = make_all()
PAPER = ("png", "pdf", "svg")
#: Of each kind of subject, in the order of the report: file, title, formats.
KNOWN = {
    "run": [
        ("curves", "Training curves", ("png",)),
        ("predictions", "Predictions", ("png",)),
        ("reconstructions", "Reconstructions", ("png",)),
        ("errors", "Error map", ("png",)),
        ("importances", "Importance of latents", ("png",)),
        ("placement", "Placement", ("png",)),
        ("traversals", "Latent traversals", ("png",)),
        ("traversals", "Latent traversals, moving", ("gif",)),
        ("samples", "Samples from the prior", ("png",)),
    ],
    "study": [
        ("generalisation", "Generalisation against disentanglement", PAPER),
        ("scores", "NLL by model and split", PAPER),
        ("readouts", "Read-outs by number of labels", PAPER),
    ],
    "split": [
        ("hinton", "Importance of latents by model", PAPER),
        ("images", "The same images by model", PAPER),
    ],
    "source": [("predictors", "Which score predicts the gap", PAPER)],
}


@pytest.mark.parametrize("kind", KNOWN)
def test_figures_stand_in_the_reports_order(kind):
    shown = [(figure.name, figure.title, figure.formats) for figure in load_figures(kind)]
    assert [figure for figure in shown if figure in KNOWN[kind]] == KNOWN[kind]


def test_two_figures_are_drawn_at_the_end_of_a_training():
    drawn = {figure.name for figure in FIGURES.values() if figure.at_end}
    assert drawn >= {"reconstructions", "predictions"}
    assert not drawn & ({name for known in KNOWN.values() for name, *_ in known} - drawn)


def test_a_figure_that_says_no_more_is_a_png_after_the_others_in_reports_alone():
    plain = Figure("plain", "", "", "run", bool, list, list)
    assert (plain.file, plain.formats, plain.at_end, plain.revision) == (
        "plain.png", ("png",), False, 1
    )  # fmt: skip
    assert all(figure.order < plain.order for name, figure in FIGURES.items() if name in DATA)


#: By module: data, and width and height in inches of a drawing of them.
SIZES = [
    ("curves", make_curves(["NLL, nats"]), (3.25, 2.4)),
    ("curves", make_curves(), (6.75, 2.4)),
    ("errors", make_errors(), (6.75, 6.5475)),
    ("importances", Importances(HEADING, [make_hinton(factors=5)]), (6.75, 2.5)),
    ("importances", Importances(HEADING, [make_hinton(factors=2)] * 2), (6.75, 1.72)),
    ("hintons", make_hintons(1), (3.25, 2.45)),
    ("hintons", make_hintons(2), (6.75, 2.45)),
    ("hintons", make_hintons(3), (6.75, 4.4)),
    ("hintons", make_hintons(5, factors=3), (6.75, 4.91)),
    ("predictions", make_predictions(["a"]), (6.75, 2.4)),
    ("predictions", make_predictions("abcde"), (6.75, 2.4)),
    ("predictions", make_predictions("abcdef"), (6.75, 4.3)),
    ("reconstructions", make_reconstructions(), (8.6, 3.84)),
    ("reconstructions", make_reconstructions("abcd", sides=["held in"]), (8.6, 3.84)),
    ("comparison", make_comparison(2), (6.75, 2.0875)),
    ("comparison", make_comparison(4, sides=["held in"], count=5), (6.75, 5.95)),
    ("samples", make_samples(24), (6.75, 0.4 + 2 * 6.55 / 12)),
    ("samples", make_samples(36), (6.75, 0.4 + 3 * 6.55 / 12)),
    ("traversals", make_traversals(2, 5), (6.75, 0.7 + 2 * 6.05 / 5)),
    ("traversals", make_traversals(10, 11), (6.75, 0.7 + 10 * 6.05 / 11)),
]


@pytest.mark.parametrize(("name", "data", "inches"), SIZES)
def test_figures_are_as_wide_as_a_column_or_page_and_as_high_as_their_panels_need(
    name, data, inches
):
    assert tuple(FIGURES[name].draw(data).get_size_inches()) == pytest.approx(inches)


def test_pictures_of_images_keep_their_proportions():
    for make in (make_samples, make_traversals):
        data = make()
        wide = data._replace(images=data.images.repeat_interleave(2, -1))
        name = make.__name__.removeprefix("make_")
        (_, square), (_, flat) = (
            FIGURES[name].draw(each).get_size_inches() for each in (data, wide)
        )
        rest = {"samples": 0.4, "traversals": 0.7}[name]
        assert flat - rest == pytest.approx((square - rest) / 2)


@pytest.mark.parametrize("name", DATA)
def test_texts_can_be_read(name):
    """They are of a paper's sizes, lie inside the picture, and none over another."""
    with default_style():
        figure = FIGURES[name].draw(DATA[name])
        texts = list_texts(figure)
    heading = DATA[name].heading
    assert any(text.get_text().startswith(heading) for text in texts)
    largest = 10 if name == "reconstructions" else 8  # that is looked at on a screen
    assert all(5 <= text.get_fontsize() <= largest for text in texts)
    boxes = {text: text.get_window_extent() for text in texts}
    for text, box in boxes.items():
        assert 0 <= box.x0 <= box.x1 <= figure.bbox.x1, text
        assert 0 <= box.y0 <= box.y1 <= figure.bbox.y1, text
    for (one, box), (other, near) in combinations(boxes.items(), 2):
        apart = max(box.x0 - near.x1, near.x0 - box.x1, box.y0 - near.y1, near.y0 - box.y1)
        assert apart > -1, (one, other)
