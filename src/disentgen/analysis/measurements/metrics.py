"""Metrics of disentanglement, of the codes of training images."""

import numpy as np

from disentgen.analysis.measurements import Column, Measured, Measurement, Part, up_to
from disentgen.analysis.measurements.codes import Codes, has_codes
from disentgen.analysis.metrics import Classes, Metric, Result, load_metrics
from disentgen.analysis.metrics.sampling import Indices
from disentgen.runs import Run

#: The metric that the published analysis calls disentanglement.
DISENTANGLEMENT = "dci_lasso"


def measure_metric(measured: Measured, images: int, metric: Metric) -> Result:
    """A metric of a run's codes; training images stand for the held-in side.

    Args:
        measured: of a run whose model has codes.
        images: at most so many.
        metric: of codes or of a sampler.
    """
    codes: Codes = measured.get("codes", "train", images)

    def encode(indices: Indices) -> Classes:
        return codes.codes[np.searchsorted(codes.indices, indices)]

    return metric.measure(encode, measured.run.split.grid, codes.indices)


def list_metrics(run: Run) -> dict[str, Part]:
    """All metrics of single runs."""
    return {
        name: Part(name, (metric,), up_to(metric.images), metric.revision)
        for name, metric in load_metrics("codes", "sampler").items()
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
