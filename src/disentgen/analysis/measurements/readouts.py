"""Read-outs: how well all factors are read from codes by simple models with few labels.

The protocol of Xu et al. 2022, section 3, after Schott et al. 2022: models are fitted to the codes
of some labelled training images, and read the codes of other held-in images and of held-out
combinations.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.measurements import Column, Measured, Measurement, Part, Scale
from disentgen.analysis.measurements.codes import Codes, collect_sides, has_codes
from disentgen.analysis.metrics import Result
from disentgen.analysis.metrics.dci import BoostedTrees
from disentgen.analysis.metrics.information import mean_known
from disentgen.dataset.grid import FactorGrid
from disentgen.runs import Run

Kind = Literal["linear", "trees"]
KINDS: tuple[Kind, ...] = ("linear", "trees")
#: Numbers of labelled images (of the authors' code).
LABELS = (100, 500, 1_000)
#: Sides whose images are read.
READ_SIDES = ("validation", "held_out")
#: Weights of the ridge's penalty, of which the best by leave-one-out is taken.
PENALTIES = (0.01, 0.1, 1.0, 10.0)
Numbers = NDArray[np.float64]


def measure_readouts(measured: Measured, images: int, kind: Kind) -> Result:
    """Read-outs of a run, of :func:`read_out`.

    Args:
        measured: of a run whose model has codes.
        images: of each side, at most.
        kind: of the models that read.
    """
    sides, grid = collect_sides(measured, images), measured.run.split.grid
    return read_out(sides, grid, kind)


def read_out(sides: Mapping[str, Codes], grid: FactorGrid, kind: Kind = "linear") -> Result:
    """How well factors are read from the codes of images that were not labelled.

    Values that are quantities are read by regression, and the class is that of the nearest value;
    those that have names by classification.

    Our reading: R² is of quantities alone, since the order of names means nothing, and its mean of
    those that vary on all sides, so that sides compare. The labelled images of few are among those
    of many, the same ones for every run on a split.

    Args:
        sides: codes of ``train``, which are labelled, and of the sides that are read.
        grid: the factor grid.
        kind: ``linear``: ridge regression and logistic regression, of standardised codes;
            ``trees``: gradient-boosted ones, a hundred of depth 3.

    Returns:
        For each side and number of labels N, NaN where there are not so many training images or no
        such side: ``r2_<side>_<N>``, the mean of ``r2_per_factor_<side>_<N>`` (at most 1, below 0
        where the side's mean would be the better guess; NaN for names);
        ``joint_accuracy_<side>_<N>``, the share of images of which all factors are right, and
        ``accuracy_per_factor_<side>_<N>``; ``images``, those that could be labelled.
    """
    labelled = sides["train"]
    order = np.random.default_rng(0).permutation(len(labelled.indices))
    result: Result = {"images": len(order)}
    for count in LABELS:
        fitted = None
        if count <= len(order):
            some = order[:count]
            fitted = fit_readers(labelled.codes[some], labelled.values[some], grid, kind)
        for side in READ_SIDES:
            scores = dict.fromkeys(("r2", "joint_accuracy"), float("nan"))
            if fitted is not None and side in sides:
                scores = score_readers(fitted, sides, side, grid)
            result |= {f"{name}_{side}_{count}": score for name, score in scores.items()}
    return result


def fit_readers(codes: Numbers, values: Numbers, grid: FactorGrid, kind: Kind) -> list[Any]:
    """A model for each factor that reads its standardised value from codes.

    Args:
        codes: (n, latents) of labelled images.
        values: (n, factors) that they show, standardised over the grid.
        grid: the factor grid.
        kind: of the models.
    """
    readers = []
    for factor, column in enumerate(values.T):
        nominal = grid.names[factor] in grid.value_names
        target = to_classes(column, grid, factor) if nominal else column
        varies = bool(np.ptp(target) > 0 and np.ptp(codes, axis=0).any())
        readers.append(fit_reader(codes, target, kind if varies else None, nominal))
    return readers


def fit_reader(codes: Numbers, target: NDArray[Any], kind: Kind | None, nominal: bool) -> Any:
    """What reads a factor from codes: a class where it is nominal, else a value.

    Args:
        codes: (n, latents).
        target: (n,) classes or values.
        kind: of the model; None for one that always says the commonest class or the mean.
        nominal: whether the factor's values are names.
    """
    # scikit-learn takes its time to start.
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if kind is None:
        return (DummyClassifier() if nominal else DummyRegressor()).fit(codes, target)
    if kind == "trees":
        if nominal:  # several times as fast as scikit-learn's
            return BoostedTrees(codes, target)
        return GradientBoostingRegressor(random_state=0).fit(codes, target)
    model = LogisticRegression(max_iter=1_000) if nominal else RidgeCV(PENALTIES)
    return make_pipeline(StandardScaler(), model).fit(codes, target)


def score_readers(
    readers: list[Any], sides: Mapping[str, Codes], side: str, grid: FactorGrid
) -> Result:
    """R² and accuracy of readers on a side; see :func:`read_out`.

    Args:
        readers: one for each factor.
        sides: codes by side.
        side: that is read.
        grid: the factor grid.
    """
    values, count = sides[side].values, len(grid.names)
    right, r2 = np.empty(values.shape, dtype=bool), np.full(count, np.nan)
    compared = [sides[name].values for name in READ_SIDES if name in sides]
    for factor, reader in enumerate(readers):
        read, truth = reader.predict(sides[side].codes), values[:, factor]
        shown = to_classes(truth, grid, factor)
        if grid.names[factor] in grid.value_names:
            right[:, factor] = read == shown
            continue
        right[:, factor] = to_classes(read, grid, factor) == shown
        if all(np.ptp(others[:, factor]) > 0 for others in compared):
            r2[factor] = 1 - ((read - truth) ** 2).mean() / truth.var()
    return {
        "r2": mean_known(r2),
        "r2_per_factor": r2,
        "joint_accuracy": float(right.all(axis=1).mean()),
        "accuracy_per_factor": right.mean(axis=0),
    }


def to_classes(values: Numbers, grid: FactorGrid, factor: int) -> NDArray[np.int64]:
    """The classes whose values are nearest: (n,) standardised values to (n,).

    Args:
        values: of one factor, in standard deviations from its mean over the grid.
        grid: the factor grid.
        factor: its place.
    """
    table = np.asarray(grid.list_values(standardise=True)[grid.names[factor]])
    order = np.argsort(table)
    between = (table[order][1:] + table[order][:-1]) / 2
    nearest: NDArray[np.int64] = order[np.searchsorted(between, values)]
    return nearest


def name_column(score: str, kind: Kind, side: str, count: int) -> str:
    """The column of tables that a score stands in.

    Args:
        score: ``r2`` or ``joint_accuracy``.
        kind: of the models that read.
        side: that is read.
        count: of labels.
    """
    return f"{score}_{kind}_{side}_{count}"


def list_columns() -> dict[str, Column]:
    """Mean R² and joint accuracy by kind, side and number of labels."""
    scales: dict[str, Scale] = {"r2": "plain", "joint_accuracy": "logit or plain"}
    return {
        name_column(score, kind, side, count): Column(
            f"readouts_{kind}", f"{score}_{side}_{count}", scale
        )
        for score, scale in scales.items()
        for kind in KINDS
        for side in READ_SIDES
        for count in LABELS
    }


def list_kinds(run: Run) -> dict[str, Part]:
    """The kinds of models that read."""
    return {kind: Part(f"readouts_{kind}", (kind,)) for kind in KINDS}


MEASUREMENT = Measurement(
    "readouts",
    "read-outs by few labels",
    measure_readouts,
    has_codes,
    parts=list_kinds,
    columns=list_columns,
)
