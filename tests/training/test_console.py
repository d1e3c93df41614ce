"""What a run prints: lines of epochs, tables of scores."""

import pytest

from disentgen.models import FAMILIES
from disentgen.training.console import describe_row, format_scores

ROW = {
    "epoch": 3, "step": 30, "train.loss": 150.0, "train.nll": 140.25, "train.kl": 9.75,
    "validation.nll": 130.5, "validation.kl": 9.5, "images_per_second": 1234.4,
}  # fmt: skip
SCORES = {
    "train": {
        "images": 20_000, "nll": 65.584, "nll_standard_error": 0.72, "nll_floor": 0.0,
        "active_units": 7, "kl": 22.4, "samples": 16, "sampled_images": 1000, "elbo": -91.237,
        "elbo_standard_error": 1.25, "iw_nll": 86.5, "iw_nll_standard_error": 1.5,
    },
    "held_out": None,
}  # fmt: skip


def test_an_epoch_says_that_it_was_trained_on_samples():
    assert describe_row(ROW, 8, 40, FAMILIES["lgm"].output.sampled) == (
        "epoch 3/8  train (sampled) NLL 140.25 KL 9.75  validation NLL 130.50 KL 9.50  "
        "1,234 images/s  40 s left"
    )


def test_an_epoch_of_a_model_without_samples_says_just_when():
    row = {key: value for key, value in ROW.items() if not key.endswith("kl")}
    assert describe_row(row, 8, 40, FAMILIES["decoder"].output.sampled) == (
        "epoch 3/8  train (over the epoch) NLL 140.25  validation NLL 130.50  "
        "1,234 images/s  40 s left"
    )


@pytest.mark.parametrize(
    ("family", "sampled"),
    [("lgm", True), ("composer", True), ("decoder", False), ("encoder", False)],
)
def test_models_with_a_posterior_are_trained_on_samples(family, sampled):
    assert FAMILIES[family].output.sampled == sampled


def test_table_of_scores_with_bounds():
    assert format_scores(SCORES, "nats per image").splitlines() == [
        "nats per image         NLL   ± s.e.    floor       KL   active   images",
        "train                65.58     0.72     0.00    22.40        7   20,000",
        "held-out                         no image to score",
        "",
        "K = 16 samples       −ELBO   ± s.e.   IW-NLL   ± s.e.   images",
        "train                91.24     1.25    86.50     1.50    1,000",
        "held-out                         no image to score",
    ]


def test_table_of_scores_of_a_model_without_posterior():
    kept = ("images", "nll", "nll_standard_error", "nll_floor")
    scores = {"train": {key: SCORES["train"][key] for key in kept} | {"nll": 12345.678}}
    scores["train"]["nll_per_factor"] = {"shape": 3.0}
    assert format_scores(scores, "nats per image").splitlines() == [
        "nats per image         NLL   ± s.e.    floor   images",
        "train             12345.68     0.72     0.00   20,000",
        "",
        "nll per factor                   train",
        "  shape                           3.00",
    ]


def test_what_is_not_known_of_a_side_is_a_dash():
    scores = {"train": {"nll": 3.0, "nll_standard_error": 0.5, "images": 2},
              "held_out": {"nll": 4.0, "images": 1}}  # fmt: skip
    assert format_scores(scores, "nats per image").splitlines() == [
        "nats per image         NLL   ± s.e.   images",
        "train                 3.00     0.50        2",
        "held-out              4.00        –        1",
    ]


def test_an_epoch_without_validation_has_a_line():
    row = {"epoch": 1, "train.nll": 5.0, "lr": 0.1, "images_per_second": 20}
    assert describe_row(row, 2, 3.0, sampled=False) == (
        "epoch 1/2  train (over the epoch) NLL 5.00  20 images/s  3 s left"
    )
