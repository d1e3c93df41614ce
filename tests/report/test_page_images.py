"""Pictures beside a page and inside it; those that cannot be shown."""

import base64
import io
import os

import numpy as np
import pytest
from PIL import Image

from disentgen.report.images import LONGEST_WEBP, copy_into, embed, show_picture

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5


def save_png(path, pixels=PIXELS):
    Image.fromarray(pixels).save(path)
    return path


def test_pictures_become_webp_in_a_folder_of_their_own(tmp_path):
    path = save_png(tmp_path / "curves.png")
    place = copy_into(tmp_path / "runs" / "a b", tmp_path / "runs")
    assert place(path) == "a%20b/curves-png.webp"
    with Image.open(tmp_path / "runs" / "a b" / "curves-png.webp") as made:
        assert (made.format, made.size) == ("WEBP", (4, 4))
        assert np.abs(np.array(made, int) - PIXELS).mean() < 40


def test_moving_pictures_keep_moving_beside_still_ones_of_the_same_name(tmp_path):
    frames = [Image.fromarray(PIXELS + shift) for shift in (0, 10, 20)]
    frames[0].save(tmp_path / "t.gif", save_all=True, append_images=frames[1:])
    place = copy_into(tmp_path / "out", tmp_path)
    assert place(tmp_path / "t.gif") != place(save_png(tmp_path / "t.png"))
    with Image.open(tmp_path / "out" / "t-gif.webp") as made:
        assert made.n_frames == 3


@pytest.mark.parametrize("shape", [(LONGEST_WEBP + 1, 1), (1, LONGEST_WEBP + 1)])
def test_pictures_that_webp_cannot_hold_stay_what_they_are(tmp_path, shape):
    path = save_png(tmp_path / "tall.png", np.zeros(shape, np.uint8))
    assert copy_into(tmp_path / "out", tmp_path)(path) == "out/tall-png.png"
    assert (tmp_path / "out" / "tall-png.png").read_bytes() == path.read_bytes()
    assert embed(path).startswith("data:image/png;base64,")
    largest = save_png(tmp_path / "fits.png", np.zeros((LONGEST_WEBP, 1), np.uint8))
    assert embed(largest).startswith("data:image/webp;base64,")


def test_an_embedded_picture_is_all_there(tmp_path):
    head, content = embed(save_png(tmp_path / "a.png")).split(",")
    assert head == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as made:
        assert made.size == (4, 4)


def test_pictures_are_converted_again_only_when_they_have_changed(tmp_path):
    path, place = save_png(tmp_path / "a.png"), copy_into(tmp_path / "out", tmp_path)
    place(path)
    made = tmp_path / "out" / "a-png.webp"
    os.utime(path, ns=(10**18, 10**18))
    place(path)
    before = made.stat().st_ino
    place(path)
    assert made.stat().st_ino == before
    save_png(path, 255 - PIXELS)
    place(path)
    with Image.open(made) as again:
        assert np.array(again).mean() > 128


def test_a_picture_that_cannot_be_read_leaves_the_reason(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    content = save_png(tmp_path / "a.png", noise).read_bytes()
    damaged = {"cut.png": content[:5000], "head.png": content[:20], "text.png": b"no picture",
               "empty.png": b""}  # fmt: skip
    place = copy_into(tmp_path / "out", tmp_path)
    for name, bytes_there in damaged.items():
        (tmp_path / name).write_bytes(bytes_there)
        for how in (place, embed):
            found = show_picture(tmp_path / name, "Curves.", how)
            assert found.problem.startswith("it cannot be read: "), name
            assert (found.source, found.name, found.caption) == ("", name, "Curves.")
    os.mkfifo(tmp_path / "pipe.png")
    assert show_picture(tmp_path / "missing.png", "", place).problem == "there is no such file"
    found = show_picture(tmp_path / "pipe.png", "", place).problem
    assert found.endswith("is a pipe, where a regular file is expected.")
    assert show_picture(tmp_path / "a.png", "", place).source == "out/a-png.webp"
