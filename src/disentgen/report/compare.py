"""Our cells beside the published ones, and what runs say about the study's claims."""

import argparse
from pathlib import Path

import pandas as pd

from disentgen.analysis.collect import (
    Collection,
    add_arguments,
    collect,
    open_collection,
    print_left_out,
)
from disentgen.analysis.tables import tabulate_cells
from disentgen.errors import DataFileError
from disentgen.paths import data_folder
from disentgen.studies.montero2021.published import CITATION, load_published
from disentgen.studies.verdicts.decisions import UNDECIDED, tabulate_verdicts
from disentgen.studies.verdicts.selection import NO_RUN, list_strays

KEYS = ["dataset", "condition", "variant", "model", "parameters"]
COMPARED = ("nll_train", "nll_held_out", "disentanglement")


def compare_cells(cells: pd.DataFrame) -> pd.DataFrame:
    """Published cells beside ours.

    Args:
        cells: of :func:`~disentgen.analysis.tables.tabulate_cells`.

    Returns:
        A row for each of our cells that the study has too, and for each published one that we have
        not. For each score of NLL on both sides and disentanglement: ours, its 95 % interval, the
        published value, and ours over the published one; then ours alone: what differs from the
        study's protocol, seeds, steps, source, informativeness, excess over the floor, gap to the
        control.
    """
    own = cells[~cells["control"]] if len(cells) else cells
    published = load_published().rename(columns={name: f"published_{name}" for name in COMPARED})
    wanted = [
        *KEYS, "source", "architecture", "cell", "protocol", "seeds", "steps",
        *(f"{name}{end}" for name in COMPARED for end in ("", "_low", "_high")),
        "informativeness", "excess_train", "excess_held_out",
        "gap_to_control", "gap_to_control_low", "gap_to_control_high", "gap_to_control_seeds",
    ]  # fmt: skip
    joined = published.drop(columns=["ratio", "experiment", "label"]).merge(
        own.reindex(columns=wanted).astype(dict.fromkeys(KEYS, str)), on=KEYS, how="left"
    )
    for name in COMPARED:
        joined[f"{name}_over_published"] = joined[name] / joined[f"published_{name}"]
    joined["seeds"] = joined["seeds"].fillna(0).astype(int)
    joined["steps"] = joined["steps"].astype("Int64")  # of published cells that we have not, none
    return joined


def save_comparison(collection: Collection, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write ``comparison.csv`` and ``claims.csv``; both tables."""
    cells = tabulate_cells(collection.table) if len(collection.table) else collection.table
    comparison = compare_cells(cells)
    verdicts = tabulate_verdicts(collection.table)
    folder.mkdir(parents=True, exist_ok=True)
    comparison.to_csv(folder / "comparison.csv", index=False, float_format="%.6g")
    verdicts.to_csv(folder / "claims.csv", index=False, float_format="%.6g")
    return comparison, verdicts


def format_comparison(comparison: pd.DataFrame) -> str:
    """The cells that we have, beside the published ones, as text."""
    there = comparison[comparison["seeds"] > 0]
    lines = [
        f"{'cell':<52}{'images':<10}{'seeds':>6}{'steps':>8}"
        f"{'train NLL':>19}{'held-out NLL':>21}{'D':>13}{'inform.':>9}"
    ]
    for _, row in there.iterrows():
        name = f"{row['dataset']} {row['variant']} {row['model']} {row['parameters']}"
        line = f"{name:<52}{row['source']:<10}{row['seeds']:>6}{int(row['steps']):>8,}"
        for score, width, digits in (
            ("nll_train", 19, 1), ("nll_held_out", 21, 1), ("disentanglement", 13, 2)
        ):  # fmt: skip
            told = f"{row[score]:.{digits}f} ({row[f'published_{score}']:.{digits}f})"
            line += f"{told:>{width}}"
        line += f"{row['informativeness']:>9.2f}"
        lines.append(line)
    return "\n".join(lines)


def format_verdicts(verdicts: pd.DataFrame) -> str:
    """The claims as text: verdict, what decides it, the control, and what is missing."""
    faults = verdicts["missing"].str.split("; ")
    idle = faults.map(lambda found: all(fault.startswith(f"{NO_RUN}:") for fault in found))
    idle &= verdicts["estimate"].isna()
    lines = []
    for _, row in verdicts[~idle].iterrows():
        lines.append(
            f"{row['number']:>3}  {row['claim']} ({row['dataset']}, {row['source']} images)"
        )
        lines.append(f"       {row['verdict']}: {describe_estimate(row)}")
        remarks = {"": row["control"], "missing: ": row["missing"]}
        if row["verdict"] != UNDECIDED:
            remarks["note: "] = row["note"]
        lines += [f"       {name}{text}" for name, text in remarks.items() if text]
    shown = set(verdicts[~idle]["number"])
    without = [number for number in dict.fromkeys(verdicts["number"]) if number not in shown]
    if without:
        lines.append(f"no runs to decide: {', '.join(without)}")
    return "\n".join(lines)


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
        lines.append(
            f"       {row['runs']}: {row['dataset']} {row['variant']} {row['label']}{control}, "
            f"NLL {row['nll_train']:.1f} train, {row['nll_held_out']:.1f} held-out "
            f"({row['seeds']} seeds)\n           {row['protocol']}"
        )
    return "\n".join(lines) if len(strays) else ""


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis.compare", description=f"Runs beside {CITATION}."
    )
    add_arguments(parser)
    parser.add_argument(
        "--output", type=Path, help="folder of the tables; results/compare in the data folder"
    )
    given = parser.parse_args(arguments)
    try:
        collection = open_collection(given)
        collect(collection, given.jobs, metrics=("dci_lasso",))
    except DataFileError as error:
        raise SystemExit(str(error)) from None
    folder = given.output or data_folder() / "results" / "compare"
    comparison, verdicts = save_comparison(collection, folder)
    print(f"in parentheses: {CITATION}\n{format_comparison(comparison)}\n")
    print(format_verdicts(verdicts))
    print(format_strays(list_strays(collection.table)))
    print_left_out(collection)
    print(f"\n{folder / 'comparison.csv'}, {folder / 'claims.csv'}")
