"""A file of one's own as a dataset: what is found in it, kept of it, refused of it."""

import numpy as np
import pytest

from disentgen.analysis.figures.errors import find_held_out_pairs
from disentgen.dataset.build import build_dataset
from disentgen.dataset.duplicates import match_images
from disentgen.dataset.own import keep, layout
from disentgen.dataset.pairs import Pairs
from disentgen.dataset.pictures import vary_factors
from disentgen.dataset.spec import load_kept
from disentgen.dataset.summary import describe_dataset
from disentgen.dataset.tasks import Compose
from disentgen.errors import DataFileError, UsageError
from disentgen.training.config import Config
from disentgen.training.identity import cell_settings, hash_cell
from own_files import draw_discs, make_arrays, make_classes, write_file

COUNT = 100
HELD_OUT = "radius > 4 & row == 'low'"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def classes():
    return make_classes(COUNT)


@pytest.fixture
def arrays(classes):
    return make_arrays(classes)


def read_config(**dataset):
    model = {"family": "lgm", "name": "own", "encoder": [["flatten"], ["linear", 8]]}
    return Config.read(
        {"dataset": dataset, "model": model, "training": {"batch_size": 8}, "seed": 1,
         "device": "cpu", "threads": 1},
    )  # fmt: skip


def name_cell(config):
    return hash_cell(cell_settings(config, config.split.describe()))


@pytest.mark.parametrize("ending", ["npz", "h5", "parquet"])
def test_images_stand_at_the_combinations_of_their_factors(folder, arrays, ending):
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    keys = ["radius", "column", "row"]
    write_file(folder / f"discs.{ending}", arrays)
    dataset = build_dataset(file=f"discs.{ending}", factor_keys=keys, held_out=HELD_OUT)
    spec = dataset.spec
    assert (spec.name, spec.title, spec.image_shape) == ("discs", "discs", (1, 32, 32))
    assert spec.grid.factor_values["radius"] == (2.0, 3.0, 4.5)
    assert spec.grid.value_names == {"row": ("bottom", "low", "middle", "top")}
    assert (spec.grid.size, spec.count) == (120, COUNT)
    indices = np.flatnonzero(spec.present)
    values = spec.grid.values(indices)
    names = np.array(spec.grid.value_names["row"])[values[:, 2].astype(int)]
    for image, (radius, column), row in zip(
        dataset.images(indices)[..., 0], values[:, :2], names, strict=True
    ):
        same = (arrays["radius"] == radius) & (arrays["column"] == column) & (arrays["row"] == row)
        (place,) = np.flatnonzero(same)
        assert np.array_equal(image, arrays["images"][place])
    with pytest.raises(ValueError, match="there is no image at index"):
        dataset.images(np.flatnonzero(~spec.present)[:1])


def test_missing_combinations_are_on_no_side_and_in_no_pair(folder, arrays):
    write_file(folder / "discs.npz", arrays)
    dataset = build_dataset(file="discs.npz", held_out=HELD_OUT)
    split, present = dataset.split, dataset.spec.present
    assert np.array_equal(split.held_in | split.held_out, present)
    assert 0 < split.held_out.sum() < 10 and split.within is present
    pool = split.indices("held_in")
    pairs = Pairs(split.grid, pool)
    targets = Compose(split.grid, pool).usable(pool)
    drawn = pairs.draw(np.tile(targets, 20), np.random.default_rng(0))
    assert present[drawn.reference].all() and present[drawn.other].all()
    with pytest.raises(UsageError, match=rf"holds for none of {COUNT} combinations"):
        missing = split.grid.classes(np.flatnonzero(~present)[:1])[0]
        words = zip(split.grid.names, missing, strict=True)
        values = (f"{name} == {split.grid.factor_values[name][number]}" for name, number in words)
        build_dataset(file="discs.npz", held_out=" & ".join(values))
    thinned = build_dataset(file="discs.npz", thin="column > 2").split
    kept = present & (split.grid.values(np.arange(120))[:, 1] > 2)
    assert np.array_equal(thinned.held_in, kept)
    text = describe_dataset(dataset)
    assert f"{COUNT} images of 32 × 32 × 1; 20 of 120 combinations are missing" in text
    assert "on neither side" not in text


def test_pictures_duplicates_and_resident_images_do_without_them(folder, arrays):
    arrays["images"][:3] = arrays["images"][3]
    write_file(folder / "discs.npz", arrays)
    dataset = build_dataset(file="discs.npz")
    present = dataset.spec.present
    for variation in vary_factors(dataset, 20):
        assert 2 <= len(variation.images) == len(variation.value_names)
    first = match_images(dataset)
    assert np.array_equal(first[~present], np.flatnonzero(~present))
    assert (first != np.arange(120)).sum() == 3
    held = dataset.observe(resident="yes")
    indices = np.random.default_rng(0).permutation(np.flatnonzero(present))
    assert len(held.resident._rows) == COUNT
    assert (held.images(indices) == dataset.observe(resident="no").images(indices)).all()


def test_a_factor_is_varied_over_the_images_that_there_are(folder):
    a, b = np.nonzero(~np.eye(3, dtype=bool))
    images = np.arange(6 * 16, dtype=np.uint8).reshape(6, 4, 4)
    write_file(folder / "no-line-is-whole.npz", {"x": images, "a": a, "b": b})
    variations = vary_factors(build_dataset(file="no-line-is-whole.npz"), 3)
    assert [len(variation.images) for variation in variations] == [2, 2]


def test_pairs_of_values_count_as_held_out_where_all_that_there_is_is(folder):
    classes = np.array([(a, b, c) for a in range(2) for b in range(2) for c in range(2)])
    arrays = {"images": np.arange(8 * 16, dtype=np.uint8).reshape(8, 4, 4)}
    arrays |= {name: classes[:, i] for i, name in enumerate("abc")}
    write_file(folder / "holes.npz", {name: array[1:] for name, array in arrays.items()})
    split = build_dataset(file="holes.npz", held_out="a == 0 & b == 0 & c == 1").split
    assert find_held_out_pairs(split, (0, 1)).tolist() == [[True, False], [False, False]]


def test_the_same_data_is_one_dataset_wherever_and_however_it_lies(folder, arrays, classes):
    write_file(folder / "discs.npz", arrays)
    order = np.random.default_rng(1).permutation(COUNT)
    (folder / "other").mkdir()
    write_file(folder / "other" / "discs.npz", {key: of[order] for key, of in arrays.items()})
    (folder / "changed").mkdir()
    arrays["images"][classes.sum(axis=1).argmax(), 0, 0] ^= 1
    write_file(folder / "changed" / "discs.npz", arrays)
    configs = [read_config(file=f"{place}discs.npz") for place in ("", "other/", "changed/")]
    first, moved, changed = map(name_cell, configs)
    assert first == moved != changed
    hashes = [config.open_dataset().describe()["hash"] for config in configs]
    assert hashes[0] == hashes[1] != hashes[2]
    assert hashes[0].removeprefix("sha256:").startswith(configs[0].dataset["version"])


def test_a_saved_configuration_needs_the_file_no_more(folder, arrays):
    path = write_file(folder / "discs.npz", arrays)
    saved = read_config(file="discs.npz", held_out=HELD_OUT).plain()
    assert saved["dataset"]["file"] == str(path)
    images = build_dataset(file="discs.npz").images(np.array([0]))
    path.unlink()
    again = Config.read(saved)
    assert np.array_equal(again.open_dataset().images(np.array([0])), images)
    arrays["images"][0] ^= 1
    write_file(path, arrays)
    saved["dataset"]["version"] = "0" * 12
    with pytest.raises(DataFileError, match="holds other images or factors than .*=000000000000"):
        Config.read(saved)


def test_a_file_is_read_once_and_again_when_it_changes_or_other_arrays_are_named(
    folder, arrays, monkeypatch
):
    reads = []
    monkeypatch.setattr(
        keep, "find_layout", lambda *given: reads.append(1) or layout.find_layout(*given)
    )
    write_file(folder / "discs.npz", arrays)
    for _ in range(2):
        build_dataset(file="discs.npz")
    assert len(reads) == 1
    build_dataset(file="discs.npz", factor_keys=["row", "column", "radius"])
    assert len(reads) == 2
    arrays["images"][0] ^= 255
    write_file(folder / "discs.npz", arrays)
    build_dataset(file="discs.npz")
    assert len(reads) == 3


@pytest.mark.parametrize(
    "form", ["nhw", "nhw1", "n1hw", "nhw3", "n3hw", "float32", "float64", "int64"]
)
def test_every_form_of_an_image_array_is_read(folder, classes, form):
    grey = draw_discs(classes, 20)
    stored = np.rint(255 * grey).astype(np.uint8)
    images, channels = stored, 1
    if "3" in form and "n" in form and "float" not in form:
        images, channels = np.stack([stored, 255 - stored, stored // 2], axis=-1), 3
        images = np.moveaxis(images, -1, 1) if form == "n3hw" else images
    elif form in ("nhw1", "n1hw"):
        images = stored[..., None] if form == "nhw1" else stored[:, None]
    elif "float" in form:
        images = grey.astype(form)[..., None]
    elif form == "int64":
        images = stored.astype(np.int64)
    write_file(folder / "a.npz", {"x": images, "t": classes})
    dataset = build_dataset(file="a.npz", factor_names=["radius", "column", "row"])
    assert dataset.spec.pixels_shape == (20, 20, channels) and dataset.images.maximum == 255
    got = dataset.images(dataset.spec.grid.indices(classes))
    assert np.array_equal(got[..., 0], stored)
    if channels == 3:
        assert np.array_equal(got[..., 1], 255 - stored)


@pytest.mark.parametrize("brightest", [True, np.uint8(1), np.uint8(255), 1.0])
def test_black_and_white_images_are_kept_as_bits(folder, classes, brightest):
    white = draw_discs(classes, 20) > 0.5
    images = white if brightest is True else (white * brightest).astype(type(brightest))
    write_file(folder / "a.npz", {"x": images, "t": classes})
    dataset = build_dataset(file="a.npz", factor_names="radius,column,row")
    assert dataset.images.maximum == 1
    observed = dataset.observe().images(dataset.spec.grid.indices(classes))
    assert np.array_equal(observed.numpy()[:, 0], white.astype(np.float32))
    assert dataset.spec.array.stat().st_size < 128 + COUNT * 50 + 1


def change(arrays, **changed):
    return {**arrays, **{key: of(arrays[key]) for key, of in changed.items()}}


@pytest.mark.parametrize(("given", "words", "message"), [
    (lambda a: {"images": a["images"]}, {}, "has no array of factors of its 100 images"),
    (lambda a: {**a, "more": a["images"]}, {}, "2 arrays that could be images.*dataset.images_key"),
    (lambda a: a, {"images_key": "imgs"}, r"has no array 'imgs' \(dataset.images_key\); it has "
     r"images \(uint8 100×32×32\)"),
    (lambda a: a, {"factor_keys": ["radius", "hue"]}, "has no array 'hue'"),
    (lambda a: a, {"factor_keys": ["images"]}, "mixes arrays of one factor with others"),
    (lambda a: {**a, "table": np.zeros((100, 2))}, {}, "several arrays that could be factors"),
    (lambda a: {**a, "note": np.zeros(100, dtype=object)}, {}, "'note' holds Python objects"),
    (lambda a: change(a, images=lambda x: x / 254), {}, r"holds 1\.00\d+; expected floats"),
    (lambda a: change(a, images=lambda x: x.astype(int) - 1), {}, "holds -1; expected whole"),
    (lambda a: change(a, images=lambda x: np.where(x == 255, np.nan, 0.5)), {}, "holds nan"),
    (lambda a: change(a, images=lambda x: np.stack([x] * 4, -1)), {}, "with 1 or 3 channels"),
    (lambda a: change(a, column=lambda x: np.where(x == 3, np.nan, x)), {}, "column is nan in"),
    (lambda a: change(a, column=lambda x: x * 0), {}, r"rows \d+ and \d+ \(counted from 0\) have"),
    (lambda a: {"images": a["images"], "row": np.ones(100)}, {}, "images have the same factors"),
    (lambda a: {**a, "x y": a["row"], "x_y": a["row"]}, {}, "'x y' and 'x_y' would both be"),
    (lambda a: a, {"factor_names": ["a", "b"]}, "has 3 factors, and dataset.factor_names has 2"),
    (lambda a: {"images": a["images"], "t": np.zeros((100, 2))}, {}, "'t' has 2 columns; name"),
])  # fmt: skip
def test_what_leaves_a_doubt_or_cannot_be_meant_is_refused(folder, arrays, given, words, message):
    write_file(folder / "a.npz", given(arrays))
    with pytest.raises(DataFileError, match=message) as caught:
        build_dataset(file="a.npz", **words)
    assert "\n" not in str(caught.value)
    assert not [p for p in (folder / "data" / "converted" / "own").iterdir() if p.is_dir()]


def test_pickled_images_are_never_read(folder, arrays):
    np.savez(folder / "a.npz", **{**arrays, "images": arrays["images"].astype(object)})
    with pytest.raises(DataFileError, match="'images' holds Python objects, which are never read"):
        build_dataset(file="a.npz")


def test_too_many_combinations_are_refused_by_the_factor_that_has_most(folder):
    rng = np.random.default_rng(0)
    factors = {name: rng.random(300) for name in "abc"}
    write_file(folder / "a.npz", {"x": np.zeros((300, 4, 4), np.uint8), **factors})
    with pytest.raises(DataFileError, match=r"27,000,000 combinations.*a has 300 values"):
        build_dataset(file="a.npz")


def test_constant_factors_are_left_out_and_names_become_words(folder, arrays):
    arrays = {"images": arrays["images"], "disc radius": arrays["radius"], "2nd": arrays["column"],
              "row": arrays["row"], "colour": np.ones(COUNT)}  # fmt: skip
    write_file(folder / "a.npz", arrays)
    assert build_dataset(file="a.npz").spec.grid.names == ("disc_radius", "factor_2nd", "row")


def test_names_are_the_files_own_or_given_and_nobody_elses(folder, arrays):
    write_file(folder / "my discs (2).npz", arrays)
    assert build_dataset(file="my discs (2).npz").spec.name == "my_discs_2_"
    assert build_dataset("discs", file="my discs (2).npz").spec.title == "discs"
    write_file(folder / "dsprites.npz", arrays)
    with pytest.raises(UsageError, match="would be called 'dsprites' as the published dataset"):
        build_dataset(file="dsprites.npz")
    with pytest.raises(UsageError, match="cannot name a dataset"):
        build_dataset("../x", file="dsprites.npz")


def test_what_a_file_needs_is_said(folder, arrays):
    with pytest.raises(DataFileError, match=r"there is no file .*none.npz"):
        build_dataset(file="none.npz")
    with pytest.raises(UsageError, match="ends in .npz, .h5, .hdf5 or .parquet"):
        build_dataset(file="none.csv")
    with pytest.raises(UsageError, match="dataset.images_key needs dataset.file beside it"):
        build_dataset("dsprites", images_key="imgs")
    write_file(folder / "discs.npz", arrays)
    with pytest.raises(UsageError, match="discs has no stand-in"):
        build_dataset(file="discs.npz", source="stand-in")


def test_a_file_is_found_below_the_folder_of_raw_data_too(folder, arrays):
    (folder / "raw").mkdir()
    write_file(folder / "raw" / "discs.npz", arrays)
    config = read_config(file="discs.npz", root="raw")
    assert config.dataset["file"] == str(folder / "raw" / "discs.npz")


def test_damaged_leftovers_are_named(folder, arrays):
    write_file(folder / "discs.npz", arrays)
    spec = build_dataset(file="discs.npz").spec
    (spec.array.parent / "dataset.json").write_text("{}")
    load_kept.cache_clear()
    with pytest.raises(DataFileError, match="is damaged .* delete the folder"):
        build_dataset(file="discs.npz")
