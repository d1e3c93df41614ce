"""One more measurement or metric is one file: nothing else is touched, and it is in the tables."""

import shutil

import pytest

import disentgen.analysis.measurements
import disentgen.analysis.metrics
from conftest import REPOSITORY
from disentgen.analysis.bounds import measure_bounds
from disentgen.analysis.collect import find_collection
from disentgen.analysis.measure import Measurements
from disentgen.analysis.measurements import load_measurements
from disentgen.analysis.metrics import load_metrics
from disentgen.analysis.results_table import tabulate_metrics
from disentgen.analysis.tables import tabulate_cells
from disentgen.registry import find_exports

EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_runs"
FILES = {
    disentgen.analysis.measurements: {
        "depth.py": '''
from disentgen.analysis.measurements import Column, Measurement

def count(measured, images):
    return {"layers": len(list(measured.run.model.modules())), "images": images}

MEASUREMENT = Measurement(
    "depth", "depth of the network", count, lambda run: run.experiment == "disent",
    columns=lambda: {"modules": Column("depth", "layers", "log")},
)
''',
        "brightness.py": '''
from disentgen.analysis.measurements import Arrays, Measurement

MEASUREMENT = Measurement(
    "brightness", "brightness of images",
    lambda measured, images: measured.run.dataset.images(range(images)).mean(axis=(1, 2, 3)),
    arrays=Arrays(lambda result: {"mean": result}, lambda run, arrays: arrays["mean"]),
)
''',
    },
    disentgen.analysis.metrics: {
        "spread.py": '''
import numpy as np
from disentgen.analysis.metrics import Metric
from disentgen.analysis.metrics.arrays import metric_of_arrays

@metric_of_arrays()
def measure_spread(codes, classes):
    return {"score": 0.25, "widest": codes.std(axis=0).max()}

METRICS = (Metric("spread", "spread", measure_spread, "nobody 2000", beside=("widest",)),)
''',
        "reach.py": '''
from disentgen.analysis.metrics import Metric

def measure_reach(sampler):
    return {"score": 1 / len(sampler.pool), "images": len(sampler.pool)}

METRICS = (Metric("reach", "reach", measure_reach, "nobody 2001", of="sampler"),)
''',
        "company.py": '''
from disentgen.analysis.metrics import Metric

def measure_company(codes, kl):
    return {"score_per_model": [sum(nats) for nats in kl], "images": len(codes[0])}

METRICS = (Metric("company", "company", measure_company, "nobody 2002", of="runs"),)
''',
    },
}  # fmt: skip


@pytest.fixture
def extended(tmp_path, monkeypatch):
    """Files in folders of their own, on the packages' paths."""

    def forget():
        find_exports.cache_clear()

    for package, files in FILES.items():
        folder = tmp_path / package.__name__.rpartition(".")[2]
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    forget()
    yield
    monkeypatch.undo()
    forget()


def test_they_are_in_tables(extended, tmp_path):
    for name in ("disent/1", "disent/2", "decoders/1"):
        shutil.copytree(EARLIER / name, tmp_path / "sims" / name)
    only = ("spread", "reach", "company", "depth")
    collection = find_collection(tmp_path / "sims", 25, only=only)
    runs = collection.table.set_index("run")
    for name in ("disent/1", "disent/2"):
        assert runs["spread"][name] == 0.25
        assert runs["reach"][name] == 1 / 25
        assert runs["modules"][name] > 5
    kl = {f"disent/{run.id}": run.results["scores"]["train"].get("kl_per_latent")
          for run in collection.runs}  # fmt: skip
    assert runs["company"]["disent/2"] == pytest.approx(sum(kl["disent/2"]))
    assert runs.loc["decoders/1", ["spread", "reach", "company", "modules"]].isna().all()
    cells = tabulate_cells(collection.table).set_index("experiment")
    assert cells["modules"]["disent"] == pytest.approx(runs["modules"]["disent/1"])
    assert {f"{name}_{end}" for name in ("spread", "reach", "company", "modules")
            for end in ("low", "high")} <= set(cells)  # fmt: skip
    numbers = tabulate_metrics(collection.measured, collection.bounds)
    parts = set(zip(numbers["metric"], numbers["part"], strict=True))
    assert parts == {("spread", "score"), ("spread", "widest"), ("reach", "score"),
                     ("company", "score"), ("depth", "layers")}  # fmt: skip
    assert (numbers["images"] == 25).all()


def test_they_are_recalled_by_name_and_have_bounds(extended, tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))
    measured = Measurements(collection_run(tmp_path), 12)
    assert {"depth", "brightness"} <= set(load_measurements())
    first = measured.get("brightness")
    assert first.shape == (12,)
    assert (tmp_path / "run" / "analysis" / "brightness_12.npz").exists()
    assert (measured.get("brightness") == first).all()
    chosen = [load_metrics()[name] for name in ("spread", "reach")]
    bounds = measure_bounds("toy", measured.run.split, 3, 12, chosen)
    assert bounds["reach", "score"] == {"ceiling": 1 / 12, "floor": 1 / 12}
    assert bounds["spread", "widest"]["ceiling"] > 0
    assert "company" not in load_metrics("codes", "sampler")


def collection_run(folder):
    from disentgen.runs import open_run

    return open_run(shutil.copytree(EARLIER / "disent" / "1", folder / "run"))


def test_they_are_gone_again():
    assert not {"depth", "brightness"} & set(load_measurements())
    assert not {"spread", "reach", "company"} & set(load_metrics())
