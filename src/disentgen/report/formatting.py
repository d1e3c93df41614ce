"""Numbers and tables as text for people."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from disentgen.analysis.tables import CONFIDENCE, MINIMUM_SEEDS
from disentgen.text import make_visible

DASH = "–"
#: What an interval is, for pages and for captions.
INTERVALS = (
    f"intervals are {CONFIDENCE:.0%} of Student's t over seeds, from {MINIMUM_SEEDS} seeds on, on "
    "logarithms for NLL, excess and ratios (whose means are geometric) and on logits for scores of "
    "0 to 1"
).replace("%", " %")


def save_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table; of its texts, which may be anybody's, all is visible."""
    shown = table.copy()
    for name, column in table.items():
        if not is_numeric_dtype(column):
            shown[name] = [make_visible(cell) if isinstance(cell, str) else cell for cell in column]
    shown.to_csv(path, index=False, float_format="%.6g")


def records(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Rows as dictionaries, NaN as None."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def format_number(value: Any, digits: int = 3) -> str:
    """A number for people; a dash for none.

    Args:
        value: a number, a text that is shown as it is, or None.
        digits: significant ones of numbers below 100.
    """
    if value is None or value == "":
        return DASH
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.{digits}g}"
