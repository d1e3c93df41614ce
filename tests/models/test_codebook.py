"""Codebooks of fractional powers, by their definition."""

import math

import numpy as np
import pytest
import torch

from disentgen.models.layers.codebook import CodebookReadout, draw_codebook


@pytest.mark.parametrize("features", [512, 513])
@pytest.mark.parametrize("variance", [0.2, 1.0])
def test_cosines_fall_with_the_distance_of_classes(features, variance):
    """The mean of cos(0.4 (j - k) θ) over normal θ: exp(-variance (0.8 π (j - k))² / 2)."""
    torch.manual_seed(0)
    books = [draw_codebook(features, 4, variance) for _ in range(40)]
    cosines = torch.stack([book @ book.T for book in books]).mean(0)
    distance = np.subtract.outer(np.arange(4), np.arange(4))
    expected = np.exp(-variance * (0.8 * math.pi * distance) ** 2 / 2)
    assert np.allclose(cosines, expected, atol=0.02)
    assert torch.allclose(books[0].norm(dim=1), torch.ones(4))


def test_vectors_are_powers_of_one_another():
    """Class k has the spectrum of class 0 to the power 0.4 k + 1."""
    book = torch.fft.rfft(draw_codebook(64, 3, 0.02).double())
    phases = torch.angle(book / book.abs())
    torch.testing.assert_close(phases[2] - phases[1], phases[1] - phases[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(1.4 * phases[0], phases[1], atol=1e-4, rtol=0)


def test_features_are_unbound_by_circular_convolution_with_the_key():
    readout = CodebookReadout(8, 3, 0.2)
    features = torch.randn(2, 8)
    key, given = readout.key.numpy(), (features / features.norm(dim=1, keepdim=True)).numpy()
    unbound = np.array(
        [[sum(key[j] * row[(n - j) % 8] for j in range(8)) for n in range(8)] for row in given]
    )
    unbound /= np.linalg.norm(unbound, axis=1, keepdims=True)
    expected = unbound @ readout.codebook.numpy().T
    assert np.allclose(readout(features), expected, atol=1e-5)


def test_key_and_codebook_are_kept_and_not_trained():
    readout = CodebookReadout(8, 3, 0.2)
    assert set(readout.state_dict()) == {"key", "codebook"}
    assert not list(readout.parameters())
