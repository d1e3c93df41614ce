"""The tables of a report as files, by their numbers."""

import pandas as pd
import pytest

from conftest import REPOSITORY
from disentgen.analysis.collection import Collection, RunResults
from disentgen.report.tables import save_tables
from disentgen.runs import open_run

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"


@pytest.fixture(scope="module")
def collection():
    """Runs of which one has a metric and its bounds; no more is measured."""
    runs = [open_run(EARLIER / "disent" / name) for name in ("1", "batch-16", "other-rate")]
    found = Collection(runs, {}, 50, only=["mig"])
    found._results = {str(run.path): RunResults(str(run.path), {}, {}) for run in runs}
    path = str(runs[0].path)
    bounds = {("mig", "score"): {"ceiling": 0.875, "floor": 0.125}}
    results = {"mig": {"score": 0.625, "gap": [0.25, 0.5], "images": 50}}
    found._results[path] = RunResults(path, results, bounds)
    return found


def test_files_hold_the_numbers(collection, tmp_path):
    save_tables(collection, tmp_path)
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
    assert runs["mig"].dropna().to_dict() == {"disent/1": 0.625}
    for name in ("runs", "cells", "metrics", "comparison", "claims"):
        assert not any("Unnamed" in column for column in pd.read_csv(tmp_path / f"{name}.csv"))
    assert "path" not in pd.read_csv(tmp_path / "runs.csv")
    assert {path.name for path in tmp_path.iterdir()} == {
        "runs.csv", "cells.csv", "metrics.csv", "comparison.csv", "claims.csv", "cells.tex",
        "comparison.tex", "predictors.csv", "predictors_by_stratum.csv",
    }  # fmt: skip
