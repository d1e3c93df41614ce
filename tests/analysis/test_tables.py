"""Tables of runs and of cells: rows, means and intervals against scipy's, who has learned."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import disentgen.analysis
from conftest import REPOSITORY
from disentgen.analysis.collect import find_collection, find_fault, print_left_out
from disentgen.analysis.measurements import list_columns
from disentgen.analysis.tables import (
    CELL,
    add_gaps,
    describe_row,
    drop_repetitions,
    has_failed,
    has_learned,
    interval,
    join_rows,
    list_scales,
    tabulate_cells,
    tabulate_runs,
)
from disentgen.errors import DataFileError
from disentgen.runs import open_run
from records import list_changeable
from run_tables import make_runs

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
#: Of every scale: values, and what they are averaged as.
SCALES = {
    "plain": ([-3.0, 2.0, 4.5, 8.0], np.asarray, np.asarray),
    "log": ([50.0, 60.0, 80.0], np.log, np.exp),
    "negative": ([-50.0, -60.0, -80.0], lambda x: np.log(-x), lambda x: -np.exp(x)),
    "logit": ([0.2, 0.5, 0.6, 0.9, 0.3], special.logit, special.expit),
}


def test_measurements_and_runs_have_no_column_in_common():
    """What is measured would take the place of the run's own score."""
    own = describe_row(open_run(EARLIER / "disent" / "beta-4"))
    assert {"r2_held_out", "joint_accuracy_held_out", "nll_train"} <= set(own)
    assert not set(own) & set(list_columns())


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_intervals_are_students(scale, confidence):
    values, forward, back = SCALES[scale]
    scaled = forward(np.array(values))
    ends = stats.t.interval(confidence, len(values) - 1, scaled.mean(), stats.sem(scaled))
    mean, low, high = interval(np.array(values), scale, confidence)
    assert mean == pytest.approx(back(scaled.mean()))
    assert (low, high) == pytest.approx(tuple(sorted(back(np.array(ends)))))
    assert low < mean < high


def test_an_interval_is_of_95_percent_and_plain_where_nothing_is_said():
    values = np.array([1.0, 2.0, 4.0])
    assert interval(values) == interval(values, "plain", 0.95)


def test_scores_mostly_of_0_to_1_are_averaged_as_such_where_they_are():
    inside, outside = np.array([0.2, 0.5, 0.6]), np.array([-0.2, 0.5, 0.6])
    assert interval(inside, "logit or plain") == interval(inside, "logit")
    assert interval(outside, "logit or plain") == interval(outside, "plain")
    for end in (0.0, 1.0):
        values = np.array([end, 0.5, 0.6])
        assert interval(values, "logit or plain") == interval(values, "plain")


@pytest.mark.parametrize("scale", SCALES)
def test_two_values_have_a_mean_without_interval(scale):
    values, forward, back = SCALES[scale]
    mean, *ends = interval(np.array(values[:2]), scale)
    assert mean == pytest.approx(back(forward(np.array(values[:2])).mean()))
    assert np.isnan(ends).all()
    assert interval(np.array(values[:1]), scale)[0] == pytest.approx(values[0])
    assert np.isnan(interval(np.array([]), scale)).all()


@pytest.mark.parametrize(
    ("scale", "values"),
    [("log", [0.0, 1.0, 2.0]), ("log", [-1.0, 1.0, 3.0]), ("negative", [-1.0, 0.0, -2.0]),
     ("logit", [0.0, 0.5, 0.7]), ("logit", [1.0, 0.5, 0.6])],
)  # fmt: skip
def test_values_at_an_end_of_their_range_have_a_plain_mean_without_interval(scale, values):
    mean, *ends = interval(np.array(values), scale)
    assert mean == pytest.approx(np.mean(values))
    assert np.isnan(ends).all()


def test_equal_seeds_have_an_interval_of_no_width():
    assert interval(np.array([5.0, 5.0, 5.0]), "log") == pytest.approx((5, 5, 5))


def test_scores_are_averaged_on_the_scale_of_their_range():
    scales = list_scales()
    expected = {
        "nll_train": "log", "nll_held_out": "log", "nll_validation": "log", "floor_train": "log",
        "excess_held_out": "log", "kl_train": "log", "elbo_train": "negative",
        "elbo_held_out": "negative", "iw_nll_held_out": "log", "active_units_train": "log",
        "ratio": "log", "side_difference": "plain", "gap_to_control": "plain",
        "excess_constant": "log", "psnr_held_out": "plain", "disentanglement": "logit",
    }  # fmt: skip
    assert {name: scales.get(name) for name in expected} == expected
    assert "metric_images" not in scales


def test_cells_are_means_over_their_own_seeds():
    runs = make_runs({"recomb2range": 150.0, "extrp": 300.0}, control=70.0, floors=(1.0, 2.0))
    runs = runs.assign(note=runs["label"] + " " + runs["seed"].astype(str))
    cells = tabulate_cells(runs, ["note"])
    assert len(cells) == 2 * 7 * 2
    for _, cell in cells.iterrows():
        own = runs[(runs["cell"] == cell["cell"]) & (runs["control"] == cell["control"])]
        assert len(own) == cell["seeds"] == 3
        assert cell[CELL].to_dict() == own[CELL].iloc[0].to_dict()
        assert cell["steps"] == 10
        assert cell["note"] == own["note"].iloc[0]
        assert cell["nll_held_out"] == pytest.approx(stats.gmean(own["nll_held_out"]))
        low, high = stats.t.interval(
            0.95, 2, np.log(own["nll_held_out"]).mean(), stats.sem(np.log(own["nll_held_out"]))
        )
        assert cell["nll_held_out_low"] == pytest.approx(np.exp(low))
        assert cell["nll_held_out_high"] == pytest.approx(np.exp(high))
        assert cell["gap_to_control_seeds"] == (0 if cell["control"] else 3)
        if not cell["control"]:
            assert cell["gap_to_control"] == pytest.approx(own["gap_to_control"].mean())


def test_cells_stand_in_the_order_of_their_first_runs():
    runs = make_runs({"recomb2range": 150.0}).iloc[::-1]
    assert tabulate_cells(runs)["label"].tolist() == list(dict.fromkeys(runs["label"]))


def test_seeds_without_a_score_are_not_in_its_mean():
    runs = make_runs({"recomb2range": 150.0}, control=70.0, seeds=(1, 2, 3, 4))
    own = (runs["label"] == "VAE") & ~runs["control"]
    lost = own & (runs["seed"] == 4)
    cells = tabulate_cells(runs.assign(gap_to_control=runs["gap_to_control"].mask(lost)))
    (cell,) = cells[(cells["label"] == "VAE") & ~cells["control"]].to_dict("records")
    assert (cell["seeds"], cell["gap_to_control_seeds"]) == (4, 3)
    assert cell["gap_to_control"] == pytest.approx(runs[own & ~lost]["gap_to_control"].mean())


def test_no_runs_make_a_table_without_rows():
    empty = tabulate_cells(pd.DataFrame(columns=[*CELL, "steps"]))
    assert len(empty) == 0
    assert {*CELL, "seeds", "steps", "nll_train", "disentanglement"} <= set(empty)
    assert len(join_rows([])) == len(drop_repetitions(pd.DataFrame())) == 0


def test_the_last_of_repeated_runs_counts():
    runs = make_runs({"recomb2range": 150.0})
    twice = pd.concat([runs, runs.iloc[:1].assign(run="disent/again")], ignore_index=True)
    kept = drop_repetitions(twice)
    assert len(kept) == len(runs)
    assert "disent/again" in set(kept["run"])
    assert runs["run"][0] not in set(kept["run"])


def test_the_last_of_repeated_controls_is_the_one_compared_with():
    row = {"cell": "a", "seed": 1, "control": False, "nll_held_out": 90.0, "run": "disent/1"}
    controls = [
        {**row, "control": True, "run": f"disent/{number}", "nll_held_out": nll}
        for number, nll in ((2, 50.0), (3, 60.0))
    ]
    others = [{**row, "seed": 2, "run": "disent/4"}, {**row, "cell": "b", "run": "disent/5"}]
    table = add_gaps(pd.DataFrame([row, *controls, *others])).set_index("run")
    assert table["gap_to_control"].to_dict() == pytest.approx(
        {"disent/1": 30.0, **{f"disent/{number}": np.nan for number in range(2, 6)}}, nan_ok=True
    )
    assert table["control_run"].dropna().to_dict() == {"disent/1": "disent/3"}


@pytest.mark.parametrize(
    ("train", "constant", "learned", "failed"),
    [(50.0, 100.0, True, False), (50.1, 100.0, False, True), (10.0, 100.0, True, False),
     (50.0, np.nan, False, False), (np.nan, 100.0, False, False)],
)  # fmt: skip
def test_a_model_has_learned_that_is_nearer_to_all_than_to_nothing(
    train, constant, learned, failed
):
    runs = pd.DataFrame({"excess_train": [train], "excess_constant": [constant]})
    assert has_learned(runs).tolist() == [learned]
    assert has_failed(runs).tolist() == [failed]


def test_rows_say_what_runs_say():
    runs = [open_run(EARLIER / name) for name in ("disent/1", "disent/batch-16", "decoders/1")]
    measured = {str(runs[0].path): {"mig": {"score": 0.25}, "dci_lasso": {"disentanglement": 0.5}}}
    table = tabulate_runs(runs, measured).set_index("run")
    for run in runs:
        row, results = table.loc[f"{run.experiment}/{run.id}"], run.results
        assert (row["seed"], row["family"]) == (run.config["seed"], run.family)
        assert (row["epochs"], row["weights"]) == (results["epochs"], results["parameters"])
        assert row["steps"] == run.history["step"].max()
        assert row["batch_size"] == run.config["training"]["batch_size"]
        assert row["path"] == str(run.path)
        train, held_out = results["scores"]["train"], results["scores"]["held_out"]
        assert (row["nll_train"], row["nll_held_out"]) == (train["nll"], held_out["nll"])
        assert row["nll_standard_error_train"] == train["nll_standard_error"]
        assert row["floor_held_out"] == held_out["nll_floor"]
        excess = [score["nll"] - score["nll_floor"] for score in (train, held_out)]
        assert [row["excess_train"], row["excess_held_out"]] == pytest.approx(excess)
        assert row["side_difference"] == pytest.approx(excess[1] - excess[0])
        assert row["ratio"] == pytest.approx(held_out["nll"] / train["nll"])
    assert table["mig"].dropna().to_dict() == {"disent/1": 0.25}
    # A decoder's latents are the factors.
    assert table["disentanglement"].to_dict() == pytest.approx(
        {"disent/1": 0.5, "disent/batch-16": np.nan, "decoders/1": 1.0}, nan_ok=True
    )
    assert table["informativeness"].dropna().to_dict() == {"decoders/1": 1.0}


def test_an_own_split_written_in_two_ways_is_one_variant():
    rows = [
        {"cell": "a", "seed": seed, "control": False, "nll_held_out": 1.0, "run": str(seed),
         "variant": text}
        for seed, text in ((1, "shape == 1"), (2, "(shape == 1)"))
    ]  # fmt: skip
    assert join_rows(rows)["variant"].tolist() == ["shape == 1"] * 2


def copy_run(target, name="disent/1"):
    target.mkdir(parents=True)
    for path in (EARLIER / name).iterdir():
        if path.is_file():
            (target / path.name).write_bytes(path.read_bytes())
    return target


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("model.pt", None, "without model.pt"),
        ("history.csv", None, "without history.csv"),
        ("history.csv", "epoch,step\n", "history.csv is damaged"),
        ("results.json", "{}", "results.json is damaged"),
        ("config.json", "[]", "config.json"),
    ],
)
def test_what_a_finished_run_lacks_is_said(tmp_path, file, text, fault):
    path = copy_run(tmp_path / "disent" / "1")
    assert find_fault(open_run(path)) is None
    if text is None:
        (path / file).unlink()
    else:
        (path / file).write_text(text)
    assert fault in find_fault(open_run(path))


@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_a_run_of_any_number_of_epochs_was_trained_to_its_last_step(tmp_path, epochs):
    path = copy_run(tmp_path / "disent" / "1")
    history = pd.read_csv(path / "history.csv").iloc[[0] * epochs]
    steps = [7 * number for number in range(1, epochs + 1)]
    history.assign(step=steps).to_csv(path / "history.csv", index=False)
    run = open_run(path)
    assert find_fault(run) is None
    assert tabulate_runs([run])["steps"].tolist() == [7 * epochs]


def test_runs_of_the_data_folder_are_found_without_a_word(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))
    with pytest.raises(DataFileError, match=rf"no runs below {tmp_path}/sims; bin/quickstart.sh"):
        find_collection()
    whole = copy_run(tmp_path / "sims" / "disent" / "1")
    broken = copy_run(tmp_path / "sims" / "disent" / "2")
    (broken / "model.pt").unlink()
    collection = find_collection()
    assert [run.path for run in collection.runs] == [whole]
    assert (collection.images, collection.jobs, collection.only) == (None, 1, None)
    print_left_out(collection)
    assert capsys.readouterr().err == f"left out: {broken}: without model.pt\n"
    (whole / "results.json").unlink()
    with pytest.raises(DataFileError, match=rf"none of 2 runs below {tmp_path}/sims is finished"):
        find_collection()


def test_records_of_the_analysis_are_not_changed():
    # These hold what is measured later, or draws.
    assert list_changeable(disentgen.analysis) == {"Collection", "Sampler"}
