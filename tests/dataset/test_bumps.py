"""Bumps: their pixels in closed form, their splits, and what a dataset without a file refuses."""

import numpy as np
import pytest

from disentgen.dataset import build_dataset
from disentgen.dataset.__main__ import main
from disentgen.dataset.spec import find_spec
from disentgen.dataset.summary import list_datasets
from disentgen.errors import UsageError

#: Canvas, image, σ, and whether bumps are dark, by version.
VERSIONS = {
    "dark": (28, 28, 1.0, True),
    "stripes": (40, 28, 1.0, True),
    "bright": (32, 32, 1.5, False),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_pixels_are_the_gaussian_of_their_distance_from_the_centre(version):
    canvas, size, sigma, is_dark = VERSIONS[version]
    spec = find_spec("bumps", version)
    generator = np.random.default_rng(0)
    indices = generator.choice(spec.grid.size, 20, replace=False)
    pictures = spec.require_renderer()(indices)
    assert pictures.shape == (20, size, size, 1) and pictures.dtype == np.uint8
    for index, picture in zip(indices, pictures[..., 0], strict=True):
        x, y = divmod(index, canvas)  # x before y, the last factor fastest
        for row, column in generator.integers(0, size, (30, 2)):
            cut = (canvas - size) / 2
            square = (column + cut - x) ** 2 + (row + cut - y) ** 2
            value = np.exp(-square / (2 * sigma**2))
            assert abs(picture[row, column] / 255 - (1 - value if is_dark else value)) <= 0.5 / 255


def test_a_bump_lies_where_its_factors_say_and_stripes_are_cut_off():
    spec = find_spec("bumps")
    picture = spec.require_renderer()(spec.grid.indices(np.array([[3, 20]])))[0, ..., 0]
    assert np.unravel_index(picture.argmin(), picture.shape) == (20, 3)
    assert picture.min() == 0 and picture.max() == 255
    stripes = find_spec("bumps", "stripes")
    shown = stripes.require_renderer()(stripes.grid.indices(np.array([[0, 20], [6, 20], [5, 20]])))
    assert (shown[0] == 255).all()
    assert shown[1, 14, 0] == 0
    assert shown[2, 14, 0] == round(255 * (1 - np.exp(-0.5))) == shown[2, 14].min()


@pytest.mark.parametrize(
    ("version", "variant", "held_out", "low", "high"),
    [
        ("dark", "square_6_22", 17**2, 6, 22),
        ("dark", "square_10_18", 9**2, 10, 18),
        ("stripes", "square_12_28", 17**2, 12, 28),
        ("bright", "corner_12", 20**2, 12, 31),
    ],
)
def test_squares_that_are_held_out(version, variant, held_out, low, high):
    dataset = build_dataset("bumps", version, variant=variant, validation=0.001)
    split, grid = dataset.split, dataset.spec.grid
    assert split.held_out.sum() == held_out
    assert split.mask("train").sum() == grid.size - held_out - 1
    inside = (
        (grid.values(np.arange(grid.size)) - (low + high) / 2).__abs__() <= (high - low) / 2
    ).all(1)
    assert np.array_equal(split.held_out, inside)


@pytest.mark.parametrize("source", ["auto", "stand-in", "drawn"])
def test_whatever_but_a_file_is_asked_for_it_is_drawn(source):
    dataset = build_dataset("bumps", source=source)
    assert dataset.describe() == {
        "name": "bumps", "label": "Bumps", "source": "drawn", "hash": None,
    }  # fmt: skip
    assert "stand-in" not in dataset.note


def test_what_needs_a_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="Bumps is drawn: it has no published file"):
        build_dataset("bumps", source="original")
    with pytest.raises(UsageError, match="source=drawn: dSprites has a published file"):
        build_dataset("dsprites", source="drawn")
    with pytest.raises(UsageError, match="Bumps is drawn anew since, as drawing 1"):
        build_dataset("bumps", drawing=2)
    for words in (["download", "bumps"], ["export", "bumps", str(tmp_path / "bumps.npz")]):
        with pytest.raises(SystemExit, match="Bumps is drawn"):
            main(words)
    lines = [line.split() for line in list_datasets(None).splitlines()]
    (line,) = [line for line in lines if line[:2] == ["bumps", "dark"]]
    assert " ".join(line).endswith(" – none: it is drawn")
