import json

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from disentgen.dataset import build_dataset
from disentgen.dataset.spec import find_spec, load_specs
from disentgen.dataset.views import View
from disentgen.errors import UsageError

WORLDS = [(s.name, s.version) for versions in load_specs().values() for s in versions if s.render]


@pytest.fixture(params=WORLDS, ids=[f"{name}-{version}" for name, version in WORLDS])
def dataset(request):
    name, version = request.param
    variant = next(iter(find_spec(name, version).variants))
    return build_dataset(name, version, source="stand-in", variant=variant)


def test_samples_of_every_kind(dataset):
    index = dataset.split.indices("held_out")[5]
    picture = dataset.images(np.array([index]))[0]
    expected = torch.from_numpy(picture).permute(2, 0, 1).float() / dataset.spec.maximum
    image = View(dataset, "unsupervised", "held_out")[5]
    assert torch.equal(image, expected)
    image, target = View(dataset, "reconstruction", "held_out")[5]
    assert torch.equal(image, expected)
    assert torch.equal(target, expected)
    image, target = View(dataset, "supervised", "held_out")[5]
    assert torch.equal(image, expected)
    assert target.numpy() == pytest.approx(dataset.spec.grid.values(np.array([index]))[0])


def test_factors_are_in_the_scale_of_the_dataset():
    given = build_dataset("dsprites", source="stand-in", factor_scale="standardised")
    view = View(given, "supervised", "validation")
    shape, values = given.spec.grid.values(view.indices[::1000])[:, 0], np.array([1.0, 2.0, 3.0])
    expected = (shape - values.mean()) / values.std()
    shown = [view[place][1][0].item() for place in range(0, len(view), 1000)]
    assert shown == pytest.approx(expected)
    assert len({round(value, 3) for value in shown}) == 3


@pytest.mark.parametrize(
    ("kind", "parts"), [("unsupervised", 1), ("reconstruction", 2), ("supervised", 2)]
)
def test_kinds_may_be_words_of_a_file(kind, parts):
    dataset = build_dataset("dsprites", source="stand-in")
    sample = View(dataset, json.loads(f'"{kind}"'), "validation")[0]
    shapes = [tuple(part.shape) for part in (sample if parts == 2 else [sample])]
    assert shapes == [(1, 64, 64), (5,) if kind == "supervised" else (1, 64, 64)][:parts]


def test_length_is_that_of_the_side(dataset):
    assert len(View(dataset, "supervised", "held_out")) == dataset.split.held_out.sum()
    assert len(View(dataset, "supervised")) == dataset.split.mask("train").sum()


def test_a_view_says_what_it_shows():
    view = View(build_dataset("dsprites", source="stand-in", variant="leave1out"), "supervised")
    assert repr(view) == "View(dSprites (rendered stand-in), supervised, 694,898 train)"
    other = View(build_dataset("dsprites", source="stand-in"), "unsupervised", "validation")
    assert repr(other) == "View(dSprites (rendered stand-in), unsupervised, 36,864 validation)"


def test_several_samples_are_those_of_their_positions(dataset):
    view = View(dataset, "supervised", "held_out")
    for fetched, place in zip(view.__getitems__([7, 2]), (7, 2), strict=True):
        for several, single in zip(fetched, view[place], strict=True):
            assert torch.equal(several, single)
    images = View(dataset, "unsupervised", "held_out").__getitems__([7, 2])
    assert [image.shape for image in images] == [dataset.spec.image_shape] * 2


def test_loader_fetches_whole_batches(dataset):
    loader = DataLoader(View(dataset, "supervised", "held_out"), batch_size=8)
    images, factors = next(iter(loader))
    assert images.shape == (8, *dataset.spec.image_shape)
    indices = dataset.split.indices("held_out")[:8]
    assert factors.numpy() == pytest.approx(dataset.spec.grid.values(indices))


def test_mistakes():
    dataset = build_dataset("dsprites", source="stand-in")
    with pytest.raises(UsageError, match="unknown view 'supervized'.*Did you mean 'supervised'"):
        View(dataset, "supervized")
    sides = "train, validation, held_in, held_out"
    with pytest.raises(UsageError, match=f"unknown side 'heldout'; accepted: {sides}. .*held_out"):
        View(dataset, "supervised", "heldout")
