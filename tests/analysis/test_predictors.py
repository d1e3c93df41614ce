"""Scores as predictors of the gap: which runs and strata count, and what is said of them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from disentgen.analysis import predictors
from disentgen.analysis.predictors import (
    MINIMUM_STEPS,
    NO_CELL,
    NO_CONTROL,
    NOTHING_HELD_OUT,
    SMALL_STRATUM,
    TOO_SHORT,
    choose_runs,
    combine_strata,
    correlate_strata,
    find_by_source,
    find_predictors,
    list_scores,
)
from disentgen.analysis.quality import FAILED, UNKNOWN
from disentgen.analysis.statistics import adjust_holm, combine_groups, correlation_interval
from disentgen.analysis.tables import tabulate_cells
from run_tables import make_runs

HELD_OUT = {"recomb2element": 80.0, "recomb2range": 150.0}


def make_table(held_out=HELD_OUT, **given):
    """Six autoencoders and a decoder by split, three seeds each; the gap grows with their place."""
    runs = make_runs(held_out, control=60.0, **given)
    rng = np.random.default_rng(1)
    place = runs["cell"].str[-1].astype(int)
    gap = runs["gap_to_control"] + 10 * place
    return runs.assign(
        steps=1_000, gap_to_control=gap, mig=0.9 - 0.1 * place,
        sap=rng.uniform(0.1, 0.9, len(runs)), kl_train=rng.uniform(10, 20, len(runs)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs():
    return make_table()


@pytest.fixture(scope="module")
def found(runs):
    return find_predictors(runs)


def test_correlations_of_cells_means_are_scipy_s(runs, found):
    own = runs[(runs["condition"] == "recomb2range") & ~runs["control"]]
    own = own[own["experiment"] == "disent"]
    cells = own.groupby("cell")
    logits = np.log(own["sap"] / (1 - own["sap"])).groupby(own["cell"]).mean()
    means = pd.DataFrame({
        "kl": cells["kl_train"].apply(stats.gmean), "sap": 1 / (1 + np.exp(-logits)),
        "gap": cells["gap_to_control"].mean(),
    })  # fmt: skip
    rows = found.strata[found.strata["condition"] == "recomb2range"].set_index("score")
    for score, column in (("kl_train", "kl"), ("sap", "sap")):
        rho = stats.spearmanr(means[column], means["gap"]).statistic
        expected = correlation_interval(rho, 6)
        ends = rows.loc[score, ["rho", "rho_low", "rho_high"]]
        assert ends.tolist() == pytest.approx(list(expected))
        assert rows.loc[score, "cells"] == 6
    assert rows.loc["mig", "rho"] == -1  # the higher, the smaller the gap
    assert rows.loc["mig", "title"] == "MIG"
    assert set(rows["models"]) == {3} and set(rows["seeds"]) == {3}


def test_strata_are_those_of_one_experiment_split_and_architecture(runs, found):
    keys = found.strata[["experiment", "variant"]].drop_duplicates().to_numpy().tolist()
    assert keys == [["disent", "leave1out"], ["disent", "shape2tx"]]
    for column in ("experiment", "version", "architecture", "variant", "dataset"):
        first = runs["cell"].str[-1].astype(int) < 2
        apart = runs.assign(**{column: runs[column].where(~first, "other")})
        few = find_predictors(apart)
        assert (len(few.strata), few.largest) == (0, 4), column


def test_over_strata_correlations_are_combined_and_adjusted_for_all_that_were_tried(runs, found):
    cells = tabulate_cells(choose_runs(runs)[0])
    own = [part for _, part in cells[cells["experiment"] == "disent"].groupby("variant")]
    rows = found.combined.set_index("score")
    for score in ("mig", "sap", "kl_train", "disentanglement"):
        pairs = [part[[score, "gap_to_control"]].to_numpy().T for part in own]
        expected = combine_groups([(first, second) for first, second in pairs])
        assert rows.loc[score, ["rho", "p"]].tolist() == pytest.approx([expected.rho, expected.p])
        assert (rows.loc[score, "strata"], rows.loc[score, "cells"]) == (2, 12)
    tried = rows["p"].dropna()
    # Informativeness and training excess of these runs are the same in all of them.
    assert sorted(tried.index) == ["disentanglement", "kl_train", "mig", "sap"]
    assert found.tried == 4 and set(rows["tried"]) == {4}
    assert rows.loc[tried.index, "p_holm"].tolist() == pytest.approx(adjust_holm(tried.to_numpy()))
    assert rows["p_holm"].isna().sum() == len(rows) - 4
    assert rows.loc["mig", "rho"] < -0.95 and rows.loc["mig", "p_holm"] < 0.05


def test_scores_are_all_metrics_of_the_table_and_the_trivial_ones():
    table = pd.DataFrame(columns=["mig", "dci_lasso", "disentanglement", "informativeness", "udr",
                                  "excess_train", "excess_validation", "nll_train"])  # fmt: skip
    assert list_scores(table) == {
        "mig": "MIG", "udr": "UDR", "disentanglement": "DCI disentanglement (lasso)",
        "informativeness": "informativeness (lasso)", "excess_train": "excess, training images",
        "excess_validation": "excess, validation images",
    }  # fmt: skip


def first_cell(runs, **values):
    """The runs with other values in the first cell (three runs, three controls)."""
    first = runs["cell"] == "recomb2range0"
    return runs.assign(**{name: runs[name].where(~first, value) for name, value in values.items()})


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"cell": "alone-12345678"}, NO_CELL),
        ({"condition": "none"}, NOTHING_HELD_OUT),
        ({"steps": MINIMUM_STEPS - 1}, TOO_SHORT),
        ({"excess_train": 301.0}, FAILED),
        ({"excess_constant": np.nan}, UNKNOWN),
        ({"gap_to_control": np.nan}, NO_CONTROL),
    ],
)
def test_runs_that_do_not_count_are_left_out_and_counted(runs, values, reason):
    other = first_cell(runs, **values)
    kept, left_out = choose_runs(other)
    assert left_out == {reason: 3}
    assert len(kept) == (~runs["control"]).sum() - 3
    assert not kept["control"].any()
    # One cell less is one too few.
    found = find_predictors(other)
    assert set(found.strata["condition"]) == {"recomb2element"}
    assert found.left_out == {reason: 3, SMALL_STRATUM: 5 * 3 + 2 * 3}
    assert found.runs == 18
    assert f"{reason}: 3" in found.describe_left_out()


def test_enough_steps_and_a_model_that_has_just_learned_count(runs):
    just = first_cell(runs, steps=MINIMUM_STEPS, excess_train=299.9)
    assert choose_runs(just)[1] == {}


def test_a_control_that_has_hardly_learned_is_none(runs):
    failed = runs.assign(
        excess_train=runs["excess_train"].where(
            ~(runs["control"] & (runs["cell"] == "recomb2range0")), 400.0
        )
    )
    assert choose_runs(failed)[1] == {NO_CONTROL: 3}


def test_models_are_judged_by_all_their_seeds(runs):
    """One seed of three that has failed stays: leaving it out would leave out the bad ones."""
    first = (runs["cell"] == "recomb2range0") & ~runs["control"]
    one = runs.assign(
        excess_train=runs["excess_train"].where(~(first & (runs["seed"] == 1)), 310.0)
    )
    assert choose_runs(one)[1] == {}


def test_a_seed_without_control_is_left_out_of_all_means(runs):
    gone = (runs["cell"] == "recomb2range0") & (runs["seed"] == 1) & ~runs["control"]
    changed = runs.assign(
        gap_to_control=runs["gap_to_control"].where(~gone),
        kl_train=runs["kl_train"].where(~gone, 1e6),
    )
    found = find_predictors(changed)
    assert found.left_out[NO_CONTROL] == 1
    less = find_predictors(changed[~gone])
    pd.testing.assert_frame_equal(found.strata, less.strata)
    assert found.strata.groupby("condition")["seeds"].first().to_dict() == {
        "recomb2element": 3, "recomb2range": 2
    }  # fmt: skip


def test_the_first_reason_of_a_run_counts_and_the_last_of_repeated_runs(runs):
    both = first_cell(runs, steps=2, gap_to_control=np.nan)
    assert choose_runs(both)[1] == {TOO_SHORT: 3}
    twice = pd.concat([both, runs])
    assert choose_runs(twice)[1] == {}


def test_disentanglement_of_few_images_is_no_score(runs):
    few = find_predictors(runs.assign(metric_images=200)).combined.set_index("score")
    assert np.isnan(few.loc["disentanglement", "p"]) and few.loc["mig", "p"] > 0
    assert set(few["tried"]) == {3}


def test_scores_that_some_cells_lack_or_that_are_all_the_same_have_no_value(runs):
    cells = tabulate_cells(choose_runs(runs)[0])
    own = cells[(cells["variant"] == "shape2tx") & (cells["experiment"] == "disent")]
    lacking = own.assign(mig=own["mig"].where(own["cell"] != "recomb2range0"), sap=0.5)
    scores = {"mig": "MIG", "sap": "SAP", "kl_train": "KL"}
    rows = correlate_strata(lacking, scores).set_index("score")
    assert rows["cells"].to_dict() == {"mig": 5, "sap": 6, "kl_train": 6}
    assert rows["rho"].notna().to_dict() == {"mig": False, "sap": False, "kl_train": True}
    combined = combine_strata(lacking, scores).set_index("score")
    assert combined["strata"].to_dict() == {"mig": 0, "sap": 0, "kl_train": 1}
    assert combined.loc["kl_train", "p_holm"] == combined.loc["kl_train", "p"]
    assert set(combined["tried"]) == {1}


def test_stand_ins_and_originals_are_never_combined(runs):
    both = pd.concat([runs, runs.assign(source="original", mig=1 - runs["mig"])])
    found = find_by_source(both)
    assert list(found) == ["original", "stand-in"]
    for one, sign in (("original", 1), ("stand-in", -1)):
        assert set(found[one].strata["source"]) == {one}
        rho = found[one].combined.set_index("score").loc["mig", "rho"]
        assert np.sign(rho) == sign and abs(rho) > 0.95


def test_what_is_missing_is_said(runs):
    few = find_predictors(runs[runs["cell"].str[-1].astype(int) < 3])
    assert not len(few.strata) and few.tried == 0 and few.runs == 0
    assert few.describe_missing() == (
        "6 cells or more with controls in one dataset × split × architecture; the largest has 3"
    )
    without = find_predictors(runs[~runs["control"]].assign(gap_to_control=np.nan))
    assert without.describe_missing().endswith("the largest has 0")
    assert without.describe_left_out() == f"Runs: 0; left out: {NO_CONTROL}: 42."
    assert find_by_source(runs.iloc[:0]) == {}
    assert find_predictors(runs).describe_missing() == ""


def test_every_reason_is_another_one():
    reasons = [NO_CELL, NOTHING_HELD_OUT, TOO_SHORT, FAILED, UNKNOWN, NO_CONTROL, SMALL_STRATUM]
    assert len(set(reasons)) == 7
    assert predictors.MINIMUM_CELLS == 6
