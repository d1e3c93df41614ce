"""Runs by Slurm: one array of jobs, which goes on by itself when whoever has launched it leaves.

Partition, account and the like are chosen as ``sbatch`` lets them be: ``SBATCH_PARTITION=gpu``.
"""

import contextlib
import io
import math
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from disentgen.command_line import above_zero, job_count, positive
from disentgen.errors import UsageError, warn
from disentgen.text import join_lines
from engines import Ended, Engine, Job, Option
from engines.remote import (
    CPUS,
    GPUS,
    SCRIPTS,
    Task,
    describe_environment,
    list_needed,
    make_launch_folder,
)
from interrupts import interrupt_on_signals

#: Seconds between looks at the queue.
PAUSE = 5
#: Looks at the queue without a job before it counts as lost: file systems show results late.
LOOKS = 4
#: A job that its time is up for goes on so often: it ends when its runs are done.
TIMEOUTS = 1_000_000
#: Printed by a node that does not see what it must, before its name.
UNSEEN = "unseen by"


class Requeued(Task):
    """A task that Slurm begins again where its time is up, or its node is needed for others."""

    def __call__(self) -> list[Ended]:
        """Make the runs; a signal that the job is to end ends them, and the task without a result.

        Otherwise a job that goes back to the queue would seem to have failed.
        """
        interrupt_on_signals()
        return super().__call__()

    def checkpoint(self) -> Any:
        """What is to be called when the job begins again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


class SlurmWorkers:
    """Nodes of Slurm.

    Args:
        cpus: of each run.
        gpus: of each run.
        pack: runs that a job makes beside each other.
        hours: of a job, which goes on in another one when they are up.
        at_once: jobs that run at the same time; None is as many as there is room for.
    """

    def __init__(self, cpus: int, gpus: float, pack: int, hours: float, at_once: int | None):
        self.cpus = cpus
        self.gpus = gpus
        self.pack = pack
        self.hours = hours
        self.at_once = at_once

    def run(self, jobs: Iterable[Job], folders: Sequence[Path] = ()) -> Iterator[tuple[Job, Ended]]:
        """Make runs; all are queued at once, and stay there where this is interrupted.

        Args:
            jobs: see :class:`~engines.Workers`.
            folders: see :class:`~engines.Workers`.

        Raises:
            UsageError: there is no Slurm here, it refuses the jobs, or its nodes do not see the
                folders.
        """
        if not (queued := list(jobs)):
            return
        for program in ("sbatch", "srun", "squeue", "scontrol"):
            if shutil.which(program) is None:
                raise UsageError(
                    f"--engine=slurm: there is no {program} here; launch from a machine that has "
                    "Slurm's commands."
                )
        folder = make_launch_folder("slurm", folders)
        needed = list_needed(folder, folders)
        submitted = self._submit(self._list_tasks(queued, folder), folder, needed)
        name = submitted[0][0].job_id.partition("_")[0]
        ways = f"squeue --jobs={name} shows it, scancel {name} cancels it; output is in {folder}"
        print(f"Slurm's job {name} is queued: {ways}.", flush=True)
        try:
            yield from _wait(submitted, name, folder)
        except (KeyboardInterrupt, GeneratorExit):
            print(f"Slurm's job {name} goes on: {ways}.", flush=True)
            raise

    def _list_tasks(self, jobs: Sequence[Job], folder: Path) -> list[Requeued]:
        packs = [tuple(jobs[first : first + self.pack]) for first in range(0, len(jobs), self.pack)]
        return [
            Requeued(number, pack, self.cpus, self.gpus, folder)
            for number, pack in enumerate(packs)
        ]

    def _submit(
        self, tasks: Sequence[Requeued], folder: Path, needed: Sequence[str]
    ) -> list[tuple[Any, Requeued]]:
        """Queue tasks as one array; each with its job of submitit.

        Raises:
            UsageError: Slurm refuses them.
        """
        import submitit

        executor = submitit.SlurmExecutor(folder, max_num_timeout=TIMEOUTS)
        executor.update_parameters(**self._describe_jobs(len(tasks), needed))
        try:
            # submitit prints what it raises.
            with contextlib.redirect_stderr(io.StringIO()), executor.batch():
                submitted = [executor.submit(task) for task in tasks]
        except (submitit.core.utils.FailedJobError, subprocess.SubprocessError, OSError) as error:
            lines = [line for line in str(error).splitlines() if line.startswith("sbatch: ")]
            reason = "; ".join(lines) or error
            raise UsageError(f"Slurm refuses the jobs: {join_lines(reason)}") from error
        return list(zip(submitted, tasks, strict=True))

    def _describe_jobs(self, count: int, needed: Sequence[str]) -> dict[str, Any]:
        """What is asked for, as submitit has it."""
        cpus = self.cpus * self.pack
        return {
            "job_name": "disentgen",
            "time": max(1, math.ceil(60 * self.hours)),
            "ntasks_per_node": 1,
            "cpus_per_task": cpus,
            "array_parallelism": self.at_once or count,
            "stderr_to_stdout": True,
            "additional_parameters": {"requeue": True},
            "setup": _describe_setup(needed),
            "srun_args": [f"--cpus-per-task={cpus}"],  # which a step of a job does not inherit
            **({"gpus_per_node": math.ceil(self.gpus * self.pack)} if self.gpus else {}),
        }


def _describe_setup(needed: Sequence[str]) -> list[str]:
    """What a job does first, as lines of a shell: it ends where it does not see what is needed."""
    exports = [f"export {name}={shlex.quote(value)}"
               for name, value in describe_environment().items()]  # fmt: skip
    unseen = f'{{ echo "{UNSEEN} $(hostname): $path"; exit 1; }}'
    looks = f'for path in {shlex.join(needed)}; do test -e "$path" || {unseen}; done'
    return [*exports, looks, f"cd {shlex.quote(str(SCRIPTS))}"]


def _wait(
    submitted: Sequence[tuple[Any, Requeued]], name: str, folder: Path
) -> Iterator[tuple[Job, Ended]]:
    """Yield runs as their jobs end."""
    waiting, missed = list(submitted), dict[str, int]()
    while waiting:
        queued = _list_queued()
        for one in list(waiting):
            job, task = one
            is_missing = queued is not None and job.job_id not in queued
            missed[job.job_id] = missed.get(job.job_id, 0) + 1 if is_missing else 0
            if job.paths.result_pickle.exists() or missed[job.job_id] >= LOOKS:
                waiting.remove(one)
                yield from zip(task.jobs, _read_end(job, task, name, folder), strict=True)
        if waiting:
            time.sleep(PAUSE)


@cache
def _warn_of_silence(text: str) -> None:
    warn(f"Slurm does not answer: {text}")


def _list_queued() -> set[str] | None:
    """The jobs that Slurm has in its queue, running or not; None where it does not answer."""
    command = ["squeue", "--me", "--array", "--noheader", "--format=%i"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if asked.returncode:
        _warn_of_silence(join_lines(asked.stderr))
        return None
    return set(asked.stdout.split())


def _read_end(job: Any, task: Requeued, name: str, folder: Path) -> list[Ended]:
    """How the runs of a job have ended that is not in the queue any more.

    Raises:
        UsageError: its node does not see the folders.
    """
    if job.paths.result_pickle.exists() and job.exception() is None:
        ended: list[Ended] = job.result()
        return ended
    log = job.paths.stdout
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    unseen = [line for line in lines if line.startswith(UNSEEN)]
    if not log.exists() and not _is_cancelled(name):
        unseen = [f"{UNSEEN} a node: {folder}"]
    if unseen:
        subprocess.run(["scancel", name], check=False)
        raise UsageError(
            f"runs, checkout and interpreter must be under the same paths on all nodes of Slurm: "
            f"{unseen[-1]}."
        )
    last = lines[-1] if lines else "nothing is there"
    return [Ended(1, f"error: Slurm has ended job {job.job_id}, see {log}: {last}\n")] * len(
        task.jobs
    )


def _is_cancelled(name: str) -> bool:
    """Whether jobs of an array were cancelled; Slurm forgets the numbers of those not begun."""
    asked = subprocess.run(
        ["scontrol", "show", "job", name], capture_output=True, text=True, check=False
    )
    return "JobState=CANCELLED" in asked.stdout


#: Of a job; at most a year.
hours = above_zero(8784, "a number of hours")
PACK = Option("--pack", job_count, "runs that a job makes beside each other; 1", default=1)
HOURS = Option("--hours", hours, "of a job, which goes on in another when they are up; 12", 12.0)
AT_ONCE = Option("--at-once", positive, "jobs that run at the same time; no limit")

ENGINE = Engine(
    (CPUS, GPUS, PACK, HOURS, AT_ONCE),
    lambda given: SlurmWorkers(given.cpus, given.gpus, given.pack, given.hours, given.at_once),
    package="submitit",
    extra="slurm",
)
