"""``python -m disentgen.dataset list|download|export|show|splits|duplicates``: data and splits."""

import argparse
from collections.abc import Sequence
from typing import Any

from disentgen.command_line import (
    CommandParser,
    add_plugin_option,
    file_path,
    plain_errors,
)
from disentgen.dataset.build import build_dataset
from disentgen.dataset.originals.download import download
from disentgen.dataset.originals.export import export_stand_in
from disentgen.dataset.originals.find import check_root
from disentgen.dataset.spec import find_spec, load_specs
from disentgen.dataset.summary import describe_dataset, list_datasets
from disentgen.paths import data_folder
from disentgen.streams import run_command


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    given = make_parser().parse_args(arguments)
    with plain_errors():
        given.act(given)


def make_parser() -> CommandParser:
    """The commands and what they take."""
    plugins = CommandParser(add_help=False)
    add_plugin_option(plugins)
    root = _take("--root", help="folder of raw data (default: raw in the data folder)")
    name = _take("name", help=", ".join(load_specs()))
    name.add_argument("--version", help="of a dataset that has several")
    source = _take("--source", default="auto", choices=["auto", "original", "stand-in"])
    file = _take("file", type=file_path)
    output = _take("--output", type=file_path, help="picture to write (default: in data/results)")
    parser = CommandParser(prog="python -m disentgen.dataset", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, act, parents, text in (
        ("list", list_all, [root], "all datasets, and what is there"),
        ("download", fetch_one, [name, root], "fetch and verify a published file"),
        ("export", export, [name, file], "write the stand-in in the published file's format"),
        (
            "show",
            show_factors,
            [name, root, source, output],
            "describe a dataset, draw each factor varied alone",
        ),
        ("splits", print_splits, [], "all splits with a name: images, hashes, what is new"),
        ("duplicates", compare_images, [name, root, source], "compare all images, once"),
    ):
        commands.add_parser(command, parents=[plugins, *parents], help=text).set_defaults(act=act)
    return parser


def _take(argument: str, **options: Any) -> CommandParser:
    """A parser of one argument, for commands to inherit."""
    parent = CommandParser(add_help=False)
    parent.add_argument(argument, **options)
    return parent


def list_all(given: argparse.Namespace) -> None:
    """Print a table of all datasets."""
    check_root(given.root)
    print(list_datasets(given.root))


def fetch_one(given: argparse.Namespace) -> None:
    """Download a published file."""
    spec = find_spec(given.name, given.version)
    spec.require_file("download")
    licence = spec.original.licence or "licence not known"
    print(f"{spec.title} ({licence}) is at {download(spec, given.root)}")


def export(given: argparse.Namespace) -> None:
    """Write a stand-in as a file."""
    spec = find_spec(given.name, given.version)
    spec.require_file("stand-in of it")
    export_stand_in(spec, given.file)
    print(f"wrote the {spec.title} stand-in to {given.file}")


def show_factors(given: argparse.Namespace) -> None:
    """Print what is known of a dataset, and draw a contact sheet of its factors."""
    from disentgen.dataset.pictures import save_factors  # matplotlib takes its time to start

    check_root(given.root)
    dataset = build_dataset(given.name, given.version, given.root, given.source)
    name = "-".join(filter(None, ("factors", dataset.spec.name, dataset.spec.version)))
    path = given.output or data_folder() / "results" / f"{name}.png"
    picture = save_factors(dataset, path)
    print(f"{describe_dataset(dataset)}\npicture: {picture}")


def print_splits(given: argparse.Namespace) -> None:
    """Print a table of all splits with a name."""
    from disentgen.dataset.split_list import list_splits

    print(list_splits())


def compare_images(given: argparse.Namespace) -> None:
    """Find identical images, as the first run on a dataset else does at its end."""
    from disentgen.dataset.duplicates import find_duplicates, locate_duplicates  # torch, likewise

    check_root(given.root)
    dataset = build_dataset(given.name, given.version, given.root, given.source)
    first = find_duplicates(dataset)
    repeated = int((first != range(len(first))).sum())
    print(
        f"{dataset.label}: {repeated:,} of {len(first):,} images are identical to an earlier one\n"
        f"kept in {locate_duplicates(dataset)}"
    )


if __name__ == "__main__":
    run_command(main)
