"""Tables for papers, as LaTeX with booktabs.

Every table says how many seeds a mean is of, what its interval is and what images it is about.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from disentgen.analysis.cells import CONDITION_TITLES
from disentgen.analysis.figures.subjects import name_data
from disentgen.report.columns import RUN_SCORES
from disentgen.report.compare import COMPARED, StudyResult
from disentgen.report.formatting import INTERVALS, format_number, records

DATA = ["dataset", "version", "source"]
HEADING = "% Needs \\usepackage{booktabs}.\n"
#: What LaTeX does not print as it stands.
SPECIAL = str.maketrans({
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": "$<$", ">": "$>$", "|": "$|$", "–": "--", "−": "$-$", "×": r"$\times$", "±": r"$\pm$",
    "≤": r"$\leq$", "≥": r"$\geq$", "·": r"$\cdot$", "α": r"$\alpha$", "β": r"$\beta$",
    "γ": r"$\gamma$", "λ": r"$\lambda$", "π": r"$\pi$", "ρ": r"$\rho$", "“": "``", "”": "''",
})  # fmt: skip


def format_cells(cells: pd.DataFrame) -> str:
    """The table of cells, one for each dataset and source of its images.

    Args:
        cells: of :func:`~disentgen.analysis.tables.tabulate_cells`.
    """
    tables = []
    for key, part in cells.groupby(DATA, sort=False, dropna=False):
        rows = [
            {
                "condition": CONDITION_TITLES.get(row["condition"], row["condition"]),
                "variant": row["variant"],
                "model": f"{row['label']} (control)" if row["control"] else row["label"],
                "layers": row["architecture"],
                "n": format_number(row["seeds"]),
                **{title: format_mean(row, score) for score, title in RUN_SCORES.items()},
            }
            for row in records(part)
        ]
        caption = (
            f"{name_data(part)}: means over n seeds; {INTERVALS}. NLL and excess (NLL less the "
            "entropy floor) in nats per image; gap to control: held-out NLL less that of runs "
            "trained on all images; D: DCI disentanglement by lasso."
        )
        tables.append(format_table(rows, caption, name_label("cells", key), text_columns=4))
    return HEADING + "\n".join(tables)


def format_comparison(results: Iterable[StudyResult]) -> str:
    """Cells beside published ones, a table for each study, dataset and source of our images."""
    tables = []
    for result in results:
        compared = result.cells[result.cells["seeds"] > 0]
        for key, part in compared.groupby(["dataset", "source"], sort=False):
            caption = (
                f"{name_data(part.assign(version=''))}: ours, means over n seeds, beside "
                f"{result.study.citation}; {INTERVALS}. NLL in nats per image; D: DCI "
                "disentanglement by lasso."
            )
            label = name_label(f"comparison-{result.study.name}", key)
            rows = [describe_compared(row) for row in records(part)]
            tables.append(format_table(rows, caption, label, text_columns=2))
    return HEADING + "\n".join(tables)


def describe_compared(row: Mapping[Any, Any]) -> dict[str, str]:
    """A row of the table of cells beside published ones, as texts by heading."""
    described = {
        "variant": row["variant"],
        "model": " ".join(word for word in (row["model"], row["parameters"]) if word),
        "n": format_number(row["seeds"]),
    }
    for score in COMPARED:
        title = RUN_SCORES[score]
        described[title] = format_mean(row, score)
        described[f"{title}, published"] = format_number(row.get(f"published_{score}"))
    return described


def format_mean(row: Mapping[Any, Any], score: str) -> str:
    """A mean with its interval, as in ``12.3 (11.1 to 13.5)``.

    Args:
        row: of a table of cells.
        score: a column of it.
    """
    low, high = row.get(f"{score}_low"), row.get(f"{score}_high")
    mean = format_number(row.get(score))
    return mean if low is None else f"{mean} ({format_number(low)} to {format_number(high)})"


def format_table(rows: list[dict[str, str]], caption: str, label: str, text_columns: int) -> str:
    """One table.

    Args:
        rows: texts by heading.
        caption: as plain text.
        label: to refer to it.
        text_columns: how many at the left are text; all others are numbers.
    """
    table = pd.DataFrame(rows).map(escape)
    table.columns = table.columns.map(escape)
    return table.to_latex(
        index=False, caption=escape(caption), label=label, position="tbp",
        column_format="l" * text_columns + "r" * (table.shape[1] - text_columns),
    )  # fmt: skip


def name_label(kind: str, key: Any) -> str:
    """A label such as ``tab:cells-dsprites-stand-in``."""
    return f"tab:{kind}-" + "-".join(str(word) for word in key if word)


def escape(text: str) -> str:
    """A text as LaTeX prints it."""
    return text.translate(SPECIAL)
