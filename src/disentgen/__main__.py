"""``python -m disentgen``: the list of runs.

``cite RUN…`` prints the papers behind runs, ``export RUN FOLDER`` writes a model for others,
``settings`` prints all settings and layers.
"""

import math
import sys
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import pandas as pd

from disentgen.command_line import CommandParser, add_plugin_option, plain_errors
from disentgen.listing import find_runs
from disentgen.registry import read_constants
from disentgen.streams import run_command
from disentgen.text import join_lines

#: What says which combinations are held out where no variant does.
OTHER_SPLITS = ("dataset.held_out", "dataset.split", "dataset.held_in_file")
COLUMNS = {
    "experiment": "experiment",
    "id": "id",
    "status": "status",
    "epochs_done": "epochs",
    "steps_done": "steps",
    "dataset.name": "dataset",
    "dataset.source": "source",
    "dataset.variant": "variant",
    "dataset.control": "control",
    "model.name": "model",
    "model.latent_size": "latents",
    "training.loss.name": "loss",
    "seed": "seed",
    "scores.train.nll": "NLL train",
    "scores.held_out.nll": "NLL held out",
}


#: Characters of a cell: a reason why a run is damaged, say.
LONGEST = 200


def main(arguments: Sequence[str] | None = None) -> None:
    """List runs, cite or export some, or describe settings."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["cite"]:
        from disentgen.citations import main as cite  # the list of runs needs none of its imports

        cite(words[1:])
        return
    if words[:1] == ["export"]:
        from disentgen.export.command import main as export

        export(words[1:])
        return
    if words[:1] == ["settings"]:
        describe_settings(words[1:])
        return
    parser = CommandParser(
        prog="python -m disentgen",
        description="List runs.",
        epilog="python -m disentgen cite RUN… prints BibTeX of the papers behind runs; "
        "python -m disentgen export RUN FOLDER writes a model for others; "
        "python -m disentgen settings prints all settings and layers.",
    )
    parser.add_argument("root", nargs="?", help="folder of runs (default: sims in the data folder)")
    add_plugin_option(parser)
    list_runs(parser.parse_args(words).root)


def describe_settings(words: Sequence[str]) -> None:
    """Print all settings and layers, those of plugins among them."""
    parser = CommandParser(
        prog="python -m disentgen settings", description="Print all settings and layers."
    )
    add_plugin_option(parser)
    parser.parse_args(words)
    with plain_errors():
        from disentgen.reference import write_reference  # takes seconds

        print(write_reference(), end="")


def list_runs(root: str | None) -> None:
    """Print a line for each run below a folder."""
    with plain_errors():
        runs = find_runs(root)
    if not len(runs):
        print("no runs yet")
        return
    with pd.option_context("display.width", None, "display.max_rows", None):
        print(format_runs(runs))


def format_runs(runs: pd.DataFrame) -> str:
    """A line for each run: how far it is, what was trained on what, its main scores, its problem.

    Args:
        runs: of :func:`~disentgen.listing.find_runs`.
    """
    columns = [*COLUMNS, *OTHER_SPLITS, "training.epochs"]
    shown = runs.reindex(columns=list(dict.fromkeys([*runs, *columns])))
    shown["training.loss.name"] = name_objectives(shown)
    shown["epochs_done"] = [
        describe_epochs(*row)
        for row in zip(shown["status"], shown["epochs_done"], shown["training.epochs"], strict=True)
    ]
    for column in OTHER_SPLITS:
        variant = shown["dataset.variant"].astype(object)
        shown["dataset.variant"] = variant.where(variant.notna(), shown[column])
    for column in ("model.latent_size", "steps_done", "seed"):
        shown[column] = [format_number(number, ".0f") for number in shown[column]]
    columns = [*COLUMNS, *(["problem"] if (shown["status"] == "DAMAGED").any() else [])]
    shown = shown[columns].rename(columns=COLUMNS).map(show_cell)
    return shown.to_string(index=False, na_rep="-", float_format="{:.2f}".format)


def show_cell(value: Any) -> Any:
    """A cell of the table; of text, which may be anybody's, all is visible and in one line."""
    return value if isinstance(value, Real) or value is None else join_lines(value, LONGEST)


def describe_epochs(status: str, done: object, epochs: object) -> str:
    """Finished epochs; of a run that has not ended well, beside how many there should be: 12/30.

    Args:
        status: of the run.
        done: finished epochs; NaN where that is not known.
        epochs: how many there should be; NaN likewise.
    """
    counts = [format_number(count, ".0f") for count in (done, epochs)]
    return counts[0] if status == "COMPLETED" or "-" in counts else "/".join(counts)


def name_objectives(runs: pd.DataFrame) -> list[str]:
    """The objective of each run, with the value of the parameter that its label goes on with.

    Args:
        runs: with columns of :func:`~disentgen.listing.find_runs`.
    """
    classes = read_constants("disentgen.training.losses", "name", "named_by")
    named_by = {constants.get("name"): constants.get("named_by") for constants in classes}
    labels = []
    for name, (_, run) in zip(runs["training.loss.name"], runs.iterrows(), strict=True):
        value = run.get(f"training.loss.params.{named_by.get(name)}")
        shown = "" if format_number(value) == "-" else f" {format_number(value)}"
        labels.append(name if pd.isna(name) else f"{name}{shown}")
    return labels


def format_number(value: Any, form: str = "g") -> str:
    """A number of a run; a dash for none, and a value that is no number as it was saved.

    Args:
        value: as it stands in the table.
        form: a format specification of numbers.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, Integral) and form == ".0f":
        return str(int(value))  # whatever its size
    return format(value, form) if isinstance(value, Real) else str(value)


if __name__ == "__main__":
    run_command(main)
