"""Runs by Ray, on this machine or a cluster; those of a lost worker go on elsewhere."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from disentgen.errors import UsageError, warn
from disentgen.text import join_lines, shorten
from engines import Ended, Engine, Job, Option
from engines.local import PAUSE
from engines.remote import (
    CPUS,
    GPUS,
    Task,
    describe_environment,
    launch_folder,
    list_needed,
)
from interrupts import interrupt_on_signals

#: A Ray of this machine alone is started so often: on a busy machine its parts may lose each other.
STARTS = 3
#: How often a run goes on elsewhere.
RETRIES = 8
#: Seconds for an address to answer, for a node to be checked, and for runs to end.
ANSWER, CHECK, END = 5.0, 120.0, 60.0
#: Ray sends its token to an address that is named only where it is asked to.
AUTHENTICATION = "RAY_AUTH_MODE"
TOKENS = f". If it asks for tokens, set {AUTHENTICATION}=token."


class RayWorkers:
    """Workers of Ray.

    Args:
        address: of a cluster; None is ``RAY_ADDRESS``, without which a Ray of this machine starts.
        cpus: of each run.
        gpus: of each run.
    """

    def __init__(self, address: str | None, cpus: int, gpus: float):
        self.address = address or os.environ.get("RAY_ADDRESS")
        self.cpus = cpus
        self.gpus = gpus

    def run(self, jobs: Iterable[Job], folders: Sequence[Path] = ()) -> Iterator[tuple[Job, Ended]]:
        """Make runs; all are queued at once.

        Args:
            jobs: see :class:`~engines.Workers`.
            folders: see :class:`~engines.Workers`.

        Raises:
            UsageError: the cluster cannot be reached, does not start, has no place for a run, or
                has a machine that does not see the folders.
        """
        if not (queued := list(jobs)):
            return
        with launch_folder("ray", folders) as folder, _connect(self.address):
            self._check_nodes(list_needed(folder, folders))
            yield from self._run(queued, folder)

    def _run(self, jobs: list[Job], folder: Path) -> Iterator[tuple[Job, Ended]]:
        import ray

        make = ray.remote(
            num_cpus=self.cpus,
            num_gpus=self.gpus,
            max_calls=1,
            max_retries=RETRIES,
            runtime_env={"env_vars": describe_environment()},
        )(_make)
        tasks = {
            make.remote(Task(number, (job,), self.cpus, self.gpus, folder)): job
            for number, job in enumerate(jobs)
        }
        # Ray's own way to wait makes a plain Ctrl-C of every interruption.
        waiting = {task.future(): (task, job) for task, job in tasks.items()}
        try:
            while waiting:
                for ended in wait(waiting, PAUSE, return_when=FIRST_COMPLETED).done:
                    yield waiting.pop(ended)[1], _read_end(ended)
        except BaseException:
            for task, _ in waiting.values():
                ray.cancel(task)
            wait(waiting, END)
            raise

    def _check_nodes(self, needed: Sequence[str]) -> None:
        """Check that runs fit on the machines, and that these see the paths that are needed."""
        import ray

        nodes = [node for node in ray.nodes() if node["Alive"]]
        resources = [node["Resources"] for node in nodes]
        fits = [self.cpus <= of.get("CPU", 0) and self.gpus <= of.get("GPU", 0) for of in resources]
        if self.address is None and not any(fits):
            given = f"--cpus={self.cpus}" + f" --gpus={self.gpus:g}" * (self.gpus > 0)
            there = f"{resources[0].get('CPU', 0):g} CPUs and {resources[0].get('GPU', 0):g} GPUs"
            raise UsageError(f"{given}: this machine has {there}.")
        for node, unseen in _find_unseen([node["NodeID"] for node in nodes], needed).items():
            name = next(one["NodeManagerHostname"] for one in nodes if one["NodeID"] == node)
            if unseen:
                raise UsageError(
                    f"{name}, a machine of the Ray cluster, does not see {', '.join(unseen)}: "
                    "runs, checkout and interpreter must be under the same paths on all of them."
                )


def _make(task: Task) -> list[Ended]:
    """What a worker does."""
    # Ray ends a task as Ctrl-C does, which nohup, say, had its workers ignore.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return task()


def _find_unseen(nodes: Sequence[str], paths: Sequence[str]) -> dict[str, list[str]]:
    """Which of some paths are not there, by node."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # Unlike a function of this module it goes to workers as it is, even those without a checkout.
    look = ray.remote(lambda: [path for path in paths if not os.path.exists(path)])  # noqa: PTH110
    looks = {
        node: look.options(
            num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)
        ).remote()
        for node in nodes
    }
    try:
        return {node: ray.get(answer, timeout=CHECK) for node, answer in looks.items()}
    except ray.exceptions.RayError as error:
        raise UsageError(f"the Ray cluster does not work: {_shorten(error)}") from error


def _read_end(ended: Future[list[Ended]]) -> Ended:
    """How a task has ended that makes one run.

    Raises:
        UsageError: its machine, which has come later than the others, does not see the folders.
    """
    import ray

    try:
        (one,) = ended.result()
    except ray.exceptions.RayTaskError as error:
        raise UsageError(
            f"a machine of the Ray cluster cannot make runs: {_shorten(error)}"
        ) from error
    except ray.exceptions.RayError as error:  # lost too often
        return Ended(1, f"error: Ray has lost its worker: {_shorten(error)}\n")
    return one


@contextlib.contextmanager
def _connect(address: str | None) -> Iterator[None]:
    """Connect to Ray, or start one; it has ended when the block is left."""
    import ray

    _check_address(address)
    try:
        for start in range(1, STARTS + 1):
            problem = _try_to_connect(address)
            if problem is None:
                break
            if address is not None:
                hint = "" if AUTHENTICATION in os.environ else TOKENS
                raise UsageError(
                    f"--address={address}: Ray cannot be reached there: {problem}{hint}"
                )
            if start == STARTS:
                raise UsageError(f"Ray did not start, {STARTS} times: {problem}")
            warn(f"Ray did not start, attempt {start} of {STARTS}: {problem}")
        interrupt_on_signals()  # Ray has put a handler of its own there
        yield
    finally:
        ray.shutdown()


def _try_to_connect(address: str | None) -> str | None:
    """Why Ray was not reached, or did not start; None if all is well."""
    import ray

    options: dict[str, Any] = {} if address else {"include_dashboard": False}
    try:
        ray.init(address or "local", log_to_driver=False, logging_level="ERROR", **options)
    except Exception as error:
        ray.shutdown()
        return _shorten(error)
    return None


def _check_address(address: str | None) -> None:
    """Check that something listens at an address: Ray itself takes minutes to give up.

    Raises:
        UsageError: nothing does.
    """
    if address in (None, "auto", "local"):
        return
    try:
        parts = urlsplit(address if "://" in address else f"ray://{address}")
        with socket.create_connection((parts.hostname or "", parts.port or 10001), ANSWER):
            return
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--address={address}: no Ray cluster answers there: {reason}.") from error


def _shorten(error: BaseException) -> str:
    """What an error of Ray says, in a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    cause = getattr(error, "cause", None)
    return shorten(join_lines(str(cause) if cause else " ".join(lines[:2]) or repr(error)), 300)


ADDRESS = Option(
    "--address", str, "of a Ray cluster, such as host:6379; by default one starts here"
)

ENGINE = Engine(
    (ADDRESS, CPUS, GPUS),
    lambda given: RayWorkers(given.address, given.cpus, given.gpus),
    package="ray",
    extra="ray",
)
