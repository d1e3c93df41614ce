"""The published study as a table of cells, and how they are run one after the other.

Montero et al. 2021; datasets, conditions, models and objectives as in its tables and scripts. Where
the published code does not say which architecture a cell had, the note at its row does.

    cd scripts
    python -m disentgen.study decoders --dry-run
"""

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from disentgen.dataset.build import choose_source
from disentgen.dataset.spec import find_spec
from disentgen.paths import data_folder
from disentgen.registry import unknown
from disentgen.runs import open_run

Words = tuple[str, ...]

#: Objectives of the published tables, by the names that they have there.
VAES: dict[str, Words] = {
    "VAE": ("training.vae",),
    "β-VAE 8": ("training.beta", "training.loss.params.beta=8"),
    "β-VAE 12": ("training.beta", "training.loss.params.beta=12"),
}
FACTOR_VAES: dict[str, Words] = {
    f"FactorVAE {gamma}": ("training.factor", f"training.loss.params.gamma={gamma}")
    for gamma in (20, 50, 100)
}
#: Conditions by dataset, in the order of the tables; those of MPI3D are in the scripts alone.
VARIANTS = {
    "dsprites": ("leave1out", "shape2tx", "blank_side"),
    "shapes3d": ("leave1out", "shape2ohue", "fhue_gt50"),
    "mpi3d": ("leave1out", "cyl2horz", "objc2horz", "horz_gt20", "objc_gt3"),
}
MPI3D_OBJECTIVES = {
    **VAES,
    **{name: words for name, words in FACTOR_VAES.items() if not name.endswith("100")},
}
#: Models by experiment and dataset: name in the tables, then the words of the command line.
MODELS: dict[str, dict[str, dict[str, Words]]] = {
    "disent": {
        "dsprites": {
            **{name: ("model.burgess_v2", *words) for name, words in VAES.items()},
            **{name: ("model.kim", *words) for name, words in FACTOR_VAES.items()},
        },
        "shapes3d": {
            name: ("model.kim", *words) for name, words in {**VAES, **FACTOR_VAES}.items()
        },
        "mpi3d": {name: ("model.kim", *words) for name, words in MPI3D_OBJECTIVES.items()},
    },
    "decoders": {
        # Published: one of higgins, burgess, deep.
        "dsprites": {"ground-truth decoder": ("model.burgess",)},
        # Published: one of higgins, kim_bn, deep_bn.
        "shapes3d": {"ground-truth decoder": ("model.deep_bn",)},
        "mpi3d": {"ground-truth decoder": ("model.deep_bn",)},
    },
    "composition": {
        "dsprites": {"composer": ("model.burgess_v2",)},
        # Not published.
        "shapes3d": {"composer": ("model.kim",)},
        "mpi3d": {"composer": ("model.kim",)},
    },
}

#: A few iterations, to see that a cell runs.
SMOKE: Words = (
    "training.epochs=1", "training.epoch_length=2", "training.validation_images=64",
    "training.score_images=64", "training.find_duplicates=False",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A run of the study.

    Args:
        experiment: ``disent``, ``decoders`` or ``composition``.
        dataset: its name.
        variant: held-out condition.
        model: its name in the published tables.
        words: of the command line, after ``with``.
    """

    experiment: str
    dataset: str
    variant: str
    model: str
    words: Words

    @property
    def name(self) -> str:
        """What tells the cell from all others; runs keep it as their comment."""
        return f"study: {' '.join(self.words)}"

    @property
    def source(self) -> str:
        """Which images a run of the cell would be trained on now."""
        settings = dict(word.split("=", 1) for word in self.words if "=" in word)
        return choose_source(
            find_spec(self.dataset, settings.get("dataset.version")),
            settings.get("dataset.root"),
            settings.get("dataset.source", "auto"),
        )

    @property
    def command(self) -> list[str]:
        """The command line, for use inside ``scripts``."""
        module = f"experiments.{self.experiment}"
        return [sys.executable, "-m", module, f"--comment={self.name}", "with", *self.words]

    def __str__(self) -> str:
        return shlex.join(["python", *self.command[1:]])


def list_cells(
    experiment: str,
    seeds: Iterable[int] = (1,),
    datasets: Iterable[str] = VARIANTS,
    models: Iterable[str] | None = None,
    extra: Words = (),
) -> list[Cell]:
    """The cells of an experiment, seed by seed, so that one of each is there first.

    Args:
        experiment: ``disent``, ``decoders`` or ``composition``.
        seeds: a run of each cell for each.
        datasets: by name.
        models: by their names in the published tables; all by default.
        extra: words that stand last on each command line.
    """
    return [
        Cell(
            experiment,
            dataset,
            variant,
            model,
            (
                f"dataset.{dataset}",
                f"dataset.variant={variant}",
                *words,
                f"seed={seed}",
                *extra,
            ),
        )
        for seed in seeds
        for dataset in datasets
        for variant in VARIANTS[dataset]
        for model, words in MODELS[experiment][dataset].items()
        if models is None or model in models
    ]


def find_cells(experiment: str, root: Path | None = None) -> Iterator[tuple[str, Path]]:
    """Names and folders of all runs of cells of an experiment, the oldest first."""
    folder = (root or data_folder() / "sims") / experiment
    for path in sorted(folder.glob("*/run.json"), key=lambda path: path.stat().st_mtime):
        try:
            comment = json.loads(path.read_text(encoding="utf-8"))["meta"].get("comment", "")
        except (json.JSONDecodeError, KeyError):
            continue  # just being written
        if comment.startswith("study: "):
            yield comment, path.parent


def run_cell(cell: Cell, jobs: int = 1) -> str:
    """Run a cell unless it is finished; go on with it where it was interrupted.

    Runs on the stand-in do not count once the published file is there.

    Args:
        cell: which.
        jobs: how many cells are run beside each other. Where it is more than one, each takes one
            thread (two processes of two threads on two cores hinder each other), and its printing
            is kept in its run's folder alone.

    Returns:
        ``finished before``, ``running``, ``done`` or ``failed``.
    """
    named = [open_run(path) for name, path in find_cells(cell.experiment) if name == cell.name]
    opened = [run for run in named if run.config["dataset"]["source"] == cell.source]
    if any(run.status == "COMPLETED" for run in opened):
        return "finished before"
    if any(run.status == "RUNNING" for run in opened):
        return "running"
    command = cell.command
    for run in opened:
        if run.path.joinpath("checkpoint.pt").exists():
            command = [*command[:4], "with", f"resume={run.path}"]
    if jobs == 1:
        return "done" if subprocess.run(command, check=False).returncode == 0 else "failed"
    ended = subprocess.run([*command, "threads=1"], check=False, capture_output=True, text=True)
    if ended.returncode == 0:
        return "done"
    print(ended.stderr, file=sys.stderr, flush=True)
    return "failed"


def run_study(cells: list[Cell], jobs: int = 1) -> int:
    """Run cells, so many at a time; the number of those that failed."""

    def run(number: int, cell: Cell) -> bool:
        print(f"[{number}/{len(cells)}] {cell}", flush=True)
        outcome = run_cell(cell, jobs)
        print(f"[{number}/{len(cells)}] {outcome}", flush=True)
        return outcome == "failed"

    with ThreadPoolExecutor(jobs) as pool:
        return sum(pool.map(run, range(1, len(cells) + 1), cells))


def positive(word: str) -> int:
    """A whole number above 0.

    Raises:
        ValueError: it is none.
    """
    number = int(word)
    if number < 1:
        raise ValueError
    return number


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="run", description="Run the published study.")
    parser.add_argument("experiment", choices=MODELS)
    parser.add_argument("--dry-run", action="store_true", help="print the command lines")
    parser.add_argument("--smoke", action="store_true", help="a few iterations of each")
    parser.add_argument(
        "--seeds", type=positive, default=1, help="runs of each cell (published: 1)"
    )
    parser.add_argument(
        "--jobs", type=positive, default=1, help="runs at a time, of one thread each"
    )
    parser.add_argument("--dataset", choices=VARIANTS, help="this dataset alone")
    parser.add_argument("--model", action="append", help="this model alone; may stand repeatedly")
    parser.add_argument(
        "--control", action="store_true", help="train on all images, score on the same sides"
    )
    parser.add_argument("--with", nargs="*", default=[], dest="words", help="further settings")
    given = parser.parse_args(arguments)
    known = {model for models in MODELS[given.experiment].values() for model in models}
    for model in given.model or ():
        if model not in known:
            parser.error(str(unknown("model", model, sorted(known))))
    extra = ("dataset.control=True",) * given.control + SMOKE * given.smoke + tuple(given.words)
    datasets = [given.dataset] if given.dataset else list(VARIANTS)
    seeds = range(1, given.seeds + 1)
    cells = list_cells(given.experiment, seeds, datasets, given.model, extra)
    if not cells:
        parser.error(f"{given.dataset} has no cells of {', '.join(given.model)}.")
    if given.dry_run:
        print("\n".join(map(str, cells)))
        return
    failed = run_study(cells, given.jobs)
    if failed:
        raise SystemExit(f"{failed} of {len(cells)} cells failed; see above.")


if __name__ == "__main__":
    main()
