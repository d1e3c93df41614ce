"""The suite's speed on a CPU (Linux), as ratios of programs that take turns.

Each program runs alone in processes of its own; each figure is the median over rounds, each ratio
the median of the ratios inside rounds, with the smallest and largest. Absolute figures move with
whatever else a machine does; ratios much less. A turn during which other processes used more than
4 % of the machine is repeated, and marked * if that did not help.

    python benchmarks/cpu.py --output cpu.json      # all programs, five rounds
    python benchmarks/cpu.py --quick                # a few steps of each: only shows that it works
    python benchmarks/cpu.py --only drawing         # programs by parts of their names
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from catalogue import GRADIENTS, choose, list_programs
from image_file import write_image_file
from results import Result, describe_machine, summarise
from setting import Figures
from turns import FORKS, LIMIT, PRELOADED, Pace, measure_undisturbed, take_turns

QUICK = Pace(rounds=1, seconds=0.1, warm_up=1, repeats=0)
#: Images before a program is measured.
WARM_UP = 640

COLUMNS = "{:<50}{:>10}{:>18}  {:>22}  {:<46}{:>7}{:>9}"


def format_table(results: dict[str, Result]) -> str:
    """One line for each program, and one more for each further reference."""
    head = ("program", "images/s", "range", "ratio (range)", "to", "others", "peak MB")
    lines = [COLUMNS.format(*head)]
    for name, result in results.items():
        ratios = [
            (f"{ratio.median:.2f} ({ratio.min:.2f}–{ratio.max:.2f})", reference)
            for reference, ratio in result.ratios.items()
        ]
        first, *further = ratios or [("", "")]
        others = f"{result.others:.0%}{'*' if result.disturbed else ''}"
        numbers = format_range(result)
        lines.append(COLUMNS.format(name, *numbers, *first, others, f"{result.peak:,.0f}"))
        lines += [COLUMNS.format("", "", "", *ratio, "", "") for ratio in further]
    return "\n".join(line.rstrip() for line in lines)


def format_range(result: Result) -> tuple[str, str]:
    """Median and range of images/s, or of seconds."""
    form, unit = ("{:.2f}", " s") if "seconds" in result.figures else ("{:,.0f}", "")
    median, low, high = map(form.format, (result.range.median, result.range.min, result.range.max))
    return f"{median}{unit}", f"{low}–{high}"


def format_notes(results: dict[str, Result], gradients: Figures, machine: dict[str, Any]) -> str:
    """The lines below the table.

    Args:
        results: of all programs.
        gradients: figures of :func:`~programs.run_gradients`; none where they were not compared.
        machine: that all was measured on.
    """
    lines = [
        f"{name}: {result.figures['megabytes_from_disk']:,.1f} MB were read from the disk"
        for name, result in results.items()
        if "megabytes_from_disk" in result.figures
    ]
    if gradients:
        lines.append(
            "{checks:.0f} gradients, bf16 : fp32: cosine {cosine_median:.4f} (smallest "
            "{cosine_min:.4f}), relative error {error_median:.4f} (largest {error_max:.4f})".format(
                **gradients
            )
        )
    if any(result.disturbed for result in results.values()):
        lines.append(f"* others used more than {LIMIT:.0%} of the machine during a turn")
    support = ", ".join(machine["bf16_instructions"]) or ("yes" if machine["bf16"] else "no")
    versions = ", ".join(
        f"{name} {machine[name]}" for name in ("python", "torch", "numpy", "pytorch-ignite")
    )
    lines.append(f"{machine['cpu']}, {machine['cores']} cores, bf16: {support}; {versions}")
    return "\n".join(lines)


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each program (default 5)")
    parser.add_argument("--seconds", type=float, default=8, help="of each turn (default 8)")
    parser.add_argument(
        "--threads", type=int, default=2, help="of a run, and runs of one thread at once (2)"
    )
    parser.add_argument("--repeats", type=int, default=5, help="of a disturbed turn (default 5)")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="parts of names")
    parser.add_argument("--quick", action="store_true", help="one round of a few steps")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write all figures as JSON")
    given = parser.parse_args()
    if given.rounds < 1 or given.threads < 2:
        parser.error("--rounds must be 1 or more, --threads 2 or more")
    return given


def main() -> None:
    """Measure, print a table and write the figures."""
    given, machine = read_arguments(), describe_machine()
    pace = QUICK if given.quick else Pace(given.rounds, given.seconds, WARM_UP, given.repeats)
    programs = choose(list_programs(given.threads), given.only)
    if not programs:
        sys.exit(f"--only {' '.join(given.only)}: no program's name holds that")
    FORKS.set_forkserver_preload(PRELOADED)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DISENTGEN_DATA"] = folder
        if any(program.setting.source == "original" for program in programs):
            write_image_file()
        turns = take_turns(programs, pace, lambda line: print(line, file=sys.stderr, flush=True))
        gradients = {} if given.only else measure_undisturbed(GRADIENTS, pace).figures
    results = {program.name: summarise(program, turns) for program in programs}
    print(format_table(results))
    print(format_notes(results, gradients, machine))
    if given.output:
        report = {
            "machine": machine,
            "pace": asdict(pace),
            "programs": {name: asdict(result) for name, result in results.items()},
            "gradients": gradients,
        }
        given.output.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
