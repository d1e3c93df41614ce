import csv
from colorsys import hsv_to_rgb
from itertools import pairwise

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import FRAMES
from disentgen.dataset.specs.shapes3d import GRID
from disentgen.dataset.stand_ins import room, room_light, room_objects

GREEN, BLUE, RED = 3, 6, 0


def draw(**classes):
    row = [classes.get(name, 0) for name in GRID.names]
    return room.render(GRID.indices(np.array([row])))[0].astype(int)


def draw_object(**classes):
    """Where a red object is seen in a green and blue room."""
    picture = draw(floor_hue=GREEN, wall_hue=BLUE, object_hue=RED, **classes)
    return (picture[..., 0] > 120) & (picture[..., 1] < 60) & (picture[..., 2] < 60)


def is_inside(shape, size, points):
    x, y, z = np.moveaxis(points, -1, 0)
    if shape == 0:
        half = size * room_objects.CUBE_HALF
        return (abs(x) < half) & (abs(y) < half) & (abs(z - half) < half)
    if shape == 1:
        height = size * room_objects.CYLINDER_HEIGHT
        return (x**2 + y**2 < (size * room_objects.CYLINDER_RADIUS) ** 2) & (z > 0) & (z < height)
    radius, height = (
        (room_objects.SPHERE_RADIUS, 2 * room_objects.SPHERE_RADIUS)
        if shape == 2
        else (room_objects.CAPSULE_RADIUS, room_objects.CAPSULE_HEIGHT)
    )
    on_axis = np.clip(z, size * radius, size * (height - radius))
    return x**2 + y**2 + (z - on_axis) ** 2 < (size * radius) ** 2


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 3),
    st.floats(0.75, 1.25),
    st.tuples(*[st.floats(-0.3, 0.3)] * 2, st.floats(0.05, 0.4)),
    st.floats(0, 2 * np.pi),
)
def test_rays_enter_objects_where_points_along_them_are_inside(shape, size, target, azimuth):
    origin = np.array([1.5 * np.cos(azimuth), 1.5 * np.sin(azimuth), 0.3], np.float32)
    ray = (np.array(target) - origin).astype(np.float32)
    entry = room_objects.find_entry(room_objects.cross_object(shape, size, origin, ray[None]))[0]
    steps = np.arange(0, 2, 1e-4)
    inside = is_inside(shape, size, origin + steps[:, None] * ray)
    if np.isinf(entry):
        assert inside.sum() <= 100  # a ray may graze the surface by a rounding error
    else:
        point = origin + entry * ray
        normal = room_objects.find_normals(shape, size, point[None])[0]
        assert np.linalg.norm(normal) == pytest.approx(1, abs=1e-3)
        assert normal @ ray < 1e-3
        if inside.any():
            assert entry == pytest.approx(steps[inside.argmax()], abs=3e-4)


def test_polynomial_terms_come_by_degree():
    coefficients = [1, 2, 3, 4, 5, 6]
    x, y = np.float32(0.5), np.float32(-2)
    expected = 1 + 2 * x + 3 * y + 4 * x**2 + 5 * x * y + 6 * y**2
    assert room_light.evaluate(coefficients, x, y) == pytest.approx(expected)
    with pytest.raises(ValueError, match="zip"):
        room_light.evaluate([1, 2], x, y)


def test_a_picture_does_not_depend_on_those_drawn_with_it():
    indices = np.random.default_rng(0).integers(0, GRID.size, 41)
    together = room.render(indices)
    assert together.shape == (41, 64, 64, 3)
    assert together.dtype == np.uint8
    alone = np.concatenate([room.render(indices[i : i + 1]) for i in range(41)])
    assert np.abs(together.astype(int) - alone).max() <= 1  # sums of products, in another order


@pytest.mark.parametrize("shape", range(4))
def test_object_and_shadow_lie_in_the_window(monkeypatch, shape):
    for orientation in (0, 7, 14):
        in_window = room.draw_maps(7, shape, orientation)
        with monkeypatch.context() as patch:
            patch.setattr(room, "WINDOW", (slice(0, 192), slice(0, 192)))
            assert np.array_equal(room.draw_maps(7, shape, orientation), in_window)


@pytest.mark.parametrize("shape", range(4))
def test_objects_grow_with_scale(shape):
    areas = [draw_object(shape=shape, scale=scale, orientation=7).sum() for scale in range(8)]
    assert all(small < large for small, large in pairwise(areas))
    assert areas[7] / areas[0] == pytest.approx((1.25 / 0.75) ** 2, rel=0.2)


def test_objects_stand_in_the_middle_on_the_floor():
    for shape in range(4):
        rows, columns = np.nonzero(draw_object(shape=shape, scale=3, orientation=7))
        assert columns.mean() == pytest.approx(31.5, abs=0.3)
        assert rows.max() == pytest.approx(53.5, abs=2.5)


def test_the_camera_goes_to_the_right_as_orientation_grows():
    def side_wall(orientation):
        picture = draw(wall_hue=BLUE, orientation=orientation)[24]
        return np.flatnonzero(picture[:, 2] < 215)

    assert side_wall(0).min() == pytest.approx(43, abs=1)
    assert side_wall(14).max() == pytest.approx(19, abs=1)
    assert not len(side_wall(7))


@pytest.mark.parametrize("hue", range(10))
def test_hues_are_those_of_the_classes(hue):
    material = 255 * np.array(hsv_to_rgb(hue / 10, 1, 1))
    picture = draw(floor_hue=hue, wall_hue=hue, object_hue=hue, scale=7, orientation=7)
    for place in [(62, 50), (25, 50), (45, 32)]:
        colour = picture[place]
        assert colour / colour.max() == pytest.approx(material / 255, abs=0.06)
    assert picture[2, 2].tolist() == [153, 226, 249]


def test_shadow_falls_to_the_right():
    lit = draw(floor_hue=GREEN, shape=3, scale=7, orientation=7)
    dark = (lit[45:, :, 1] < 120) & (lit[45:, :, 0] < 60)
    assert np.nonzero(dark)[1].mean() > 34


@pytest.mark.skipif(not (FRAMES / "shapes3d").exists(), reason="genuine frames are not here")
def test_likeness_to_genuine_frames():
    rows = list(csv.DictReader((FRAMES / "shapes3d" / "index.csv").open()))
    classes = np.array([[int(row[name]) for name in GRID.names] for row in rows])
    genuine = np.stack(
        [matplotlib.image.imread(FRAMES / "shapes3d" / row["file"])[..., :3] for row in rows]
    )
    candidates = []
    # The frames' scale was read from them, to within a class.
    for step in (-1, 0, 1):
        near = classes.copy()
        near[:, 3] = np.clip(near[:, 3] + step, 0, 7)
        candidates.append(room.render(GRID.indices(near)) - 255 * genuine)
    errors = np.stack(candidates)
    absolute = np.abs(errors).mean(axis=(2, 3, 4))
    best = absolute.argmin(axis=0), np.arange(len(rows))
    decibels = 10 * np.log10(255**2 / (errors**2).mean(axis=(2, 3, 4)))[best]
    assert absolute[1].mean() < 4.0
    assert absolute[best].mean() < 3.0
    assert absolute.min(axis=0).max() < 4.5
    assert decibels.mean() > 27
