"""Where an encoder places images: factors read from codes, on sides that it was not read on."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from disentgen.analysis.measurements import Measured, Measurement, Part
from disentgen.analysis.measurements.codes import Codes, collect_sides, has_codes

Kind = Literal["linear", "mlp"]
PROBES: tuple[Kind, ...] = ("linear", "mlp")


def build_probe(kind: Kind) -> Any:
    """What reads factors from codes: a linear map, or a network with a hidden layer of 64."""
    # scikit-learn takes its time to start.
    from sklearn.linear_model import LinearRegression
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if kind == "linear":
        return LinearRegression()
    network = MLPRegressor(hidden_layer_sizes=(64,), early_stopping=True, random_state=0)
    return make_pipeline(StandardScaler(), network)


def measure_placement(
    sides: Mapping[str, Codes], factors: Sequence[str], kind: Kind = "linear"
) -> pd.DataFrame:
    """How well a probe, fitted to codes of training images, finds factors of other images.

    An encoder that places held-out combinations where they belong is read as well there as on
    validation images; one that does not is read worse.

    Args:
        sides: codes of ``train``, on which the probe is fitted, and of any other side.
        factors: their names.
        kind: of the probe.

    Returns:
        A row for each factor and side: ``factor``, ``side``, ``squared_error`` (mean, in units of
        the factor's variance over the grid; on sides where the factor varies less it is smaller
        for that alone), ``standard_error`` of it, ``images``.
    """
    # A single factor is fitted, and so predicted, without an axis of factors.
    probe = build_probe(kind).fit(sides["train"].codes, sides["train"].values.squeeze())
    rows = []
    for side, encoded in sides.items():
        predicted = probe.predict(encoded.codes).reshape(encoded.values.shape)
        errors = (predicted - encoded.values) ** 2
        rows += [
            {
                "factor": factor,
                "side": side,
                "squared_error": error.mean(),
                "standard_error": error.std() / max(len(error) - 1, 1) ** 0.5,
                "images": len(error),
            }
            for factor, error in zip(factors, errors.T, strict=True)
        ]
    return pd.DataFrame(rows)


def measure_probe(measured: Measured, images: int, kind: Kind) -> list[dict[Hashable, Any]]:
    """The rows of :func:`measure_placement` for all sides of a run's split.

    Args:
        measured: of a run whose model has codes.
        images: of each side, at most.
        kind: of the probe.
    """
    sides, grid = collect_sides(measured, images), measured.run.split.grid
    return measure_placement(sides, grid.names, kind).to_dict("records")


MEASUREMENT = Measurement(
    "probes",
    "probes",
    measure_probe,
    has_codes,
    parts=lambda run: {kind: Part(f"probe_{kind}", (kind,)) for kind in PROBES},
)
