"""Our cells beside the published ones, and what runs say about the claims, study by study."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from disentgen.analysis.collect import open_collection, print_kept_beside, print_left_out
from disentgen.analysis.measurements.constant import CONSTANT
from disentgen.analysis.measurements.metrics import DISENTANGLEMENT
from disentgen.analysis.measurements.nearest import NEAREST
from disentgen.analysis.tables import tabulate_cells
from disentgen.paths import data_folder, make_folder
from disentgen.report.formatting import save_csv
from disentgen.runs import Run
from disentgen.studies import Study, load_studies
from disentgen.studies.verdicts.decisions import UNDECIDED, tabulate_verdicts
from disentgen.studies.verdicts.departures import add_protocols
from disentgen.studies.verdicts.published import load_published
from disentgen.studies.verdicts.selection import NO_RUN, list_strays
from disentgen.text import make_visible

COMPARED = ("nll_train", "nll_held_out", "disentanglement", "joint_accuracy_held_out")
#: By which cells are those of a study's rows.
JOINED = ["experiment", "dataset", "variant", "label"]


class TextColumn(NamedTuple):
    """A score in the table of cells as text.

    Args:
        score: a column of the comparison.
        title: its heading.
        width: in letters.
        digits: behind the point.
    """

    score: str
    title: str
    width: int
    digits: int


TEXT = (
    TextColumn("nll_train", "train NLL", 19, 1),
    TextColumn("nll_held_out", "held-out NLL", 21, 1),
    TextColumn("disentanglement", "D", 13, 2),
    TextColumn("joint_accuracy_held_out", "held-out joint accuracy", 26, 3),
)
#: What :func:`~disentgen.studies.verdicts.departures.add_protocols` adds to runs.
DEPARTURES = ("row", "protocol")


@dataclass(frozen=True)
class StudyResult:
    """Runs beside a study.

    Args:
        study: that they are compared with.
        runs: of :func:`~disentgen.studies.verdicts.departures.add_protocols`.
        cells: published cells beside ours; see :func:`compare_cells`.
        verdicts: on its claims; see
            :func:`~disentgen.studies.verdicts.decisions.tabulate_verdicts`.
        strays: runs that decide no claim; see
            :func:`~disentgen.studies.verdicts.selection.list_strays`.
    """

    study: Study
    runs: pd.DataFrame
    cells: pd.DataFrame
    verdicts: pd.DataFrame
    strays: pd.DataFrame


def compare_studies(table: pd.DataFrame, runs: Sequence[Run]) -> list[StudyResult]:
    """Runs beside every study that has rows of their experiments; beside all, if none has.

    Args:
        table: of :func:`~disentgen.analysis.tables.tabulate_runs`.
        runs: those of the table.
    """
    studies, trained = load_studies().values(), {run.experiment for run in runs}
    fitting = [study for study in studies if trained & {*study.experiments}]
    return [
        compare_with_study(add_protocols(table, runs, study), study) for study in fitting or studies
    ]


def compare_with_study(runs: pd.DataFrame, study: Study) -> StudyResult:
    """Runs beside one study; they are those of ``add_protocols``."""
    return StudyResult(
        study=study,
        runs=runs,
        cells=compare_cells(tabulate_cells(runs, DEPARTURES) if len(runs) else runs, study),
        verdicts=tabulate_verdicts(runs, study),
        strays=list_strays(runs),
    )


def name_departures(study: Study) -> dict[str, str]:
    """What the departures' columns are called where those of several studies stand in one table."""
    return {name: f"{study.name}_{name}" for name in DEPARTURES}


def join_departures(table: pd.DataFrame, results: Iterable[StudyResult]) -> pd.DataFrame:
    """Runs with ``<study>_row`` and ``<study>_protocol`` for each study."""
    columns = {
        own: result.runs[name]
        for result in results
        for name, own in name_departures(result.study).items()
    }
    return table.assign(**columns)


def compare_cells(cells: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Published cells beside ours.

    Args:
        cells: of :func:`~disentgen.analysis.tables.tabulate_cells`, with :data:`DEPARTURES`.
        study: whose cells are published.

    Returns:
        A row for each of our cells that the study has too, and for each published one that we have
        not. For NLL on both sides, disentanglement and joint accuracy: ours, its 95 % interval, the
        published value, and ours over the published one; then ours alone: what differs from the
        study's protocol, seeds, steps, source, informativeness, excess over the entropy floor, gap
        to the control.
    """
    own = cells[~cells["control"].astype(bool)] if len(cells) else cells
    own = own.assign(label=own["row"]) if len(own) else own
    published = load_published(study).rename(
        columns={name: f"published_{name}" for name in COMPARED}
    )
    wanted = [
        *JOINED, "source", "architecture", "cell", "protocol", "seeds", "steps",
        *(f"{name}{end}" for name in COMPARED for end in ("", "_low", "_high")),
        "informativeness", "excess_train", "excess_held_out",
        "gap_to_control", "gap_to_control_low", "gap_to_control_high", "gap_to_control_seeds",
    ]  # fmt: skip
    joined = published.merge(
        own.reindex(columns=wanted).astype(dict.fromkeys(JOINED, str)), on=JOINED, how="left"
    ).drop(columns=["experiment", "label"])
    for name in COMPARED:
        joined[f"{name}_over_published"] = joined[name] / joined[f"published_{name}"]
    joined["seeds"] = joined["seeds"].fillna(0).astype(int)
    joined["steps"] = joined["steps"].astype("Int64")  # of published cells that we have not, none
    joined.insert(0, "study", study.name)
    return joined


def list_published(comparison: pd.DataFrame) -> tuple[str, ...]:
    """Those scores of which a study has published any number."""
    return tuple(
        score
        for score in COMPARED
        if comparison.get(f"published_{score}", pd.Series(dtype=float)).notna().any()
    )


def save_comparison(results: Sequence[StudyResult], folder: Path) -> None:
    """Write ``comparison.csv`` and ``claims.csv``, of all studies."""
    make_folder(folder)
    tables = {
        "comparison": [result.cells for result in results],
        "claims": [result.verdicts for result in results],
    }
    for name, parts in tables.items():
        # pandas takes an empty table's columns for text.
        joined = pd.concat([part for part in parts if len(part)] or parts[:1])
        save_csv(joined, folder / f"{name}.csv")


def format_result(result: StudyResult) -> str:
    """Runs beside a study as text: its cells, its claims, and the runs that decide none."""
    return "\n".join(
        [
            f"{result.study.citation}; in parentheses: as published",
            f"{format_comparison(result.cells)}\n",
            format_verdicts(result.verdicts),
            format_strays(result.strays),
        ]
    )


def format_comparison(comparison: pd.DataFrame) -> str:
    """The cells that we have, beside the published ones, as text."""
    there = comparison[comparison["seeds"] > 0]
    shown = [column for column in TEXT if column.score in list_published(comparison)]
    with_metric = any(column.score == "disentanglement" for column in shown)
    heads = "".join(f"{column.title:>{column.width}}" for column in shown)
    lines = [
        f"{'cell':<52}{'images':<10}{'seeds':>6}{'steps':>8}{heads}"
        + f"{'inform.':>9}" * with_metric
    ]
    for _, row in there.iterrows():
        name = " ".join(
            filter(None, (row["dataset"], row["variant"], row["model"], row["parameters"]))
        )
        line = f"{name:<52}{row['source']:<10}{row['seeds']:>6}{int(row['steps']):>8,}"
        for score, _, width, digits in shown:
            text = f"{row[score]:.{digits}f} ({row[f'published_{score}']:.{digits}f})"
            line += f"{text:>{width}}"
        lines.append(line + f"{row['informativeness']:>9.2f}" * with_metric)
    return "\n".join(lines)


def format_verdicts(verdicts: pd.DataFrame) -> str:
    """The claims as text: verdict, what decides it, the control, and what is missing."""
    idle = verdicts["missing"].map(lacks_runs) & verdicts["estimate"].isna()
    lines = [line for _, row in verdicts[~idle].iterrows() for line in format_verdict(row)]
    shown = set(verdicts[~idle]["number"])
    without = [number for number in dict.fromkeys(verdicts["number"]) if number not in shown]
    if without:
        lines.append(f"no runs to decide: {', '.join(without)}")
    return "\n".join(lines)


def lacks_runs(missing: str) -> bool:
    """Whether all that a claim lacks is runs."""
    return all(fault.startswith(f"{NO_RUN}:") for fault in missing.split("; "))


def format_verdict(row: pd.Series) -> list[str]:
    """The lines of a claim."""
    remarks = {"": row["control"], "missing: ": row["missing"]}
    if row["verdict"] != UNDECIDED:
        remarks["note: "] = row["note"]
    return [
        f"{row['number']:>3}  {row['claim']} ({row['dataset']}, {row['source']} images)",
        f"       {row['verdict']}: {describe_estimate(row)}",
        *(f"       {name}{text}" for name, text in remarks.items() if text),
    ]


def describe_estimate(row: pd.Series) -> str:
    """What decides a claim: estimate, interval, seeds, bound and the published range."""
    published = f"; published {row['published']}" if row["published"] else ""
    quantity = f"{row['quantity']}, bound {row['bound']:g}"
    if pd.isna(row["estimate"]):
        return f"{quantity}{published}"
    spread = "no interval"
    if pd.notna(row["low"]):
        spread = f"{row['low']:.2f} to {row['high']:.2f} at {row['confidence']:.3g}"
    seeds = "one seed" if row["seeds"] == 1 else f"n {row['seeds']}"
    return f"{row['estimate']:.2f} ({spread}, {seeds}, {row['decided_by']}); {quantity}{published}"


def format_strays(strays: pd.DataFrame) -> str:
    """The runs that decide nothing, since they do not follow the study."""
    lines = ["protocol differs from the study's; these runs decide no claim:"]
    for _, row in strays.iterrows():
        control = ", control" if row["control"] else ""
        seeds = "one seed" if row["seeds"] == 1 else f"{row['seeds']} seeds"
        lines.append(
            f"       {row['runs']}: {row['dataset']} {row['variant']} {row['label']}{control}, "
            f"NLL {row['nll_train']:.1f} train, {row['nll_held_out']:.1f} held-out "
            f"({seeds})\n           {row['protocol']}"
        )
    return "\n".join(lines) if len(strays) else ""


def make_comparison(given: argparse.Namespace) -> None:
    """Make the comparison of a command line, print it, and where its tables are.

    Args:
        given: options of the command line.

    Raises:
        UsageError, DataFileError: there are no such runs, none is left, or a table cannot be
            written.
    """
    folder = given.output or data_folder() / "results" / "compare"
    collection = open_collection(given, only=(DISENTANGLEMENT, CONSTANT, NEAREST))
    collection.beside = folder
    results = compare_studies(collection.table, collection.runs)
    save_comparison(results, folder)
    print(make_visible("\n".join(map(format_result, results)), keep="\n"))
    print_left_out(collection)
    print_kept_beside(collection)
    print(f"\n{folder / 'comparison.csv'}, {folder / 'claims.csv'}")
