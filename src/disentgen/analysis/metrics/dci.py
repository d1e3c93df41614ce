"""Disentanglement, completeness, informativeness (Eastwood & Williams 2018).

Everything depends on the estimator that importances are taken from: always name it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.metrics import Classes, Codes, Metric, Result
from disentgen.analysis.metrics.arrays import metric_of_arrays
from disentgen.analysis.metrics.information import hold_back, mean_known, standardise

#: Of the published analysis.
LASSO_WEIGHT = 0.02
#: The score scatters by 0.002 from one such sample to the next (by 0.004 on 5,000 images, by 0.001
#: on the 300,000 of the published analysis), and noise has no coefficients that differ from 0.
MANY_IMAGES = 50_000
#: Trees like those of scikit-learn's ``GradientBoostingClassifier``, in LightGBM's words.
TREES = {
    "num_leaves": 8,
    "max_depth": 3,
    "learning_rate": 0.1,
    "min_data_in_leaf": 1,
    "min_sum_hessian_in_leaf": 0.0,
    "num_threads": 1,
    "deterministic": True,
    "seed": 0,
    "verbose": -1,
}

Derivatives = tuple[NDArray[np.float64], NDArray[np.float64]]
Objective = Callable[[NDArray[np.float64], Any], Derivatives]


@metric_of_arrays(quantities=True)
def measure_dci_lasso(codes: Codes, classes: Classes) -> Result:
    """DCI by a lasso for each factor, as in Montero et al. 2021 (α = 0.02).

    Codes are centred, factors standardised; importances are absolute coefficients. Informativeness
    is the R² of the lasso on a fifth of the codes that were kept back. Where it is near 0,
    disentanglement means nothing: it is then of a few coefficients that came about by chance, each
    of them in a latent of its own (noise scores 0.65 to 0.9 on 5,000 images, 0 on 50,000).

    Args:
        codes: (n, latents).
        classes: (n, factors); read as quantities, nominal factors too.
    """
    from sklearn.linear_model import Lasso

    fitted, kept = hold_back(len(codes))
    centred = codes - codes[fitted].mean(axis=0)
    targets = standardise(classes, fitted)
    importances = np.zeros((codes.shape[1], classes.shape[1]))
    informativeness = np.full(classes.shape[1], np.nan)
    for factor, target in enumerate(targets.T):
        if not target[fitted].any():
            continue
        lasso = Lasso(alpha=LASSO_WEIGHT).fit(centred[fitted], target[fitted])
        importances[:, factor] = np.abs(lasso.coef_)
        informativeness[factor] = lasso.score(centred[kept], target[kept])
    return summarise_importances(importances) | {
        "informativeness": mean_known(informativeness),
        "informativeness_per_factor": informativeness,
    }


@metric_of_arrays()
def measure_dci_trees(codes: Codes, classes: Classes) -> Result:
    """DCI by gradient-boosted trees for each factor, the estimator of Locatello et al. 2019.

    Importances are the trees' gains, of sum 1 for each factor. Informativeness is the accuracy on
    a fifth of the codes that were kept back; for noise, about one over the number of classes.

    Args:
        codes: (n, latents).
        classes: (n, factors).
    """
    fitted, kept = hold_back(len(codes))
    importances = np.zeros((codes.shape[1], classes.shape[1]))
    informativeness = np.full(classes.shape[1], np.nan)
    for factor, labels in enumerate(classes.T):
        if len(np.unique(labels[fitted])) < 2:
            continue
        boosted = BoostedTrees(codes[fitted], labels[fitted])
        importances[:, factor] = boosted.importances
        informativeness[factor] = (boosted.predict(codes[kept]) == labels[kept]).mean()
    return summarise_importances(importances) | {
        "informativeness": mean_known(informativeness),
        "informativeness_per_factor": informativeness,
    }


def make_objective(labels: NDArray[np.integer]) -> Objective:
    """Cross-entropy of classes, as LightGBM takes it: first and second derivative by scores.

    Args:
        labels: (n,) classes 0, 1, ….

    Returns:
        A function of (n, classes) scores, and of a data set that is not looked at, to (n, classes)
        residuals, and as many second derivatives, 1/K each for K classes.
    """

    def differentiate(scores: NDArray[np.float64], data: Any) -> Derivatives:
        shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
        residuals = shifted / shifted.sum(axis=1, keepdims=True)
        residuals[np.arange(len(labels)), labels] -= 1
        return residuals, np.full_like(residuals, 1 / scores.shape[1])

    return differentiate


class BoostedTrees:
    """A classifier by gradient boosting, with the importances of scikit-learn's.

    LightGBM with a constant second derivative, 1/K for K classes: its gain is then the drop of the
    residuals' squared error, which is what ``GradientBoostingClassifier`` sums up.

    Args:
        codes: (n, latents).
        labels: (n,) of two or more classes.
        rounds: boosting rounds, each with one tree for each class.
    """

    def __init__(self, codes: Codes, labels: Classes, rounds: int = 100):
        # Imported here since it takes its time to start.
        import lightgbm

        self.known, numbered = np.unique(labels, return_inverse=True)
        self.start = np.log(np.bincount(numbered) / len(numbered))
        data = lightgbm.Dataset(
            codes,
            numbered,
            init_score=np.tile(self.start, (len(codes), 1)),
            params={"min_data_in_bin": 1, "verbose": -1},
        )
        objective = {"objective": make_objective(numbered), "num_class": len(self.known)}
        # Where no latent varies there is nothing to split, and LightGBM stops with an error.
        self.latents, varies = codes.shape[1], np.ptp(codes, axis=0).any()
        self.booster = lightgbm.train(TREES | objective, data, rounds) if varies else None

    @property
    def importances(self) -> NDArray[np.float64]:
        """(latents,) shares of the total gain."""
        if self.booster is None:
            return np.zeros(self.latents)
        gain = self.booster.feature_importance("gain")
        return gain / gain.sum() if gain.sum() > 0 else gain

    def predict(self, codes: Codes) -> Classes:
        """(n, latents) to the likeliest classes, (n,)."""
        scores = np.tile(self.start, (len(codes), 1))
        if self.booster is not None:
            scores += np.asarray(self.booster.predict(codes))
        likeliest: Classes = self.known[scores.argmax(axis=1)]
        return likeliest


def summarise_importances(importances: NDArray[np.floating]) -> Result:
    """Disentanglement and completeness of a matrix of importances (equations 2 to 4).

    A latent of no importance counts nothing, nor does a factor that no latent is important for.

    Args:
        importances: (latents, factors), none negative.
    """
    by_latent = one_minus_entropy(importances)
    by_factor = one_minus_entropy(importances.T)
    return {
        "disentanglement": weighted_mean(by_latent, importances.sum(axis=1)),
        "completeness": weighted_mean(by_factor, importances.sum(axis=0)),
        "disentanglement_per_latent": by_latent,
        "completeness_per_factor": by_factor,
        "importances": importances,
    }


def one_minus_entropy(importances: NDArray[np.floating]) -> NDArray[np.float64]:
    """1 − H(row) in units of the largest possible entropy: (rows, columns) to (rows,); 0 if empty.

    With a single column there is nothing to be entangled with: 1.
    """
    total = importances.sum(axis=1, keepdims=True)
    shares = np.divide(importances, total, out=np.zeros_like(importances, float), where=total > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    columns = importances.shape[1]
    entropy = -(shares * logs).sum(axis=1) / (np.log(columns) if columns > 1 else 1.0)
    return np.where(total[:, 0] > 0, 1 - entropy, 0.0)


def weighted_mean(values: NDArray[np.floating], weights: NDArray[np.floating]) -> float:
    """Mean of (n,) values by (n,) weights; 0 where there is no weight at all."""
    return float(values @ weights / weights.sum()) if weights.sum() > 0 else 0.0


METRICS = (
    Metric(
        "dci_lasso", "DCI disentanglement (lasso)", measure_dci_lasso,
        "Eastwood & Williams 2018; estimator of Montero et al. 2021", "disentanglement",
        ("completeness", "informativeness"), MANY_IMAGES,
    ),
    Metric(
        "dci_trees", "DCI disentanglement (boosted trees)", measure_dci_trees,
        "Eastwood & Williams 2018; estimator of Locatello et al. 2019", "disentanglement",
        ("completeness", "informativeness"),
    ),
)  # fmt: skip
