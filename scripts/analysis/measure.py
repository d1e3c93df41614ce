"""``python -m analysis.measure NAME RUN…``: one measurement of some runs, kept beside them."""

import json

from disentgen.analysis.options import add_images
from disentgen.command_line import CommandParser, add_plugin_option, plain_errors
from disentgen.streams import run_command


def build_parser() -> CommandParser:
    """The options of the command line."""
    parser = CommandParser(
        prog="python -m analysis.measure",
        description="One measurement of some runs, such as inversion, which takes long and is made "
        "on request alone. It is kept beside each run, and stands in the report's tables then.",
    )
    parser.add_argument("name", metavar="NAME", help="of the measurement, such as inversion")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a path, or a name such as disent/1")
    add_images(parser)
    add_plugin_option(parser)
    return parser


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    given = build_parser().parse_args(arguments)
    with plain_errors():
        from disentgen.analysis.measure import Measurements
        from disentgen.runs import open_run

        for name in given.runs:
            run = open_run(name)
            results = Measurements(run, given.images).get(given.name)
            print(json.dumps({"run": str(run.path), given.name: results}, default=str), flush=True)


if __name__ == "__main__":
    run_command(main)
