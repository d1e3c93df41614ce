"""Seven kinds of codes on a complete grid and on tenths of its cells, for tests of all metrics."""

from functools import cache

from disentgen.analysis import code_kinds
from disentgen.analysis.code_kinds import CELLS, KINDS, make_codes
from disentgen.analysis.metrics import load_metrics
from disentgen.dataset.grid import FactorGrid

#: A nominal, a binary and three ordered factors: 23,040 cells.
SIZES = {"shape": 3, "size": 2, "angle": 15, "x": 16, "y": 16}
GRID = FactorGrid({name: tuple(range(size)) for name, size in SIZES.items()})
IMAGES = 3_000


def choose_images(cells, images=IMAGES):
    """Images to measure on, in order: all of the cells, or so many of them at random."""
    return code_kinds.choose_images(GRID, cells, images)


@cache
def measure_kind(name, kind, cells="complete", images=IMAGES):
    """The result of a metric of codes or of a sampler for a kind of codes."""
    metric = load_metrics()[name]
    return code_kinds.measure_kind(metric, kind, GRID, choose_images(cells, images))


__all__ = ["CELLS", "GRID", "IMAGES", "KINDS", "choose_images", "make_codes", "measure_kind"]
