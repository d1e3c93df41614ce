"""SAP: separated attribute predictability."""

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.metrics import Classes, Codes, Metric, Result
from disentgen.analysis.metrics.arrays import metric_of_arrays
from disentgen.analysis.metrics.information import mean_known


@metric_of_arrays(quantities=True)
def measure_sap(codes: Codes, classes: Classes) -> Result:
    """Separated attribute predictability (Kumar et al. 2018, section 3).

    For each factor, how much better the best single latent predicts it than the second best, by
    the R² of a linear regression. Factors that do not vary count nothing.

    Args:
        codes: (n, latents).
        classes: (n, factors); read as quantities, nominal factors too.
    """
    squared = squared_correlation(codes, classes)
    ordered = np.sort(np.vstack([squared, np.zeros(classes.shape[1])]), axis=0)
    gap = np.where(classes.std(axis=0) > 0, ordered[-1] - ordered[-2], np.nan)
    return {
        "score": mean_known(gap, 0.0),
        "gap_per_factor": gap,
        "squared_correlation": squared,
    }


def squared_correlation(codes: Codes, classes: Classes) -> NDArray[np.float64]:
    """R² of every latent with every factor, (latents, factors); 0 where one does not vary."""
    columns = []
    for values in (codes, classes):
        centred = values - values.mean(axis=0)
        length = np.sqrt((centred**2).sum(axis=0))
        columns.append(centred / np.where(length > 0, length, 1.0))
    squared: NDArray[np.float64] = (columns[0].T @ columns[1]) ** 2
    return squared


METRICS = (Metric("sap", "SAP", measure_sap, "Kumar et al. 2018"),)
