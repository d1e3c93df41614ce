"""Metrics of disentanglement; each stands in a module of this package.

Most are functions of two arrays, ``(codes, classes) -> Result``: codes are (n, latents) posterior
means, classes (n, factors) indices of factor values. Where images must be chosen, the metric takes
a :class:`Sampler` in their place. Metrics of posteriors take their variances too, ``(codes,
variances, classes)``. Metrics of several runs that differ in their seed alone take
``(codes, kl)``: a list of codes of the same images, and one of the latents' KL. Nothing here knows
of runs or models, so the metrics can be used on codes from anywhere. All arguments pass the check
of :mod:`~disentgen.analysis.metrics.arrays`, and every result says of how many images it is.

A score means something between what the factors themselves reach as codes and what noise reaches;
few metrics reach from 0 to 1: see :mod:`disentgen.analysis.bounds` and ``docs/metrics.md``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from disentgen.analysis.metrics.arrays import Classes, Codes, Result, UndefinedError
from disentgen.analysis.metrics.sampling import Indices, Sampler
from disentgen.dataset.grid import FactorGrid
from disentgen.errors import UsageError
from disentgen.registry import load_named

#: Images that a metric is measured on where it does not name another number.
IMAGES = 5_000
#: What a metric is a function of: codes and classes, a sampler, codes and variances and classes, or
#: codes and KL of several runs.
Subject = Literal["codes", "sampler", "posteriors", "runs"]
#: What metrics of single runs are functions of.
OF_ONE_RUN: tuple[Subject, ...] = ("codes", "sampler", "posteriors")
#: How parts of a result are named that have a value for each of several models.
PER_MODEL = "_per_model"


class Metric(NamedTuple):
    """A metric of disentanglement.

    Args:
        name: the word for it in tables.
        title: what people call it.
        function: of what ``of`` says.
        source: the paper that defines it.
        main: the part that is the score; higher is better. Of several runs, each run's own score
            is taken from the part of this name and ``_per_model``.
        beside: further parts that are scores, higher is better.
        images: how many it is measured on by default.
        of: ``codes`` and classes, a ``sampler``, ``posteriors`` (codes, variances and classes), or
            codes and KL of several ``runs``.
        revision: of the computation; values kept from an earlier one are computed anew.
    """

    name: str
    title: str
    function: Callable[..., Result]
    source: str
    main: str = "score"
    beside: tuple[str, ...] = ()
    images: int = IMAGES
    of: Subject = "codes"
    revision: int = 1

    @property
    def scores(self) -> tuple[str, ...]:
        """All parts of a result that are scores, the main one first."""
        return (self.main, *self.beside)

    def measure(
        self,
        encode: Callable[[Indices], Codes],
        grid: FactorGrid,
        indices: Indices,
        spread: Callable[[Indices], Codes] | None = None,
    ) -> Result:
        """The metric of some images' codes, where it is one of single runs.

        Where it is not defined on these images, its scores are NaN and a ``warning`` says why: a
        report shows what there is.

        Args:
            encode: (n,) indices of images to their (n, latents) codes.
            grid: the factor grid.
            indices: (n,) of the images; a sampler draws from these.
            spread: (n,) indices to the (n, latents) variances of posteriors whose means are the
                codes; None where the codes come without.

        Raises:
            UsageError: the metric needs variances, and there are none.
        """
        try:
            return self._measure(encode, grid, indices, spread)
        except UndefinedError as error:
            unknown = dict.fromkeys(self.scores, float("nan"))
            return {"images": len(indices), **unknown, "warning": str(error)}

    def _measure(
        self,
        encode: Callable[[Indices], Codes],
        grid: FactorGrid,
        indices: Indices,
        spread: Callable[[Indices], Codes] | None,
    ) -> Result:
        if self.of == "posteriors":
            if spread is None:
                raise UsageError(
                    f"{self.title} ('{self.name}') needs the variances of posteriors; these codes "
                    "come without."
                )
            return self.function(encode(indices), spread(indices), grid.classes(indices))
        if self.of == "codes":
            return self.function(encode(indices), grid.classes(indices))
        allowed = np.zeros(grid.size, dtype=bool)
        allowed[indices] = True
        return self.function(Sampler(encode, grid, np.random.default_rng(0), allowed))

    def measure_runs(self, codes: Sequence[ArrayLike], kl: Sequence[ArrayLike]) -> list[Result]:
        """The metric of several models, where it is one of runs: a result for each.

        Parts that have a value for each model are named without ``_per_model`` in these results.

        Args:
            codes: (n, latents) of the same images, from each model.
            kl: (latents,) of each model.
        """
        result = self.function(codes, kl)
        return [
            {
                name.removesuffix(PER_MODEL): value[place] if name.endswith(PER_MODEL) else value
                for name, value in result.items()
            }
            for place in range(len(codes))
        ]


def load_metrics(*of: Subject) -> Mapping[str, Metric]:
    """Metrics by name; one is there because it stands in a module's ``METRICS``.

    Args:
        of: what they are functions of; anything by default.
    """
    metrics: Mapping[str, Metric] = load_named(__name__, "METRICS")
    return {name: metric for name, metric in metrics.items() if not of or metric.of in of}


__all__ = [
    "IMAGES",
    "OF_ONE_RUN",
    "PER_MODEL",
    "Classes",
    "Codes",
    "Metric",
    "Result",
    "Sampler",
    "Subject",
    "UndefinedError",
    "load_metrics",
]
