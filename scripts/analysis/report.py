"""``python -m analysis.report``: tables, figures and a page about all runs."""

from functools import partial

from disentgen.analysis.options import add_arguments
from disentgen.command_line import CommandParser, file_path, plain_errors
from disentgen.cores import available_threads
from disentgen.paths import data_folder
from disentgen.streams import run_command
from engines import add_options, check_options, engines, open_engine
from interrupts import interrupt_on_signals


def build_parser() -> CommandParser:
    """The options of the command line."""
    parser = CommandParser(
        prog="python -m analysis.report", description="Tables, figures and pages about all runs."
    )
    add_arguments(parser)
    parser.add_argument("--output", type=file_path, help="results/report in the data folder")
    parser.add_argument(
        "--single-file",
        action="store_true",
        help="one page, report.html, that holds everything, to send to somebody",
    )
    parser.add_argument(
        "--engine",
        help=f"measures and draws, one of {', '.join(engines())}; by default this command does",
    )
    add_options(parser, without=["--jobs", "--gpus"])  # models are evaluated on CPUs
    parser.set_defaults(jobs=None)
    return parser


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    given, cores = build_parser().parse_args(arguments), available_threads()
    with plain_errors():
        # They take seconds to import, which the help does not wait for.
        from analysis.handing_out import prepare_by
        from disentgen.report.page import make_report, prepare_here

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
