import json
from itertools import islice

import numpy as np
import pytest
import torch

from disentgen.dataset.batches import BatchStream, Observations, ScoringBatches, TrainingBatches
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Images
from disentgen.dataset.tasks import Generate, Infer, Reconstruct
from disentgen.errors import UsageError


def show_index(indices):
    """Images whose first pixels spell their index."""
    pictures = np.zeros((len(indices), 4, 4, 3), np.uint8)
    pictures[:, 0, 0, 0], pictures[:, 0, 1, 0] = indices // 256, indices % 256
    return pictures


GRID = FactorGrid({"tens": tuple(range(100)), "ones": tuple(range(10))})
CPU = torch.device("cpu")
OBSERVED = Observations(Images((4, 4, 3), 255, "stand-in", show_index), GRID, CPU)
RECONSTRUCT = Reconstruct(GRID, np.arange(GRID.size))


def read_indices(pictures):
    return (pictures[:, 0, 0, 0] * 255 * 256 + pictures[:, 0, 0, 1] * 255).round().int().tolist()


def training(indices=range(100), batch_size=8, epoch_length=12, seed=0):
    return TrainingBatches(
        OBSERVED, RECONSTRUCT, np.array(indices), batch_size, epoch_length, seed
    )  # fmt: skip


def read_epoch(batches, number):
    return [read_indices(pictures) for pictures, _ in batches.epoch(number)]


def test_tensors_are_channels_first_in_unit_range_and_channels_last_in_memory():
    pictures = OBSERVED.images(np.array([255, 3]))
    assert pictures.shape == (2, 3, 4, 4)
    assert pictures.dtype == torch.float32
    assert pictures[0, 0, 0, 1] == 1
    assert pictures.is_contiguous(memory_format=torch.channels_last)


def test_binary_pixels_are_not_scaled():
    images = Images((1, 1, 1), 1, "stand-in", lambda indices: np.ones((1, 1, 1, 1), np.uint8))
    assert Observations(images, GRID, CPU).images(np.array([0])).item() == 1


def test_epoch_shows_every_image_at_most_once():
    shown = sum(read_epoch(training(), 1), [])
    assert len(shown) == len(set(shown)) == 96
    assert len(training()) == 12


def test_order_is_a_function_of_seed_and_epoch():
    assert read_epoch(training(), 3) == read_epoch(training(), 3)
    assert read_epoch(training(), 3) != read_epoch(training(), 4)
    assert read_epoch(training(), 3) != read_epoch(training(seed=1), 3)


def test_weighted_images_are_drawn_with_replacement_as_often_as_they_weigh():
    weights = np.repeat([0.0, 1.0, 3.0], [20, 40, 40])
    batches = TrainingBatches(OBSERVED, RECONSTRUCT, np.arange(100, 200), 8, 12, 0, weights)
    assert read_epoch(batches, 2) == read_epoch(batches, 2)
    assert read_epoch(batches, 2) != read_epoch(batches, 3)
    epochs = [np.concatenate(read_epoch(batches, number)) for number in range(1, 101)]
    assert len(epochs[0]) == 96
    counts = np.bincount(np.concatenate(epochs), minlength=200)[100:]
    assert not counts[:20].any()
    # 9,600 draws: three of four are of the last forty, with a standard deviation of 42.
    assert counts[60:].sum() == pytest.approx(7200, abs=4 * 42)
    assert max(np.bincount(epoch.astype(int)).max() for epoch in epochs) > 1


class Jitter(Reconstruct):
    """Images beside a number that is drawn for each."""

    def __call__(self, observed, indices, generator):
        return observed.images(indices), generator.random(len(indices)).tolist()


def test_a_stream_goes_on_where_another_stood_without_reading_what_came_before():
    read = []

    def show(indices):
        read.extend(indices.tolist())
        return show_index(indices)

    observed = Observations(Images((4, 4, 3), 255, "stand-in", show), GRID, CPU)
    batches = TrainingBatches(observed, Jitter(GRID, np.arange(100)), np.arange(100), 8, 12, 0)
    first, second = BatchStream(batches), BatchStream(batches)
    drawing = iter(first)
    for _ in range(17):
        next(drawing)
    state = json.loads(json.dumps(first.state_dict()))
    expected = [(read_indices(images), drawn) for images, drawn in islice(drawing, 20)]
    read.clear()
    second.load_state_dict(state)
    assert not read
    goes_on = islice(iter(second), 20)
    assert [(read_indices(images), drawn) for images, drawn in goes_on] == expected
    assert len(read) == 20 * 8
    epochs = [
        (read_indices(images), drawn) for n in (2, 3, 4) for images, drawn in batches.epoch(n)
    ]
    assert epochs[5:25] == expected


def test_epoch_longer_than_the_images_goes_round_again():
    shown = read_epoch(training(range(10), batch_size=5, epoch_length=6), 1)
    assert len(shown) == 6
    for pair in range(0, 6, 2):
        assert sorted(shown[pair] + shown[pair + 1]) == list(range(10))


def test_batch_larger_than_the_images_is_refused():
    with pytest.raises(UsageError, match="batch_size=8 is more than the 5 images"):
        training(range(5))


def test_scoring_shows_every_image_once_in_order():
    batches = ScoringBatches(OBSERVED, RECONSTRUCT, np.arange(50), batch_size=16)
    shown = [read_indices(pictures) for pictures, _ in batches]
    assert sum(shown, []) == list(range(50))
    assert len(batches) == len(shown) == 4


def test_reconstruction_asks_for_the_image_itself():
    pictures, target = RECONSTRUCT(OBSERVED, np.array([1, 2]), np.random.default_rng())
    assert target is pictures


def test_inference_asks_for_factor_values():
    indices, generator = np.array([12, 999]), np.random.default_rng()
    pictures, target = Infer(GRID, indices)(OBSERVED, indices, generator)
    assert read_indices(pictures) == [12, 999]
    assert target.dtype == torch.float32
    assert target.tolist() == [[1, 2], [99, 9]]


def test_generation_gives_factor_values_for_an_image_as_they_are_or_standardised():
    indices, generator = np.array([12, 999]), np.random.default_rng()
    values, pictures = Generate(GRID, indices)(OBSERVED, indices, generator)
    assert read_indices(pictures) == [12, 999]
    assert values.tolist() == [[1, 2], [99, 9]]
    everything = np.arange(GRID.size)
    observed = Observations(OBSERVED.stored, GRID, CPU, standardise=True)
    values, _ = Generate(GRID, indices)(observed, everything, generator)
    assert values.mean(dim=0).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert values.std(dim=0, correction=0).tolist() == pytest.approx([1, 1], abs=1e-5)


def test_each_batch_but_the_first_is_announced_to_the_disk():
    asked = []

    def fetch(indices):
        asked.append(("fetch", *indices))
        return show_index(indices)

    images = Images((4, 4, 3), 255, "original", fetch, lambda indices: asked.append(tuple(indices)))
    batches = ScoringBatches(Observations(images, GRID, CPU), RECONSTRUCT, np.arange(5), 2)
    assert len(list(batches)) == 3
    assert asked == [(2, 3), ("fetch", 0, 1), (4,), ("fetch", 2, 3), ("fetch", 4)]
