"""Metrics of disentanglement, of the codes of training images."""

import numpy as np

from disentgen.analysis.measurements import Column, Measured, Measurement, Part, up_to
from disentgen.analysis.measurements.codes import Codes, has_codes
from disentgen.analysis.measurements.posteriors import POSTERIORS, Posteriors, has_posteriors
from disentgen.analysis.metrics import OF_ONE_RUN, Classes, Metric, Result, load_metrics
from disentgen.analysis.metrics.sampling import Indices
from disentgen.runs import Run

#: The metric that the published analysis calls disentanglement.
DISENTANGLEMENT = "dci_lasso"


def measure_metric(measured: Measured, images: int, metric: Metric) -> Result:
    """A metric of a run's codes; training images stand for the held-in side.

    Args:
        measured: of a run whose model has codes.
        images: at most so many.
        metric: of codes, of a sampler or, where the model has them, of posteriors.
    """
    if metric.of == "posteriors":
        posteriors: Posteriors = measured.get(POSTERIORS, images=images)
        indices, codes, variances = posteriors
        return metric.measure(
            lambda some: codes[np.searchsorted(indices, some)],
            measured.run.split.grid,
            indices,
            lambda some: variances[np.searchsorted(indices, some)],
        )
    coded: Codes = measured.get("codes", "train", images)

    def encode(some: Indices) -> Classes:
        return coded.codes[np.searchsorted(coded.indices, some)]

    return metric.measure(encode, measured.run.split.grid, coded.indices)


def list_metrics(run: Run) -> dict[str, Part]:
    """All metrics of single runs; those of posteriors where the run's model has any."""
    return {
        name: Part(name, (metric,), up_to(metric.images), metric.revision)
        for name, metric in load_metrics(*OF_ONE_RUN).items()
        if metric.of != "posteriors" or has_posteriors(run)
    }


def list_scores() -> dict[str, Column]:
    """The main part of every metric, be it of single runs or of several.

    Beside ``disentanglement`` stands the ``informativeness`` of the lasso, without which it says
    nothing, and ``metric_images``, of how many images both are.
    """
    scores = {name: Column(name, metric.main, "logit") for name, metric in load_metrics().items()}
    return scores | {
        "disentanglement": Column(DISENTANGLEMENT, "disentanglement", "logit"),
        "informativeness": Column(DISENTANGLEMENT, "informativeness", "logit"),
        "metric_images": Column(DISENTANGLEMENT, "images", None),
    }


MEASUREMENT = Measurement(
    "metrics",
    "metrics of disentanglement",
    measure_metric,
    has_codes,
    parts=list_metrics,
    columns=list_scores,
)
