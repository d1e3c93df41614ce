"""The tables of a report, as files and on its page, by their numbers."""

import pandas as pd
import pytest

from conftest import REPOSITORY
from disentgen.analysis.collect import Collection
from disentgen.report import page
from disentgen.runs import open_run

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"


@pytest.fixture(scope="module")
def collection():
    runs = [open_run(EARLIER / "disent" / name) for name in ("1", "batch-16", "other-rate")]
    measured = {str(runs[0].path): {"mig": {"score": 0.625, "gap": [0.25, 0.5], "images": 50}}}
    bounds = {str(runs[0].path): {("mig", "score"): {"ceiling": 0.875, "floor": 0.125}}}
    return Collection(runs, {}, 50, measured, bounds)


def test_files_hold_the_numbers(collection, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "save_figures", lambda *given: [])
    monkeypatch.setattr(page, "render_page", lambda *given: "")
    monkeypatch.setattr(Collection, "rank", lambda self: pd.Series(dtype=float))
    page.save_report(collection, tmp_path)
    metrics = pd.read_csv(tmp_path / "metrics.csv")
    assert metrics["value"].tolist() == [0.625, 0.25, 0.5]
    assert metrics["ceiling"].iloc[0] == 0.875
    assert metrics["floor"].iloc[0] == 0.125
    runs = pd.read_csv(tmp_path / "runs.csv").set_index("run")
    cells = pd.read_csv(tmp_path / "cells.csv")
    for run in collection.runs:
        for side in ("train", "held_out"):
            score = run.results["scores"][side]["nll"]
            assert runs.loc[f"disent/{run.id}", f"nll_{side}"] == pytest.approx(score, rel=1e-5)
    assert sorted(cells["nll_train"]) == pytest.approx(sorted(runs["nll_train"]), rel=1e-5)


def test_settings_that_differ_are_listed(collection):
    table = collection.all_runs
    differing = dict(zip(table["run"], page.list_differences(collection.runs, table), strict=True))
    assert differing == {
        "disent/1": "training.batch_size=64, training.lr=0.0001",
        "disent/batch-16": "training.batch_size=16, training.lr=0.0001",
        "disent/other-rate": "training.batch_size=64, training.lr=0.001",
    }
