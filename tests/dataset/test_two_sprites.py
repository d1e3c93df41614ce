"""The two-sprite world: pixels by an independent drawing, supports by counting."""

import colorsys
from math import atan2, cos, hypot, pi, sqrt

import numpy as np
import pytest

from disentgen.dataset import build_dataset
from disentgen.dataset.drawn.two_sprites import cover_pixels
from disentgen.dataset.spec import find_spec
from disentgen.errors import UsageError

SPEC = find_spec("two_sprites")
GRID = SPEC.grid
SPRITE = ("x", "y", "shape", "size", "hue")


def is_inside(across, up, shape, size):
    """Whether a point is in a polygon of area size², by its polar equation."""
    corners, first = {"triangle": (3, pi / 2), "square": (4, pi / 4), "circle": (30, 0)}[shape]
    radius = size * sqrt(2 / (corners * np.sin(2 * pi / corners)))  # area n/2 · r² · sin(2π/n)
    sector = 2 * pi / corners
    angle = (atan2(up, across) - first) % sector - sector / 2
    return hypot(across, up) * cos(angle) <= radius * cos(sector / 2)


def draw_slowly(index):
    """One image, pixel by pixel."""
    classes = dict(zip(GRID.names, GRID.classes(np.array([index]))[0], strict=True))
    picture = np.zeros((64, 64, 3))
    for row, column in np.ndindex(64, 64):
        for number in (2, 1):  # the first one is drawn over the second
            x, y, size, hue = (
                GRID.factor_values[f"{name}{number}"][classes[f"{name}{number}"]]
                for name in ("x", "y", "size", "hue")
            )
            shape = GRID.name_value(f"shape{number}", classes[f"shape{number}"])
            across, up = (column + 0.5) / 64 - x, 1 - (row + 0.5) / 64 - y
            if is_inside(across, up, shape, size):
                picture[row, column] = 255 * np.array(colorsys.hsv_to_rgb(hue, 1, 1))
    return picture.round().astype(np.uint8)


def test_pixels_are_those_of_an_independent_drawing():
    # The last but one hides a part of its second sprite, the last all of it.
    overlapping = GRID.indices(np.array([[3, 2, 2, 2, 0, 3, 3, 1, 2, 1], [3, 2, 1, 2, 0] * 2]))
    indices = np.array([0, GRID.size - 1, 123_456, *overlapping])
    drawn = SPEC.render(indices)
    assert drawn.shape == (5, 64, 64, 3)
    assert drawn.dtype == np.uint8
    for picture, index in zip(drawn, indices, strict=True):
        assert np.array_equal(picture, draw_slowly(index))


@pytest.mark.parametrize("shape", [0, 1, 2])
def test_sprites_have_the_area_of_their_size(shape):
    area = np.mean([cover_pixels(0.5, y, shape, 0.5).mean() for y in np.linspace(0.45, 0.55, 21)])
    assert area == pytest.approx(0.25, abs=0.004)


def test_values_are_the_published_ranges():
    ranges = {"x": (0.1, 0.9), "y": (0.2, 0.8), "size": (0.09, 0.22), "hue": (0.05, 0.95)}
    for name, (low, high) in ranges.items():
        for number in (1, 2):
            values = GRID.factor_values[f"{name}{number}"]
            assert (values[0], values[-1]) == (low, high)
            assert np.allclose(np.diff(values), np.diff(values)[0], atol=2e-6)
    assert GRID.size == (7 * 5 * 3 * 3 * 3) ** 2 == 893_025
    assert GRID.names == (*(f"{n}1" for n in SPRITE), *(f"{n}2" for n in SPRITE))


def test_supports_are_those_of_the_paper_on_the_grid():
    classes = GRID.classes(np.arange(GRID.size))
    first, second = classes[:, :5], classes[:, 5:]
    # At 1, 0 and 0.5 of every range, as in its code; the size is always the smallest.
    planes = [(first, [6, 4, 2, 0, 2]), (second, [0, 0, 0, 0, 0]), (second, [3, 2, 1, 0, 1])]
    orthogonal = np.any([(part == fixed).all(axis=1) for part, fixed in planes], axis=0)
    gap = orthogonal & ~np.isin(first[:, 0], (1, 2))
    scaled = classes / (np.array(GRID.sizes) - 1)
    apart = np.abs(scaled[:, :5] - scaled[:, 5:]).max(axis=1)
    expected = {
        "orthogonal": (orthogonal, 3 * 945 - 2),
        "gap": (gap, 945 + 2 * 5 * 135 - 2),
        "diagonal": (apart == 0, 945),
        "diagonal_broad": (apart < 0.2829, (7 + 2 * 6) * (5 + 2 * 4) * 27),
        "diagonal_wide": (apart < 0.5657, 241_129),
    }
    for variant, (held_in, count) in expected.items():
        split = build_dataset("two_sprites", variant=variant).split
        assert held_in.sum() == count
        assert np.array_equal(split.held_in, held_in)
        assert np.array_equal(split.held_out, ~held_in)
    assert build_dataset("two_sprites", variant="random").split.held_in.sum() == 89_302


def test_it_is_drawn_whatever_but_a_file_is_asked_for():
    for source in ("auto", "stand-in", "drawn"):
        assert build_dataset("two_sprites", source=source).images.source == "drawn"
    with pytest.raises(UsageError, match="Two sprites is drawn: it has no published file"):
        build_dataset("two_sprites", source="original")
