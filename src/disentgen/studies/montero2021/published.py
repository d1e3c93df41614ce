"""The published tables, as data of this package (see ``tables/README.md``)."""

from functools import cache
from importlib.resources import files

import pandas as pd

from disentgen.analysis.cells import name_label
from disentgen.studies.montero2021.rows import MODELS

CITATION = "Montero et al., The Role of Disentanglement in Generalisation, ICLR 2021"
COLUMNS = {
    ("train", "nll"): "nll_train",
    ("test", "nll"): "nll_held_out",
    ("train", "dci_disentanglement"): "disentanglement",
}


@cache
def load_published() -> pd.DataFrame:
    """The published cells: a row for each, as :mod:`~disentgen.analysis.tables` writes runs.

    Returns:
        Columns ``dataset``, ``condition``, ``variant``, ``model``, ``parameters``, ``nll_train``,
        ``nll_held_out``, ``disentanglement``, ``ratio``, ``experiment``, ``label``.
    """
    folder = files("disentgen.studies.montero2021") / "tables"
    tables = []
    for name in ("dsprites", "shapes3d"):
        with (folder / f"{name}.csv").open(encoding="utf-8") as file:
            tables.append(pd.read_csv(file, keep_default_na=False))
    table = pd.concat(tables)
    table["score"] = [COLUMNS[key] for key in zip(table["split"], table["metric"], strict=True)]
    cell = ["dataset", "condition", "variant", "model", "parameters"]
    wide = table.pivot(index=cell, columns="score", values="value").reset_index()
    wide.columns.name = None
    labels = [name_label(*cell) for cell in zip(wide["model"], wide["parameters"], strict=True)]
    experiments = {
        model: experiment
        for experiment, datasets in MODELS.items()
        for models in datasets.values()
        for model in models
    }
    return wide.assign(
        ratio=wide["nll_held_out"] / wide["nll_train"],
        experiment=[experiments[label] for label in labels],
        label=labels,
    )
