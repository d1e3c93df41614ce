"""Families of splits: published counts and hashes, and what each rule promises."""

import csv
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.sides import sides_by_expression
from disentgen.dataset.spec import find_spec, load_specs
from disentgen.dataset.split import divide
from disentgen.dataset.splits import build_sides, split_families
from disentgen.dataset.splits.orthotopic import measure_shares
from disentgen.dataset.splitting import build_split
from disentgen.errors import UsageError

#: Counts and hashes from running the published masks of Montero et al. 2024 and Camposampiero et
#: al. 2025 on the full grids.
LATER = list(csv.DictReader(Path(__file__).with_name("later_splits.csv").open(encoding="utf-8")))
GRID = FactorGrid(
    {"a": (0.0, 1.0, 2.0, 3.0), "b": tuple(range(6)), "c": (0.0, 1.0), "d": tuple(range(9))}
)
ALL = np.ones(GRID.size, dtype=bool)
SOME = np.random.default_rng(3).random(GRID.size) < 0.7
CLASSES = GRID.classes(np.arange(GRID.size))


def build(name, within=ALL, grid=GRID, **params):
    return build_sides(name, params, grid, within)


@pytest.mark.parametrize("row", LATER, ids=lambda row: f"{row['dataset']}-{row['variant']}")
def test_later_conditions_are_the_published_ones(row):
    split = build_split(find_spec(row["dataset"]), variant=row["variant"])
    assert int(split.held_in.sum()) == int(row["held_in_images"])
    assert int(split.held_out.sum()) == int(row["held_out_images"])
    assert split.sha256("held_out")[:16] == row["held_out_sha256_16"]


def test_every_later_variant_is_tested():
    assert len(LATER) == 32
    there = {
        (spec.name, name)
        for spec, *_ in load_specs().values()
        for name, row in spec.variants.items()
        if row.source in ("Montero et al. 2024", "Camposampiero et al. 2025")
    }
    assert there == {(row["dataset"], row["variant"]) for row in LATER}


@pytest.mark.parametrize("c", range(3))
def test_orthotopic_counts_late_factors(c):
    thresholds = {"a": 2, "b": 3, "d": 5}
    late = sum(CLASSES[:, GRID.axis(name)] >= first for name, first in thresholds.items())
    sides = build("orthotopic", c=c, thresholds=thresholds)
    assert np.array_equal(sides.held_out, late > c)
    assert np.array_equal(sides.held_in, late <= c)
    # What defined it can be typed again.
    again = sides_by_expression(GRID, sides.words["held_out"])
    assert np.array_equal(again.held_out, sides.held_out)


def test_shares_of_thresholds_are_those_of_the_grid():
    sizes = (3, 4, 2)
    classes = np.array(list(product(*map(range, sizes))))
    for c in range(3):
        expected = [
            ((classes >= thresholds).sum(axis=1) <= c).mean()
            for thresholds in product(*(range(1, size) for size in sizes))
        ]
        assert np.allclose(measure_shares(sizes, c), expected)


@pytest.mark.parametrize("name", ["dsprites", "shapes3d", "mpi3d"])
def test_rungs_of_the_matched_ladder_train_on_as_many_images(name):
    spec = find_spec(name)
    rungs = [row for row in spec.variants if row.startswith("matched_c")]
    splits = [build_split(spec, variant=rung) for rung in rungs]
    assert len(rungs) == len(spec.variants[rungs[0]].split_params["factors"])
    assert {int(split.held_in.sum()) for split in splits} == {spec.grid.size // 4}
    for c, split in enumerate(splits):
        assert split.held_out.mean() > 0.25
        everything = np.ones(spec.grid.size, dtype=bool)
        hidden = build("orthotopic", everything, spec.grid, c=c, **_read_thresholds(spec, c))
        assert not (split.held_in & hidden.held_out).any()
        assert np.array_equal(split.held_out, hidden.held_out)


def _read_thresholds(spec, c):
    from disentgen.dataset.splits.orthotopic import find_thresholds

    factors = spec.variants[f"matched_c{c}"].split_params["factors"]
    sizes = [len(spec.grid.factor_values[factor]) for factor in factors]
    found = find_thresholds(sizes, c, 1.025 * 0.25)
    return {"thresholds": dict(zip(factors, found, strict=True))}


def test_a_matched_rung_draws_among_the_combinations_that_there_are():
    sides = build("orthotopic_matched", SOME, c=1)
    assert int(sides.held_in.sum()) == round(0.25 * SOME.sum())
    assert not ((sides.held_in | sides.held_out) & ~SOME).any()
    other = build("orthotopic_matched", SOME, c=1, seed=1)
    assert not np.array_equal(sides.held_in, other.held_in)
    assert np.array_equal(sides.held_out, other.held_out)


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 1.0])
def test_pairwise_holds_out_the_corner_of_two_factors(p):
    sides = build("pairwise", factors=["d", "b"], p=p)
    pairs = {(b, d) for _, b, _, d in CLASSES[sides.held_out].tolist()}
    assert len(pairs) == len({b for b, _ in pairs}) * len({d for _, d in pairs})
    assert all((b + 1, d) in pairs for b, d in pairs if b < 5)
    assert len(pairs) / (5 * 8) == pytest.approx(p, abs=0.03)
    assert {b for b, _ in pairs} <= set(range(1, 6))
    assert sides.held_out.sum() == len(pairs) * 4 * 2


@pytest.mark.parametrize("within", [ALL, SOME], ids=["all", "some"])
def test_coverage_shows_a_share_at_random(within):
    sides = build("coverage", within, p=0.1)
    assert int(sides.held_in.sum()) == round(0.1 * within.sum())
    assert np.array_equal(sides.held_in ^ sides.held_out, within)
    assert np.array_equal(sides.held_in, build("coverage", within, p=0.1).held_in)
    assert not np.array_equal(sides.held_in, build("coverage", within, p=0.1, seed=1).held_in)
    assert sides.words["held_out"] == "coverage(p=0.1, seed=0)"


def list_pairs(mask):
    return {
        (first, second, *CLASSES[index, [first, second]].tolist())
        for first, second in combinations(range(4), 2)
        for index in np.flatnonzero(mask)
    }


@pytest.mark.parametrize("within", [ALL, SOME], ids=["all", "some"])
@pytest.mark.parametrize("seed", range(3))
def test_level_1_shows_every_pair_of_values(within, seed):
    sides = build("level1", within, share=0.4, seed=seed)
    assert int(sides.held_out.sum()) == round(0.4 * within.sum())
    assert np.array_equal(sides.held_in ^ sides.held_out, within)
    assert list_pairs(sides.held_in) == list_pairs(within)


@pytest.mark.parametrize("seed", range(3))
def test_level_2_holds_out_what_has_a_new_pair_of_values(seed):
    sides = build("level2", share=0.3, seed=seed)
    seen = list_pairs(sides.held_in)
    assert len(seen) < len(list_pairs(ALL))
    for index in np.flatnonzero(sides.held_out):
        own = ((i, j, *CLASSES[index, [i, j]].tolist()) for i, j in combinations(range(4), 2))
        assert any(pair not in seen for pair in own)
    assert sides.held_out.mean() == pytest.approx(0.3, abs=0.1)
    for axis, size in enumerate(GRID.sizes):
        assert len(np.unique(CLASSES[sides.held_in, axis])) == size


PARTS = {
    "every second value": ("mpi3d", "even_vx"),
    "late values": ("dsprites", "class(posX) >= 16"),
    "one value of a factor": ("dsprites", "shape == 'heart'"),
}


@pytest.mark.parametrize("kind", ["composition", "interpolation", "extrapolation"])
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_rules_are_those_of_the_values_that_a_thinned_grid_has(kind, part):
    name, thin = part
    spec = find_spec(name)
    split = build_split(spec, split=kind, thin=thin)
    there = split.held_in | split.held_out
    assert split.held_in.sum() / there.sum() == pytest.approx(0.3, abs=0.01)
    for axis, factor in enumerate(spec.grid.names):
        known, seen = (
            np.unique(spec.grid.classes(np.flatnonzero(mask))[:, axis])
            for mask in (there, split.held_in)
        )
        if kind == "extrapolation" and factor not in spec.grid.value_names:
            assert np.array_equal(seen, known[: len(seen)])
        elif kind == "interpolation":
            assert {known[0], known[-1]} <= set(seen)
        else:
            assert np.array_equal(seen, known)


def test_factors_that_a_thinned_grid_has_one_value_of_are_no_part_of_a_rule():
    spec, thin = find_spec("dsprites"), "shape == 'heart'"
    novel = build_split(spec, split="level2", thin=thin)
    assert novel.held_out.sum() / 245_760 == pytest.approx(0.3, abs=0.02)
    matched = build_split(spec, split="orthotopic_matched", split_params={"c": 1}, thin=thin)
    assert matched.held_in.sum() == 245_760 // 4
    with pytest.raises(UsageError, match="shape takes a single value; accepted: scale"):
        build_split(spec, split="pairwise", split_params={"factors": ["shape", "posX"]}, thin=thin)


def test_late_values_of_a_pair_are_those_of_a_thinned_grid():
    spec, params = find_spec("dsprites"), {"factors": ["posX", "posY"], "p": 0.5}
    split = build_split(spec, split="pairwise", split_params=params, thin="class(posX) >= 16")
    classes = spec.grid.classes(np.flatnonzero(split.held_out))[:, 3]
    assert 16 < classes.min() < 24


@pytest.mark.parametrize("name", ["dsprites", "shapes3d", "mpi3d"])
@pytest.mark.parametrize("kind", ["composition", "interpolation", "extrapolation"])
def test_rules_after_schott_train_on_about_30_per_cent(name, kind):
    grid = find_spec(name).grid
    sides = build(kind, np.ones(grid.size, dtype=bool), grid)
    assert sides.held_in.mean() == pytest.approx(0.3, abs=0.01)
    assert np.array_equal(sides.held_in, ~sides.held_out)
    classes = grid.classes(np.flatnonzero(sides.held_in))
    for axis, (factor, size) in enumerate(zip(grid.names, grid.sizes, strict=True)):
        seen = set(classes[:, axis].tolist())
        if kind == "composition" or factor in grid.value_names:
            assert seen == set(range(size))
        elif kind == "interpolation":
            assert {0, size - 1} <= seen
        else:
            assert seen == set(range(len(seen)))


def test_correlated_weights_are_those_of_the_papers():
    pairs = [["a", "d"], ["b", "c"]]
    sides = build("correlated", pairs=pairs, sigma=0.3)
    scaled = CLASSES / (np.array(GRID.sizes) - 1)
    gaps = [np.abs(scaled[:, GRID.axis(a)] - scaled[:, GRID.axis(b)]) for a, b in pairs]
    expected = np.prod([np.exp(-(gap**2) / (2 * 0.3**2)) for gap in gaps], axis=0)
    near = np.all([gap <= 0.6 + 1e-9 for gap in gaps], axis=0)
    assert np.array_equal(sides.held_in, near)
    assert np.array_equal(sides.held_out, ~near)
    assert np.allclose(sides.weights[near], expected[near], rtol=1e-10)
    assert not sides.weights[~near].any()


def test_a_band_is_within_its_radius_of_every_diagonal():
    pairs, radius = [["a", "d"], ["b", "c"]], 0.36
    sides = build("diagonal", SOME, pairs=pairs, radius=radius)
    scaled = CLASSES / (np.array(GRID.sizes) - 1)
    # The distance of a point from the line on which both are alike.
    near = np.all(
        [
            np.hypot(*(point - point.mean(axis=1, keepdims=True)).T) <= radius + 1e-9
            for point in (scaled[:, [0, 3]], scaled[:, [1, 2]])
        ],
        axis=0,
    )
    assert 0 < near.sum() < near.size
    assert np.array_equal(sides.held_in, near & SOME)
    assert np.array_equal(sides.held_out, ~near & SOME)


def test_weights_are_the_same_to_the_last_bit_on_any_machine():
    split = build_split(find_spec("dsprites"), variant="single_1_01")
    assert split.describe()["weights"]["sha256"].startswith("64ca9ffc63dbecba")


def test_sides_without_some_images_do_not_draw_these():
    sides = build("correlated", pairs=[["a", "d"]])
    restricted = sides.restrict(SOME)
    assert np.array_equal(restricted.held_out, sides.held_out & SOME)
    assert np.array_equal(restricted.weights > 0, sides.held_in & SOME)


def test_interpolation_keeps_both_ends_whatever_the_share():
    sides = build("interpolation", share=0.001)
    assert set(map(tuple, CLASSES[sides.held_in][:, [0, 1, 3]].tolist())) == set(
        product((0, 3), (0, 5), (0, 8))
    )


def test_weights_are_part_of_what_a_split_is():
    splits = {}
    for sigma in (0.1, 0.2):
        sides = build("correlated", pairs=[["a", "b"]], sigma=sigma, beyond=0.4 / sigma)
        splits[sigma] = divide(GRID, sides, 0.1, 0)
    one, other = (split.describe() for split in splits.values())
    assert one["held_out"] == other["held_out"]
    assert one["weights"] != other["weights"]
    assert "weights" not in divide(GRID, build("coverage"), 0.1, 0).describe()


def test_a_control_of_a_correlated_split_draws_all_images_alike():
    sides = build("correlated", pairs=[["a", "d"]])
    split, control = (divide(GRID, sides, 0.1, 0, control=control) for control in (False, True))
    assert {**split.describe(), "control": True} == control.describe()
    assert np.array_equal(split.training_weights(), sides.weights[split.indices("train")])
    assert len(control.training_weights()) == len(control.trained_on())
    assert set(control.training_weights()) == {1.0}
    assert divide(GRID, build("coverage"), 0.1, 0).training_weights() is None


def test_thinning_comes_before_the_split():
    spec = find_spec("dsprites")
    split = build_split(spec, variant="shape2tx", thin="halve_pos")
    whole = build_split(spec, variant="shape2tx")
    kept = spec.grid.classes(np.arange(spec.grid.size))[:, 3:].astype(int) % 2 == 0
    kept = kept.all(axis=1)
    assert np.array_equal(split.held_in, whole.held_in & kept)
    assert np.array_equal(split.held_out, whole.held_out & kept)
    assert split.expressions["thin"] == "halve_pos"
    written = build_split(
        spec, variant="shape2tx", thin="class(posX) % 2 == 0 & class(posY) % 2 == 0"
    )
    assert written.describe()["held_in"] == split.describe()["held_in"]
    covered = build_split(spec, split="coverage", split_params={"p": 0.5}, thin="sparse_posX")
    assert int(covered.held_in.sum()) == 5 * 3 * 6 * 40 * 32 // 2


#: Of the images that stay, their number, and the values of one factor among them.
THINNED = {
    ("dsprites", "sparse_posX"): (115_200, "posX", 5),
    ("dsprites", "halve_pos"): (184_320, "posY", 16),
    ("dsprites", "halve_rots"): (368_640, "orientation", 20),
    ("dsprites", "remove_redundant_rotations"): (430_080, "orientation", 40),
    ("shapes3d", "even_ohues"): (240_000, "object_hue", 5),
    ("shapes3d", "half_ohues"): (240_000, "object_hue", 5),
    ("shapes3d", "even_whues"): (240_000, "wall_hue", 5),
    ("shapes3d", "even_fhues"): (240_000, "floor_hue", 5),
    ("mpi3d", "four_shapes"): (691_200, "object_shape", 4),
    ("mpi3d", "fix_hx"): (25_920, "horizontal_axis", 1),
    ("mpi3d", "lhalf_hx"): (518_400, "horizontal_axis", 20),
    ("mpi3d", "even_vx"): (518_400, "vertical_axis", 20),
}


def test_every_thinning_is_tested():
    there = {(spec.name, name) for spec, *_ in load_specs().values() for name in spec.thinnings}
    assert there == set(THINNED)


@pytest.mark.parametrize(("names", "expected"), THINNED.items(), ids=map("-".join, THINNED))
def test_thinnings_keep_what_their_source_keeps(names, expected):
    count, factor, values = expected
    split = build_split(find_spec(names[0]), thin=names[1])
    assert int(split.held_in.sum()) == count
    axis = split.grid.axis(factor)
    assert len(np.unique(split.grid.classes(split.indices("held_in"))[:, axis])) == values


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("orthotopic", {"c": 3, "thresholds": {"a": 2, "b": 1}}, "c=3 of 2 factors holds nothing"),
        ("orthotopic", {"c": 0, "thresholds": {"a": 4}}, "thresholds.a=4 leaves no late value of "
         "a; accepted: 1 to 3."),
        ("orthotopic", {"c": 0, "thresholds": {"e": 1}}, "unknown factor 'e'"),
        ("orthotopic", {"c": 0}, "dataset.split_params.thresholds is missing"),
        ("orthotopic_matched", {"c": 0, "share": 0.9}, "leaves .* combinations, fewer than "
         "dataset.split_params.share=0.9 of all; give a smaller share"),
        ("orthotopic_matched", {"c": 0, "factors": ["a", "a"]}, "a factor is named twice"),
        ("pairwise", {"factors": ["a"]}, "pairwise takes two factors"),
        ("coverage", {"p": 0.0001}, "p=0.0001 of 432 combinations is none"),
        ("coverage", {"p": 1.5}, "dataset.split_params.p: input should be less than 1; given: 1.5"),
        ("level1", {"share": 0.95}, "Give at most 0."),
        ("orthotopic", {"c": 0, "thresholds": {}}, "no factor takes part"),
        ("orthotopic_matched", {"c": 0, "factors": []}, "no factor takes part"),
        ("level2", {"share": 0.98}, "holds out all combinations of a value of"),
        ("correlated", {"pairs": [["a", "d"]], "sigma": 0.5, "beyond": 2}, "nothing is held out"),
        ("correlated", {"pairs": [["a", "d"], ["d", "a"]]}, "has a pair twice"),
        ("diagonal", {"pairs": [["a", "a"]]}, "a factor is named twice"),
        ("diagonal", {"pairs": [["a", "d"]], "radius": 0.8}, "radius: input should be less"),
        ("correlated", {"pairs": []}, "dataset.split_params.pairs"),
        ("correlated", {"pairs": [["a", "d"]], "sigma": 1e-200}, "sigma: input should be greater"),
        ("correlated", {"pairs": [["a", "d"]], "sigma": 1e200, "beyond": 1e-201}, "sigma"),
        ("correlated", {"pairs": [["a", "d"]], "sigma": 0.01, "beyond": 60}, "beyond"),
    ],
)  # fmt: skip
def test_mistakes(name, params, message):
    with pytest.raises(UsageError, match=message):
        build(name, **params)


def test_the_share_that_is_advised_can_be_had():
    spec = find_spec("dsprites")
    with pytest.raises(UsageError, match="Give at most") as refused:
        build_split(spec, split="level1", split_params={"share": 0.999})
    advised = float(str(refused.value).split("at most ")[1].rstrip("."))
    split = build_split(spec, split="level1", split_params={"share": advised})
    assert int(split.held_out.sum()) == round(advised * spec.grid.size)


def test_all_families_are_tested():
    text = Path(__file__).read_text(encoding="utf-8")
    assert all(f'"{name}"' in text for name in split_families())
