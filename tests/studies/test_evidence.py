"""What claims compare, beside closed forms: scores, controls, and which models count."""

import numpy as np
import pandas as pd
import pytest

from disentgen.studies.montero2021 import STUDY
from disentgen.studies.rows import Row
from disentgen.studies.verdicts.comparisons import compare, list_columns
from disentgen.studies.verdicts.correlation import reliability
from disentgen.studies.verdicts.selection import Evidence, add_scores, find_fault
from run_tables import make_runs

FLOORS = (3_450.0, 3_890.0)


def find_claim(number, dataset="dsprites", text=""):
    chosen = [claim for claim in STUDY.claims if (claim.number, claim.dataset) == (number, dataset)]
    return next(claim for claim in chosen if text in claim.text)


@pytest.fixture(scope="module")
def runs():
    """Of all conditions, with controls, on images whose entropy is not 0."""
    held_out = {"recomb2element": 80.0, "recomb2range": 150.0, "extrp": 900.0}
    return make_runs(held_out, "shapes3d", floors=FLOORS, control=60.0)


def test_scores_that_claims_compare(runs):
    scores = add_scores(runs)
    controls = runs[runs["control"]].set_index("run").loc[scores["control_run"]]
    excess, own = controls["excess_held_out"].to_numpy(), scores["excess_held_out"].to_numpy()
    assert not scores["control"].any()
    assert scores["control_excess"].to_numpy() == pytest.approx(excess)
    assert scores["over_control"].to_numpy() == pytest.approx(own / excess)
    assert scores["excess_ratio"].to_numpy() == pytest.approx(own / 50)
    assert scores["nll_ratio"].to_numpy() == pytest.approx((own + 3_890) / 3_500)


@pytest.mark.parametrize(("images", "known"), [(50_000, True), (200, False), (np.nan, True)])
def test_disentanglement_is_of_enough_images_or_known_by_construction(runs, images, known):
    scores = add_scores(runs.assign(metric_images=images))
    assert scores["disentanglement"].notna().all() == known
    assert scores["disentanglement"].notna().any() == known


@pytest.mark.parametrize(
    ("excess", "fault"),
    [
        # Geometric means: 58, 299 and 301; the arithmetic one of the first is above 300.
        ([10.0, 10.0, 2_000.0], ""),
        ([149.5, 299.0, 598.0], ""),
        ([150.5, 301.0, 602.0], "has hardly learned"),
    ],
)
def test_whether_a_model_has_learned_is_judged_by_its_geometric_mean(excess, fault):
    cell = pd.DataFrame({"excess_train": excess, "excess_constant": 600.0})
    assert find_fault(cell).partition(" (")[0] == fault


def test_claims_are_confirmed_by_what_is_left_beside_controls(runs):
    evidence = Evidence(runs)
    rows = {row: evidence.cells[row] for claim in STUDY.claims for row in claim.cells
            if row.dataset == "shapes3d" and row.experiment == "disent"}  # fmt: skip
    row = Row("disent", "shapes3d", "shape2ohue", "VAE")
    (ratio, *_) = compare(find_claim("2", "shapes3d"), evidence, by_control=True)
    assert ratio.margins[0] == pytest.approx(np.log(rows[row]["over_control"] / 1.2))
    (order, *_) = compare(find_claim("5", "shapes3d"), evidence, by_control=True)
    easier = rows[row._replace(variant="leave1out")]["over_control"]
    assert order.margins[0] == pytest.approx(np.log(rows[row]["over_control"] / easier))
    share = find_claim("4", "shapes3d")
    assert list_columns(share)[0] == "excess_train"
    (first, *_) = compare(share, evidence, by_control=True)
    cell = rows[row._replace(variant="leave1out")]
    difference = np.exp(np.log(cell[["excess_held_out", "control_excess"]]).mean())
    expected = (difference.iloc[0] - difference.iloc[1]) / 440
    assert first.measure(0.95)[0] == pytest.approx(expected)
    correlation = find_claim("6", "shapes3d", "range")
    assert list_columns(correlation, by_control=True) == ["disentanglement", "over_control"]
    assert list_columns(correlation) == ["disentanglement", "nll_held_out"]


def test_noise_of_a_correlation_is_that_of_logarithms():
    runs = make_runs({"recomb2range": 150.0})
    runs["nll_held_out"] *= np.exp(0.2 * runs["seed"] * runs["disentanglement"])
    (found,) = compare(find_claim("6", text="range"), Evidence(runs))
    models = [model["nll_held_out"].to_numpy()
              for name, model in runs.groupby("row") if name != "ground-truth decoder"]  # fmt: skip
    logs = [np.log(scores) for scores in models]
    assert found.attenuation == pytest.approx(np.sqrt(reliability(logs)))
    assert abs(reliability(logs) - reliability(models)) > 1e-3
