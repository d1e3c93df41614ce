"""What measurements come to, and the machine that they were taken on."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from disentgen.cores import available_threads
from disentgen.training.machine import lacks_bf16
from ratios import Spread, compare
from setting import Figures
from turns import Measurement, Program

Turns = dict[str, list[Measurement]]


@dataclass(frozen=True)
class Result:
    """What the turns of a program come to.

    Args:
        threads: of each of its processes.
        copies: processes at once.
        figures: medians, images/s or seconds among them.
        range: of images/s or seconds, over rounds.
        ratios: to those of its references that were measured, by their names.
        others: the largest share of the machine that other processes used.
        disturbed: turns during which that was more than it may be.
        peak: the most memory that a process held, in MB.
        turns: the measurements.
    """

    threads: int
    copies: int
    figures: Figures
    range: Spread
    ratios: dict[str, Spread]
    others: float
    disturbed: int
    peak: float
    turns: list[Measurement]


def list_values(turns: Sequence[Measurement]) -> list[float]:
    """Images/s of each turn; of a program that has none, seconds."""
    return [next(iter(taken.figures.values())) for taken in turns]


def summarise(program: Program, turns: Turns) -> Result:
    """What the turns of a program come to.

    Args:
        program: that was measured.
        turns: of all programs.
    """
    own = turns[program.name]
    values = list_values(own)
    return Result(
        program.setting.threads,
        program.copies,
        {key: statistics.median(taken.figures[key] for taken in own) for key in own[0].figures},
        Spread.of(values),
        {
            name: compare(values, list_values(turns[name]))
            for name in program.references
            if name in turns
        },
        max(taken.others for taken in own),
        sum(taken.is_disturbed for taken in own),
        max(taken.peak for taken in own),
        own,
    )


def describe_machine() -> dict[str, Any]:
    """What the figures are measured on."""
    lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    facts = {key.strip(): value.strip() for key, _, value in lines}
    flags = facts.get("flags", "").split()
    return {
        "cpu": facts.get("model name", platform.processor()),
        "cores": available_threads(),
        "bf16": not lacks_bf16(torch.device("cpu")),
        "bf16_instructions": [name for name in ("avx512_bf16", "amx_bf16") if name in flags],
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy", "pytorch-ignite")},
        "load_before": os.getloadavg()[0],
    }
