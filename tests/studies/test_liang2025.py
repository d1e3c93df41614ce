"""The study of bumps: its rows, what its claims are decided by, and a decoder that succeeds."""

import numpy as np
import pandas as pd
import pytest
import torch

from configs.bumps import BUMP_DECODERS, BUMP_TRAINING
from conftest import read_config
from disentgen.analysis.measure import Measurements
from disentgen.analysis.measurements.nearest import NEAREST, is_small, square_distances
from disentgen.analysis.tables import tabulate_runs
from disentgen.dataset import build_dataset
from disentgen.models import build_model
from disentgen.models.outputs import GaussianImageOutput
from disentgen.run_directory import RunDirectory
from disentgen.runs import open_run
from disentgen.studies.liang2025 import STUDY
from disentgen.studies.protocols import load_protocols
from disentgen.studies.rows import Row
from disentgen.studies.verdicts.decisions import NOT_SUPPORTED, SUPPORTED, tabulate_verdicts
from disentgen.studies.verdicts.departures import add_protocols
from disentgen.studies.verdicts.selection import add_scores
from disentgen.training.assembly import assemble
from disentgen.training.run import train
from processes import call_module

RENDERED = {"name": "bumps", "version": "bright", "variant": "corner_12", "validation": 0.001}
SQUARE = {"name": "bumps", "variant": "square_6_22", "validation": 0.001}


def count_parameters(model):
    return sum(weights.numel() for weights in model.parameters())


def configure(dataset, model, training, **more):
    settings = {**BUMP_TRAINING[training], "find_duplicates": False, **more}
    return read_config(
        "decoder", experiment="decoders", dataset=dataset, model=BUMP_DECODERS[model],
        training=settings,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of a row of the study, with much too few steps."""
    folder = tmp_path_factory.mktemp("runs") / "decoders" / "1"
    train(configure(SQUARE, "bump_cnn2", "bumps", epochs=1, epoch_length=2), RunDirectory(folder))
    return open_run(folder)


def test_rows_are_29_decoders_of_their_depth():
    models = {row.model for row in STUDY.entries}
    assert len(STUDY.entries) == len(models) == 3 * 9 + 2
    for encoding, features in (("scalar", 2), ("one_hot", 56), ("bump", 56), ("stripes", 80)):
        for depth in (2, 5, 10):
            section = BUMP_DECODERS[f"{encoding}_cnn{depth}"]
            decoder = build_model("decoder", (1, 28, 28), 2, section).decoder
            convolutions = [part for part in decoder if isinstance(part, torch.nn.ConvTranspose2d)]
            assert len(convolutions) == depth + 2
            assert convolutions[0].in_channels == features
            weights = features * 64 * 49 + 2 * 64 * 64 * 16 + (depth - 2) * 64 * 64 * 9 + 64 * 9
            assert count_parameters(decoder) == weights + 64 * (depth + 1) + 1


def test_the_rendering_decoder_has_as_many_weights_as_the_published_one():
    model = build_model("decoder", (1, 32, 32), 2, BUMP_DECODERS["rendering"])
    assert count_parameters(model) == 133_218


def test_protocols_are_those_of_the_published_code():
    protocols = load_protocols(STUDY)
    steps = {row.model: protocol["steps"] for row, protocol in protocols.items()}
    assert (steps.pop("stripes_cnn8"), steps.pop("rendering")) == (1_260, 20_000)
    assert set(steps.values()) == {3_150}
    for row, protocol in protocols.items():
        decay = 1e-4 if row.model == "rendering" else None  # torch's own, 0.01
        assert protocol.get("training.optimizer_params.weight_decay") == decay
        assert protocol["training.lr"] == 1e-3 and protocol["training.batch_size"] == 32
        assert protocol["training.optimizer"] == "adamw"
        assert protocol["training.select"] == "last"
        assert protocol["model.likelihood"] == "gaussian"


def test_penalties_count_in_the_loss_and_not_in_scores():
    training = assemble(configure(RENDERED, "rendering", "bumps_rendering"))
    layer = training.model.decoder[1]
    with torch.no_grad():
        layer.left[0, 0, :, 0] *= torch.linspace(0.5, 2, 32)  # so that R and L differ in penalty
        wanted = layer.penalty().item()
    terms = training.update(next(iter(training.batches.epoch(1))), 0)
    assert terms["penalty"].item() == pytest.approx(wanted, rel=1e-6)
    assert terms["loss"].item() == pytest.approx(terms["nll"].item() + wanted, rel=1e-6)
    assert training.score("held_out", None).nll < 20 < wanted
    squares = layer.values.detach().double().square()
    shares = squares / squares.sum(-1, keepdim=True)
    entropy = -(shares * shares.log()).sum().item()
    # Published: 0.1 beside a mean over 32 · 32 pixels, of which the NLL is half the sum.
    layer.variance = 0.0
    assert layer.penalty().item() == pytest.approx(0.1 * 512 * entropy, rel=1e-4)


def test_distances_are_those_of_all_pairs():
    first, second = torch.rand(4, 7, dtype=torch.float64), torch.rand(5, 7, dtype=torch.float64)
    wanted = [[((one - other) ** 2).sum().item() for other in second] for one in first]
    assert np.allclose(square_distances(first, second), wanted)


def test_the_nearest_training_image_and_their_mean_beside_brute_force(trained):
    measured = Measurements(trained).get(NEAREST)
    dataset = build_dataset("bumps", variant="square_6_22", validation=0.001)
    pixels = {
        side: dataset.images(dataset.split.indices(side)).astype(float) / 255
        for side in ("train", "held_out")
    }
    mean = pixels["train"].mean(axis=0)
    nearest = [min(((image - other) ** 2).sum() for other in pixels["train"])
               for image in pixels["held_out"]]  # fmt: skip
    from_mean = [((image - mean) ** 2).sum() for image in pixels["held_out"]]
    assert measured["images"] == 17**2
    assert measured["nearest"] == pytest.approx(np.mean(nearest) / 2, rel=1e-6)
    assert measured["mean"] == pytest.approx(np.mean(from_mean) / 2, rel=1e-6)
    # Two bumps apart differ by twice the square of one, ∫exp(−r²) = π; all white by once.
    assert measured["nearest"] < np.pi and measured["mean"] == pytest.approx(np.pi / 2, rel=0.02)


def test_the_constant_image_is_scored_by_squared_error(trained):
    constant = Measurements(trained).get("constant_image")
    pixels = trained.dataset.images(trained.split.indices("train")).astype(float) / 255
    wanted = ((pixels - pixels.mean(axis=0)) ** 2).sum(axis=(1, 2, 3)).mean() / 2
    assert constant["nll"] == constant["excess"] == pytest.approx(wanted, rel=1e-6)
    assert constant["floor"] == 0


def test_only_small_datasets_scored_by_squared_error_are_compared(trained, tmp_path):
    assert is_small(trained)
    config = read_config(
        "decoder", dataset={"name": "bumps", "variant": "square_6_22"},
        model={**BUMP_DECODERS["bump_cnn2"], "likelihood": "bernoulli"},
        training={**BUMP_TRAINING["bumps"], "epochs": 1, "epoch_length": 1,
                  "find_duplicates": False},
    )  # fmt: skip
    train(config, RunDirectory(tmp_path / "1"))
    assert not is_small(open_run(tmp_path / "1"))


def test_a_run_is_of_the_row_that_its_architecture_names(trained):
    (row,) = add_protocols(tabulate_runs([trained]), [trained], STUDY).to_dict("records")
    assert row["row"] == "bump_cnn2" and row["source"] == "drawn"
    assert (
        row["protocol"] == "steps 2 (3,150); training.epoch_length 2 (63); training.epochs 1 (50)"
    )


def make_table(ratios):
    """Runs that follow the study, of the error's ratios over the nearest image's by model."""
    rows = [
        {"run": f"decoders/{model}-{seed}", "experiment": "decoders", "dataset": "bumps",
         "version": "", "source": "drawn", "variant": row.variant, "row": row.model,
         "protocol": "", "control": False, "seed": seed, "label": "ground-truth decoder",
         "cell": model, "nll_train": 0.01, "nll_held_out": 1.5 * ratio, "excess_train": 0.01,
         "excess_held_out": 1.5 * ratio, "excess_constant": 1.6, "nll_nearest": 2.9,
         "nll_mean_image": 1.5, "metric_images": np.nan, "disentanglement": 1.0,
         "gap_to_control": np.nan, "control_run": np.nan}
        for row in STUDY.entries
        for model in [row.model]
        for seed, ratio in enumerate(ratios(model))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def judge(ratios):
    table = tabulate_verdicts(make_table(ratios), STUDY)
    return dict(zip(table["number"], table["verdict"], strict=True)), table


SUCCEEDS, FAILS = (0.020, 0.021, 0.023), (1.6, 1.7, 1.9)


def test_the_published_pattern_supports_all_claims():
    solved = ("stripes_cnn8", "rendering")
    verdicts, table = judge(lambda model: SUCCEEDS if model in solved else FAILS)
    assert len(verdicts) == 8 and set(verdicts.values()) == {SUPPORTED}
    assert set(table["control"]) == {""}  # a control decides nothing here
    assert table["estimate"].iloc[-1] == pytest.approx(np.prod(SUCCEEDS) ** (1 / 3))


def test_the_opposite_speaks_against_all_claims():
    solved = ("stripes_cnn8", "rendering")
    verdicts, _ = judge(lambda model: FAILS if model in solved else SUCCEEDS)
    assert set(verdicts.values()) == {NOT_SUPPORTED}


def test_the_better_answer_without_composing_is_the_bound():
    runs = make_table(lambda model: FAILS)
    assert add_scores(runs)["over_uncomposed"].tolist() == pytest.approx(list(FAILS) * 29)
    swapped = runs.assign(nll_nearest=0.75)
    assert add_scores(swapped)["over_uncomposed"].tolist() == pytest.approx(
        [2 * ratio for ratio in FAILS] * 29
    )
    assert add_scores(runs.assign(nll_nearest=np.nan))["over_uncomposed"].isna().all()
    assert add_scores(runs.drop(columns="nll_nearest"))["over_uncomposed"].isna().all()


def test_one_depth_that_succeeds_speaks_against_failing_at_every_depth():
    verdicts, _ = judge(lambda model: SUCCEEDS if model == "bump_cnn7" else FAILS)
    assert verdicts["2c"] == NOT_SUPPORTED and verdicts["1c"] == verdicts["2a"] == SUPPORTED


def test_claims_name_rows_of_the_study():
    for claim in STUDY.claims:
        assert set(claim.cells) <= set(STUDY.entries)
    assert {row for claim in STUDY.claims for row in claim.cells} == set(STUDY.entries)
    assert Row("decoders", "bumps", "corner_12", "rendering") in STUDY.entries


@pytest.mark.slow
def test_the_rendering_layer_begins_to_compose_within_a_twentieth_of_its_steps(tmp_path):
    results = train(
        configure(RENDERED, "rendering", "bumps_rendering", epochs=50, validation_images=1),
        RunDirectory(tmp_path / "1"),
    ).results
    measured = Measurements(open_run(tmp_path / "1")).get(NEAREST)
    uncomposed = min(measured["nearest"], measured["mean"])
    assert results["scores"]["held_out"]["nll"] < 0.7 * uncomposed
    assert results["scores"]["train"]["nll"] < 0.1 * uncomposed


@pytest.mark.ci
def test_a_row_is_trained_and_compared_from_the_command_line(environment, data):
    words = ("--study", "liang2025", "--smoke", "--model", "one_hot_cnn2", "--with", "threads=1")
    call_module(environment, "experiments.sweep", "decoders", *words)
    run = open_run(data / "sims" / "decoders" / "1")
    assert run.status == "COMPLETED" and run.results["data"]["source"] == "drawn"
    assert run.model.output is GaussianImageOutput
    compared = call_module(environment, "analysis.compare").stdout
    assert "only runs of another protocol: one_hot_cnn2 (square_6_22)" in compared
    assert "nearest_image" in (run.path / "analysis" / "metrics.json").read_text()
