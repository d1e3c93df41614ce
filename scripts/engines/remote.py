"""Runs on other machines: what a worker of Ray or Slurm does, and what both engines take.

Workers know the folders by the same paths as the machine that launches, and begin in the checkout's
``scripts``. They keep nothing of how far a run is: that is in its folder, wherever it goes on.
"""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from disentgen.command_line import RUNNING, above_zero, job_count
from disentgen.errors import DataFileError
from disentgen.paths import data_folder, make_folder
from disentgen.plugins import VARIABLE, list_plugins
from disentgen.record import SKEW_SECONDS, STALE_SECONDS
from engines import Ended, Job, Option
from engines.local import Local, list_devices

SCRIPTS = Path(__file__).parents[1]
#: In the folder of runs, or of a report: what launches have beside them.
LAUNCHES = "_launches"
#: Seconds between looks at a run whose worker was lost, and that does not count as dead yet.
PAUSE = 10


#: How much of a GPU; a run uses one at most.
gpu_share = above_zero(1)
CPUS = Option("--cpus", job_count, "CPUs of each run, which takes as many threads; 1", default=1)
GPUS = Option("--gpus", gpu_share, "of a GPU for each run, such as 1 or 0.25; none", default=0.0)


@dataclass(frozen=True)
class Task:
    """Runs that a worker makes beside each other, as often as it is called until they are done.

    Args:
        number: of the task in its launch.
        jobs: the runs.
        cpus: of each.
        gpus: of each; the GPUs that the worker is given are shared evenly.
        folder: of the launch.
    """

    number: int
    jobs: tuple[Job, ...]
    cpus: int
    gpus: float
    folder: Path

    def __call__(self) -> list[Ended]:
        """Make the runs, or go on with them; how each of them has ended.

        Raises:
            DataFileError: this machine does not see the folder of the launch.
        """
        os.chdir(SCRIPTS)
        again, ended = self._note_begin(), self._make(self.jobs)
        # A run whose machine was lost counts as running there until its last sign of life is old.
        patience = time.monotonic() + STALE_SECONDS + SKEW_SECONDS
        while again and time.monotonic() < patience:
            running = tuple(job for job in self.jobs if ended[job].status == RUNNING)
            if not running:
                break
            time.sleep(PAUSE)
            ended |= self._make(running)
        return [ended[job] for job in self.jobs]

    def _note_begin(self) -> bool:
        """Note that the task has begun; whether a worker had begun it before."""
        begun = self.folder / f"{self.number}.begun"
        try:
            begun.touch(exist_ok=False)
        except FileExistsError:
            return True
        except OSError as error:
            raise DataFileError(f"cannot write into {self.folder}: {error.strerror}.") from error
        return False

    def _make(self, jobs: tuple[Job, ...]) -> dict[Job, Ended]:
        devices = list_devices() if self.gpus else ("",)
        return dict(Local(len(self.jobs), devices, self.cpus).run(jobs))


def make_launch_folder(engine: str, folders: Sequence[Path] = ()) -> Path:
    """A new folder of a launch, which workers must see.

    Args:
        engine: by name.
        folders: see :class:`~engines.Workers`.

    Raises:
        DataFileError: it cannot be made.
    """
    home = folders[0] if folders else data_folder() / "sims"
    launches = make_folder(home / LAUNCHES)
    try:
        name = f"{engine}-{datetime.now():%Y%m%d-%H%M%S}-"
        return Path(tempfile.mkdtemp(prefix=name, dir=launches))
    except OSError as error:
        raise DataFileError(f"cannot write into {launches}: {error.strerror}.") from error


@contextlib.contextmanager
def launch_folder(engine: str, folders: Sequence[Path] = ()) -> Iterator[Path]:
    """Yield a folder as of :func:`make_launch_folder`, which is removed at the end.

    Args:
        engine: by name.
        folders: see :class:`~engines.Workers`.
    """
    import shutil

    folder = make_launch_folder(engine, folders)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def list_needed(folder: Path, folders: Sequence[Path] = ()) -> list[str]:
    """The paths that a worker must see.

    Args:
        folder: of the launch.
        folders: see :class:`~engines.Workers`.
    """
    plugins = [plugin.given for plugin in list_plugins() if os.sep in plugin.given]
    return [*map(str, dict.fromkeys([folder, *folders, SCRIPTS])), *plugins, sys.executable]


def describe_environment() -> dict[str, str]:
    """What the environment of a worker must say."""
    paths = [str(SCRIPTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    plugins = os.pathsep.join(plugin.given for plugin in list_plugins())
    return {
        "DISENTGEN_DATA": str(data_folder()),
        "PYTHONPATH": os.pathsep.join(paths),
        VARIABLE: plugins,
    }
