"""What claims compare, beside closed forms: scores, controls, and which models count."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from disentgen.analysis.quality import find_fault
from disentgen.studies.montero2021 import STUDY
from disentgen.studies.rows import Row
from disentgen.studies.verdicts.comparisons import compare, list_columns, pair_conditions
from disentgen.studies.verdicts.correlation import reliability
from disentgen.studies.verdicts.selection import (
    Evidence,
    add_scores,
    describe_rows,
    list_strays,
)
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
    cell = pd.DataFrame({"excess_train": excess, "excess_constant": [300.0, 600.0, 1_200.0]})
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


IMAGES = ["floor_train", "floor_held_out"]


@pytest.mark.parametrize(
    ("kind", "score", "columns", "by_control"),
    [
        ("ratio", "nll", ["nll_ratio"], ["over_control"]),
        ("ratio", "excess", ["excess_ratio"], ["over_control"]),
        ("ordering", "nll", ["nll_held_out"], ["over_control"]),
        ("ordering", "excess", ["excess_held_out"], ["over_control"]),
        ("best", "nll", ["nll_held_out"], ["over_control"]),
        ("correlation", "nll", ["disentanglement", "nll_held_out"],
         ["disentanglement", "over_control"]),
        ("share", "excess", ["excess_train", "excess_held_out", *IMAGES],
         ["control_excess", "excess_held_out", *IMAGES]),
    ],
)  # fmt: skip
def test_scores_that_a_kind_of_claim_needs(kind, score, columns, by_control):
    claim = replace(STUDY.claims[0], kind=kind, score=score)
    assert list_columns(claim) == columns
    assert list_columns(claim, by_control=True) == by_control


def test_conditions_are_compared_model_by_model_in_their_order():
    rows = [Row(experiment, "dsprites", variant, "m") for variant in ("easy", "middle", "hard")
            for experiment in ("disent", "decoders")]  # fmt: skip
    pairs = [(easier.experiment, easier.variant, harder.variant)
             for easier, harder in pair_conditions(rows)]  # fmt: skip
    assert pairs == [("disent", "easy", "middle"), ("disent", "middle", "hard"),
                     ("decoders", "easy", "middle"), ("decoders", "middle", "hard")]  # fmt: skip


def test_what_claims_compare_of_runs_without_controls(runs):
    evidence = Evidence(runs)
    cells = {row: cell for row, cell in evidence.cells.items() if row.experiment == "disent"}
    row = Row("disent", "shapes3d", "shape2ohue", "FactorVAE 20")
    claim = find_claim("2", "shapes3d")
    ratios = {ratio.name: ratio for ratio in compare(claim, evidence)}
    assert list(ratios) == [row.model for row in claim.cells]
    expected = np.log(cells[row]["excess_ratio"] / 1.2)
    assert ratios["FactorVAE 20"].margins[0] == pytest.approx(expected)
    orders = {order.name: order for order in compare(find_claim("5", "shapes3d"), evidence)}
    assert len(orders) == 12
    harder = cells[row._replace(variant="fhue_gt50")]["excess_held_out"]
    order = orders["FactorVAE 20: fhue_gt50 over shape2ohue"]
    assert order.margins[0] == pytest.approx(np.log(harder / cells[row]["excess_held_out"]))
    beside = make_runs({"recomb2range": 150.0})
    (first, *_) = compare(find_claim("7b", text="range"), Evidence(beside))
    scores = beside.set_index(["label", "seed"])["nll_held_out"]
    own, its = scores["VAE"], scores["ground-truth decoder"]
    assert first.name == "VAE"
    assert first.margins[0] == pytest.approx(np.log(its / own))


@pytest.mark.parametrize(("count", "compared"), [(2, 0), (3, 1), (6, 1)])
def test_a_correlation_needs_three_models(count, compared):
    runs = make_runs({"recomb2range": 150.0})
    claim = find_claim("6", text="range")
    some = runs[runs["label"].isin([row.model for row in claim.cells[:count]])]
    correlations = compare(claim, Evidence(some))
    assert [(one.models, one.seeds) for one in correlations] == [(count, 3)] * compared


def test_scores_of_a_row_stand_in_the_order_of_seeds_each_by_its_last_run(runs):
    row = Row("disent", "shapes3d", "shape2ohue", "VAE")
    again = runs[(runs["seed"] == 2) & ~runs["control"]].assign(nll_held_out=7.0)
    evidence = Evidence(pd.concat([runs[::-1], again]))
    scores = evidence.select(row, ["nll_held_out", "excess_train"])
    assert scores.index.to_list() == [1, 2, 3]
    assert (scores["nll_held_out"] == 7).to_list() == [False, True, False]
    assert list(scores) == ["nll_held_out", "excess_train"]
    assert list(evidence.select(row, ["excess_train"])) == ["excess_train"]
    none = evidence.select(row._replace(model="other"), ["excess_train", "nll_train"])
    assert none.shape == (0, 2)
    assert set(none.dtypes) == {np.dtype(float)}


def test_seeds_without_a_score_do_not_count(runs):
    row = Row("disent", "shapes3d", "shape2ohue", "VAE")
    columns = ["nll_held_out", "over_control", "disentanglement"]
    assert Evidence(runs).count_seeds(row, columns) == ""
    lacking = runs.assign(
        disentanglement=runs["disentanglement"].where(runs["seed"] != 1),
        control_run=runs["control_run"].where(runs["seed"] != 3),
    )
    titles = "a control, disentanglement of as many images as its metric wants"
    assert Evidence(lacking).count_seeds(row, columns) == f"1 of 3 seeds with {titles}"
    fewer = lacking.assign(nll_held_out=lacking["nll_held_out"].where(lacking["seed"] == 2))
    assert Evidence(fewer).count_seeds(row, columns[:1]) == "1 of 3 seeds with nll_held_out"
    assert Evidence(runs[runs["seed"] > 1]).count_seeds(row, columns) == "2 of 3 seeds"


def test_runs_of_another_protocol_count_only_where_others_follow_it(runs):
    row = Row("disent", "shapes3d", "shape2ohue", "VAE")
    stray = runs["protocol"].where(runs["label"] != "VAE", "steps 2 (10)")
    missing = "only runs of another protocol: VAE (shape2ohue)"
    assert Evidence(runs.assign(protocol=stray)).list_missing([row], ["nll_train"]) == missing
    controls = runs[runs["control"]].assign(protocol="steps 2 (10)")
    assert Evidence(controls).list_missing([row], ["nll_train"]) == "no run: VAE (shape2ohue)"
    assert Evidence(runs.iloc[:0]).list_missing([row], ["nll_train"]) == "no run: VAE (shape2ohue)"


def test_a_model_that_has_failed_or_whose_mean_image_is_unknown_is_at_fault():
    cell = pd.DataFrame({"excess_train": [60.0], "excess_constant": [100.0]})
    assert find_fault(cell) == "has hardly learned (train excess above half of the mean image's)"
    unknown = cell.assign(excess_constant=None)
    assert find_fault(unknown) == "the mean image's score is not measured"
    assert find_fault(cell.assign(excess_constant=120.0)) == ""


def test_remarks_on_rows_are_one_text():
    row = Row("disent", "dsprites", "easy", "A")
    remarks = [
        (row, "few"), (row._replace(model="B"), "few"), (row._replace(model="C"), ""),
        (row._replace(variant="hard"), "few"), (row._replace(variant="hard", model="B"), "few"),
        (row._replace(variant="far", model="B"), "few"), (row._replace(variant="far"), "none"),
    ]  # fmt: skip
    assert describe_rows(remarks) == "few: A, B (easy, hard); few: B (far); none: A (far)"
    assert describe_rows([]) == ""


def test_strays_are_listed_by_cell_with_their_means():
    runs = make_runs({"recomb2range": 150.0}, control=60.0)
    one = runs[runs["label"] == "VAE"].assign(protocol="steps 2 (10)")
    one = one.assign(nll_train=one["seed"].map({1: 10.0, 2: 20.0, 3: 80.0}))
    other = runs[(runs["label"] == "β-VAE 8") & ~runs["control"]].assign(protocol="no such cell")
    twice = pd.concat([one[one["control"]], other, other[other["seed"] == 3]])
    strays = list_strays(pd.concat([runs, twice]))
    assert list(strays) == ["dataset", "source", "variant", "label", "control", "protocol", "runs",
                            "seeds", "nll_train", "nll_held_out"]  # fmt: skip
    control, own = strays.to_dict("records")
    assert (control["label"], control["control"], control["protocol"]) == (
        "VAE", True, "steps 2 (10)"
    )  # fmt: skip
    assert control["runs"] == ", ".join(one.loc[one["control"], "run"])
    assert (control["seeds"], own["seeds"]) == (3, 3)
    assert control["nll_train"] == pytest.approx(16_000 ** (1 / 3))
    scores = twice.loc[twice["label"] == "β-VAE 8", "nll_held_out"]
    assert own["nll_held_out"] == pytest.approx(np.exp(np.log(scores).mean()))
    assert list(list_strays(runs.iloc[:0])) == list(strays)
