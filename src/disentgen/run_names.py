"""Runs by the names that people call them: ``disent/1``, ``1``, or a path."""

from pathlib import Path

from disentgen.errors import DataFileError, UsageError
from disentgen.files import exists
from disentgen.paths import EXPORTED, data_folder, expand
from disentgen.registry import nearest_match


def locate_run(name: str | Path | int) -> Path:
    """The folder of a run.

    Args:
        name: its path; ``experiment/id``, below ``sims`` in the data folder; or the id alone, where
            only one experiment has a run of that id.

    Raises:
        UsageError: several experiments have a run of that id; the message lists them.
        DataFileError: there is no such run.
    """
    path, full = Path(str(name)), expand(str(name))
    if full in (path, path.expanduser()) or _is_run(full):
        return _require_run(full)
    sims = data_folder() / "sims"
    experiments = [sims] if len(path.parts) > 1 else sorted(sims.glob("*"))
    runs = [folder / path for folder in experiments if _is_run(folder / path)]
    if len(runs) > 1:
        names = ", ".join(f"'{_name(run)}'" for run in runs)
        raise UsageError(f"there are several runs {path}; give one of {names}, or a path.")
    if not runs:
        raise DataFileError(f"there is no run '{path}' here or in {sims}.{_suggest(sims, path)}")
    return runs[0]


def _is_run(path: Path) -> bool:
    return exists(path / "config.json") and not exists(path / EXPORTED)


def _require_run(path: Path) -> Path:
    if exists(path / EXPORTED):
        raise DataFileError(
            f"{path} is an exported model and no run; disentgen.load_exported opens it."
        )
    if not _is_run(path):
        raise DataFileError(f"{path} is not a run directory: it has no config.json.")
    return path


def _name(run: Path) -> str:
    return f"{run.parent.name}/{run.name}"


def _suggest(sims: Path, path: Path) -> str:
    """The run that a name is most like, or how to list all."""
    names = [_name(file.parent) for file in sorted(sims.glob("*/*/config.json"))]
    return nearest_match(path, names) or " 'python -m disentgen' lists all runs."
