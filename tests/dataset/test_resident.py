"""Images that are held on a device: the same tensors, each image brought there once."""

import numpy as np
import pytest
import torch

from disentgen.dataset import build_dataset, devices, resident
from disentgen.dataset.batches import Observations
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Images
from disentgen.dataset.resident import ResidentImages, hold_images
from disentgen.dataset.views import View
from disentgen.errors import UsageError
from disentgen.schema import check

GRID = FactorGrid({"tens": tuple(range(10)), "ones": tuple(range(10))})
CPU, CUDA = torch.device("cpu"), torch.device("cuda")
#: Binary pixels that do not fill whole bytes; a single byte; bytes in colour.
KINDS = [((3, 5, 1), 1), ((2, 4, 1), 1), ((4, 3, 3), 255)]


class Source:
    """Random images, and a list of which were asked for and expected."""

    def __init__(self, pixels_shape, maximum):
        shape = (GRID.size, *pixels_shape)
        self.pixels = np.random.default_rng(0).integers(0, maximum + 1, shape, dtype=np.uint8)
        self.fetched, self.expected = [], []
        self.images = Images(pixels_shape, maximum, "original", self.fetch, self.expect)

    def fetch(self, indices):
        self.fetched += indices.tolist()
        return self.pixels[indices]

    def expect(self, indices):
        self.expected += indices.tolist()


def observe(images, held):
    return Observations(images, GRID, CPU, resident=held)


@pytest.mark.parametrize(("pixels_shape", "maximum"), KINDS)
def test_batches_are_those_of_images_that_are_not_held(pixels_shape, maximum):
    images = Source(pixels_shape, maximum).images
    held = observe(images, ResidentImages(images, GRID.size, CPU))
    for batch in ([7, 3, 99], [3, 3, 0, 7], [7, 3, 99]):
        expected = observe(images, None).images(np.array(batch))
        given = held.images(np.array(batch))
        assert torch.equal(given, expected)
        assert (given.dtype, given.stride()) == (expected.dtype, expected.stride())


def test_an_image_is_fetched_and_expected_only_before_it_is_held():
    source = Source((4, 3, 3), 255)
    held = observe(source.images, ResidentImages(source.images, GRID.size, CPU))
    for indices in held.announce(map(np.array, ([7, 3, 3], [3, 9], [9, 7], [1]))):
        held.images(indices)
    assert source.fetched == [3, 7, 9, 1]
    # A batch is announced before the one ahead of it is fetched.
    assert source.expected == [3, 9, 9, 1]


@pytest.mark.parametrize(
    ("word", "device", "free", "holds"),
    [
        ("no", CUDA, 10**9, False),
        ("auto", CPU, 10**9, False),
        ("auto", torch.device("mps"), 10**9, False),
        ("auto", CUDA, 2 * 3600, True),
        ("auto", CUDA, 2 * 3600 - 1, False),
        ("yes", CUDA, 3600, True),
        ("yes", CPU, 3600, True),
    ],
)
def test_where_images_are_held(monkeypatch, word, device, free, holds):
    monkeypatch.setattr(resident, "measure_free_memory", lambda device: free)
    monkeypatch.setattr(resident, "ResidentImages", lambda *given: given)
    images = Source((4, 3, 3), 255).images
    held = hold_images(images, GRID.size, device, word)
    assert held == ((images, GRID.size, device) if holds else None)


def test_images_that_do_not_fit_are_refused(monkeypatch):
    monkeypatch.setattr(devices, "measure_memory", lambda: 10**8)
    message = r"resident=yes: 737,280 images are 0\.4 GB, and cpu has 0\.1 GB left; .*: auto, no\."
    with pytest.raises(UsageError, match=message):
        build_dataset("dsprites", source="stand-in", resident="yes").observe()


@pytest.mark.parametrize(
    ("given", "word"), [("yes", "yes"), ("no", "no"), (True, "yes"), (False, "no")]
)
def test_yes_and_no_are_words_in_yaml_too(given, word):
    assert check("dataset", build_dataset, {"resident": given})["resident"] == word


def test_other_words_are_refused():
    with pytest.raises(UsageError, match="dataset.resident: input should be 'auto', 'yes' or 'no'"):
        check("dataset", build_dataset, {"resident": "always"})


def test_a_view_of_a_dataset_whose_images_are_held_shows_the_same():
    words = {"variant": "shape2tx", "source": "stand-in"}
    views = [View(build_dataset("dsprites", **words, resident=word), "unsupervised", "held_out")
             for word in ("no", "yes")]  # fmt: skip
    assert isinstance(views[1].observed.resident, ResidentImages)
    assert torch.equal(views[0][5], views[1][5])
