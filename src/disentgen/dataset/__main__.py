"""``python -m disentgen.dataset download|export NAME``: published files and stand-ins."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from disentgen.dataset.files import download, export_stand_in
from disentgen.dataset.spec import find_spec, load_specs
from disentgen.errors import DisentgenError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m disentgen.dataset", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    names = ", ".join(load_specs())

    fetch = commands.add_parser("download", help="fetch and verify a published file")
    fetch.add_argument("name", help=names)
    fetch.add_argument("--root", help="folder of raw data (default: raw in the data folder)")

    write = commands.add_parser("export", help="write the stand-in in the published file's format")
    write.add_argument("name", help=names)
    write.add_argument("file", type=Path)

    given = parser.parse_args(arguments)
    try:
        spec = find_spec(given.name)
        if given.command == "download":
            print(f"{spec.title} ({spec.original.licence}) is at {download(spec, given.root)}")
        else:
            export_stand_in(spec, given.file)
            print(f"wrote the {spec.title} stand-in to {given.file}")
    except DisentgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
