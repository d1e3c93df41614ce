"""Runs that were made before: which of them are what a configuration describes."""

import contextlib
import json
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from disentgen.errors import DisentgenError
from disentgen.runs import Run
from disentgen.training.baseline import drop_as_before
from disentgen.training.config import Config
from disentgen.training.continuing import require_checkpoint
from disentgen.training.identity import cell_settings


def identify(config: Config, split: Mapping[str, Any], seed: bool = True) -> dict[str, Any]:
    """What says which run a configuration is of: its cell, control and seed.

    Args:
        config: of the run.
        split: what describes its split.
        seed: whether the seed counts.
    """
    settings = {**cell_settings(config, split), "dataset.control": config.dataset["control"]}
    return drop_as_before(settings) | ({"seed": config.seed} if seed else {})


def name_identity(identity: Mapping[str, Any]) -> str:
    """The same in one text, however its settings were ordered."""
    return json.dumps(identity, sort_keys=True)


def find_made(
    folder: Path, wanted: Collection[str], seeds: Collection[int]
) -> dict[str, list[Run]]:
    """Runs by what they are of, the newest first.

    Runs that cannot be read are left aside with a line.

    Args:
        folder: of an experiment's runs.
        wanted: names of the identities that are looked for, see :func:`name_identity`.
        seeds: of those; none where their seeds do not count.
    """
    made: dict[str, list[tuple[str, float, Run]]] = {}
    for path in folder.glob("*/config.json"):
        run = Run(path.parent)
        with _left_aside():
            if seeds and run.saved.get("seed") not in seeds:
                continue  # need not be read whole
            name = name_identity(identify(run.settings, run.sides, bool(seeds)))
            if name in wanted:
                moment = (run.record.start_time or "", path.stat().st_mtime)
                made.setdefault(name, []).append((*moment, run))
    return {name: [run for *_, run in sorted(runs, key=lambda one: one[:2], reverse=True)]
            for name, runs in made.items()}  # fmt: skip


def find_newest(folder: Path, name: str, seed: int | None) -> Run | None:
    """The newest run of an identity; None if there is none.

    Those that have lost what they would go on from are left aside with a line, too.

    Args:
        folder: of an experiment's runs.
        name: of the identity, see :func:`name_identity`.
        seed: of the run; None where it does not count.
    """
    seeds = set() if seed is None else {seed}
    for run in find_made(folder, {name}, seeds).get(name, ()):
        with _left_aside():
            if run.status not in ("COMPLETED", "RUNNING"):
                require_checkpoint(run, run.settings.training)
            return run
    return None


@contextlib.contextmanager
def _left_aside() -> Iterator[None]:
    """Print in a line why a run does not count."""
    try:
        yield
    except (DisentgenError, OSError) as error:  # the folder may go meanwhile
        print(f"left aside: {error}", file=sys.stderr, flush=True)
