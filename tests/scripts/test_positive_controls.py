"""Positive controls from the command line: trained, opened, measured on request."""

import json
import subprocess
import sys

import pytest

from conftest import REPOSITORY
from disentgen.runs import open_run

SHORT = [
    "training.epochs=2", "training.epoch_length=3", "training.batch_size=8", "threads=1",
    "training.validation_images=16", "training.score_images=16", "training.find_duplicates=False",
]  # fmt: skip


def call(environment, module, *words):
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=REPOSITORY / "scripts", env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.ci
@pytest.mark.parametrize(
    ("experiment", "words", "variant"),
    [
        (
            "decoders",
            ["training.loss.reconstruction=mse", "training.optimizer=adamw"],
            "orthogonal",
        ),
        ("disent", ["training.consistency"], "diagonal_wide"),
    ],
)
def test_additive_models_of_two_sprites(environment, data, experiment, words, variant):
    printed = call(
        environment, f"experiments.{experiment}", "with", "dataset.two_sprites",
        f"dataset.variant={variant}", "model.additive", "seed=1", *words, *SHORT,
    )  # fmt: skip
    assert "Two sprites, drawn" in printed
    run = open_run(data / "sims" / experiment / "1")
    assert run.results["data"]["source"] == run.config["dataset"]["source"] == "drawn"
    assert run.results["scores"]["held_out"]["images"] == 16
    (summed,) = run.model.decoder
    assert len(summed) == 2
    if experiment == "disent":
        assert run.history["train.consistency"].notna().all()
    line = call(environment, "analysis.measure", "inversion", str(run.path), "--images", "1")
    measured = json.loads(line)["inversion"]["held_out"]
    assert measured["images"] == 1
    assert measured["squared_error_found"] <= measured["squared_error_own"] + 1e-3
    quality = call(environment, "analysis.measure", "image_quality", str(run.path))
    assert json.loads(quality)["image_quality"]["held_out"]["r2"] < 1
