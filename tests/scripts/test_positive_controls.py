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
def test_an_additive_decoder_of_two_sprites(environment, data):
    layers = [["linear", 12288], ["unflatten", [3, 64, 64]]]
    printed = call(
        environment, "experiments.decoders", "with", "dataset.two_sprites",
        "dataset.variant=orthogonal", f"model.decoder={[['additive', [layers, 2]]]}",
        "model.likelihood=gaussian", "training.loss.reconstruction=mse",
        "training.optimizer=adamw", "seed=1", *SHORT,
    )  # fmt: skip
    assert "Two sprites, drawn" in printed
    run = open_run(data / "sims" / "decoders" / "1")
    assert run.results["data"]["source"] == run.config["dataset"]["source"] == "drawn"
    assert run.results["scores"]["held_out"]["images"] == 16
    (summed,) = run.model.decoder
    assert len(summed) == 2
    line = call(environment, "analysis.measure", "inversion", str(run.path), "--images", "2")
    measured = json.loads(line)["inversion"]["held_out"]
    assert measured["images"] == 2
    assert measured["squared_error_found"] < measured["squared_error_own"]
