"""``python -m analysis.report``: tables, figures and a page about all runs."""

from disentgen.analysis.options import add_arguments
from disentgen.command_line import CommandParser, file_path, plain_errors
from disentgen.streams import run_command


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
    return parser


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    given = build_parser().parse_args(arguments)
    with plain_errors():
        from disentgen.report.page import make_report  # takes seconds, which the help does not wait

        make_report(given)


if __name__ == "__main__":
    run_command(main)
