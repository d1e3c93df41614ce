"""Training curves, by the numbers and words that are drawn."""

from types import SimpleNamespace

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from artists import read_legend, read_lines
from disentgen.analysis.figures.curves import collect_curves, describe_curves, draw_curves
from figure_data import make_curves

GREY, BLUE, RED = to_hex("0.55"), to_hex("tab:blue"), to_hex("tab:red")
SAMPLED = {"train": "train, sampled latents, over the epoch",
           "validation": "validation, posterior mean"}  # fmt: skip
PLAIN = {"train": "train, over the epoch", "validation": "validation"}


def make_measured(family, *columns):
    """A run whose history has some columns beside its epochs, two numbers in each."""
    history = pd.DataFrame({"epoch": [1, 2]} | {
        column: [10.0 * number, 10.0 * number + 1] for number, column in enumerate(columns)
    })  # fmt: skip
    config = {"model": {"name": "kim"}, "training": {"loss": {"name": "vae"}}, "seed": 3}
    dataset = SimpleNamespace(label="dSprites")
    run = SimpleNamespace(history=history, family=family, config=config, dataset=dataset,
                          experiment="disent", id="7")  # fmt: skip
    return SimpleNamespace(run=run)


@pytest.mark.parametrize(
    ("family", "columns", "expected"),
    [
        ("lgm", ["train.nll", "train.kl", "validation.nll", "validation.kl"],
         {"NLL, nats": SAMPLED, "KL, nats": PLAIN}),
        ("decoder", ["train.nll", "validation.nll"], {"NLL, nats": PLAIN}),
        ("decoder", ["train.nll"], {"NLL, nats": {"train": PLAIN["train"]}}),
        ("encoder", ["train.squared_error", "validation.nll", "train.loss"],
         {"squared error": {"train": PLAIN["train"]}, "NLL, nats": {"validation": "validation"}}),
    ],
)  # fmt: skip
def test_data_are_the_terms_of_the_history_by_side(family, columns, expected):
    measured = make_measured(family, *columns)
    data = collect_curves(measured)
    history = measured.run.history
    assert data.labels == expected
    assert list(data.terms) == [name for name in ("NLL, nats", "squared error", "KL, nats")
                                if name in expected]  # fmt: skip
    terms = {"NLL, nats": "nll", "squared error": "squared_error", "KL, nats": "kl"}
    for title, table in data.terms.items():
        known = {side: history[f"{side}.{terms[title]}"].tolist() for side in expected[title]}
        assert table.to_dict("list") == known
    assert data.epochs.tolist() == [1, 2]
    assert data.heading == "dSprites · kim · vae · run disent/7 · seed 3"


def test_every_term_has_a_panel_with_a_curve_for_each_side():
    figure = draw_curves(make_curves(["NLL, nats", "squared error", "KL, nats"]))
    assert [(axis.get_ylabel(), axis.get_yscale(), axis.get_xlabel()) for axis in figure.axes] == [
        ("NLL, nats", "log", "epoch"), ("squared error", "linear", "epoch"),
        ("KL, nats", "linear", "epoch"),
    ]  # fmt: skip
    for number, axis in enumerate(figure.axes):
        train, validation = read_lines(axis)
        assert train[:3] == ([[epoch, 20 * number + 9 + epoch] for epoch in (1, 2, 3)], GREY, ".")
        assert validation[:3] == (
            [[epoch, 20 * number + 19 + epoch] for epoch in (1, 2, 3)], BLUE, "."
        )  # fmt: skip
        assert read_legend(axis.get_legend()) == {
            "train, over the epoch": (GREY, ".", "-"), "validation": (BLUE, ".", "-")
        }  # fmt: skip
    assert figure.get_suptitle() == make_curves().heading


@pytest.mark.parametrize(("epochs", "marker"), [(1, "."), (29, "."), (30, "None")])
def test_few_epochs_are_marks_since_one_alone_makes_no_line(epochs, marker):
    (axis,) = draw_curves(make_curves(["KL, nats"], epochs)).axes
    assert [line.marker for line in read_lines(axis)] == [marker] * 2


@pytest.mark.parametrize("epochs", [3, 100])
def test_epochs_are_whole_and_their_ticks_few(epochs):
    (axis,) = draw_curves(make_curves(["KL, nats"], epochs)).axes
    low, high = axis.get_xlim()
    ticks = [tick for tick in axis.get_xticks() if low <= tick <= high]
    assert all(tick == round(tick) for tick in ticks)
    assert 3 <= len(ticks) <= 7


def test_the_caption_counts_epochs():
    assert describe_curves(make_curves(epochs=1_234)) == (
        "Training curves over 1,234 epochs: means over the images of an epoch, and over validation "
        "images after it."
    )
