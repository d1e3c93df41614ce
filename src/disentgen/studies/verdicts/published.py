"""The published numbers of a study, as a table of cells, and what they say of its claims."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from disentgen.analysis.cells import name_label
from disentgen.errors import DataFileError
from disentgen.registry import choose
from disentgen.studies.claims import Claim, Kind, Score
from disentgen.studies.rows import Row
from disentgen.studies.study import Study
from disentgen.studies.verdicts.comparisons import pair_conditions

#: What distinguishes published cells, as in :mod:`~disentgen.analysis.tables`.
KEYS = ["dataset", "condition", "variant", "model", "parameters"]
#: Scores by side and metric, as the files call them.
SCORES = {
    "train nll": "nll_train",
    "test nll": "nll_held_out",
    "train dci_disentanglement": "disentanglement",
    "test joint_accuracy": "joint_accuracy_held_out",
}


@cache
def load_published(study: Study) -> pd.DataFrame:
    """The published cells of a study: a row for each, as ``analysis.tables`` writes runs.

    Its files hold a line for each number, with columns :data:`KEYS`, ``split`` (``train`` or
    ``test``), ``metric`` (``nll``, ``dci_disentanglement`` or ``joint_accuracy``) and ``value``.

    Returns:
        Columns :data:`KEYS`, ``nll_train``, ``nll_held_out``, ``disentanglement``,
        ``joint_accuracy_held_out``, ``label``, ``experiment``; no rows where the study has no
        files.

    Raises:
        DataFileError: a published cell is none of the study's rows.
        UsageError: a number is none of the scores that runs have.
    """
    columns = [*KEYS, *SCORES.values()]
    tables = [pd.read_csv(path, keep_default_na=False) for path in study.published]
    if not tables:
        return pd.DataFrame(columns=[*columns, "label", "experiment"])
    table = pd.concat(tables)
    names = table["split"] + " " + table["metric"]
    table["score"] = [choose("published score", name, SCORES) for name in names]
    wide = table.pivot(index=KEYS, columns="score", values="value").reset_index()
    wide = wide.reindex(columns=columns)
    wide["label"] = [name_label(*cell) for cell in wide[["model", "parameters"]].to_numpy()]
    cells = wide[["dataset", "variant", "label"]].to_numpy()
    wide["experiment"] = [find_experiment(study, *cell) for cell in cells]
    return wide


def find_experiment(study: Study, dataset: str, variant: str, model: str) -> str:
    """The experiment of a published cell.

    Args:
        study: that published it.
        dataset: its name.
        variant: of the dataset.
        model: and strength, as the study's rows have it.

    Raises:
        DataFileError: the study has no such row.
    """
    for row in study.entries:
        if row[1:] == (dataset, variant, model):
            return row.experiment
    raise DataFileError(
        f"published numbers of {study.name}: {dataset} {variant} {model} is none of its rows."
    )


@cache
def describe_published(claim: Claim, study: Study) -> str:
    """The range of a claim's quantity in the published tables; empty where they do not have it.

    The tables hold NLL alone, which stands for excess too.
    """
    table = load_published(study).set_index([*Row._fields[:3], "label"])
    cells = [row for row in claim.cells if row in table.index]
    if not cells:
        return ""
    score = "joint_accuracy_held_out" if claim.score == "joint_accuracy" else "nll_held_out"
    values = QUANTITIES[claim.kind](table, cells, score)
    if not len(values):
        return ""
    ends = values.min(), values.max()
    if claim.kind == "share":
        return "NLL differs by {:.1f} to {:.1f}".format(*ends)
    units: dict[Score, str] = {"nll": "", "excess": " in NLL", "joint_accuracy": ""}
    return " to ".join(dict.fromkeys(f"{end:.2f}" for end in ends)) + units[claim.score]


Values = NDArray[np.float64]


def divide_sides(table: pd.DataFrame, cells: list[Row], score: str) -> Values:
    """(cells,) held-out over train score; none where no train score is published.

    Args:
        table: of :func:`load_published`, by row.
        cells: rows that it has.
        score: a column, held out.
    """
    train = score.replace("held_out", "train")
    if train not in table:
        return np.array([])
    return read(table, cells, score) / read(table, cells, train)


def subtract_sides(table: pd.DataFrame, cells: list[Row], score: str) -> Values:
    """(cells,) held-out less train score.

    Args:
        table: of :func:`load_published`, by row.
        cells: rows that it has.
        score: a column, held out.
    """
    return read(table, cells, score) - read(table, cells, score.replace("held_out", "train"))


def divide_conditions(table: pd.DataFrame, cells: list[Row], score: str) -> Values:
    """(pairs,) held-out score over that of the same model's next easier condition.

    Args:
        table: of :func:`load_published`, by row.
        cells: rows that it has.
        score: a column, held out.
    """
    pairs = pair_conditions(cells)
    if not pairs:
        return np.array([])
    easier, harder = zip(*pairs, strict=True)
    return read(table, list(harder), score) / read(table, list(easier), score)


def correlate(table: pd.DataFrame, cells: list[Row], score: str) -> Values:
    """(1,) Spearman's ρ of disentanglement and held-out score.

    Args:
        table: of :func:`load_published`, by row.
        cells: rows that it has.
        score: a column, held out.
    """
    from scipy.stats import spearmanr

    scores = (read(table, cells, name) for name in ("disentanglement", score))
    rho: float = spearmanr(*scores).statistic
    return np.array([rho])


def divide_by_reference(table: pd.DataFrame, cells: list[Row], score: str) -> Values:
    """(cells − 1,) held-out score over the last cell's.

    Args:
        table: of :func:`load_published`, by row.
        cells: rows that it has.
        score: a column, held out.
    """
    scores = read(table, cells, score)
    return np.asarray(scores[:-1] / scores[-1])


def read(table: pd.DataFrame, cells: list[Row], score: str) -> Values:
    """(cells,) a published score.

    Args:
        table: of :func:`load_published`, by row.
        cells: rows that it has.
        score: its column.
    """
    return table[score].loc[cells].to_numpy(float)


QUANTITIES: dict[Kind, Callable[[pd.DataFrame, list[Row], str], Values]] = {
    "ratio": divide_sides,
    "share": subtract_sides,
    "ordering": divide_conditions,
    "correlation": correlate,
    "best": divide_by_reference,
}
