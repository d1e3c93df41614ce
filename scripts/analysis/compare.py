"""``python -m analysis.compare``: runs beside the published tables and claims."""

from disentgen.analysis.options import add_arguments
from disentgen.command_line import CommandParser, file_path, plain_errors
from disentgen.streams import run_command


def build_parser() -> CommandParser:
    """The options of the command line."""
    parser = CommandParser(
        prog="python -m analysis.compare",
        description="Runs beside published studies: their tables and their claims.",
    )
    add_arguments(parser)
    parser.add_argument(
        "--output", type=file_path, help="folder of the tables; results/compare in the data folder"
    )
    return parser


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    given = build_parser().parse_args(arguments)
    with plain_errors():
        from disentgen.report.compare import make_comparison  # takes seconds, likewise

        make_comparison(given)


if __name__ == "__main__":
    run_command(main)
