"""A package outside the repository, by the real command line: trained, listed, in the report."""

import json

import pandas as pd
import pytest

from own_package import MISH, write_package
from processes import call_module

QUICK = ("training.epochs=1", "training.epoch_length=2", "training.validation_images=16",
         "training.score_images=64", "training.find_duplicates=False", "threads=1")  # fmt: skip
WORDS = ("dataset.crosses", "dataset.variant=high", "training.loss.name=sparse", MISH,
         "model.latent_size=3", *QUICK)  # fmt: skip
REPORT = ("analysis.report", "--images", "60", "--jobs", "1")


@pytest.fixture
def package(tmp_path):
    return write_package(tmp_path / "elsewhere", "own_package_of_commands")


@pytest.fixture
def call(environment):
    return lambda *words, **given: call_module(environment, *words, **given)


@pytest.mark.ci
def test_a_package_of_ones_own_from_the_command_line_to_the_report(package, call, data):
    flag = f"--plugin={package}"
    swept = call("experiments.sweep", "disent", flag, "with", *WORDS, "seed=1", "seed=2")
    assert "2 cells: 2 done" in swept.stdout
    config = json.loads((data / "sims" / "disent" / "2" / "config.json").read_text())
    assert config["plugins"] == ["own_package_of_commands"] and config["seed"] == 2
    call(*REPORT, flag)
    report = data / "results" / "report"
    runs = pd.read_csv(report / "runs.csv")
    assert runs["label"].tolist() == ["Sparse 0.5"] * 2 and runs["cell"].nunique() == 1
    assert runs["spread"].tolist() == [0.25] * 2
    page = (report / "runs" / "disent-1.html").read_text()
    assert "Validation NLL of 1 epochs." in page and f"--plugin={config['plugins'][0]}" in page
    check_without(call, report, runs)


def check_without(call, report, runs):
    """The same runs where nobody names the package."""
    assert call("disentgen").stdout.count("NEEDS own_package_of_commands") == 2
    call(*REPORT)
    again = pd.read_csv(report / "runs.csv")
    kept = ["run", "cell", "seed", "nll_train", "nll_held_out", "mig"]
    pd.testing.assert_frame_equal(again[kept], runs[kept])
    refused = call("experiments.disent", "with", "resume=1", "training.epochs=2", status=1)
    assert refused.stderr.startswith("error: run ") and refused.stderr.count("\n") <= 1
    assert "needs own_package_of_commands: give --plugin own_package_of_com" in refused.stderr


@pytest.mark.ci
@pytest.mark.parametrize(
    ("words", "status"),
    [(("experiments.disent",), 1), (("experiments.sweep", "disent"), 2), (("disentgen",), 2)],
)
def test_a_package_that_cannot_be_used_is_refused_in_a_line(package, call, words, status):
    (package / "nets.py").write_text("raise ValueError('not\\ntoday')")
    refused = call(*words, f"--plugin={package}", status=status)
    assert refused.stderr.startswith("error: ") and refused.stderr.strip().count("\n") == 0
    assert f"{package} cannot be imported: ValueError: not today (nets.py:1)" in refused.stderr
