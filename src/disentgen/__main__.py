"""``python -m disentgen``: the list of runs. ``python -m disentgen cite RUN…``: their papers."""

import argparse
import sys
from collections.abc import Sequence

import pandas as pd

from disentgen.errors import DisentgenError
from disentgen.runs import find_runs
from disentgen.training.losses import losses

COLUMNS = {
    "experiment": "experiment",
    "id": "id",
    "status": "status",
    "epochs_done": "epochs",
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


def main(arguments: Sequence[str] | None = None) -> int:
    """List runs with their status and main scores, or cite some; return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["cite"]:
        from disentgen.citations import main as cite  # the list of runs needs none of its imports

        return cite(words[1:])
    parser = argparse.ArgumentParser(
        prog="python -m disentgen",
        description="List runs.",
        epilog="python -m disentgen cite RUN… prints BibTeX of the papers behind runs.",
    )
    parser.add_argument("root", nargs="?", help="folder of runs (default: sims in the data folder)")
    given = parser.parse_args(words)
    try:
        runs = find_runs(given.root)
    except DisentgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if not len(runs):
        print("no runs yet")
        return 0
    shown = name_settings(runs).reindex(columns=list(COLUMNS)).rename(columns=COLUMNS)
    with pd.option_context("display.width", None, "display.max_rows", None):
        print(shown.to_string(index=False, na_rep="-", float_format="{:.2f}".format))
    return 0


def name_settings(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs with their own held-out expressions, whole latents, and strengths of objectives."""
    known = runs.reindex(columns=[*runs, *(key for key in COLUMNS if key not in runs)])
    strengths = {name: kind.strength for name, kind in losses().items()}
    told = [
        f"{name} {row.get(f'training.loss.params.{strengths[name]}'):g}"
        if strengths.get(name) else name
        for name, (_, row) in zip(known["training.loss.name"], known.iterrows(), strict=True)
    ]  # fmt: skip
    known["dataset.variant"] = known["dataset.variant"].fillna(known.get("dataset.held_out"))
    known["model.latent_size"] = [
        "-" if pd.isna(size) else f"{size:.0f}" for size in known["model.latent_size"]
    ]
    known["training.loss.name"] = told
    return known


if __name__ == "__main__":
    sys.exit(main())
