import csv

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

from conftest import FRAMES
from disentgen.dataset.images import pack_bits, unpack_bits
from disentgen.dataset.specs.dsprites import GRID
from disentgen.dataset.stand_ins import sprites


def draw_by_definition(classes):
    """A pixel is white where its centre is inside the shape: asked of every pixel on its own."""
    shape, scale, orientation, x, y = classes
    outline = (sprites.square, sprites.ellipse, sprites.heart)[shape]()
    rows, columns = np.mgrid[:64, :64]
    dx, dy = columns - (15.5 + 32 * x / 31), rows - (15.5 + 32 * y / 31)
    angle, size = GRID.factor_values["orientation"][orientation], GRID.factor_values["scale"][scale]
    u = (dx * np.cos(angle) - dy * np.sin(angle)) / size
    v = (dx * np.sin(angle) + dy * np.cos(angle)) / size
    inside = Outline(outline).contains_points(np.stack([u.ravel(), v.ravel()], axis=1))
    return inside.reshape(64, 64)


@settings(deadline=None, max_examples=60)
@given(st.tuples(*(st.integers(0, size - 1) for size in GRID.sizes)))
def test_pixels_are_white_where_their_centre_is_inside(classes):
    picture = sprites.render(GRID, GRID.indices(np.array([classes])))[0, :, :, 0]
    # A centre within a rounding error of the outline may fall on either side.
    assert (picture != draw_by_definition(classes)).sum() <= 1


@pytest.mark.parametrize(
    ("shape", "areas"),
    [
        (0, [100, 144, 196, 256, 324, 400]),
        (1, [76, 104, 144, 184, 228, 288]),
        (2, [58, 84, 108, 140, 182, 222]),
    ],
)
def test_areas_at_orientation_zero_are_those_of_the_original(shape, areas):
    classes = np.array([[shape, scale, 0, 0, 0] for scale in range(6)])
    drawn = sprites.render(GRID, GRID.indices(classes)).reshape(6, -1).sum(axis=1)
    assert drawn.tolist() == areas


def test_orientations_0_and_39_are_one_picture():
    classes = np.array([[s, c, o, 3, 5] for s in range(3) for c in range(6) for o in (0, 39)])
    pictures = sprites.render(GRID, GRID.indices(classes))
    assert np.array_equal(pictures[0::2], pictures[1::2])


def test_directions():
    def centre_of_mass(**classes):
        index = GRID.indices(np.array([[classes.get(name, 0) for name in GRID.names]]))
        rows, columns = np.nonzero(sprites.render(GRID, index)[0, :, :, 0])
        return rows.mean(), columns.mean()

    assert centre_of_mass() == (15.5, 15.5)
    assert centre_of_mass(posX=31) == (15.5, 47.5)
    assert centre_of_mass(posY=31) == (47.5, 15.5)


def test_every_image_is_binary_and_whole():
    indices = np.arange(0, GRID.size, 97)
    pictures = sprites.render(GRID, indices)
    assert pictures.dtype == np.uint8
    assert pictures.max() == 1
    border = np.ones((64, 64), bool)
    border[1:-1, 1:-1] = False
    assert not pictures[:, border].any()
    packed = sprites.render_packed(GRID, indices)
    assert np.array_equal(unpack_bits(packed, sprites.PIXELS_SHAPE), pictures)
    assert np.array_equal(pack_bits(pictures), packed)


@pytest.mark.skipif(not (FRAMES / "dsprites").exists(), reason="genuine frames are not here")
def test_likeness_to_genuine_frames():
    rows = list(csv.DictReader((FRAMES / "dsprites" / "index.csv").open()))
    classes = np.array([[int(row[name]) for name in GRID.names] for row in rows])
    drawn = sprites.render(GRID, GRID.indices(classes))[..., 0] > 0
    genuine = np.stack(
        [matplotlib.image.imread(FRAMES / "dsprites" / row["file"]) > 0.5 for row in rows]
    ).reshape(drawn.shape)
    overlap = (drawn & genuine).sum((1, 2)) / (drawn | genuine).sum((1, 2))
    assert overlap.mean() >= 0.999
    assert overlap.min() >= 0.99
    assert (overlap == 1).mean() >= 0.94


@pytest.mark.skipif(not (FRAMES / "dsprites.npz").exists(), reason="genuine frames are not here")
def test_likeness_to_the_genuine_animation():
    frames = np.load(FRAMES / "dsprites.npz")["frames"]
    packed = np.packbits(frames.reshape(len(frames), -1), axis=1).view(np.uint64)
    everything = np.concatenate(
        [
            sprites.render_packed(GRID, np.arange(start, start + 8192)).view(np.uint64)
            for start in range(0, GRID.size, 8192)
        ]
    )
    areas = np.bitwise_count(everything).sum(axis=1, dtype=np.int32)
    wrong = []
    for frame in packed:
        alike = everything[abs(areas - np.bitwise_count(frame).sum(dtype=np.int32)) <= 2]
        wrong.append(np.bitwise_count(alike ^ frame).sum(axis=1, dtype=np.int32).min())
    assert np.mean(np.equal(wrong, 0)) >= 0.98
    assert max(wrong) <= 2
