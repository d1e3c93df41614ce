"""Metrics of disentanglement; each stands in a module of this package.

Most are functions of two arrays, ``(codes, classes) -> Result``: codes are (n, latents) posterior
means, classes (n, factors) indices of factor values. Where images must be chosen, the metric takes
a :class:`Sampler` in their place. Nothing here knows of runs or models, so the metrics can be used
on codes from anywhere. All arguments pass the check of
:mod:`~disentgen.analysis.metrics.arrays`, and every result says of how many images it is.

A score means something between what the factors themselves reach as codes and what noise reaches;
few metrics reach from 0 to 1: see :mod:`disentgen.analysis.bounds` and ``docs/metrics.md``.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np

from disentgen.analysis.metrics.arrays import Classes, Codes, Result
from disentgen.analysis.metrics.sampling import Indices, Sampler
from disentgen.dataset.grid import FactorGrid
from disentgen.registry import load_records

#: Images that a metric is measured on where it does not name another number.
IMAGES = 5_000


class Metric(NamedTuple):
    """A metric of disentanglement.

    Args:
        name: the word for it in tables.
        title: what people call it.
        function: of codes and classes, or of a sampler.
        source: the paper that defines it.
        main: the part that is the score; higher is better.
        beside: further parts that are scores, higher is better.
        images: how many it is measured on by default.
        samples: whether the function takes a sampler.
        revision: of the computation; values kept from an earlier one are computed anew.
    """

    name: str
    title: str
    function: Callable[..., Result]
    source: str
    main: str = "score"
    beside: tuple[str, ...] = ()
    images: int = IMAGES
    samples: bool = False
    revision: int = 1

    @property
    def scores(self) -> tuple[str, ...]:
        """All parts of a result that are scores, the main one first."""
        return (self.main, *self.beside)

    def measure(
        self, encode: Callable[[Indices], Codes], grid: FactorGrid, indices: Indices
    ) -> Result:
        """The metric of some images' codes.

        Args:
            encode: (n,) indices of images to their (n, latents) codes.
            grid: the factor grid.
            indices: (n,) of the images; a sampler draws from these.
        """
        if not self.samples:
            return self.function(encode(indices), grid.classes(indices))
        allowed = np.zeros(grid.size, dtype=bool)
        allowed[indices] = True
        return self.function(Sampler(encode, grid, np.random.default_rng(0), allowed))


@cache
def load_metrics() -> Mapping[str, Metric]:
    """All metrics by name; one is there because it stands in a module's ``METRICS``."""
    exported = load_records(__name__, "METRICS")
    return {metric.name: metric for metrics in exported.values() for metric in metrics}


__all__ = ["IMAGES", "Classes", "Codes", "Metric", "Result", "Sampler", "load_metrics"]
