"""Explicitness of DCI-ES: how much capacity it takes to read factors from codes."""

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.metrics import Classes, Codes, Metric, Result
from disentgen.analysis.metrics.arrays import metric_of_arrays
from disentgen.analysis.metrics.information import hold_back, mean_known, standardise

#: Capacities are log2(1 + random features): 0 … 9.
CAPACITIES = np.arange(10)
#: How fast random features oscillate, over the square root of the number of latents.
FREQUENCIES = (0.5, 1.0, 2.0)
#: Weights of the ridge penalty, of an image each.
PENALTIES = (1e-8, 1e-3)


@metric_of_arrays(quantities=True)
def measure_dci_es(codes: Codes, classes: Classes) -> Result:
    """Explicitness (Eastwood et al. 2023; equation as in their code).

    One minus the area under the curve of loss against capacity, of probes that read a factor from
    the latents, as a share of the area if no probe were of use. Probes are linear in the latents
    and in random Fourier features of them, 0 to 511; capacity is the log of their number. A factor
    that a linear probe reads without error is explicit by 1; one that no probe can read, by 0.

    The reading is ours in these points. The area is taken down to a loss of 0, and divided by that
    of the rectangle below the loss of a constant. The paper divides the area above a curve's own
    minimum by the triangle; in the published code, which takes 0 for that minimum in the divisor
    alone, codes that no probe can use come out at nearly 1. On a curve that ends in 0, the
    published value is twice ours less 1. The probe of each capacity is chosen among all up to it on
    images of its own, neither those that it is fitted to nor those that its loss is of. Losses are
    squared errors: classes are read as quantities, nominal factors too. Factors that do not vary
    are left out. D, C and I of the paper are those of DCI; S, the size, is not computed.

    Args:
        codes: (n, latents).
        classes: (n, factors).

    Returns:
        ``explicitness``; ``explicitness_per_factor``, NaN of those that do not vary;
        ``loss``, (capacities, factors), as shares of the loss of a constant.
    """
    varying = np.ptp(classes, axis=0) > 0
    loss = np.full((len(CAPACITIES), classes.shape[1]), np.nan)
    if varying.any():
        loss[:, varying] = measure_losses(codes, classes[:, varying])
    # Capacities are evenly spaced, so that the area is a mean, of the two ends by half.
    explicit = 1 - (loss[1:] + loss[:-1]).mean(axis=0) / 2
    return {
        "explicitness": mean_known(explicit, 0.0),
        "explicitness_per_factor": explicit,
        "loss": loss,
    }


def measure_losses(codes: Codes, classes: Classes) -> NDArray[np.float64]:
    """Losses of probes by capacity, (capacities, factors), in 0 … 1.

    Args:
        codes: (n, latents).
        classes: (n, factors), all of which vary.
    """
    rest, kept = hold_back(len(codes))
    fitted, chosen_on = (rest[places] for places in hold_back(len(rest)))
    chosen_on = chosen_on if len(chosen_on) else fitted  # of five images
    scaled, targets = standardise(codes, fitted), standardise(classes, fitted)
    # To begin with, the constant: no probe need be worse.
    best = (targets[chosen_on] ** 2).mean(axis=0)
    loss = constant = (targets[kept] ** 2).mean(axis=0)
    probes = [RandomFeatures(scaled, targets, fitted, each) for each in FREQUENCIES]
    curve = []
    for capacity in CAPACITIES:
        for probe in probes:
            for penalty in PENALTIES:
                errors = probe.errors(2 ** int(capacity) - 1, penalty)
                trial, tested = errors[chosen_on].mean(axis=0), errors[kept].mean(axis=0)
                loss, best = np.where(trial < best, tested, loss), np.minimum(trial, best)
        curve.append(loss / constant)
    losses: NDArray[np.float64] = np.clip(curve, 0.0, 1.0)
    return losses


class RandomFeatures:
    """Ridge regressions of factors on latents and on random Fourier features of them.

    Random features are the first of the same ones for every number of them.

    Args:
        codes: (n, latents), standardised.
        targets: (n, factors), standardised.
        fitted: (some,) places of the images that it is fitted to.
        frequency: see ``FREQUENCIES``.
    """

    def __init__(
        self, codes: Codes, targets: Codes, fitted: NDArray[np.int64], frequency: float
    ) -> None:
        rng = np.random.default_rng(0)
        latents, waves = codes.shape[1], 2 ** int(CAPACITIES[-1]) - 1
        directions = rng.standard_normal((latents, waves)) * frequency / max(latents, 1) ** 0.5
        random = np.cos(codes @ directions + rng.uniform(0, 2 * np.pi, waves))
        self.features = np.hstack([np.ones((len(codes), 1)), codes, random])
        self.targets, self.images, self.linear = targets, len(fitted), 1 + latents
        self.products = self.features[fitted].T @ self.features[fitted]
        self.moments = self.features[fitted].T @ targets[fitted]

    def errors(self, count: int, penalty: float) -> NDArray[np.float64]:
        """Squared errors on all images: (n, factors).

        Args:
            count: of random features.
            penalty: of squared coefficients but the constant's, of an image.
        """
        used = slice(self.linear + count)
        ridge = np.full(self.linear + count, penalty * self.images)
        ridge[0] = 0.0
        weights = np.linalg.solve(self.products[used, used] + np.diag(ridge), self.moments[used])
        return (self.features[:, used] @ weights - self.targets) ** 2


METRICS = (
    Metric(
        "dci_es", "DCI-ES explicitness", measure_dci_es, "Eastwood et al. 2023",
        "explicitness",
    ),
)  # fmt: skip
