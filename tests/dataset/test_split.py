import hashlib
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.spec import find_spec, load_specs
from disentgen.dataset.split import split_grid
from disentgen.dataset.splitting import build_split
from disentgen.dataset.variants import Variant
from disentgen.errors import UsageError
from disentgen.training.identity import list_hashes

DSPRITES = find_spec("dsprites")

#: Counts of both sides and hash of the held-out indices, from running the published filters.
PUBLISHED = {
    ("dsprites", "extrp", "blank_side"): (368_640, 368_640, "de1db7ef50548265"),
    ("dsprites", "recomb2range", "shape2tx"): (614_400, 122_880, "700b839710fa6e30"),
    ("dsprites", "recomb2element", "leave1out"): (731_472, 5_808, "9f5ff0857f7ab8a0"),
    ("shapes3d", "extrp", "fhue_gt50"): (240_000, 240_000, "2cd80784725a55c7"),
    ("shapes3d", "recomb2range", "ohue+whue2fhue"): (451_200, 28_800, "52e6515a39a56e01"),
    ("shapes3d", "recomb2range", "shape2ohue"): (420_000, 60_000, "2018f387e0b55186"),
    ("shapes3d", "recomb2range", "shape2fhue"): (420_000, 60_000, "2f10e45726429b59"),
    ("shapes3d", "recomb2element", "leave1out"): (479_928, 72, "29e9905af250331e"),
    ("mpi3d", "extrp", "horz_gt20"): (518_400, 492_480, "dcb8e2744a75828b"),
    ("mpi3d", "extrp", "objc_gt3"): (691_200, 345_600, "ca3e01e747c9bc4d"),
    ("mpi3d", "recomb2range", "cyl2horz"): (950_400, 86_400, "f34743e92e31e6a9"),
    ("mpi3d", "recomb2range", "objc2horz"): (950_400, 86_400, "6f2488ba8f4920ae"),
    ("mpi3d", "recomb2element", "leave1out"): (1_036_784, 16, "a187a3e2f2696074"),
}


def split(condition=None, variant=None, held_out=None, held_in=None, spec=DSPRITES, **other):
    options = {"validation": 0.05, "seed": 0, "control": False} | other
    return build_split(spec, condition, variant, held_out, held_in, **options)


@pytest.mark.parametrize(("names", "expected"), PUBLISHED.items(), ids=map("-".join, PUBLISHED))
def test_published_variants(names, expected):
    name, condition, variant = names
    spec = find_spec(name)
    for divided in (split(condition, variant, spec=spec), split(variant=variant, spec=spec)):
        held_in, held_out, digest = expected
        description = divided.describe()
        assert description["held_in"]["count"] == held_in
        assert description["held_out"]["count"] == held_out
        assert description["held_out"]["sha256"].startswith(digest)


def test_every_published_variant_is_tested():
    variants = {
        (spec.name, row.condition, variant): row.source
        for versions in load_specs().values()
        for spec in versions
        for variant, row in spec.variants.items()
    }
    published = {names for names, source in variants.items() if source == "Montero et al. 2021"}
    assert published == set(PUBLISHED)
    own = {names for names, source in variants.items() if source is None}
    assert own - {names for names in own if names[1] == "orthotopic_matched"} == {
        ("dsprites", "recomb2element", "leave1out_heart"),
        ("two_sprites", "diagonal", "diagonal_wide"),
        ("two_sprites", "coverage", "random"),
    }


def test_hearts_are_left_out_where_leave1out_leaves_out_ellipses():
    hearts, ellipses = split(variant="leave1out_heart"), split(variant="leave1out")
    assert hearts.describe()["held_in"]["count"] == 731_472
    assert hearts.describe()["held_out"]["count"] == 5_808
    assert hearts.sha256("held_out").startswith("6c7b3a7a6c50b891")
    classes = [divided.grid.classes(divided.indices("held_out")) for divided in (hearts, ellipses)]
    assert np.array_equal(classes[0] - classes[1], np.tile([1, 0, 0, 0, 0], (5_808, 1)))


def test_a_condition_alone_means_its_published_variant():
    assert split("recomb2element").describe() == split(variant="leave1out").describe()
    own = {name: replace(row, source=None) for name, row in DSPRITES.variants.items()}
    with pytest.raises(UsageError, match="2 variants of condition.*leave1out, leave1out_heart"):
        split("recomb2element", spec=replace(DSPRITES, variants=own))
    divided = split("extrp", spec=replace(DSPRITES, variants=own))
    assert divided.describe() == split(variant="blank_side").describe()


def test_representation_is_one_short_line():
    assert repr(split(variant="blank_side", control=True)) == (
        "Split(350,208 train, 18,432 validation, 368,640 held_out, held_out='posX > 0.5', "
        "held_in='posX < 0.5', control=True)"
    )
    assert repr(split()) == "Split(700,416 train, 36,864 validation, 0 held_out)"
    assert len(repr(split(held_out=" | ".join(["posX > 0.5"] * 500)))) < 250


def test_images_may_be_on_neither_side():
    divided = split(variant="horz_gt20", spec=find_spec("mpi3d"))
    neither = np.flatnonzero(~(divided.held_in | divided.held_out))
    assert len(neither) == 25_920
    assert set(divided.grid.values(neither)[:, divided.grid.axis("horizontal_axis")]) == {20.0}


def test_hash_is_of_sorted_little_endian_indices():
    indices = np.flatnonzero(split(variant="leave1out").held_out).astype("<i8")
    assert split(variant="leave1out").sha256("held_out") == (
        hashlib.sha256(indices.tobytes()).hexdigest()
    )


def test_condition_with_one_variant_is_enough():
    assert split("recomb2range").describe() == split(variant="shape2tx").describe()


def test_expression_equals_the_variant_it_writes_out():
    free = split(held_out="posX > 0.5", held_in="posX < 0.5")
    assert free.describe() == split(variant="blank_side").describe()


@given(st.floats(0.001, 0.9), st.integers(0, 5))
def test_sides_are_apart_and_validation_is_held_in(fraction, seed):
    divided = split(held_out="posX > 0.9 & shape == 2", validation=fraction, seed=seed)
    sides = [divided.mask(side) for side in ("train", "validation", "held_out")]
    assert np.array_equal(sum(side.astype(int) for side in sides), np.ones(DSPRITES.grid.size))
    assert divided.mask("validation").sum() == round(fraction * divided.held_in.sum())
    assert np.array_equal(divided.trained_on(), divided.indices("train"))


def hash_indices(indices):
    return hashlib.sha256(indices.astype("<i8").tobytes()).hexdigest()


@pytest.mark.parametrize(
    ("variant", "validation", "sample"),
    [
        ("shape2tx", "4199e77a007a3311", "459b8a87bcf0c622"),
        ("leave1out", "676fe266744e1c84", "296cceab574e74d8"),
    ],
)
def test_images_that_select_and_score_runs_never_change(variant, validation, sample):
    divided = split(variant=variant)
    assert hash_indices(divided.indices("validation")).startswith(validation)
    assert hash_indices(divided.sample("held_out", 100)).startswith(sample)


def test_validation_depends_on_the_data_seed_alone():
    first, again, other = (split(variant="shape2tx", seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.validation, again.validation)
    assert not np.array_equal(first.validation, other.validation)
    assert np.array_equal(first.held_out, other.held_out)


def test_control_trains_on_both_sides_and_scores_the_same_ones():
    run, control = (split(variant="shape2tx", control=control) for control in (False, True))
    for side in ("train", "validation", "held_out"):
        assert np.array_equal(run.mask(side), control.mask(side))
    expected = np.sort(np.concatenate([run.indices("train"), run.indices("held_out")]))
    assert np.array_equal(control.trained_on(), expected)


def test_sample_is_the_same_for_all_runs_on_a_split():
    divided = split(variant="shape2tx")
    sample = divided.sample("held_out", 100)
    assert len(sample) == len(np.unique(sample)) == 100
    assert divided.held_out[sample].all()
    assert np.array_equal(sample, split(variant="shape2tx", control=True).sample("held_out", 100))
    assert np.array_equal(sample, np.sort(sample))
    for limit in (None, 122_880, 122_881):
        assert np.array_equal(divided.sample("held_out", limit), divided.indices("held_out"))
    assert len(divided.sample("held_out", 122_879)) == 122_879


SMALL = FactorGrid({"a": (0.0, 1.0, 2.0, 3.0)})


def divide(held_out, held_in, validation=0.5):
    return split_grid(SMALL, held_out, held_in, validation, seed=0)


def test_a_description_has_counts_and_hashes_of_all_sides():
    divided = divide("a > 2.5", "a < 1.5")
    sides = {
        "held_in": [0, 1],
        "held_out": [3],
        "train": divided.indices("train"),
        "validation": divided.indices("validation"),
    }
    assert divided.describe() == {
        **{
            side: {"count": len(indices), "sha256": hash_indices(np.array(indices))}
            for side, indices in sides.items()
        },
        "expressions": {"held_out": "a > 2.5", "held_in": "a < 1.5"},
        "control": False,
    }
    assert list(divided.describe()) == [*sides, "expressions", "control"]
    assert sorted([*sides["train"], *sides["validation"]]) == [0, 1]
    assert divided.indices("train").dtype == divided.trained_on().dtype == np.int64


@pytest.mark.parametrize(("validation", "count"), [(1e-9, 1), (0.3, 1), (0.5, 2), (0.74, 3)])
def test_at_least_one_image_selects_and_one_is_trained_on(validation, count):
    divided = divide(None, None, validation)
    assert len(divided.indices("validation")) == count
    assert len(divided.indices("train")) == 4 - count
    assert not divided.held_out.any()


@pytest.mark.parametrize("validation", [0.88, 0.9999])
def test_validation_that_leaves_no_training_image_is_refused(validation):
    with pytest.raises(UsageError) as refused:
        divide(None, None, validation)
    assert str(refused.value) == (
        f"dataset.validation={validation} leaves none of 4 held-in images to train on."
    )


def test_a_variant_is_of_this_project_and_shows_the_rest_unless_it_says_otherwise():
    variant = Variant("extrp", "a > 2.5")
    assert (variant.held_in, variant.source, variant.note) == (None, None, None)
    for record, name in ((variant, "note"), (divide(None, None), "control")):
        with pytest.raises(FrozenInstanceError):
            setattr(record, name, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "shape2ty"}, "unknown dSprites variant 'shape2ty'.*Did you mean 'shape2tx'"),
        ({"condition": "extrp", "variant": "shape2tx"}, "is of condition 'recomb2range'"),
        (
            {"held_out": "posX > 2"},
            "^'posX > 2' holds for none of 737,280 combinations: nothing is held out.$",
        ),
        ({"held_out": " | ".join(["posX > 2"] * 500)}, "^'posX > 2.{92}…' holds for none"),
        ({"held_out": ""}, "cannot read the expression ''"),
        (
            {"held_out": "posX >= 0"},
            "^'posX >= 0' holds for all of 737,280 combinations: nothing is left to train on.$",
        ),
        (
            {"held_out": "posX > 0.1", "held_in": "posX < 0.6"},
            "^held-in 'posX < 0.6' and held-out 'posX > 0.1' share 345,600 combinations; no image "
            "may be on both sides.$",
        ),
        (
            {"held_out": "posX > 0.5", "held_in": "posX > 2"},
            "^'posX > 2' holds for none of 737,280 combinations: nothing is left to train",
        ),
        ({"held_in": "posX > 0.5"}, "needs dataset.held_out"),
        (
            {"variant": "shape2tx", "held_out": "posX > 0.5"},
            "^a variant and dataset.held_out each define a split: give one.$",
        ),
        (
            {"held_out": "posX > 0.5", "split": "coverage"},
            "^dataset.held_out and dataset.split each define a split: give one.$",
        ),
        ({"split_params": {"p": 0.1}}, "dataset.split_params needs dataset.split beside it."),
        ({"held_out_file": "a.npz"}, "dataset.held_out_file needs dataset.held_in_file beside"),
        ({"split": "coverrage"}, "unknown family of splits.*'coverrage'.*Did you mean 'coverage'"),
        (
            {"split": "coverage", "split_params": {"q": 1}},
            "^unknown parameter in dataset.split_params: 'q'; accepted: p, seed.",
        ),
        ({"thin": "halve_rot"}, "unknown thinning of dSprites.*Did you mean 'halve_rots'"),
        ({"thin": "posX > 2"}, "^dataset.thin='posX > 2' keeps none of 737,280 combinations.$"),
        ({"control": True}, "dataset.control"),
        ({"held_out": "posX > 0.5", "validation": 0.9999999}, "leaves none"),
    ],
)
def test_mistakes(options, message):
    with pytest.raises(UsageError, match=message):
        split(**options)


def test_combinations_set_aside_are_on_no_other_side_that_is_used():
    spec = find_spec("dsprites")
    words = "class(shape) == 0 & class(scale) == 2"
    plain = build_split(spec, variant="orthotopic_c1")
    split = build_split(spec, variant="orthotopic_c1", set_aside=words)
    aside = split.mask("set_aside")
    assert aside.sum() == 40 * (14 * 14 + 2 * 14 * 18)  # at most one of both positions is late
    assert not (aside & (split.mask("train") | split.mask("validation") | split.held_out)).any()
    assert np.array_equal(split.held_in, plain.held_in)
    sides = [split.mask(side) for side in ("train", "validation", "set_aside")]
    assert np.array_equal(np.sum(sides, axis=0), split.held_in)
    assert split.validation.sum() == round(0.05 * (split.held_in.sum() - aside.sum()))
    assert split.describe()["set_aside"]["count"] == aside.sum()
    assert list_hashes(split.describe()).keys() - list_hashes(plain.describe()).keys() == {
        "set_aside"
    }
    assert not plain.mask("set_aside").any() and "set_aside" not in plain.describe()


@pytest.mark.parametrize(
    ("words", "count"), [("class(shape) >= 2 & class(scale) >= 3", "none"), ("posX >= 0", "all")]
)
def test_what_is_set_aside_is_some_of_what_is_held_in(words, count):
    with pytest.raises(UsageError, match=f"set_aside=.* holds for {count} of 238,560 held-in"):
        build_split(find_spec("dsprites"), variant="orthotopic_c1", set_aside=words)
