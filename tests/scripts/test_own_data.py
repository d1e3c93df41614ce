"""Files of one's own, from the command line to the report."""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from disentgen.runs import open_run
from own_files import draw_discs, make_arrays, make_classes, write_file
from processes import call_module

FEW = ("model.fast", "training.vae", "training.epochs=1", "training.epoch_length=4",
       "training.validation_images=32", "training.score_images=64", "threads=1",
       "seed=1")  # fmt: skip


@pytest.mark.ci
def test_files_of_ones_own_are_split_trained_on_and_reported(
    disent, environment, data, monkeypatch
):
    monkeypatch.setenv("DISENTGEN_DATA", str(data))  # runs are opened here too
    raw = data / "raw"
    raw.mkdir(parents=True)
    classes = make_classes(5_000, (10, 30, 20))
    write_file(raw / "holes.npz", make_arrays(classes, 16))
    small = make_classes(200, (10, 7, 4), seed=1)
    floats = draw_discs(small, 32)[..., None]
    write_file(raw / "floats.npz", {"x": floats.astype(np.float32), "table": small})
    given = {
        "holes": ("dataset.held_out=radius > 20 & row < 5",),
        "floats": ("dataset.factor_names=radius,column,row", "dataset.held_out=radius > 5"),
    }
    for name, words in given.items():
        disent("with", f"dataset.file={name}.npz", *words, *FEW)
    if find_spec("pyarrow") is not None:
        pictures = make_arrays(small, 16)
        write_file(raw / "pictures.parquet", pictures)
        held_out = "dataset.held_out=radius > 20 & row == 'top'"
        disent("with", "dataset.file=pictures.parquet", held_out, *FEW)
        given["pictures"] = held_out
    runs = [open_run(data / "sims" / "disent" / str(1 + number)) for number in range(len(given))]
    assert [run.dataset.spec.count for run in runs] == [5_000, 200, 200][: len(runs)]
    shapes = [(1, 16, 16), (1, 32, 32), (1, 16, 16)]
    assert [run.dataset.spec.image_shape for run in runs] == shapes[: len(runs)]
    sides = runs[0].results["split"]
    assert sides["held_in"]["count"] + sides["held_out"]["count"] == 5_000
    words = ("--where", "dataset.name=holes,floats", "--images", "40", "--jobs", "1")
    call_module(environment, "analysis.report", *words)
    table = pd.read_csv(data / "results" / "report" / "runs.csv")
    assert list(table["dataset"]) == ["holes", "floats"]
    assert table["cell"].nunique() == 2
