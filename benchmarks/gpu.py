"""The suite's speed on one NVIDIA GPU (Linux): eager, compiled and captured, alone and shared.

Programs are measured one after the other, each in processes of its own, until the time is up; what
is left out then is named. The figures are written after each, so that a run that is cut short keeps
what it has. Images come from a file as the published one, drawn at the start; resident ones are all
on the GPU before anything is counted. Peaks of GPU memory are what PyTorch has reserved, without
some hundred MB of CUDA's own for each process. How long whole runs take is extrapolated.

    python benchmarks/gpu.py --output gpu.json       # within ten minutes, what must not be left out
    python benchmarks/gpu.py --minutes 40            # all there is
    python benchmarks/gpu.py --only "steady"         # programs by parts of their names
    python benchmarks/gpu.py --device cpu --quick    # a rehearsal: a few small steps of each

The tests that need a GPU, which take some minutes, and then this, in one go:

    python -m pytest -m "" -k gpu tests/training; python benchmarks/gpu.py --output gpu.json
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from catalogue import choose
from disentgen.errors import UsageError
from disentgen.training.machine import choose_device, name_device
from extrapolation import extrapolate
from gpu_catalogue import STEADY, list_programs
from image_file import write_image_file
from results import Result, Turns, describe_machine, summarise
from setting import Setting
from turns import FORKS, PRELOADED, Pace, Program, measure_undisturbed

#: Images before a program is measured.
WARM_UP, QUICK_WARM_UP = 12_800, 768
#: Seconds that a program may take to start and, where it compiles, to do that.
START, COMPILING = 15, 60


@dataclass(frozen=True)
class Plan:
    """What is measured and for how long.

    Args:
        programs: in their order.
        warm_up: images of each before it is measured.
        seconds: of each.
        steady: seconds of those that are measured for longer.
        ends_at: when nothing more is begun that might not be done, by the monotonic clock.
    """

    programs: Sequence[Program]
    warm_up: int
    seconds: float
    steady: float
    ends_at: float

    def pace(self, program: Program) -> Pace:
        """How a program is measured."""
        seconds = self.steady if program.name.endswith(STEADY) else self.seconds
        return Pace(1, seconds, self.warm_up, 0)

    def has_time(self, program: Program) -> bool:
        """Whether a program would be done in time."""
        compiles = program.setting.execution in ("compiled", "graphs")
        needed = self.pace(program).seconds + START + compiles * COMPILING
        return time.monotonic() + needed <= self.ends_at


@dataclass(frozen=True)
class Report:
    """What came of a plan.

    Args:
        results: by program.
        failed: programs whose processes ended in an error, which they have printed.
        left_out: programs for which there was no time.
    """

    results: dict[str, Result]
    failed: list[str]
    left_out: list[str]

    def describe(self, machine: Mapping[str, Any]) -> dict[str, Any]:
        """All figures as plain data.

        Args:
            machine: that they were measured on.
        """
        return {
            "machine": machine,
            "programs": {name: asdict(result) for name, result in self.results.items()},
            "failed": self.failed,
            "left_out": self.left_out,
            "extrapolated_hours": extrapolate(self.results),
        }


def measure_all(plan: Plan) -> Iterable[Report]:
    """Measure program after program, and give all that there is after each."""
    turns: Turns = {}
    report = Report({}, [], [])
    for number, program in enumerate(plan.programs, 1):
        if not plan.has_time(program):
            report.left_out.append(program.name)
            continue
        try:
            turns[program.name] = [measure_undisturbed(program, plan.pace(program))]
            report.results[program.name] = summarise(program, turns)
        except (EOFError, OSError):
            report.failed.append(program.name)
        note = f"{number} of {len(plan.programs)}: {program.name}"
        print(note, *format_numbers(report, program.name), file=sys.stderr, flush=True)
        yield report
    yield report


def format_numbers(report: Report, name: str) -> list[str]:
    """Images/s, µs a step, cores and GPU memory of a program; or that it has failed.

    Args:
        report: that it stands in.
        name: of the program.
    """
    if name in report.failed:
        return ["failed"]
    figures = report.results[name].figures
    rate = figures["images_per_second"]
    return [
        f"{rate:,.0f}", f"{1e6 * figures['step'] / rate:,.0f}", f"{figures['cores']:.2f}",
        f"{figures['gpu_megabytes']:,.0f}",
    ]  # fmt: skip


COLUMNS = "{:<46}{:>10}{:>10}{:>7}{:>10}{:>8}  {:<34}"


def format_table(report: Report) -> str:
    """One line for each program, and one more for each further reference."""
    lines = [COLUMNS.format("program", "images/s", "µs/step", "cores", "GPU MB", "ratio", "to")]
    for name, result in report.results.items():
        ratios = [(f"{ratio.median:.2f}", other) for other, ratio in result.ratios.items()]
        first, *further = ratios or [("", "")]
        lines.append(COLUMNS.format(name, *format_numbers(report, name), *first))
        lines += [COLUMNS.format("", "", "", "", "", *ratio) for ratio in further]
    lines += [f"failed: {name}" for name in report.failed]
    lines += [f"left out, for lack of time: {name}" for name in report.left_out]
    hours = extrapolate(report.results).items()
    lines += [f"extrapolated, not measured: {what}: {time:,.2f} h" for what, time in hours]
    return "\n".join(line.rstrip() for line in lines)


def describe_gpu(device: torch.device) -> dict[str, Any]:
    """The device, and what PyTorch was built for."""
    facts: dict[str, Any] = {"device": name_device(device), "cuda": torch.version.cuda}
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        facts["gpu_megabytes"] = properties.total_memory / 1e6
        facts["capability"] = f"{properties.major}.{properties.minor}"
    return facts


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"), help="(cuda)")
    parser.add_argument("--minutes", type=float, default=9.5, help="for all of it (default 9.5)")
    parser.add_argument("--seconds", type=float, default=3, help="of each program (default 3)")
    parser.add_argument("--steady", type=float, default=60, help="of those named so (default 60)")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="parts of names")
    parser.add_argument("--quick", action="store_true", help="a few steps of small models")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write all figures as JSON")
    return parser.parse_args()


def make_plan(given: argparse.Namespace, begun: float) -> Plan:
    """What the command line asks for.

    Args:
        given: the command line.
        begun: when, by the monotonic clock.
    """
    base = Setting(1, source="original", device=given.device, resident="yes")
    compiled, copies = ["compiled", "graphs"], [2, 4, 8]
    seconds, steady, warm_up = given.seconds, given.steady, WARM_UP
    if given.quick:
        base = replace(base, source="stand-in", architecture="fast")
        compiled, copies = ["traced"], [2]
        seconds, steady, warm_up = 0.05, 0.1, QUICK_WARM_UP
    programs = choose(list_programs(base, compiled, copies), given.only)
    if not programs:
        sys.exit(f"--only {' '.join(given.only)}: no program's name holds that")
    return Plan(programs, warm_up, seconds, steady, begun + 60 * given.minutes)


def main() -> None:
    """Measure, write the figures after each program, and print a table."""
    begun, given = time.monotonic(), read_arguments()
    try:
        machine = {**describe_machine(), **describe_gpu(choose_device(given.device))}
    except UsageError as error:
        sys.exit(f"error: {error}")
    plan = make_plan(given, begun)
    FORKS.set_forkserver_preload([*PRELOADED, "programs"])
    report = Report({}, [], [])
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DISENTGEN_DATA"] = folder
        if not given.quick:
            write_image_file()
        for report in measure_all(plan):
            if given.output:
                text = json.dumps(report.describe(machine), indent=2)
                given.output.write_text(text + "\n", encoding="utf-8")
    print(format_table(report))
    names = ("device", "cpu", "cores", "torch", "cuda")
    print("; ".join(f"{name}: {machine[name]}" for name in names))
    if given.quick:
        print("a rehearsal with small models: its figures say nothing but that all works")


if __name__ == "__main__":
    main()
