"""Programs take turns, each alone in processes of its own, and others' use of the machine is kept.

Processes are forked from one that has imported the suite and computed nothing, so that none of them
has another one's memory, threads or allocations.
"""

import contextlib
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from meter import Meter, read_peak
from ratios import Usage, compute_share
from setting import Figures, Setting

FORKS = multiprocessing.get_context("forkserver")
#: What the process that others are forked from imports.
PRELOADED = ["disentgen.training.run", "torch.utils.data", "torch._dynamo"]

#: A measurement during which others used more of the machine is repeated.
LIMIT = 0.04


@dataclass(frozen=True)
class Program:
    """What is measured.

    Args:
        name: of it.
        run: fills a window of time with its work, and gives its figures.
        setting: that it works on.
        copies: that run at once.
        beside_busy: whether a process runs beside it that does nothing but compute.
        references: names of programs that it is compared with.
    """

    name: str
    run: Callable[[Setting, Meter], Figures]
    setting: Setting
    copies: int = 1
    beside_busy: bool = False
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pace:
    """How much is measured.

    Args:
        rounds: in which each program has a turn.
        seconds: of a turn, after warming up.
        warm_up: images before that.
        repeats: of a turn that others disturb, at most.
    """

    rounds: int
    seconds: float
    warm_up: int
    repeats: int


@dataclass(frozen=True)
class Measurement:
    """One turn of a program.

    Args:
        figures: those of its copies, added up where they are rates.
        peak: the most memory that one of its processes held, in MB.
        others: the share of the machine that other processes used meanwhile.
        tries: after how many it was taken.
    """

    figures: Figures
    peak: float
    others: float
    tries: int = 1

    @property
    def is_disturbed(self) -> bool:
        """Whether others used more of the machine than they may."""
        return self.others > LIMIT


def take_turns(
    programs: Sequence[Program], pace: Pace, note: Callable[[str], object]
) -> dict[str, list[Measurement]]:
    """Measure programs in rounds: A B C, then C B A, and so on.

    Args:
        programs: each under its own name.
        pace: how much is measured.
        note: is called with a line about each turn.

    Returns:
        The measurements of each program, one for each round.
    """
    turns: dict[str, list[Measurement]] = {program.name: [] for program in programs}
    for number in range(pace.rounds):
        for program in programs if number % 2 == 0 else reversed(programs):
            taken = measure_undisturbed(program, pace)
            turns[program.name].append(taken)
            note(f"round {number + 1} of {pace.rounds}: {program.name}, others {taken.others:.0%}")
    return turns


def measure_undisturbed(program: Program, pace: Pace) -> Measurement:
    """Measure until others leave the machine alone; else take the least disturbed of some tries."""
    tries: list[Measurement] = []
    while len(tries) <= pace.repeats and all(taken.is_disturbed for taken in tries):
        tries.append(measure(program, pace, len(tries) + 1))
    return min(tries, key=lambda taken: taken.others)


def measure(program: Program, pace: Pace, tries: int) -> Measurement:
    """Measure a program once.

    Args:
        program: to measure.
        pace: how long.
        tries: how many there are with this one.
    """
    with contextlib.ExitStack() as stack:
        copies = [stack.enter_context(started(program, pace)) for _ in range(program.copies)]
        pids = [pid for pid, _ in copies]
        if program.beside_busy:
            pids.append(stack.enter_context(spinning()))
        for _, connection in copies:
            connection.recv()
        before = read_usage(pids)
        for _, connection in copies:
            connection.send("begin")
        made: list[tuple[Figures, float]] = [connection.recv() for _, connection in copies]
        after = read_usage(pids)
    figures = [figures for figures, _ in made]
    combine = sum if "images_per_second" in figures[0] else statistics.median
    return Measurement(
        {key: float(combine(each[key] for each in figures)) for key in figures[0]},
        max(peak for _, peak in made),
        compute_share(before, after, count_cores()),
        tries,
    )


@contextlib.contextmanager
def started(program: Program, pace: Pace) -> Iterator[tuple[int, "Connection[Any, Any]"]]:
    """A process of a program: its number, and what it says when it is warm and when it is done."""
    own, other = FORKS.Pipe()
    process = FORKS.Process(target=work, args=(program, pace, other))
    process.start()
    other.close()
    try:
        assert process.pid is not None
        yield process.pid, own
        own.send("end")
        process.join()
    finally:
        process.kill()
        process.join()


def work(program: Program, pace: Pace, connection: "Connection[Any, Any]") -> None:
    """What a program's process does; it ends when its use of the machine has been read."""

    def wait() -> None:
        connection.send("warm")
        connection.recv()

    figures = program.run(program.setting, Meter(wait, pace.warm_up, pace.seconds))
    connection.send((figures, read_peak()))
    connection.recv()


@contextlib.contextmanager
def spinning() -> Iterator[int]:
    """A process that does nothing but compute: its number."""
    process = FORKS.Process(target=spin, args=(os.getpid(),))
    process.start()
    try:
        assert process.pid is not None
        yield process.pid
    finally:
        process.kill()
        process.join()


def spin(parent: int) -> None:
    """Compute as long as a process lives."""
    while Path(f"/proc/{parent}").exists():
        sum(range(1_000_000))


def read_usage(pids: Sequence[int]) -> Usage:
    """How long the machine has worked so far, in all and for some processes.

    What a hypervisor has taken for other machines counts as work for others.
    """
    ticks = os.sysconf("SC_CLK_TCK")
    times = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle, waiting = times[3:5]
    own = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    # Fields 14 and 15 of a process, counted from 1: in user mode and in the kernel.
    used = sum(int(words[11]) + int(words[12]) for words in own)
    return Usage(time.perf_counter(), (sum(times) - idle - waiting) / ticks, used / ticks)


def count_cores() -> int:
    """The cores of the machine, whether this process may use them or not."""
    lines = Path("/proc/stat").read_text().splitlines()
    return sum(line.startswith("cpu") and line[3].isdigit() for line in lines)
