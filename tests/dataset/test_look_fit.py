"""The fit of a look to frames finds numbers that drew them, and leaves a frame out whole."""

from dataclasses import fields, replace

import numpy as np
import pytest

import likeness
from disentgen.dataset.stand_ins.robot_looks import Look
from disentgen.dataset.stand_ins.robot_versions import LOOKS
from look_fit import FIXED, Fitting, Numbers, draw

FREE = ("gains", "floor")
REST = (*FIXED, *(field.name for field in fields(Look) if field.name not in FREE))
CLASSES = np.array([[2, 0, 1, height, 0, 12, 39] for height in (0, 1, 1, 1, 2)])


@pytest.fixture(scope="module")
def genuine():
    look = LOOKS["real"]
    return replace(look, gains=look.gains * [[1.1], [1], [0.9]], floor=look.floor * 1.1)


def test_a_fit_finds_the_numbers_that_drew_the_frames(genuine):
    numbers = Numbers(LOOKS["real"], REST)
    assert len(numbers.read()) == 6 + 3
    fitting = Fitting(numbers, draw(genuine, CLASSES), CLASSES)
    found = numbers.write(fitting.run(steps=4).vector)
    assert found.gains == pytest.approx(genuine.gains, abs=0.01)
    assert found.gains[1] == pytest.approx(1)
    assert found.floor == pytest.approx(genuine.floor, abs=0.3)


def test_a_frame_that_is_left_out_has_no_part(genuine):
    frames = draw(genuine, CLASSES)
    odd = np.vstack([CLASSES, CLASSES[1:2]])
    frames = np.concatenate([frames, frames[1:2] + 40])
    fitting = Fitting(numbers := Numbers(LOOKS["real"], REST), frames, odd)
    fit = fitting.run(steps=3)
    with_all = numbers.write(fit.vector)
    without = fitting.leave_out(fit, len(odd) - 1, steps=4)
    assert np.abs(with_all.floor - genuine.floor).max() > 0.5
    assert without.floor == pytest.approx(genuine.floor, abs=0.3)


def test_heights_of_many_frames_count_more_but_each_frame_less():
    fitting = Fitting(Numbers(LOOKS["real"], REST), np.zeros((5, 64, 64, 3)), CLASSES)
    assert fitting.weights == pytest.approx([1, 3**-0.5, 3**-0.5, 3**-0.5, 1])


def test_frames_that_alone_show_a_colour_camera_or_ring_are_told():
    classes = np.array([[0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0], [1, 5, 0, 0, 0, 0, 0]])
    assert likeness.find_alone(classes).tolist() == [True, False, False]


def test_colours_are_no_less_than_black():
    numbers = Numbers(LOOKS["real"])
    assert numbers.write(numbers.read() - 1000).colours.min() == 0
