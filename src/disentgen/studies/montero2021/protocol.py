"""Whether a run follows the study: every setting that tells cells apart, and the steps done."""

from collections.abc import Mapping
from typing import Any

from disentgen.analysis.cells import Cell, read_settings
from disentgen.models import FAMILIES
from disentgen.runs import Run
from disentgen.studies.montero2021 import Row
from disentgen.training.baseline import values_before

#: What a run need not share with the study's rows: which images there are, since verdicts on
#: originals and on stand-ins are apart.
NOT_COMPARED = ("dataset.source", "note")
NO_ROW = "the study has no such cell"
LOSS, PARAMS = "training.loss.name", "training.loss.params"


def compare_with_study(
    run: Run, cell: Cell, steps: int, protocols: Mapping[Row, Mapping[str, Any]]
) -> tuple[str, str]:
    """The study's row that a run is of, and how it departs from it.

    Args:
        run: any.
        cell: that the run belongs to.
        steps: iterations done.
        protocols: of :func:`~disentgen.studies.montero2021.load_protocols`.

    Returns:
        The row's model, empty where the study has none; and what differs, empty where nothing does.
    """
    settings = rename_unit_beta(read_settings(run))
    row = Row(run.experiment, cell.dataset, cell.variant, name_row(run, cell))
    if row not in protocols:
        return "", NO_ROW
    return row.model, "; ".join(list_differences(settings, protocols[row], steps))


def name_row(run: Run, cell: Cell) -> str:
    """What the study's tables would call a run's model."""
    title = FAMILIES[run.family].title
    return title or ("VAE" if is_unit_beta(read_settings(run)) else cell.label)


def is_unit_beta(settings: Mapping[str, Any]) -> bool:
    """Whether the objective is a β-VAE's with β = 1 throughout, which is a VAE's."""
    scheduled = any(
        key.startswith(f"{PARAMS}.schedule") and value is not None
        for key, value in settings.items()
    )
    return settings.get(LOSS) == "beta" and settings.get(f"{PARAMS}.beta") == 1 and not scheduled


def rename_unit_beta(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in which a β-VAE of β = 1 is the VAE that the study calls it."""
    if not is_unit_beta(settings):
        return dict(settings)
    kept = {key: value for key, value in settings.items() if not key.startswith(PARAMS)}
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
    before = values_before(settings.get("model.family"), settings.get(LOSS))
    # An empty section says as little as a missing one.
    known, wanted = (
        before | {key: value for key, value in given.items() if value != {}}
        for given in (rename_unit_beta(settings) | {"steps": steps}, protocol)
    )
    keys = [key for key in dict.fromkeys([*wanted, *known]) if key not in NOT_COMPARED]
    return [
        describe_difference(key, known.get(key), wanted.get(key))
        for key in keys
        if known.get(key) != wanted.get(key)
    ]


def describe_difference(key: str, value: Any, wanted: Any) -> str:
    """A setting beside the study's; lists of layers and hashes of sides only by name."""
    lengthy = isinstance(value, list | dict) or isinstance(wanted, list | dict)
    if lengthy or key.startswith("split."):
        return f"{key} not the study's"
    return f"{key} {show(value)} ({show(wanted)})"


def show(value: Any) -> str:
    """A setting for people."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
