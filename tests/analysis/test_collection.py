"""A collection of runs is measured when it is asked for its table, and loses no run in silence."""

import argparse
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import REPOSITORY
from disentgen.analysis.bounds import measure_bounds
from disentgen.analysis.collect import find_collection, open_collection
from disentgen.analysis.collection import Collection
from disentgen.analysis.measure import Measurements
from disentgen.analysis.metrics import load_metrics
from disentgen.analysis.metrics.udr import measure_udr
from disentgen.analysis.options import add_arguments, join_filters, read_filter
from disentgen.analysis.results_table import tabulate_metrics
from disentgen.analysis.tables import tabulate_cells
from disentgen.cores import available_threads
from disentgen.errors import DataFileError, UsageError
from disentgen.report.run_page import list_scores
from disentgen.runs import find_runs, open_run

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
RUNS = ("disent/1", "disent/2", "decoders/1", "supervised/1")
QUALITY = ("image_quality_validation", "image_quality_held_out")


def change(path, **keys):
    """Set keys of a JSON file, with sections joined by two underlines."""
    content = json.loads(path.read_text())
    for key, value in keys.items():
        *sections, name = key.split("__")
        section = content
        for word in sections:
            section = section[word]
        section[name] = value
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def measured_runs(tmp_path_factory):
    """Runs of three experiments, of which two differ in their seed alone; a little is measured."""
    root = tmp_path_factory.mktemp("sims")
    for name in RUNS:
        shutil.copytree(EARLIER / name, root / name)
    find_collection(root, 30, only=("sap", "constant_image", "udr", *QUALITY)).measure()
    return root


@pytest.fixture
def sims(measured_runs, tmp_path):
    """The same, to be changed."""
    return shutil.copytree(measured_runs, tmp_path / "sims")


def collect(sims, **given):
    given = {"only": ("sap", "constant_image", "udr", *QUALITY), **given}
    return find_collection(sims, 30, **given)


def test_whatever_is_asked_for_first_is_measured(sims):
    first = collect(sims).table.set_index("run")
    assert first["sap"].drop("decoders/1").notna().all()
    assert first["excess_constant"].drop("supervised/1").gt(0).all()
    collection = collect(sims)
    assert set(collection.measured) == {str(sims / name) for name in RUNS}
    later = collection.table.set_index("run")
    pd.testing.assert_frame_equal(first, later)
    # What is not wanted is not measured.
    assert later["mig"].isna().all()
    assert not list(sims.glob("disent/1/analysis/errors*"))
    assert collection.bounds == {str(sims / name): {} for name in RUNS}


def test_off_a_terminal_a_line_says_what_is_going_on(sims, capsys):
    assert collect(sims).measure() == len(RUNS)
    written = capsys.readouterr()
    assert (written.out, written.err) == ("", "measuring 4 runs: what is missing\n")


def test_on_a_terminal_runs_are_counted(sims, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    collect(sims).measure()
    assert re.search(r"measuring: 100%.* 4/4 .*run", capsys.readouterr().err)


def test_a_collection_measures_one_run_at_a_time_unless_more_are_wanted(sims):
    runs = find_collection(sims).runs
    collection = Collection(runs, {})
    assert (collection.jobs, collection.images, collection.only) == (1, None, None)


def test_results_without_a_name_of_theirs_are_refused(sims):
    with pytest.raises(UsageError, match="unknown result 'dci_laso'.*Did you mean 'dci_lasso'"):
        collect(sims, only=("dci_laso",))


def test_udr_is_a_metric_like_all_others(sims):
    collection = collect(sims)
    runs = collection.table.set_index("run")
    opened = [open_run(sims / "disent" / number) for number in "12"]
    codes = [Measurements(run, 30).codes("train").codes for run in opened]
    kl = [run.results["scores"]["train"]["kl_per_latent"] for run in opened]
    expected = measure_udr(codes, kl)
    found = runs["udr"][["disent/1", "disent/2"]]
    assert found.to_numpy() == pytest.approx(expected["score_per_model"])
    assert runs["udr"][["decoders/1", "supervised/1"]].isna().all()
    cells = tabulate_cells(collection.table).set_index("experiment")
    assert cells["udr"]["disent"] == pytest.approx(found.mean(), abs=1e-3)
    numbers = tabulate_metrics(collection.measured, {}).set_index(["metric", "part", "run"])
    assert numbers["value"]["udr", "score", "disent/2"] == found["disent/2"]
    assert numbers["value"]["udr", "live_latents", "disent/2"] == expected[
        "live_latents_per_model"
    ][1]  # fmt: skip
    assert numbers["images"]["udr", "score", "disent/2"] == 30


def test_a_metric_of_several_runs_that_cannot_be_computed_says_why(sims):
    change(sims / "disent" / "2" / "results.json", scores__train__kl_per_latent=[1.0, 2.0])
    collection = collect(sims)
    assert len(collection.table) == len(RUNS)
    assert collection.table["udr"].isna().all()
    for number in "12":
        warning = collection.measured[str(sims / "disent" / number)]["udr"]["warning"]
        assert "KL must be a number for each of" in warning


def test_a_metric_that_is_undefined_on_a_split_says_why_and_the_report_goes_on(
    sims, capsys, monkeypatch
):
    monkeypatch.setenv("DISENTGEN_DATA", str(sims.parent))
    for _ in range(2):  # measured, then recalled
        collection = collect(sims, only=("omes", "sap"))
        runs = collection.table.set_index("run")
        assert runs["omes"].isna().all()
        assert runs["sap"]["disent/1"] >= 0
        results = collection.measured[str(sims / "disent" / "1")]
        assert results["omes"] == {
            "images": 30, "score": None, "overlap": None, "multiple_encoding": None,
            "warning": "OMES needs images that differ in one factor alone; of 30 images, no two "
            "do, whatever the factor.",
        }  # fmt: skip
    assert "warning" not in capsys.readouterr().err
    bounds = measure_bounds(
        "dsprites", open_run(sims / "disent" / "1").split, 3, 30, [load_metrics()["omes"]]
    )
    assert bounds["omes", "score"] == {"ceiling": None, "floor": None}
    rows = tabulate_metrics({"a/1": {"omes": results["omes"]}}, {"a/1": bounds})
    assert rows["value"].isna().all()
    assert rows["warning"].str.startswith("OMES needs").all()
    assert list_scores({"omes": results["omes"]}, bounds)[0]["value"] is None


def test_image_quality_stands_in_all_tables(sims):
    collection = collect(sims)
    runs, cells = collection.table, tabulate_cells(collection.table)
    for side in ("validation", "held_out"):
        key = f"image_quality_{side}"
        for score in ("psnr", "ssim"):
            column = runs.set_index("run")[f"{score}_{side}"]
            assert np.isnan(column["supervised/1"])
            for name in RUNS[:3]:
                result = collection.measured[str(sims / name)][key]
                assert column[name] == result[score]
            assert {f"{score}_{side}_low", f"{score}_{side}_high"} <= set(cells)
        mean = cells.set_index("experiment")[f"psnr_{side}"]["disent"]
        own = runs[runs["experiment"] == "disent"][f"psnr_{side}"]
        assert mean == pytest.approx(own.mean())
    numbers = tabulate_metrics(collection.measured, {})
    assert set(numbers[numbers["metric"] == QUALITY[1]]["part"]) == {
        "psnr", "ssim", "squared_error", "image_r2"
    }  # fmt: skip
    assert (numbers[numbers["metric"] == QUALITY[1]]["images"] == 30).all()


def test_experiments_and_conditions_that_are_not_known_stay_in_tables(sims, monkeypatch):
    change(sims / "disent" / "2" / "config.json", experiment="pretraining")
    described = "disentgen.analysis.cells.name_condition"
    monkeypatch.setattr(described, lambda run: ("occlusion", "half the image"))
    collection = collect(sims)
    assert len(collection.table) == len(RUNS)
    assert set(collection.table["experiment"]) >= {"disent", "pretraining"}
    cells = tabulate_cells(collection.table)
    assert set(cells["condition"]) == {"occlusion"}
    assert cells["seeds"].sum() == len(RUNS)


def test_runs_that_cannot_be_measured_or_named_are_left_out(sims):
    damage = [
        ("config.json", {"training__loss__name": "objective_of_tomorrow"}),
        ("config.json", {"dataset__name": "dataset_of_tomorrow"}),
        ("model.json", {"family": "family_of_tomorrow"}),
        ("results.json", {"scores__held_out__nll": "low"}),
    ]
    for number, (name, keys) in enumerate(damage):
        folder = shutil.copytree(EARLIER / "disent" / "1", sims / "disent" / f"bad{number}")
        change(folder / name, **keys)
    kept = sims / "decoders" / "1" / "analysis" / "metrics.json"
    change(kept, measured__constant_image__64__result={"excess": "much"})
    collection = collect(sims)
    # What is kept and no number is measured anew.
    assert set(collection.table["run"]) == {"decoders/1", "disent/1", "disent/2", "supervised/1"}
    assert {str(run.path) for run in collection.runs} == set(collection.table["path"])
    reasons = {path.removeprefix(f"{sims}/"): text for path, text in collection.left_out.items()}
    assert set(reasons) == {f"disent/bad{number}" for number in range(4)}
    assert "objective_of_tomorrow" in reasons["disent/bad0"]
    assert "dataset_of_tomorrow" in reasons["disent/bad1"]
    assert "family_of_tomorrow" in reasons["disent/bad2"]
    assert all(reasons.values())
    assert not any("\n" in text for text in reasons.values())


def test_runs_that_are_left_out_later_leave_the_tables_too(sims):
    collection = collect(sims)
    assert len(collection.table) == len(RUNS)
    collection.left_out[str(sims / "disent" / "2")] = "cannot be drawn"
    collection.drop_left_out()
    assert set(collection.table["run"]) == set(RUNS) - {"disent/2"}
    assert collection.table["udr"].isna().all()
    # The only run of a cell has nothing to be compared with.
    assert "udr" not in collection.measured[str(sims / "disent" / "1")]
    collection.left_out |= {str(run.path): "cannot be drawn" for run in collection.runs}
    with pytest.raises(DataFileError, match="no run is left.*disent/2: cannot be drawn"):
        collection.drop_left_out()


def test_filters_take_one_of_several_values(measured_runs):
    def find(**filters):
        found = find_runs(measured_runs, **filters)
        return set(found["experiment"] + "/" + found["id"])

    assert find(experiment="disent", seed=[1, 2]) == {"disent/1", "disent/2"}
    assert find(seed=[2, 3]) == find(seed=2) == {"disent/2"}
    latents = {"model.latent_size": [10, 7]}
    assert find(**latents) == {"disent/1", "disent/2"}
    assert find(**{"model.latent_size": None}) == {"decoders/1", "supervised/1"}
    assert find(**{"model.latent_size": [None, 10]}) == set(RUNS)
    with pytest.raises(
        DataFileError, match=r"no 'dataset.varient'. Did you mean 'dataset.variant'"
    ):
        find_runs(measured_runs, seed=999, **{"dataset.varient": "shape2tx"})


def parse(*words):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    given = parser.parse_args(words)
    return given, join_filters(given.where, given.experiment)


def test_words_of_filters():
    assert read_filter("dataset.variant=shape2tx") == ("dataset.variant", ["shape2tx"])
    assert read_filter("seed=1,2") == ("seed", ["1,2", (1, 2), "1", 1, "2", 2])
    assert read_filter("dataset.control=true") == ("dataset.control", ["true", True])
    assert read_filter("dataset.held_out=none")[1] == ["none", None]
    assert read_filter("dataset.held_out=shape == 1, x")[1][0] == "shape == 1, x"
    for text in ("seed", "seed=", "=1"):
        with pytest.raises(argparse.ArgumentTypeError, match="no KEY=VALUE"):
            read_filter(text)
    _, filters = parse("--where", "seed=1", "--where", "seed=2", "--experiment", "disent")
    assert filters == {"experiment": ["disent"], "seed": ["1", 1, "2", 2]}
    assert parse()[1] == {}


@pytest.mark.filterwarnings("error")
def test_words_of_filters_that_are_odd_python_stay_text_or_are_one_line():
    for word in ("1is 2", "{[]: 1}", "0777", "9" * 5000):
        assert read_filter(f"seed={word}")[1] == [word]
    for word in ("-" * 90_000 + "1", "9" * 100_001):
        with pytest.raises(argparse.ArgumentTypeError, match=r"^seed: a value of [\d,]+ char"):
            read_filter(f"seed={word}")


def test_options_are_numbers_and_folders():
    given, _ = parse()
    assert (given.root, given.images, given.where, given.experiment) == (None, None, [], [])
    assert given.jobs == available_threads()
    given, _ = parse("--root", "runs", "--images", "20", "--jobs", "3")
    assert (given.root, given.images, given.jobs) == (Path("runs").absolute(), 20, 3)


@pytest.mark.parametrize("option", ["--images", "--jobs"])
@pytest.mark.parametrize("word", ["0", "-5", "1.5", "many"])
def test_numbers_of_images_and_processes_are_whole_and_positive(option, word, capsys):
    with pytest.raises(SystemExit):
        parse(option, word)
    assert f"argument {option}: " in capsys.readouterr().err


def test_filters_of_python_may_be_single_values(measured_runs):
    with pytest.raises(DataFileError, match=r"none of 4 runs .* mean 'shape2tx'"):
        find_collection(measured_runs, filters={"dataset.variant": "shape2tz"})


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (("--experiment", "disent"), {"disent/1", "disent/2"}),
        (("--experiment", "disent", "--experiment", "decoders", "--where", "seed=1"),
         {"disent/1", "decoders/1"}),
        (("--where", "seed=1,2", "--where", "training.loss.name=vae"), {"disent/1", "disent/2"}),
        (("--where", "id=2"), {"disent/2"}),
        (("--where", "dataset.control=False", "--where", "dataset.variant=leave1out"),
         {"decoders/1", "supervised/1"}),
    ],
)  # fmt: skip
def test_options_choose_runs(measured_runs, words, runs):
    given, _ = parse("--root", str(measured_runs), *words)
    chosen = open_collection(given)
    assert {f"{run.experiment}/{run.id}" for run in chosen.runs} == runs


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--where", "datset.variant=x"), "no 'datset.variant'. Did you mean 'dataset.variant'"),
        (("--where", "dataset.variant=shape2tz"), "none of 4 runs .* one of: leave1out, shape2tx"),
        (("--experiment", "disnt"), "experiment is one of: decoders, disent.* mean 'disent'"),
        (("--experiment", "disent", "--where", "seed=77"), "seed is one of: 1, 2"),
        (("--experiment", "disnt", "--experiment", "none"), "mean 'disent'"),
    ],
)  # fmt: skip
def test_filters_that_no_run_passes_end_in_a_line(measured_runs, words, message):
    given, _ = parse("--root", str(measured_runs), *words)
    with pytest.raises(DataFileError, match=message) as caught:
        open_collection(given)
    assert "\n" not in str(caught.value)
