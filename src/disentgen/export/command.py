"""``python -m disentgen export RUN FOLDER``."""

from collections.abc import Sequence

from disentgen.command_line import CommandParser, add_plugin_option, file_path, plain_errors
from disentgen.text import make_visible


def main(arguments: Sequence[str] | None = None) -> None:
    """Export the model of a run."""
    parser = CommandParser(
        prog="python -m disentgen export",
        description="Write the model of a run that has ended as safetensors, with its "
        "configuration and a model card; disentgen.load_exported(FOLDER) opens it.",
    )
    parser.add_argument("run", help="a path, or a name such as disent/1, or a number")
    parser.add_argument("folder", type=file_path, help="to write to: a new or empty one")
    add_plugin_option(parser)
    given = parser.parse_args(arguments)
    with plain_errors():
        from disentgen.export.writing import export_run  # takes seconds, which the help need not
        from disentgen.runs import open_run

        print(make_visible(export_run(open_run(given.run), given.folder)))
