import hashlib
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disentgen.dataset import Dataset, build_dataset
from disentgen.dataset.duplicates import (
    count_duplicates,
    find_duplicates,
    hash_images,
    locate_duplicates,
    match_rows,
)
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Images
from disentgen.dataset.spec import find_spec
from disentgen.dataset.split import split_grid
from disentgen.dataset.summary import describe_duplicates

GRID = FactorGrid({"colour": (1.0, 2.0), "turn": tuple(np.arange(6) / 4), "x": (0.0, 0.5, 1.0)})
#: Turns of 0 and 1, and of 1/4 and 5/4, look the same.
FIRST = [(number // 3 % 6 % 4) * 3 + number // 18 * 18 + number % 3 for number in range(36)]


def draw(indices):
    """A pixel for each factor."""
    colour, turn, x = GRID.classes(indices).T
    return np.stack([colour, turn % 4, x], axis=1).astype(np.uint8).reshape(-1, 1, 1, 3)


class Counting:
    """A renderer that counts the images that it draws."""

    def __init__(self, render):
        self.render, self.drawn = render, 0

    def __call__(self, indices):
        self.drawn += len(indices)
        return self.render(indices)


def make_dataset(render=draw, held_out=None, control=False, source="stand-in"):
    split = split_grid(GRID, held_out, None, 0.1, 0, control)
    spec = replace(find_spec("dsprites"), name="toy", version="a", grid=GRID)
    return Dataset(spec, split, Images((1, 1, 3), 255, source, render), "")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTGEN_DATA", str(tmp_path))
    return tmp_path / "raw" / "dsprites"


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_rows_are_matched_with_the_first_equal_one(numbers):
    # Rows that agree in one word only are different.
    rows = np.array([(number // 2, number % 2) for number in numbers], dtype=np.uint64)
    assert match_rows(rows).tolist() == [numbers.index(number) for number in numbers]


def test_hashes_are_those_of_the_bytes():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    for image, row in zip(pixels, hash_images(pixels, 255), strict=True):
        expected = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
        assert row.astype("<u8").tobytes() == expected
    bits = np.eye(16, dtype=np.uint8).reshape(16, 4, 4, 1)
    assert len(np.unique(hash_images(bits, 1), axis=0)) == 16
    assert np.array_equal(hash_images(bits, 1), hash_images(bits.copy(), 1))


def test_identical_images_are_found_and_kept(folder, capsys):
    render = Counting(draw)
    dataset = make_dataset(render)
    assert find_duplicates(dataset).tolist() == FIRST
    assert "comparing the 36 images of dSprites (rendered stand-in)" in capsys.readouterr().out
    assert locate_duplicates(dataset) == folder / "toy-a-stand-in-duplicates.npz"
    assert locate_duplicates(dataset).exists()
    before = render.drawn
    assert find_duplicates(dataset).tolist() == FIRST
    # The few by which a change is noticed, which here are all there are.
    assert render.drawn == before + 36
    assert capsys.readouterr().out == ""


def test_other_images_are_compared_anew():
    find_duplicates(make_dataset())
    one = find_duplicates(make_dataset(lambda indices: draw(indices) * [[[[1, 1, 0]]]]))
    assert one.tolist() == [number // 3 * 3 for number in FIRST]
    assert find_duplicates(make_dataset()).tolist() == FIRST
    original = make_dataset(lambda indices: draw(indices * 0), source="original")
    assert find_duplicates(original).tolist() == [0] * 36
    assert locate_duplicates(original) != locate_duplicates(make_dataset())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 damaged", None])
def test_a_damaged_file_is_made_again(content):
    dataset = make_dataset()
    find_duplicates(dataset)
    path = locate_duplicates(dataset)
    path.write_bytes(path.read_bytes()[:-30] if content is None else content)
    assert find_duplicates(dataset).tolist() == FIRST
    assert np.load(path)["first"].tolist() == FIRST


def test_where_nothing_can_be_kept_it_is_found_all_the_same(folder, capsys):
    folder.parent.mkdir()
    folder.write_bytes(b"")
    assert find_duplicates(make_dataset()).tolist() == FIRST
    assert f"{folder}/toy-a-stand-in-duplicates.npz cannot be written" in capsys.readouterr().out


def test_of_two_at_once_one_compares(capsys):
    started, firsts = threading.Barrier(2), []

    def draw_slowly(indices):
        time.sleep(0.1)
        return draw(indices)

    def work():
        started.wait()
        firsts.append(find_duplicates(make_dataset(draw_slowly)).tolist())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert firsts == [FIRST, FIRST]
    assert capsys.readouterr().out.count("comparing the 36 images") == 1


@pytest.mark.parametrize("control", [False, True])
def test_counts_are_of_images_identical_to_training_images(control):
    # Held-out turns of 1 look like 0, which is shown; turns of 1/2 look like no other.
    split = make_dataset(held_out="turn in [1, 0.5]", control=control).split
    counts = count_duplicates(split, np.array(FIRST, dtype=np.int32))
    train, looks = set(split.indices("train").tolist()), np.array(FIRST)
    expected = {
        side: sum(any(looks[i] == looks[j] for j in train) for i in split.indices(side))
        for side in ("validation", "held_out")
    }
    assert counts == expected
    assert 4 <= counts["held_out"] <= 6


def test_counts_are_described_in_a_line():
    sides = {side: {"count": count} for side, count in (("validation", 2000), ("held_out", 40))}
    assert describe_duplicates({"validation": 1111, "held_out": 0}, sides) == (
        "identical to a training image: 1,111 of 2,000 validation images (55.5%), "
        "0 of 40 held-out images (0.0%)"
    )
    sides["held_out"] = {"count": 0}
    assert "held-out" not in describe_duplicates({"validation": 5, "held_out": 0}, sides)


def test_sprites_look_the_same_at_both_ends_of_orientation():
    dataset = build_dataset("dsprites", source="stand-in", variant="leave1out")
    first, grid = find_duplicates(dataset), dataset.spec.grid
    places = first.reshape(grid.sizes)
    assert np.array_equal(places[:, :, 39], places[:, :, 0])
    repeated = np.flatnonzero(first != np.arange(grid.size))
    for block in np.array_split(repeated, 10):
        assert np.array_equal(dataset.images(block), dataset.images(first[block].astype(np.int64)))
    counts = count_duplicates(dataset.split, first)
    # At either end, 2 of 40; 95 % of the images that they look like are training images.
    assert 0.0475 < counts["validation"] / dataset.split.mask("validation").sum() < 0.06
    assert counts["held_out"] == 0
