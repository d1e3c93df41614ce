"""Metrics of disentanglement; each stands in a module of this package.

Most are functions of two arrays, ``(codes, classes) -> Result``: codes are (n, latents) posterior
means, classes (n, factors) indices of factor values. Where images must be chosen, the metric takes
a :class:`Sampler` in their place. Nothing here knows of runs or models, so the metrics can be used
on codes from anywhere.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.metrics.sampling import Sampler

Codes = NDArray[np.floating]
Classes = NDArray[np.integer]
#: Named parts: numbers, or arrays by latent, by factor or (latents, factors).
Result = dict[str, Any]


class Metric(NamedTuple):
    """A metric of disentanglement.

    Args:
        name: the word for it in tables.
        title: what people call it.
        function: of codes and classes, or of a sampler.
        source: the paper that defines it.
        main: the part that is the score; higher is better.
        samples: whether the function takes a sampler.
        revision: of the computation; values kept from an earlier one are computed anew.
    """

    name: str
    title: str
    function: Callable[..., Result]
    source: str
    main: str = "score"
    samples: bool = False
    revision: int = 1


@cache
def load_metrics() -> Mapping[str, Metric]:
    """All metrics by name; one is there because it stands in a module's ``METRICS``."""
    modules = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name)
    ]
    return {metric.name: metric for module in modules for metric in getattr(module, "METRICS", ())}


__all__ = ["Classes", "Codes", "Metric", "Result", "Sampler", "load_metrics"]
