"""Minimality and sufficiency: how much of a latent is about one factor, how much of it is kept."""

import numpy as np

from disentgen.analysis.metrics import Classes, Codes, Metric, Result
from disentgen.analysis.metrics.arrays import find_alive, measure_spread, metric_of_arrays
from disentgen.analysis.metrics.information import (
    bin_codes,
    entropy_of,
    information_matrix,
    mean_known,
)

#: Bins that a latent is divided into where no factor has more classes (the authors' number).
FEWEST_BINS = 15


@metric_of_arrays()
def measure_minimality(codes: Codes, classes: Classes) -> Result:
    """Minimality and sufficiency of single latents (Almudévar & Ortega 2024, by the authors' code).

    A latent is minimal if it holds nothing but one factor: I(z; y) / H(z) for the factor y that it
    says most of, the mean over latents. A factor is sufficiently represented if one latent holds
    all of it: I(z; y) / H(y) for the latent z that says most of it, the mean over factors that
    vary. Latents are cut into bins of equal width. Neither asks for independent factors, so that
    both are defined where combinations are missing.

    Our reading differs from the authors' code in two points. There are as many bins as the factor
    of most classes has, 15 at least: with 15, a factor of 40 classes could not be sufficiently
    represented. Latents that are constant or nearly so are left out: the entropy of their bins is
    of nothing that a decoder could read, or 0, and minimality then infinite.

    Two latents that hold the same factor are minimal and sufficient both. Information of few
    images is overestimated: of noise, both are 0.02 to 0.06 on 5,000 images.

    Args:
        codes: (n, latents).
        classes: (n, factors).

    Returns:
        ``minimality`` and ``sufficiency``; ``minimality_per_latent`` (NaN for those left out),
        ``sufficiency_per_factor`` (NaN for those that do not vary), ``alive`` (how many latents
        are not left out), ``mutual_information`` in nats (latents, factors).
    """
    alive = find_alive(measure_spread(codes))
    binned = bin_codes(codes, max(FEWEST_BINS, int(classes.max()) + 1))
    information = information_matrix(binned, classes)
    of_latents = np.full(codes.shape[1], np.nan)
    of_latents[alive] = [entropy_of(bins) for bins in binned[:, alive].T]
    of_factors = np.array([entropy_of(column) for column in classes.T])
    of_factors[of_factors == 0] = np.nan
    # But for rounding, neither can be more than 1.
    minimality = np.minimum(information.max(axis=1) / of_latents, 1.0)
    kept = information[alive].max(axis=0, initial=0.0)
    sufficiency = np.minimum(kept / of_factors, 1.0)
    return {
        "minimality": mean_known(minimality, 0.0),
        "sufficiency": mean_known(sufficiency, 0.0),
        "minimality_per_latent": minimality,
        "sufficiency_per_factor": sufficiency,
        "alive": len(alive),
        "mutual_information": information,
    }


METRICS = (
    Metric(
        "minimality", "minimality", measure_minimality, "Almudévar & Ortega 2024",
        main="minimality", beside=("sufficiency",),
    ),
)  # fmt: skip
