"""Read-outs: what models of few labels read from codes, of which images, and what is kept."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import r2_score

from disentgen.analysis.code_kinds import make_codes
from disentgen.analysis.measurements.codes import Codes
from disentgen.analysis.measurements.readouts import (
    LABELS,
    fit_readers,
    read_out,
    to_classes,
)
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.split import split_grid

GRID = FactorGrid(
    {
        "x": (0.0, 1.0, 2.0, 5.0),
        "y": tuple(range(15)),
        "kind": (0, 1, 2),
        "angle": tuple(range(15)),
    },
    {"kind": ("round", "square", "flat")},
)
SPLIT = split_grid(GRID, "kind == 'flat' & y > 9", None, 0.2, 0)


def encode(kind, grid=GRID, split=SPLIT, sides=("train", "validation", "held_out"), limit=1_000):
    coded = {}
    for number, side in enumerate(sides):
        indices = split.sample(side, limit)
        # A rotation is drawn anew for each side, if not with the same numbers.
        codes = make_codes(kind, grid, indices, np.random.default_rng(number * (kind == "noise")))
        coded[side] = Codes(indices, codes, grid.standardise(grid.values(indices)))
    return coded


@pytest.mark.parametrize("kind", ["perfect", "rotated", "partly dead"])
def test_factors_in_any_linear_code_are_read_by_lines(kind):
    result = read_out(encode(kind), GRID, "linear")
    for side in ("validation", "held_out"):
        assert result[f"r2_{side}_100"] > 0.999
        assert result[f"joint_accuracy_{side}_500"] > 0.97
        assert result[f"r2_per_factor_{side}_100"][[0, 1, 3]] == pytest.approx(1, abs=1e-3)
    assert result["images"] == 1_000


def test_trees_read_factors_off_their_own_latents():
    bent = {side: Codes(part.indices, part.codes**3, part.values)
            for side, part in encode("perfect", limit=500).items()}  # fmt: skip
    trees, lines = (read_out(bent, GRID, kind) for kind in ("trees", "linear"))
    assert trees["joint_accuracy_validation_500"] > 0.99
    assert trees["joint_accuracy_held_out_500"] > 0.99
    assert trees["r2_validation_100"] < trees["r2_validation_500"]
    assert lines["joint_accuracy_validation_500"] < 0.7


@pytest.mark.parametrize(
    ("codes", "kind"), [("noise", "linear"), ("constant", "linear"), ("constant", "trees")]
)
def test_useless_codes_are_read_as_the_mean_of_training_images(kind, codes):
    result = read_out(encode(codes, limit=500), GRID, kind)
    assert -0.4 < result["r2_validation_500"] < 0.05
    # Held-out values of y are all large: any guess from training images is worse than their mean.
    assert result["r2_per_factor_held_out_500"][1] < -2
    assert result["joint_accuracy_validation_500"] < 0.02
    accuracy = result["accuracy_per_factor_validation_500"]
    assert accuracy[2] == pytest.approx(1 / 3, abs=0.12)


def test_scores_are_those_of_other_libraries():
    coded = encode("noise", limit=600)
    mixed = {side: part._replace(codes=part.codes + part.values[:, :1])
             for side, part in coded.items()}  # fmt: skip
    result = read_out(mixed, GRID, "linear")
    some = np.random.default_rng(0).permutation(600)[:500]
    train, tested = mixed["train"], mixed["validation"]
    readers = fit_readers(train.codes[some], train.values[some], GRID, "linear")
    read = [reader.predict(tested.codes) for reader in readers]
    quantities = [0, 1, 3]
    each = [r2_score(tested.values[:, factor], read[factor]) for factor in quantities]
    assert result["r2_per_factor_validation_500"][quantities] == pytest.approx(each)
    assert result["r2_validation_500"] == pytest.approx(np.mean(each))
    classes = GRID.classes(tested.indices)
    right = np.column_stack([
        to_classes(read[factor], GRID, factor) == classes[:, factor] for factor in quantities
    ] + [read[2] == classes[:, 2]])  # fmt: skip
    assert result["joint_accuracy_validation_500"] == right.all(axis=1).mean()
    assert result["accuracy_per_factor_validation_500"][[0, 1, 3, 2]] == pytest.approx(
        right.mean(0)
    )


def test_names_have_no_r2_nor_have_factors_that_do_not_vary_on_a_side():
    result = read_out(encode("perfect"), GRID, "linear")
    assert np.isnan(result["r2_per_factor_validation_500"]).tolist() == [False, False, True, False]
    fixed = split_grid(GRID, "y == 3", None, 0.2, 0)
    result = read_out(encode("perfect", split=fixed), GRID, "linear")
    for side in ("validation", "held_out"):  # that the means are of the same factors
        missing = np.isnan(result[f"r2_per_factor_{side}_500"])
        assert missing.tolist() == [False, True, True, False]


def test_what_there_are_too_few_images_for_is_left_open():
    result = read_out(encode("perfect", limit=300), GRID)
    assert result["r2_validation_100"] > 0.99
    for count in (500, 1_000):
        for side in ("validation", "held_out"):
            assert np.isnan(result[f"r2_{side}_{count}"])
            assert np.isnan(result[f"joint_accuracy_{side}_{count}"])
    result = read_out(encode("perfect", sides=("train", "validation")), GRID)
    assert result["r2_validation_100"] > 0.99
    assert np.isnan([result[f"r2_held_out_{count}"] for count in LABELS]).all()


@pytest.mark.parametrize(
    ("value", "nearest"), [(-9, 0), (0.4, 0), (0.6, 1), (1.4, 1), (3.4, 2), (3.6, 3), (99, 3)]
)
def test_classes_are_those_of_the_nearest_values(value, nearest):
    spread = np.std([0, 1, 2, 5])
    assert to_classes(np.array([(value - 2) / spread]), GRID, 0) == nearest
    falling = FactorGrid({"x": (5.0, 2.0, 1.0, 0.0)})
    assert to_classes(np.array([(value - 2) / spread]), falling, 0) == 3 - nearest
    assert to_classes(np.array([value]), FactorGrid({"x": (7,)}), 0) == 0


def test_the_labelled_images_of_few_are_among_those_of_many(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "disentgen.analysis.measurements.readouts.fit_readers",
        lambda codes, values, *rest: seen.append(codes) or fit_readers(codes, values, *rest),
    )
    read_out(encode("noise"), GRID)
    assert [len(codes) for codes in seen] == list(LABELS)
    for few, many in pairwise(seen):
        assert np.array_equal(few, many[: len(few)])
        assert not np.array_equal(few, encode("noise")["train"].codes[: len(few)])
