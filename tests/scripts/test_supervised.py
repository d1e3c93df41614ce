"""The supervised track through its command line: heads of classes on an orthotopic split."""

import numpy as np
import pytest
import torch

from disentgen.analysis.cells import describe_cell
from disentgen.analysis.tables import tabulate_runs
from disentgen.export.reading import load_exported
from disentgen.export.writing import export_run
from disentgen.runs import open_run
from processes import call_module

WORDS = (
    "with", "dataset.dsprites", "dataset.source=stand-in", "dataset.variant=orthotopic_c1",
    "dataset.set_aside=class(shape) == 0 & class(scale) == 2", "model.fast",
    "model.heads.shape=classes", "model.heads.posX=values", "training.classification",
    "training.batch_size=32", "training.epochs=2", "training.epoch_length=3",
    "training.validation_images=32", "training.oracle_images=40", "training.score_images=50",
    "training.find_duplicates=False", "threads=1", "seed=1",
)  # fmt: skip


@pytest.mark.ci
def test_classes_and_values_by_the_command_line(environment, data, tmp_path):
    done = call_module(environment, "experiments.supervised", *WORDS)
    run = open_run(data / "sims" / "supervised" / "1")
    assert describe_cell(run).variant == "orthotopic_c1"
    check_scores(run)
    selection = run.results["selection"]
    assert list(selection) == ["last", "train", "validation", "set_aside", "both", "oracle"]
    assert selection["last"]["epoch"] == 2
    best = max(enumerate(run.history["held_out.joint_accuracy"]), key=lambda pair: pair[::-1])
    assert selection["oracle"]["epoch"] == best[0] + 1
    assert "set aside" in done.stdout and "held-out side (an oracle)" in done.stdout
    assert (run.path / "predictions.png").exists()
    exported = load_exported(export_run(run, tmp_path / "exported"))
    images = torch.ones(2, 1, 64, 64)
    assert torch.equal(exported(images).prediction, run.model(images).prediction)
    table = tabulate_runs([run])
    assert (
        table["joint_accuracy_held_out_by_oracle"].item()
        == (selection["oracle"]["held_out"]["joint_accuracy"])
    )
    held_out = run.results["scores"]["held_out"]
    assert table["joint_accuracy_held_out"].item() == held_out["joint_accuracy"]


def check_scores(run):
    """Scores of the held-out side, computed anew from its model's predictions."""
    indices, grid = run.split.sample("held_out", 50), run.split.grid
    observed = run.dataset.observe()
    with torch.no_grad():
        output = run.model(observed.images(indices))
    classes, tables = grid.classes(indices), grid.list_values(standardise=True)
    shape, pos_x = grid.axis("shape"), grid.axis("posX")
    guess = output.parts[0].argmax(1).numpy() == classes[:, shape]
    distance = np.abs(output.parts[1].numpy() - np.float32(tables["posX"])).argmin(1)
    near = distance == classes[:, pos_x]
    scores = run.results["scores"]["held_out"]
    assert scores["accuracy_per_factor"] == pytest.approx(
        {"shape": guess.mean(), "posX": near.mean()}
    )
    assert scores["joint_accuracy"] == pytest.approx((guess & near).mean())
    errors = scores["squared_error_per_factor"]
    assert scores["r2"] == pytest.approx(1 - (errors["shape"] + errors["posX"]) / 2, rel=1e-6)
