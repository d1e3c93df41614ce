"""Minimality and sufficiency: closed forms, what is dead, more classes than bins."""

import numpy as np
import pytest

from code_kinds import measure_kind
from disentgen.analysis.metrics.arrays import find_alive, measure_spread
from disentgen.analysis.metrics.minimality import measure_minimality

#: Every combination of a binary factor and one of four values, ten times.
CLASSES = np.array([(a, b) for a in range(2) for b in range(4)]).repeat(10, axis=0)
A, B = CLASSES.T.astype(float)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("latents", "minimality", "sufficiency"),
    [
        ([A, B], 1, 1),
        ([A, A, B], 1, 1),  # neither asks that one latent alone has a factor
        ([4 * A + B], 2 / 3, 1),  # of three bits, two are of b
        ([A], 1, 1 / 2),
        ([B % 2, A], 1, (1 + 1 / 2) / 2),  # half of b in one latent
        # Another factor, of a latent of two, and half of b: (1 + 1/2) / 2 and (1 + 1/2) / 2.
        ([A, 2 * A + B % 2], 3 / 4, 3 / 4),
        ([A, B, np.zeros(80), np.full(80, 0.1)], 1, 1),
        ([A, 0.001 * B], 1, 1 / 2),  # what is dead is read by no decoder
        ([np.full(80, 0.1)], 0, 0),
    ],
)  # fmt: skip
def test_shares_worked_out_by_hand(latents, minimality, sufficiency):
    result = measure_minimality(np.column_stack(latents), CLASSES)
    assert result["minimality"] == pytest.approx(minimality, abs=1e-12)
    assert result["sufficiency"] == pytest.approx(sufficiency, abs=1e-12)


@pytest.mark.parametrize("cells", ["complete", "tenth"])
@pytest.mark.parametrize("kind", ["perfect", "permuted", "duplicated", "partly dead"])
def test_a_latent_of_one_factor_is_minimal_and_sufficient(kind, cells):
    result = measure_kind("minimality", kind, cells)
    assert (result["minimality"], result["sufficiency"]) == (pytest.approx(1), pytest.approx(1))
    assert result["alive"] == {"duplicated": 10}.get(kind, 5)


@pytest.mark.parametrize("cells", ["complete", "tenth"])
def test_mixed_and_useless_latents_are_neither(cells):
    for kind, limit in (("rotated", 0.35), ("noise", 0.03), ("constant", 0)):
        result = measure_kind("minimality", kind, cells)
        assert result["minimality"] <= limit
        assert result["sufficiency"] <= limit


@pytest.mark.parametrize("count", [40, 100])
def test_bins_are_as_many_as_classes(count):
    """15 bins would say no more of 40 classes than log 15 / log 40 of their entropy."""
    labels = np.tile(np.arange(count), 5)[:, None]
    result = measure_minimality(0.3 * labels - 7, labels)
    assert (result["minimality"], result["sufficiency"]) == (pytest.approx(1), pytest.approx(1))


def test_bins_are_fifteen_at_least():
    noise = np.linspace(0, 1, 3_000)[:, None]
    labels = (noise > 0.5).astype(int)
    result = measure_minimality(noise, labels)
    # One bin of fifteen is cut in half: its images keep half of their bits.
    assert result["minimality"] == pytest.approx(np.log(2) * 14 / 15 / np.log(15), abs=1e-3)


@pytest.mark.parametrize(("share", "live"), [(0.2, [0]), (0.05, [0, 1]), (0.001, [0, 1, 2])])
def test_latents_that_hardly_move_are_dead(share, live):
    codes = np.column_stack([A, 0.1 * A, 0.01 * A, np.full(80, 0.1)])
    assert find_alive(measure_spread(codes), share).tolist() == live
    assert not len(find_alive(measure_spread(codes[:, 3:]), 0))
