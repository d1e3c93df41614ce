"""Seven kinds of codes on a complete grid and on a tenth of its cells, for tests of all metrics."""

from functools import cache

import numpy as np

from disentgen.analysis.code_kinds import KINDS, make_codes
from disentgen.analysis.metrics import load_metrics
from disentgen.dataset.grid import FactorGrid

#: A nominal, a binary and three ordered factors: 23,040 cells.
SIZES = {"shape": 3, "size": 2, "angle": 15, "x": 16, "y": 16}
GRID = FactorGrid({name: tuple(range(size)) for name, size in SIZES.items()})
IMAGES = 3_000
#: Cells that there are, by the name of the grid: all of them, or a tenth at random.
CELLS = {
    "complete": np.arange(GRID.size),
    "tenth": np.sort(np.random.default_rng(3).choice(GRID.size, GRID.size // 10, replace=False)),
}


def choose_images(cells, images=IMAGES):
    """Images to measure on, in order: all of the cells, or so many of them at random."""
    there = CELLS[cells]
    if len(there) <= images:
        return there
    return np.sort(np.random.default_rng(4).choice(there, images, replace=False))


@cache
def measure_kind(name, kind, cells="complete", images=IMAGES):
    """The result of a metric of codes or of a sampler for a kind of codes."""
    indices = choose_images(cells, images)
    codes = make_codes(kind, GRID, indices, np.random.default_rng(1))
    metric = load_metrics()[name]
    return metric.measure(lambda some: codes[np.searchsorted(indices, some)], GRID, indices)


__all__ = ["CELLS", "GRID", "IMAGES", "KINDS", "choose_images", "make_codes", "measure_kind"]
