"""``python -m analysis.report``: tables, figures and a page about all runs."""

from functools import partial

from analysis.handing_out import prepare_by
from disentgen.command_line import plain_errors
from disentgen.paths import data_folder
from disentgen.report.page import build_parser, make_report, prepare_here
from disentgen.streams import run_command
from disentgen.training.machine import available_threads
from engines import add_options, check_options, engines, open_engine
from interrupts import interrupt_on_signals


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser, cores = build_parser(), available_threads()
    parser.add_argument(
        "--engine",
        help=f"measures and draws, one of {', '.join(engines())}; by default this command does",
    )
    add_options(parser, own=["--jobs"])
    parser.set_defaults(jobs=None)
    given = parser.parse_args(arguments)
    with plain_errors():
        prepare = prepare_here
        if given.engine is None:
            check_options("local", given)
        else:
            interrupt_on_signals()
            workers = open_engine(given.engine, given, jobs=cores)
            root = given.root or data_folder() / "sims"
            prepare = partial(prepare_by, workers, root=root, cpus=given.cpus or 1)
        given.jobs = given.jobs or cores
        make_report(given, prepare)


if __name__ == "__main__":
    run_command(main)
