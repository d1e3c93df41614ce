"""What was measured stays, whatever else is; files of earlier versions are read."""

import json
import zipfile

import numpy as np
import pytest

from conftest import REPOSITORY
from disentgen.analysis.kept import KeptArrays, KeptResults
from disentgen.analysis.measure import Measurements
from disentgen.analysis.measurements import load_measurements
from disentgen.analysis.places import Place
from disentgen.runs import open_run

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
STAMP = {"model": "abc"}


def never():
    pytest.fail("measured anew")


@pytest.fixture
def arrays(tmp_path):
    return KeptArrays(tmp_path / "analysis", STAMP)


def test_arrays_are_kept_by_name_and_number_of_images(arrays):
    for images in (2_000, 60):
        arrays.recall("errors", images, 1, lambda: {"excess": np.arange(images)})  # noqa: B023
    assert {path.name for path in arrays.folder.iterdir()} == {"errors_2000.npz", "errors_60.npz"}
    for images in (2_000, 60):
        kept = arrays.recall("errors", images, 1, never)
        assert kept.keys() == {"excess"}
        assert np.array_equal(kept["excess"], np.arange(images))


@pytest.mark.parametrize(
    ("stamp", "revision"), [({"model": "other"}, 1), (STAMP, 2)], ids=["model", "revision"]
)
def test_arrays_of_another_model_or_revision_are_measured_anew(arrays, stamp, revision):
    arrays.recall("errors", 60, 1, lambda: {"excess": np.zeros(2)})
    other = KeptArrays(arrays.folder, stamp)
    for measure in (lambda: {"excess": np.ones(2)}, never):
        assert other.recall("errors", 60, revision, measure)["excess"].tolist() == [1, 1]


def test_damaged_arrays_are_measured_anew(arrays):
    arrays.folder.mkdir()
    for content in (b"", b"PK\x03\x04", b"\x93NUMPY"):
        (arrays.folder / "errors_60.npz").write_bytes(content)
        assert arrays.recall("errors", 60, 1, lambda: {"excess": np.ones(1)})["excess"] == [1]


def write_header(path, header):
    """An archive of one array whose header is damaged."""
    size = len(header).to_bytes(2, "little")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("stamp.npy", b"\x93NUMPY\x01\x00" + size + header)


@pytest.mark.filterwarnings("ignore:Reading")
def test_arrays_with_damaged_headers_are_measured_anew(arrays):
    arrays.folder.mkdir()
    for header in (b"{'descr': (\n", b"{'descr' 1L (", b"  x\n y\n", b"\xff{", b"{" * 2_000):
        write_header(arrays.folder / "errors_60.npz", header)
        assert arrays.recall("errors", 60, 1, lambda: {"excess": np.ones(1)})["excess"] == [1]


def test_kept_arrays_of_other_names_or_shapes_are_measured_anew(measured, tmp_path):
    for name, column, key in (
        ("codes_train", "codes", ("codes", "train")),
        ("errors", "excess", ("errors",)),
    ):
        sound = measured.get(*key)
        path = tmp_path / f"{name}_20.npz"
        with np.load(path) as file:
            parts = dict(file)
        for damaged in (
            {name: part for name, part in parts.items() if name != column},
            {**parts, column: parts[column][:-1]},
            {**parts, column: parts[column][..., None]},
            {**parts, "indices": parts["indices"] + 10**9},
            {**parts, column: np.full(len(parts[column]), "x")},
        ):
            np.savez(path, **damaged)
            for again, right in zip(measured.get(*key), sound, strict=True):
                assert np.array_equal(again, right)


def test_kept_results_of_another_shape_are_measured_anew(measured, tmp_path):
    content = {"stamp": measured.stamp, "measured": {}}
    for result in ([], {}, {"excess": "x"}, {"excess": True}, [{"excess": 1}]):
        kept = {"revision": 1, "versions": {}, "result": result}
        content["measured"] = {"constant_image": {"64": kept}}
        (tmp_path / "metrics.json").write_text(json.dumps(content))
        assert measured.get("constant_image")["excess"] > 0


def test_every_result_in_plain_data_has_columns_or_rows(measured):
    """By which a kept one of another shape is known."""
    without = {
        part.key
        for measurement in load_measurements().values()
        if measurement.arrays is None and measurement.applies(measured.run)
        for part in measurement.list_parts(measured.run).values()
        if not any(column.key == part.key for column in measurement.columns().values())
    }
    assert without == {"probe_linear", "probe_mlp"}


def test_results_that_were_kept_meanwhile_stay(tmp_path):
    path = tmp_path / "metrics.json"

    def measure():
        KeptResults(path, STAMP).recall("mig", 60, 1, lambda: {"score": 0.25})
        return {"score": 0.5}

    KeptResults(path, STAMP).recall("sap", 2_000, 1, measure)
    kept = json.loads(path.read_text())["measured"]
    assert kept["mig"]["60"]["result"] == {"score": 0.25}
    assert kept["sap"]["2000"]["result"] == {"score": 0.5}


@pytest.fixture
def measured(tmp_path):
    """Measurements of a run, on 20 images, kept in an empty folder."""
    measured = Measurements(open_run(EARLIER / "disent" / "1"), 20)
    measured.place = Place(tmp_path)
    return measured


def test_files_of_earlier_versions_are_read(measured, monkeypatch, tmp_path):
    stamp = json.dumps(measured.stamp)
    indices = measured.run.split.sample("train", 20)
    codes = np.random.default_rng(0).random((20, 10)).astype(np.float32)
    np.savez(tmp_path / "codes_train_20.npz", stamp=np.array(stamp), indices=indices, codes=codes)
    parts = {"excess": np.arange(20.0), "weights": np.ones(20), "held_out": indices > 400_000}
    np.savez(tmp_path / "errors_20.npz", stamp=np.array(stamp), indices=indices, **parts)
    results = {"probe_linear": [{"factor": "posX"}], "probe_mlp": [], "mig": {"score": 0.5}}
    kept = {name: {"20": {"revision": 1, "versions": {}, "result": result}}
            for name, result in results.items()}  # fmt: skip
    kept["constant_image"] = {"64": {"revision": 1, "versions": {}, "result": {"excess": 7.0}}}
    content = {"stamp": measured.stamp, "measured": kept}
    (tmp_path / "metrics.json").write_text(json.dumps(content))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(type(measured.run), "dataset", property(lambda run: never()))
    found = measured.codes("train")
    assert np.array_equal(found.indices, indices)
    assert np.array_equal(found.codes, codes)
    grid = measured.run.split.grid
    assert np.array_equal(found.values, grid.standardise(grid.values(indices)))
    errors = measured.get("errors")
    assert all(np.array_equal(getattr(errors, name), part) for name, part in parts.items())
    assert measured.get("probes") == {"linear": [{"factor": "posX"}], "mlp": []}
    assert measured.metrics(["mig"]) == {"mig": {"score": 0.5}}
    assert measured.get("constant_image") == {"excess": 7.0}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_quick_look_wipes_nothing(measured, tmp_path):
    for images in (20, 10):
        other = Measurements(measured.run, images)
        other.place = Place(tmp_path)
        other.get("errors")
        other.codes("held_out")
        other.get("probes", "linear")
    assert {path.stem for path in tmp_path.glob("*.npz")} >= {
        "errors_20", "errors_10", "codes_held_out_20", "codes_held_out_10"
    }  # fmt: skip
    kept = json.loads((tmp_path / "metrics.json").read_text())["measured"]["probe_linear"]
    assert kept.keys() == {"20", "10"}
