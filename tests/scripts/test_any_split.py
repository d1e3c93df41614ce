"""Every kind of split through the command lines of all experiments, and into the report."""

import numpy as np
import pytest

from disentgen.analysis.cells import describe_cell
from disentgen.runs import find_runs, open_run
from processes import call_module

SHORT = ("training.epochs=1", "training.epoch_length=2", "training.score_images=32",
         "training.validation_images=32", "training.find_duplicates=False", "seed=1",
         "dataset.source=stand-in", "threads=1")  # fmt: skip
#: Words, and the condition and variant that runs are listed under.
SPLITS = {
    "disent": (
        ["dataset.dsprites", "training.factor", "dataset.variant=single_2_01"],
        ("correlated", "single_2_01"),
    ),
    "composition": (
        ["dataset.shapes3d", "dataset.split=level1", "dataset.thin=half_ohues"],
        ("own", "level1(share=0.5, seed=0) (of half_ohues)"),
    ),
    "decoders": (
        ["dataset.mpi3d", "dataset.split=orthotopic", "dataset.split_params.c=1",
         "dataset.split_params.thresholds.object_color=4",
         "dataset.split_params.thresholds.object_shape=4"],
        ("own", "count(class(object_color) >= 4, class(object_shape) >= 4) > 1"),
    ),
    "supervised": (["dataset.dsprites", "dataset.held_in_file={listed}"], ("own", "not listed in")),
}  # fmt: skip


@pytest.mark.ci
@pytest.mark.parametrize("experiment", SPLITS)
def test_a_run_and_its_control_on_any_split(experiment, environment, tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTGEN_DATA", environment["DISENTGEN_DATA"])
    listed = tmp_path / "mine.csv"
    np.savetxt(listed, np.arange(0, 737_280, 9), fmt="%d")
    words, (condition, variant) = SPLITS[experiment]
    line = [word.format(listed=listed) for word in words]
    for extra in ([], ["dataset.control=True"]):
        given = ("with", "model.fast", *line, *SHORT, *extra)
        call_module(environment, f"experiments.{experiment}", *given)
    runs = [open_run(path) for path in find_runs(experiment=experiment)["path"]]
    assert [run.status for run in runs] == ["COMPLETED", "COMPLETED"]
    cells = [describe_cell(run) for run in runs]
    assert cells[0].key == cells[1].key
    assert cells[0].condition == condition
    assert cells[0].variant.startswith(variant)
    assert all(run.results["scores"]["held_out"]["images"] > 0 for run in runs)
