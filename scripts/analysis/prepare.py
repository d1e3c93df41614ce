"""``python -m analysis.prepare``: what ``analysis.report --engine`` hands out."""

import os

from disentgen.analysis.options import add_images
from disentgen.command_line import (
    CommandParser,
    add_plugin_option,
    file_path,
    job_count,
    plain_errors,
)
from disentgen.streams import run_command
from interrupts import interrupt_on_signals


def build_parser() -> CommandParser:
    """The options of the command line."""
    parser = CommandParser(
        prog="python -m analysis.prepare",
        description="Measure and draw what a report lacks of some runs: what analysis.report "
        "--engine hands out.",
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", type=file_path, help="a run's folder")
    parser.add_argument("--report", type=file_path, required=True, help="the report's folder")
    parser.add_argument("--results", type=file_path, required=True, help="folder of what it reads")
    parser.add_argument("--jobs", type=job_count, default=1, help="processes (1)")
    add_images(parser)
    add_plugin_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    given = build_parser().parse_args(arguments)
    interrupt_on_signals()
    with plain_errors():
        # Each process measures on one thread; NumPy reads this when it is loaded.
        os.environ["OMP_NUM_THREADS"] = "1"
        from disentgen.report.prepare import prepare_runs

        prepare_runs(given)


if __name__ == "__main__":
    run_command(main)
