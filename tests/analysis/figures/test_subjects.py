"""What figures are of, and how headings and captions name it."""

from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import pandas as pd
import pytest

from conftest import REPOSITORY
from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.subjects import (
    RunGroup,
    count_images,
    count_seeds,
    describe_run,
    describe_run_and_seed,
    describe_subject,
    group_by_dataset,
    group_by_split,
    makes_images,
    name_data,
    name_source,
    read_cell,
    title_split,
)
from disentgen.analysis.tables import tabulate_cells
from disentgen.runs import open_run
from run_tables import make_runs

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"


def make_run(name="kim"):
    return SimpleNamespace(
        config={"model": {"name": name}, "training": {"loss": {"name": "vae"}}, "seed": 3,
                "dataset": {"source": "original"}},
        dataset=SimpleNamespace(label="dSprites (rendered stand-in)"), experiment="disent", id="7",
        settings=SimpleNamespace(spec=SimpleNamespace(title="dSprites")),
    )  # fmt: skip


@pytest.mark.parametrize(("name", "called"), [("kim", "kim"), (None, "model"), ("", "model")])
def test_a_run_is_named_by_data_model_objective_folder_and_seed(name, called):
    line = f"dSprites (rendered stand-in) · {called} · vae · run disent/7"
    assert describe_run(make_run(name)) == line
    assert describe_run_and_seed(make_run(name)) == f"{line} · seed 3"


def test_a_caption_names_source_run_and_seed():
    assert describe_subject(SimpleNamespace(run=make_run())) == (
        "dSprites, original images; run disent/7, seed 3 (one run: no interval over seeds)."
    )
    assert name_source("stand-in") == "rendered stand-in images"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("dsprites", "", "original")] * 3, "dSprites"),
        ([("dsprites", "", "stand-in")], "dSprites (rendered stand-in)"),
        ([("mpi3d", "toy", "original"), ("shapes3d", "", "stand-in"), ("mpi3d", "toy", "original")],
         "MPI3D toy, 3DShapes (rendered stand-in)"),
        ([("dsprites", "", "original"), ("dsprites", "", "stand-in")],
         "dSprites, dSprites (rendered stand-in)"),
    ],
)  # fmt: skip
def test_data_are_named_once_and_stand_ins_so_called(rows, expected):
    assert name_data(pd.DataFrame(rows, columns=["dataset", "version", "source"])) == expected


@pytest.mark.parametrize(
    ("seeds", "expected"), [([3], "3"), ([3, 3], "3"), ([5, 2, 3], "2 to 5"), ([1], "1")]
)
def test_seeds_are_counted_from_the_fewest_to_the_most(seeds, expected):
    assert count_seeds(pd.DataFrame({"seeds": seeds})) == expected


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([60.0], ", n 60"),
        ([90, 50_000, 60], ", n 60 to 50,000"),
        ([None], ""),
        ([60, None], ", n 60"),
    ],
)
def test_images_are_counted_from_the_fewest_to_the_most(images, expected):
    assert count_images(pd.DataFrame({"metric_images": pd.Series(images, dtype=float)})) == expected


def test_splits_are_titled_by_condition_and_variant():
    for condition, title in (("extrp", "Extrapolation"), ("own", "Own split"), ("new", "new")):
        runs = pd.DataFrame({"condition": [condition, "x"], "variant": ["blank_side", "y"]})
        assert title_split(runs) == f"{title}: blank_side"


def make_group(**given):
    runs = make_runs({"recomb2element": 60.0, "extrp": 150.0}, control=70.0, **given)
    return RunGroup(runs, tabulate_cells(runs), "dsprites-stand-in", 60)


def test_a_group_is_described_by_source_runs_and_seeds():
    group = make_group(seeds=(1, 2))
    assert group.describe() == (
        "dSprites, rendered stand-in images; runs: 56, seeds by cell: 2."
    )  # fmt: skip
    assert describe_subject(group) == group.describe()
    genuine = make_runs({"extrp": 1.0}).assign(dataset="mpi3d", version="toy", source="original")
    described = RunGroup(genuine, tabulate_cells(genuine)).describe()
    assert described == "MPI3D toy, original images; runs: 21, seeds by cell: 3."
    one = RunGroup(group.runs[:1], group.cells[:1]).describe()
    assert one == "dSprites, rendered stand-in images; runs: 1, seeds by cell: 2."
    plain = RunGroup(group.runs, group.cells)
    assert (plain.name, plain.images) == ("runs", None)


def test_runs_of_a_dataset_are_divided_by_split_without_controls():
    group = make_group()
    parts = list(group_by_split(group))
    assert [part.name for part in parts] == [
        "dsprites-stand-in-recomb2element-leave1out", "dsprites-stand-in-extrp-blank_side"
    ]  # fmt: skip
    for part, condition in zip(parts, ("recomb2element", "extrp"), strict=True):
        for own, table in ((part.runs, group.runs), (part.cells, group.cells)):
            chosen = table[(table["condition"] == condition) & ~table["control"]]
            pd.testing.assert_frame_equal(own, chosen)
        assert part.images == 60


def make_tables(**given):
    runs = make_runs({"extrp": 150.0}).assign(**given)
    return runs, tabulate_cells(runs)


def test_groups_are_of_one_dataset_and_source_whose_models_make_images():
    runs, _ = make_tables()
    parts = [
        runs.assign(cell="a" + runs["cell"]),
        runs.assign(dataset="mpi3d", version="toy", source="original", cell="b" + runs["cell"]),
        runs.assign(source="original", cell="c" + runs["cell"]),
        runs.assign(family="encoder", cell="d" + runs["cell"]),
        runs.assign(condition="none", cell="e" + runs["cell"]),
        runs.assign(family="composer", cell="f" + runs["cell"]),
    ]
    table = pd.concat(parts)
    groups = list(group_by_dataset(table, tabulate_cells(table), 25))
    expected = {"dsprites-original": "c", "dsprites-stand-in": "a", "mpi3d-toy-original": "b",
                "composition-dsprites-stand-in": "f"}  # fmt: skip
    assert {group.name: set(group.cells["cell"].str[0]) for group in groups} == {
        name: {letter} for name, letter in expected.items()
    }
    for group in groups:
        assert set(group.runs["cell"]) == set(group.cells["cell"])
        assert group.images == 25
        for part in (group.runs, group.cells):
            assert set(part["label"]) == set(runs["label"])


def test_runs_that_make_no_images_have_no_group():
    assert list(group_by_dataset(*make_tables(family="encoder"), None)) == []


@pytest.mark.parametrize(("name", "expected"), [("disent/1", True), ("supervised/1", False)])
def test_whether_a_run_makes_images(name, expected):
    assert makes_images(open_run(EARLIER / name)) is expected


def test_settings_of_a_cell_are_those_of_its_first_run():
    paths = [EARLIER / "disent" / name for name in ("1", "batch-16", "beta-4")]
    runs = pd.DataFrame({"cell": ["a", "b", "b"], "path": paths})
    assert read_cell(runs, "a")["training.batch_size"] == 64
    assert read_cell(runs, "b")["training.batch_size"] == 16


def test_the_first_run_of_each_cell_is_opened_once_by_its_label():
    paths = [EARLIER / "disent" / name for name in ("2", "1", "batch-16", "vae-control")]
    runs = pd.DataFrame({"cell": ["a", "a", "b", "a"], "label": ["VAE", "VAE", "VAE 16", "VAE"],
                         "path": paths, "control": [False, False, False, True]})  # fmt: skip
    group = RunGroup(runs.iloc[[3, 0, 1, 2]], pd.DataFrame(), images=7)
    first = group.first_runs
    assert {label: measured.run.id for label, measured in first.items()} == {
        "VAE": "2", "VAE 16": "batch-16"
    }  # fmt: skip
    assert all(measured.images == 7 for measured in first.values())
    assert group.first_runs is first


def test_records_stay_as_they_are_since_all_share_them():
    figure = Figure("plain", "", "", "run", bool, list, list)
    with pytest.raises(FrozenInstanceError):
        figure.name = "another"
    with pytest.raises(FrozenInstanceError):
        make_group().runs = pd.DataFrame()
