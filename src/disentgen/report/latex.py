"""Tables for papers, as LaTeX with booktabs, no wider than the page.

Every table says how many seeds a mean is of, what its interval is and what images it is about.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from disentgen.analysis.cells import condition_titles
from disentgen.analysis.figures.subjects import name_data
from disentgen.report.columns import RUN_SCORES
from disentgen.report.compare import COMPARED, StudyResult
from disentgen.report.formatting import DASH, INTERVALS, format_number, records
from disentgen.text import make_visible

DATA = ["dataset", "version", "source"]
#: Columns at the left that are text; all others are numbers.
TEXTS = ("model", "layers")
HEADING = "% Needs \\usepackage{booktabs,adjustbox}.\n"
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
    for key, part in cells.groupby(DATA, sort=False):
        caption = (
            f"{name_data(part)}: means over n seeds; {INTERVALS}. NLL and excess (NLL less the "
            "entropy floor) in nats per image; gap to control: held-out NLL less that of runs "
            "trained on all images; D: DCI disentanglement by lasso."
        )
        splits = {
            f"{condition_titles().get(str(condition), condition)}: {variant}": [
                describe_cell(row) for row in records(split)
            ]
            for (condition, variant), split in part.groupby(["condition", "variant"], sort=False)
        }
        tables.append(format_table(splits, caption, name_label("cells", key)))
    return HEADING + "\n".join(tables)


def describe_cell(row: Mapping[Any, Any]) -> dict[str, str]:
    """A row of the table of cells, as LaTeX by heading."""
    scores = {title: format_mean(row, score) for score, title in RUN_SCORES.items()}
    return {
        "model": escape(f"{row['label']} (control)" if row["control"] else row["label"]),
        "layers": escape(row["architecture"]),
        "n": format_number(row["seeds"]),
        **scores,
    }


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
            splits = {
                str(variant): [describe_compared(row) for row in records(split)]
                for variant, split in part.groupby("variant", sort=False)
            }
            tables.append(format_table(splits, caption, label))
    return HEADING + "\n".join(tables)


def describe_compared(row: Mapping[Any, Any]) -> dict[str, str]:
    """A row of the table of cells beside published ones, as LaTeX by heading."""
    described = {
        "model": escape(" ".join(word for word in (row["model"], row["parameters"]) if word)),
        "n": format_number(row["seeds"]),
    }
    for score in COMPARED:
        title = RUN_SCORES[score]
        described[title] = format_mean(row, score)
        described[f"{title}, published"] = escape(format_number(row.get(f"published_{score}")))
    return described


def format_mean(row: Mapping[Any, Any], score: str) -> str:
    """A mean over its interval, as LaTeX.

    Args:
        row: of a table of cells.
        score: a column of it.
    """
    low, high = row.get(f"{score}_low"), row.get(f"{score}_high")
    mean = escape(format_number(row.get(score)))
    if low is None:
        return mean
    interval = escape(f"{format_number(low)} to {format_number(high)}")
    return rf"\shortstack[r]{{{mean}\\\scriptsize {interval}}}"


def format_table(
    splits: Mapping[str, Sequence[Mapping[str, str]]], caption: str, label: str
) -> str:
    """One table, scaled down where it is wider than the text.

    Columns that hold nothing but dashes are left out, and that of layers where all are the same.

    Args:
        splits: rows by split, each LaTeX by heading.
        caption: as plain text.
        label: to refer to it.
    """
    table = pd.DataFrame([row for rows in splits.values() for row in rows])
    kept = [
        str(title) for title, values in table.items()
        if (values != escape(DASH)).any() and not (title == "layers" and values.nunique() == 1)
    ]  # fmt: skip
    lines = [
        rf"\begin{{tabular}}{{{''.join('l' if title in TEXTS else 'r' for title in kept)}}}",
        r"\toprule",
        join_row(stack_words(title) for title in kept),
    ]
    for split, rows in splits.items():
        lines += [r"\midrule", rf"\multicolumn{{{len(kept)}}}{{l}}{{\emph{{{escape(split)}}}}} \\"]
        lines += [join_row(row[title] for title in kept) for row in rows]
    return "\n".join([
        r"\begin{table}[tbp]", rf"\caption{{{escape(caption)}}}", rf"\label{{{label}}}",
        r"\centering\small", r"\begin{adjustbox}{max width=\textwidth}",
        *lines, r"\bottomrule", r"\end{tabular}", r"\end{adjustbox}", r"\end{table}", "",
    ])  # fmt: skip


def join_row(parts: Iterable[str]) -> str:
    """The line of a row."""
    return " & ".join(parts) + r" \\[2pt]"


def stack_words(title: str) -> str:
    """A heading with each word in a line of its own, if there are several."""
    words = escape(title).split(" ")
    stacked = r"\\".join(words)
    return rf"\shortstack{{{stacked}}}" if len(words) > 1 else stacked


def name_label(kind: str, key: Any) -> str:
    """A label such as ``tab:cells-dsprites-stand-in``."""
    return f"tab:{kind}-" + "-".join(str(word) for word in key if word)


def escape(text: str) -> str:
    """A text as LaTeX prints it, in one line."""
    return make_visible(text).translate(SPECIAL)
