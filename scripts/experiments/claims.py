"""Which folder a training is kept in: a new one, or that of a run that goes on.

A folder is claimed once the configuration is read and checked, before anything is written to it,
and held until after the last write.
"""

import contextlib
import hashlib
import itertools
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from disentgen.errors import DataFileError, DisentgenError, RunningError, UsageError
from disentgen.locking import Lock
from disentgen.plain_settings import nest
from disentgen.provenance import note_start
from disentgen.run_directory import RunDirectory
from disentgen.runs import Run
from disentgen.schema import flatten, merge
from disentgen.text import make_visible
from disentgen.training.config import Config
from disentgen.training.continuing import list_may_change, require_checkpoint
from disentgen.training.signals import signals_held_back
from experiments.made import find_newest, identify, name_identity
from experiments.resume import check_not_running

#: Folders whose names are longer numbers are none of ours.
DIGITS = 10
#: In a folder of runs: what is held while a command looks for a run of a configuration, until
#: others can see that it has one.
CHOOSING = "_claims"


@dataclass
class Claim:
    """A run's folder that this process holds.

    Args:
        path: of the folder.
        lock: by which it is held.
        is_new: the folder was made for this run.
        run: that goes on in the folder; None of a new one.
        choice: keeps other commands from choosing this run until they can see that it runs.
    """

    path: Path
    lock: Lock
    is_new: bool = False
    run: Run | None = None
    choice: Lock | None = None
    begun: bool = field(default=False, init=False)
    #: The folder that is held, and no other that has its name later.
    directory: RunDirectory = field(init=False)

    def __post_init__(self) -> None:
        self.directory = RunDirectory(self.path).prepare(self.lock)

    def begin(self) -> None:
        """Note the start; from now on the folder is this run's, however it ends."""
        self.begun = True
        note_start(self.directory)

    @property
    def has_come_to_nothing(self) -> bool:
        """Whether the folder was made for a run that never began."""
        return self.is_new and not (self.path / "config.json").exists()

    def end_choice(self) -> None:
        """Let other commands choose among runs: this one can be seen."""
        if self.choice is not None:
            self.choice.withdraw()
            self.choice = None

    def release(self) -> None:
        """Let go of the folder; one that was made for a run that never began is removed."""
        if self.has_come_to_nothing:
            shutil.rmtree(self.path, ignore_errors=True)
        if self.begun:
            self.lock.release()
        else:
            self.lock.withdraw()
        self.end_choice()


@dataclass(frozen=True)
class Request:
    """What a command line says of the folder that its training is to be kept in.

    Args:
        folder: of the experiment's runs.
        updates: settings of the command line, in sections.
        name: of the run's folder, where the user has chosen it.
        auto: go on with the newest run of the same configuration, if there is one.
    """

    folder: Path
    updates: Mapping[str, Any]
    name: str | None
    auto: bool

    @property
    def may_be_there(self) -> bool:
        """Whether a run that is there already may be meant."""
        return self.auto or self.name is not None

    def claim(self, config: Config, seed: bool, taken: int = 0) -> Claim | None:
        """Claim the folder; None where the run is there, and complete.

        Args:
            config: of the run.
            seed: whether it names a seed; otherwise a run of any seed is the same.
            taken: the number of a new run is larger.

        Raises:
            RunningError: another process is training the run.
            UsageError: the chosen folder holds another run.
            DataFileError: the folder cannot be written to, or its run cannot be read.
        """
        if self.name is not None:
            return claim_named(self.folder, self.name, config, seed)
        if self.auto:
            return claim_same(self.folder, config, seed, taken)
        return claim_new(self.folder, taken)


def claim_new(folder: Path, taken: int = 0) -> Claim:
    """Claim a new folder, named by the next number.

    Args:
        folder: of an experiment's runs.
        taken: its number is larger.

    Raises:
        DataFileError: it cannot be written to.
    """
    with _writing(folder), signals_held_back():
        folder.mkdir(parents=True, exist_ok=True)
        names = (path.name for path in folder.iterdir())
        numbers = [int(name) for name in names if name.isdecimal() and len(name) < DIGITS]
        for number in itertools.count(max([taken, *numbers]) + 1):
            path = folder / str(number)
            with contextlib.suppress(FileExistsError, RunningError):
                path.mkdir()
                return Claim(path, RunDirectory(path).take(), is_new=True)
    raise AssertionError("there is always another number")


def claim_named(folder: Path, name: str, config: Config, seed: bool = True) -> Claim | None:
    """Claim the folder of a name, and go on with the run that it holds.

    Args:
        folder: of an experiment's runs.
        name: of the folder.
        config: of the run.
        seed: whether its seed counts.

    Returns:
        None where the run is complete.

    Raises:
        RunningError: another process is training it.
        UsageError: no folder can have this name, or it holds a run of another configuration.
        DataFileError: the folder cannot be written to, or its run cannot be read.
    """
    if not name or Path(name).name != name or name.startswith(("_", ".")):
        raise UsageError(f"--id={name} is no name of a run's folder; give letters and digits.")
    path = folder / name
    if not (path / "config.json").exists():
        with _writing(folder), signals_held_back():
            is_new = not path.exists()
            claim = Claim(path, RunDirectory(path).take(), is_new)
            if not (path / "config.json").exists():
                return claim
            claim.release()
    claim, run = claim_run(path), Run(path)
    try:
        check_same(run, config, seed)
        if is_complete(run):
            claim.release()
            return None
        require_checkpoint(run, run.settings.training)
    except BaseException:
        claim.release()
        raise
    return claim


def is_complete(run: Run) -> bool:
    """Whether a run is complete, which is printed."""
    if run.status != "COMPLETED":
        print(f"going on with run {make_visible(run.path)}", flush=True)
        return False
    print(f"run {make_visible(run.path)} is complete.", flush=True)
    return True


def claim_run(path: Path) -> Claim:
    """Claim the folder of a run, which is read only after that.

    Args:
        path: of the folder.

    Raises:
        RunningError: another process is training it, here or elsewhere.
    """
    lock = RunDirectory(path).take()
    claim = Claim(path, lock, run=Run(path))
    if lock.is_new:
        try:
            check_not_running(Run(path))
        except BaseException:
            claim.release()
            raise
    return claim


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except DisentgenError:
        raise
    except OSError as error:
        raise DataFileError(f"cannot write runs to {folder}: {error.strerror or error}.") from error


def claim_same(folder: Path, config: Config, seed: bool = True, taken: int = 0) -> Claim | None:
    """Claim the newest run that a configuration is of, or a new folder where there is none.

    Of commands that do so at once, here or on machines that share the folder, each waits for the
    others' choices.

    Args:
        folder: of an experiment's runs.
        config: of the run.
        seed: whether its seed counts; otherwise a run of any seed is the same.
        taken: the number of a new run is larger.

    Returns:
        None where the run is complete.

    Raises:
        RunningError: another process is training it.
    """
    name = name_identity(identify(config, config.split.describe(), seed))
    with contextlib.ExitStack() as choosing:
        with _writing(folder):
            place = name_choice(folder, name, config.seed if seed else None)
            place.parent.mkdir(parents=True, exist_ok=True)
            choice = Lock.take(place, wait=True)
        choosing.callback(choice.withdraw)
        run = find_newest(folder, name, config.seed if seed else None)
        if run is not None and is_complete(run):
            return None
        claim = claim_new(folder, taken) if run is None else claim_run(run.path)
        claim.choice = choice
        choosing.pop_all()
    return claim


def name_choice(folder: Path, name: str, seed: int | None) -> Path:
    """What is held while a run of a cell and seed is chosen.

    Args:
        folder: of an experiment's runs.
        name: of the run's identity, see :func:`~experiments.made.name_identity`.
        seed: of the run; None where it does not count.
    """
    cell = hashlib.sha256(name.encode()).hexdigest()[:16]
    return folder / CHOOSING / f"{cell}-{'any' if seed is None else seed}.lock"


def check_same(run: Run, config: Config, seed: bool = True) -> None:
    """Check that a folder that a user has named holds the run that a configuration is of.

    Args:
        run: in the folder.
        config: of the command line.
        seed: whether its seed counts.

    Raises:
        UsageError: it holds another; the message names the settings.
    """
    there = identify(run.settings, run.sides, seed)
    here = identify(config, config.split.describe(), seed)
    differing = [key for key in {**there, **here} if there.get(key) != here.get(key)]
    if any(key.startswith("split.") for key in differing):  # named by the words that define it
        before = run.settings.flat()
        words = [key for key, (value, of) in config.flat().items()
                 if of.split and before[key][0] != value]  # fmt: skip
        differing = [key for key in (*differing, *words) if not key.startswith("split.")]
    if differing:
        raise UsageError(
            f"{run.path} is a run of another configuration: it differs in "
            f"{', '.join(dict.fromkeys(differing))}. Choose another --id."
        )


def continue_config(run: Run, updates: Mapping[str, Any]) -> Config:
    """The configuration that a run goes on under: its own, but for what it may change.

    Args:
        run: as it was saved.
        updates: settings of the command line, in sections.
    """
    allowed = list_may_change(run.settings)
    changed = {key: value for key, value in flatten(updates).items() if key in allowed}
    return Config.read(merge(run.config, nest(changed)), complete=False)
