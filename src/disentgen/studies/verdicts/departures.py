"""Which of a study's rows runs are of, and how they depart from it.

Every setting that distinguishes cells is compared, and the steps done.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from disentgen.analysis.cells import read_settings
from disentgen.models import FAMILIES
from disentgen.runs import Run
from disentgen.studies.protocols import NOT_OF_A_ROW, load_protocols
from disentgen.studies.rows import Row
from disentgen.studies.study import Study
from disentgen.training.baseline import values_before
from disentgen.training.losses import losses

NO_ROW = "the study has no such cell"
LOSS, PARAMETERS = "training.loss.name", "training.loss.params"
Protocols = Mapping[Row, Mapping[str, Any]]


def add_protocols(table: pd.DataFrame, runs: Iterable[Run], study: Study) -> pd.DataFrame:
    """Runs beside the rows of a study.

    Args:
        table: of :func:`~disentgen.analysis.tables.tabulate_runs`.
        runs: those of the table, and others perhaps.
        study: that they are compared with.

    Returns:
        The table with ``row`` (the model as the study's rows call it, empty where it has none) and
        ``protocol`` (how the run departs from that row, empty where it follows it).
    """
    opened, protocols = {str(run.path): run for run in runs}, load_protocols(study)
    compared = [
        compare_with_rows(record, opened[record["path"]], protocols)
        for record in table.to_dict("records")
    ]
    return table.assign(
        row=[model for model, _ in compared], protocol=[departure for _, departure in compared]
    )


def compare_with_rows(record: Mapping[Any, Any], run: Run, protocols: Protocols) -> tuple[str, str]:
    """The row that a run is of, by its model, and how the run departs from it; see above.

    Args:
        record: of the run in the table of runs.
        run: the same.
        protocols: of :func:`~disentgen.studies.protocols.load_protocols`.
    """
    settings = read_settings(run)
    label = losses()["vae"].title if is_unit_beta(settings) else record["label"]
    family = FAMILIES.get(run.family)
    for model in (label, (family and family.title) or "", record["architecture"]):
        row = Row(record["experiment"], record["dataset"], record["variant"], model)
        if row in protocols:
            differences = list_differences(settings, protocols[row], record["steps"])
            return model, "; ".join(differences)
    return "", NO_ROW


def is_unit_beta(settings: Mapping[str, Any]) -> bool:
    """Whether the objective is a β-VAE's with β = 1 throughout, which is a VAE's."""
    scheduled = any(
        key.startswith(f"{PARAMETERS}.schedule") and value is not None
        for key, value in settings.items()
    )
    return (
        settings.get(LOSS) == "beta" and settings.get(f"{PARAMETERS}.beta") == 1 and not scheduled
    )


def rename_unit_beta(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in which a β-VAE of β = 1 is a VAE."""
    if not is_unit_beta(settings):
        return dict(settings)
    kept = {key: value for key, value in settings.items() if not key.startswith(PARAMETERS)}
    return kept | {LOSS: "vae"}


def list_differences(
    settings: Mapping[str, Any], protocol: Mapping[str, Any], steps: int
) -> list[str]:
    """How a run departs from a row of the study.

    Args:
        settings: of the run, by key with dots; a key that is missing is None.
        protocol: the row's, with ``steps`` beside the settings.
        steps: iterations that the run has done.

    Returns:
        A text for each difference, the row's value in parentheses; none if the run follows the row.
    """
    before = values_before(family=settings.get("model.family"), objective=settings.get(LOSS))
    # An empty section says as little as a missing one.
    known, wanted = (
        before | {key: value for key, value in given.items() if value != {}}
        for given in (rename_unit_beta(settings) | {"steps": steps}, protocol)
    )
    keys = [key for key in dict.fromkeys([*wanted, *known]) if key not in NOT_OF_A_ROW]
    return [
        describe_difference(key, known.get(key), wanted.get(key))
        for key in keys
        if known.get(key) != wanted.get(key)
    ]


def describe_difference(key: str, value: Any, wanted: Any) -> str:
    """A setting beside the study's; lists of layers and hashes of sides only by name.

    Args:
        key: of the setting.
        value: of the run.
        wanted: of the study's row.
    """
    lengthy = isinstance(value, list | dict) or isinstance(wanted, list | dict)
    if lengthy or key.startswith("split."):
        return f"{key} not the study's"
    return f"{key} {show(value)} ({show(wanted)})"


def show(value: Any) -> str:
    """A setting for people."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
