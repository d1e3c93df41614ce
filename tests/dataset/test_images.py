from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disentgen.dataset.images import MappedRows, pack_bits, unpack_bits

ROWS = 24_000


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """Rows of the size of colour images, 295 MB in all, of which a few are not empty."""
    path = tmp_path_factory.mktemp("mapped") / "rows.npy"
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(ROWS, 64, 64, 3))
    rows[::1000] = np.random.default_rng(0).integers(0, 256, rows[::1000].shape)
    rows.flush()
    return path, np.array(rows[::1000])


def test_rows_are_read_in_any_order_after_an_announcement_or_without(mapped):
    path, expected = mapped
    rows = MappedRows(path)
    order = np.array([7, 3, 23, 0])
    assert np.array_equal(rows[order * 1000], expected[order])
    rows.expect(order * 1000)
    assert np.array_equal(rows[order * 1000], expected[order])


def test_rows_stay_as_they_were_read_when_the_mapping_is_let_go(mapped):
    path, expected = mapped
    rows = MappedRows(path)
    first = rows[np.arange(24) * 1000]
    for start in range(0, ROWS, 500):
        rows[np.arange(start, start + 500)]
    assert np.array_equal(first, expected)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_memory_of_the_process_stays_small(mapped):
    def resident():
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssFile"))

    rows = MappedRows(mapped[0])
    order = np.random.default_rng(0).permutation(ROWS)
    before = peak = resident()
    for start in range(0, ROWS, 64):
        rows[order[start : start + 64]]
        peak = max(peak, resident())
    assert peak - before < 220_000


@given(st.integers(1, 20), st.integers(1, 9), st.integers(0, 1000))
def test_packed_bits_come_back(count, height, seed):
    pictures = np.random.default_rng(seed).integers(0, 2, (count, height, 8, 1)).astype(np.uint8)
    assert np.array_equal(unpack_bits(pack_bits(pictures), (height, 8, 1)), pictures)
    pictures = pictures[:, :, :7]  # no whole bytes
    assert np.array_equal(unpack_bits(pack_bits(pictures), (height, 7, 1)), pictures)
