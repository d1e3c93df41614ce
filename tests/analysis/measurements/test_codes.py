import numpy as np
import pytest
import torch

from configs.cnnvae import ENCODERS
from configs.decoders import DECODERS
from conftest import read_config
from disentgen.analysis.measure import Measurements
from disentgen.analysis.measurements import metrics as of_metrics
from disentgen.analysis.measurements import readouts
from disentgen.analysis.measurements.codes import Codes, collect_codes, encode
from disentgen.analysis.measurements.probes import PROBES, measure_placement
from disentgen.analysis.measurements.readouts import KINDS, list_columns
from disentgen.analysis.metrics import Metric
from disentgen.dataset.split import SIDES
from disentgen.errors import UsageError
from disentgen.models import build_model
from disentgen.models.families.encoder import FactorEncoder
from disentgen.models.outputs import FactorOutput
from disentgen.run_directory import RunDirectory
from disentgen.runs import open_run
from disentgen.training.run import train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    given = {
        "dataset": {"name": "dsprites", "source": "stand-in", "variant": "shape2tx"},
        "model": ENCODERS["fast"],
        "training": {"loss": {"name": "nll"}, "epochs": 1, "epoch_length": 2,
                     "validation_images": 16, "score_images": 16, "find_duplicates": False},
    }  # fmt: skip
    train(read_config("encoder", **given), RunDirectory(folder))
    return open_run(folder)


class Places(FactorEncoder):
    """An encoder that sees where a sprite is, and nothing else."""

    def __init__(self):
        torch.nn.Module.__init__(self)

    def forward(self, images):
        weight = images.flatten(1)
        rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
        centre = [(weight * axis.flatten()).sum(1) / weight.sum(1) for axis in (rows, columns)]
        return FactorOutput(torch.stack(centre, dim=1))


@pytest.mark.parametrize("kind", PROBES)
def test_placement_tells_what_a_code_holds(run, kind):
    run.__dict__["model"] = Places()
    codes = {side: collect_codes(run, side, 400) for side in SIDES}
    table = measure_placement(codes, run.split.grid.names, kind).set_index(["side", "factor"])
    assert len(table) == 15
    for side in ("train", "validation", "held_out"):
        # On the held-out side every sprite is in the right half: a linear reading still finds it.
        assert table["squared_error"][side]["posX"] < 0.02
        assert table["squared_error"][side]["posY"] < 0.02
    assert table["squared_error"]["validation"]["orientation"] == pytest.approx(1, abs=0.25)
    assert (table["images"] == 400).all()


@pytest.mark.parametrize("kind", PROBES)
def test_placement_of_one_factor_is_that_of_one_of_many(kind):
    """A dataset may vary in one factor alone."""
    draws = np.random.default_rng(0).normal(size=(100, 2))
    sides = {side: Codes(np.arange(100), draws, draws[:, :1]) for side in ("train", "validation")}
    table = measure_placement(sides, ["size"], kind)
    assert table["factor"].tolist() == ["size", "size"]
    assert (table["squared_error"] < (1e-9 if kind == "linear" else 0.5)).all()


def test_codes_are_those_of_the_images_that_scores_are_of(run):
    run.__dict__["model"] = Places()
    codes = collect_codes(run, "held_out", 50)
    assert np.array_equal(codes.indices, run.split.sample("held_out", 50))
    classes = run.split.grid.classes(codes.indices)
    assert np.corrcoef(codes.codes[:, 1], classes[:, 3])[0, 1] > 0.999
    assert codes.values.shape == (50, 5)


@pytest.fixture
def metrics(monkeypatch):
    """Two metrics, each of its own number of images, that say how often they were measured."""
    calls = []

    def count(codes, classes):
        calls.append(codes)
        return {
            "score": float(len(calls)), "images": len(codes), "codes": codes, "classes": classes
        }  # fmt: skip

    found = {name: Metric(name, name, count, "none", images=images)
             for name, images in (("few", 50), ("many", 80))}  # fmt: skip
    monkeypatch.setattr(of_metrics, "load_metrics", lambda *of: found)
    return found


def test_metrics_are_measured_on_their_own_number_of_images(run, metrics):
    found = Measurements(run).metrics()
    assert {name: result["images"] for name, result in found.items()} == {"few": 50, "many": 80}
    for result in found.values():
        collected = collect_codes(run, "train", result["images"])
        assert result["classes"] == run.split.grid.classes(collected.indices).tolist()
        assert result["codes"] == collected.codes.tolist()
    few = Measurements(run, 20).metrics()
    assert {name: result["images"] for name, result in few.items()} == {"few": 20, "many": 20}
    # Neither number takes the place of the other.
    for images, earlier in ((None, found), (20, few)):
        again = Measurements(run, images).metrics()
        assert {name: again[name]["score"] for name in again} == {
            name: earlier[name]["score"] for name in earlier
        }
    metrics["many"] = metrics["many"]._replace(images=60)
    assert Measurements(run).metrics(["many"])["many"]["images"] == 60


def test_metrics_of_another_model_or_revision_are_measured_anew(run, metrics, monkeypatch):
    measured = Measurements(run, 30)
    first = measured.metrics(["few"])["few"]["score"]
    assert measured.metrics(["few"])["few"]["score"] == first
    metrics["few"] = metrics["few"]._replace(revision=2)
    assert measured.metrics(["few"])["few"]["score"] > first
    for damage in (b"", b"\xff", b"[]", b'{"stamp": {}, "measured": {"few": 3}}'):
        before = measured.metrics(["few"])["few"]["score"]
        measured.kept.path.write_bytes(damage)
        assert measured.metrics(["few"])["few"]["score"] > before
    before = measured.metrics(["few"])["few"]["score"]
    measured.__dict__.pop("kept")
    measured.__dict__["stamp"] = {"model": "trained further"}
    assert measured.metrics(["few"])["few"]["score"] > before


def test_kept_codes_are_those_that_were_collected(run):
    collected = collect_codes(run, "held_out", 40)
    for _ in range(2):
        kept = Measurements(run).codes("held_out", 40)
        for found, expected in zip(kept, collected, strict=True):
            assert np.array_equal(found, expected)
            assert found.dtype == expected.dtype
    assert len(Measurements(run, 15).codes("held_out", 40).codes) == 15


def test_bounds_are_of_the_same_images_and_latents(run, monkeypatch, tmp_path):
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))
    measured = Measurements(run, 20)
    bounds = measured.bounds()
    assert not {"mig_posterior", "udr"} & {metric for metric, _ in bounds}
    assert bounds["sap", "score"]["ceiling"] > 0.5 + bounds["sap", "score"]["floor"]
    kept = [path.name for path in (tmp_path / "results" / "metric_bounds").glob("*.json")]
    latents = measured.codes("train").codes.shape[1]
    assert sorted(name.rpartition("-")[0] for name in kept) == [
        "dsprites-factors", f"dsprites-noise-{latents}"
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_read_outs_are_of_all_sides_and_kept(run, kind, monkeypatch):
    run.__dict__["model"] = Places()
    result = Measurements(run, 150).get("readouts", kind)
    assert result["images"] == 150
    assert result["r2_per_factor_held_out_100"][3] > 0.5
    assert (result["r2_per_factor_held_out_100"][0], result["r2_held_out_500"]) == (None, None)
    columns = {column.name for column in list_columns().values() if kind in column.key}
    assert len(columns) == 12
    assert columns <= result.keys()
    monkeypatch.setattr(readouts, "read_out", None)
    assert Measurements(run, 150).get("readouts", kind) == result


def test_encoders_of_factors_have_no_posteriors(run):
    measured = Measurements(run, 20)
    with pytest.raises(UsageError, match="family 'encoder' have no 'posteriors'"):
        measured.get("posteriors")
    with pytest.raises(UsageError, match="mig_posterior"):
        measured.get("metrics", "mig_posterior")
    assert "mig_posterior" not in of_metrics.list_metrics(run)


def test_decoders_have_no_codes():
    images = torch.zeros(1, 1, 64, 64)
    with pytest.raises(UsageError, match="models of family 'decoder' have no encoder"):
        encode("decoder", build_model("decoder", (1, 64, 64), 5, DECODERS["fast"]), images)
