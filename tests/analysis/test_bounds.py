import json

import numpy as np
import pytest

from disentgen.analysis.bounds import (
    Reference,
    format_bounds,
    format_score,
    main,
    measure_bounds,
)
from disentgen.analysis.code_kinds import KINDS
from disentgen.analysis.metrics import OF_ONE_RUN, Metric, load_metrics
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.split import split_grid

GRID = FactorGrid({"a": tuple(range(40)), "b": (0, 1, 5, 7), "c": (0.1, 0.2, 0.3)})
SPLIT = split_grid(GRID, "b > 6", None, 0.1, 0)
KNOWN = load_metrics(*OF_ONE_RUN)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))
    return tmp_path / "results" / "metric_bounds"


@pytest.fixture
def seen():
    """Codes and classes that a metric was measured on."""
    return []


@pytest.fixture
def metric(seen):
    def look(codes, classes):
        seen.append((codes, classes))
        return {"score": float(len(seen)), "other": np.nan, "images": len(codes)}

    return Metric("looking", "looking", look, "none", beside=("other",), images=100)


def measure(metric, dataset="toy", split=SPLIT, latents=3, images=None):
    bounds = measure_bounds(dataset, split, latents, images, [metric])
    return bounds["looking", "score"]


def test_ceiling_is_of_the_factors_and_floor_of_noise_on_training_images(metric, seen):
    bounds = measure_bounds("toy", SPLIT, 7, None, [metric])
    assert bounds == {
        ("looking", "score"): {"ceiling": 1, "floor": 2},
        ("looking", "other"): {"ceiling": None, "floor": None},
    }
    (factors, first), (noise, second) = seen
    indices = SPLIT.sample("train", 100)
    assert np.array_equal(first, GRID.classes(indices))
    assert np.array_equal(second, first)
    assert np.array_equal(factors, GRID.standardise(GRID.values(indices)))
    assert noise.shape == (100, 7)
    assert np.abs(np.corrcoef(noise.T, first.T)[:7, 7:]).max() < 0.4
    assert noise.std() == pytest.approx(1, abs=0.15)


def test_each_bound_is_measured_once_for_whatever_it_depends_on(metric, seen):
    first = measure(metric)
    others = {
        "dataset": {"dataset": "toy-other"},
        "factors": {"split": split_grid(FactorGrid({**GRID.factor_values, "c": (1, 2, 4)}), "b > 6",
                                        None, 0.1, 0)},
        "held out": {"split": split_grid(GRID, "b < 1", None, 0.1, 0)},
        "validation": {"split": split_grid(GRID, "b > 6", None, 0.1, 1)},
        "images": {"images": 90},
    }  # fmt: skip
    for change in others.values():
        found = measure(metric, **change)
        assert set(found.values()).isdisjoint(first.values())
        assert measure(metric, **change) == found
    wider = measure(metric, latents=4)
    assert wider["ceiling"] == first["ceiling"]
    assert wider["floor"] != first["floor"]
    assert measure(metric) == first
    assert len(seen) == 2 * (1 + len(others)) + 1
    revised = measure(metric._replace(revision=2))
    assert set(revised.values()).isdisjoint(first.values())


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"{}", b'{"stamp": 1, "measured": []}'])
def test_damaged_files_are_measured_anew(metric, folder, damage):
    first = measure(metric)
    paths = list(folder.glob("*.json"))
    assert len(paths) == 2
    for path in paths:
        path.write_bytes(damage)
    second = measure(metric)
    assert set(second.values()).isdisjoint(first.values())
    assert measure(metric) == second


def test_a_file_of_other_codes_is_not_taken(metric, folder):
    first = measure(metric)
    for path in folder.glob("*noise*.json"):
        content = json.loads(path.read_text())
        content["stamp"]["train"] = "0" * 64
        path.write_text(json.dumps(content))
    second = measure(metric)
    assert second["ceiling"] == first["ceiling"]
    assert second["floor"] != first["floor"]


def test_ceilings_of_known_metrics_are_their_closed_forms():
    whole = split_grid(GRID, None, None, 0.01, 0)
    chosen = [KNOWN[name] for name in ("mig", "mig_posterior", "higgins", "factor_vae", "sap")]
    bounds = measure_bounds("toy", whole, 10, None, chosen)
    # 20 bins tell no more of 40 classes than log 20; so for one factor of three.
    expected = (np.log(20) / np.log(40) + 2) / 3
    assert bounds["mig", "score"]["ceiling"] == pytest.approx(expected, abs=0.02)
    assert bounds["mig", "score"]["floor"] < 0.1
    # Of 480 images, the second latent seems to hold a little of each factor.
    assert 0.75 < bounds["mig_posterior", "score"]["ceiling"] < 1
    assert bounds["mig_posterior", "score"]["floor"] < 0.1
    for name in ("higgins", "factor_vae"):
        assert bounds[name, "score"]["ceiling"] == 1
        # Noise is known again where it is of so few images.
        assert 0.3 < bounds[name, "score"]["floor"] < 0.7


def test_samplers_draw_from_as_many_images_as_are_asked_for(monkeypatch):
    drawn = {}
    metric = KNOWN["factor_vae"]

    def look(sampler):
        drawn[len(sampler.pool)] = sampler.pool
        return metric.function(sampler)

    Reference("toy", SPLIT).score([metric._replace(function=look)], 60)
    assert np.array_equal(drawn[60], SPLIT.sample("train", 60))


def test_the_table_has_a_row_for_each_score(capsys):
    main(["dsprites", "--images", "20", "--latents", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| metric | part | images | dsprites |"
    assert len(lines) == 2 + sum(len(metric.scores) for metric in KNOWN.values())
    assert all(line.count("|") == 5 and "| 20 |" in line for line in lines[2:])
    assert format_bounds(["dsprites"], 2, 20) == "\n".join(lines)
    assert format_score(0.98765, -1e-9) == "0.988 / 0.000"
    assert format_score(None, 0.5) == "– / 0.500"
    for words in (["nonsense"], ["--images", "3"]):
        with pytest.raises(SystemExit, match="dsprites|5 or more"):
            main(words)


def test_kinds_of_codes_stand_in_a_table_for_each_dataset(capsys, monkeypatch):
    chosen = {name: KNOWN[name] for name in ("omes", "sap")}
    monkeypatch.setattr("disentgen.analysis.bounds.load_metrics", lambda *of: chosen)
    main(["dsprites", "shapes3d", "--kinds", "--images", "400", "--latents", "3"])
    tables = capsys.readouterr().out.strip().split("\n\n")
    assert [table.splitlines()[0][:11] for table in tables] == ["| dsprites ", "| shapes3d "]
    lines = [line.split(" | ") for line in tables[0].splitlines()]
    assert lines[0][2:] == [*list(KINDS)[:-1], f"{list(KINDS)[-1]} |"]
    assert [line[:2] for line in lines[2:]] == [
        ["| OMES", "score"], ["| OMES", "overlap"], ["| OMES", "multiple_encoding"],
        ["| SAP", "score"],
    ]  # fmt: skip
    # In each cell a score for all combinations, for a tenth, and for two factors together.
    perfect, rotated, duplicated = (
        [float(one) for one in lines[-1][i].split(" / ")] for i in (2, 4, 5)
    )
    assert perfect[:2] == pytest.approx([1, 1], abs=0.03)
    assert 0.5 < perfect[2] < 0.8
    assert max(rotated) < 0.5
    assert max(duplicated) == 0
