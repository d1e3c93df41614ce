"""Processes on this machine, so many at a time; its GPUs share them evenly."""

import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from subprocess import DEVNULL, PIPE

from disentgen.command_line import job_count
from engines import Ended, Engine, Job, Option
from engines.children import Children

#: What a queue sends to all processes of a job before its time is up, for the one that cares for
#: the job. Runs do not know it, and would die of it.
NOT_FOR_RUNS = (signal.SIGUSR1, signal.SIGUSR2)
#: Seconds after which an interruption is seen that does not end a wait by itself.
PAUSE = 1.0


class Local:
    """Processes of this machine.

    Args:
        jobs: how many run beside each other.
        devices: names of GPUs, as CUDA_VISIBLE_DEVICES has them.
        threads: of each run. By default one takes those that it says itself, and prints to the
            terminal; of several each takes one (two processes of two threads on two cores hinder
            each other). Where they are given, printing is kept in the run's folder alone.
    """

    def __init__(self, jobs: int, devices: tuple[str, ...] = (), threads: int | None = None):
        self.jobs = jobs
        self.devices = devices
        self.threads = threads if jobs == 1 else threads or 1
        self.children = Children()

    def run(self, jobs: Iterable[Job], folders: Sequence[Path] = ()) -> Iterator[tuple[Job, Ended]]:
        """Make runs; no more are begun than there is room for.

        Args:
            jobs: see :class:`~engines.Workers`.
            folders: this machine sees them all.
        """
        waiting, running = iter(jobs), dict[Future[Ended], tuple[Job, str | None]]()
        with ThreadPoolExecutor(self.jobs, initializer=_block_signals) as pool:
            try:
                while True:
                    while len(running) < self.jobs and (job := next(waiting, None)) is not None:
                        taken = [device for _, device in running.values()]
                        device = None if job.device_given else self._choose_device(taken)
                        running[pool.submit(self._call, job, device)] = job, device
                    if not running:
                        return
                    for done in wait(running, PAUSE, return_when=FIRST_COMPLETED).done:
                        yield running.pop(done)[0], done.result()
            except BaseException:
                self.children.interrupt()
                raise

    def _choose_device(self, taken: Sequence[str | None]) -> str | None:
        """The GPU on which the fewest runs are; None if there is none."""
        return min(self.devices, key=taken.count, default=None)

    def _call(self, job: Job, device: str | None) -> Ended:
        environment = dict(os.environ)
        if device is not None:
            environment["CUDA_VISIBLE_DEVICES"] = device
        if self.threads is None:
            return Ended(*self.children.call([sys.executable, *job.words], env=environment))
        command = [sys.executable, *job.take(self.threads)]
        status, printed = self.children.call(command, env=environment, stdout=DEVNULL, stderr=PIPE)
        return Ended(status, printed)


def list_devices() -> tuple[str, ...]:
    """The GPUs that this process may use, by the names that a child process knows them by."""
    import torch

    count = torch.cuda.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = named.split(",") if named is not None else [str(number) for number in range(count)]
    return tuple(name.strip() for name in names[:count])


def _block_signals() -> None:
    """Keep signals from the commands that this thread starts; other threads still get them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, NOT_FOR_RUNS)


JOBS = Option(
    "--jobs", job_count, "runs at a time on this machine, of one thread each; 1", default=1
)

ENGINE = Engine((JOBS,), lambda given: Local(given.jobs, list_devices()))
