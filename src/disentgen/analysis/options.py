"""The options that all commands over runs share: which runs, and how to measure them."""

import argparse
from collections.abc import Sequence
from typing import Any

from disentgen.command_line import add_plugin_option, file_path, job_count, positive
from disentgen.cores import available_threads
from disentgen.errors import UsageError
from disentgen.plain_settings import parse_value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that all commands over runs share: which runs, and how to measure them."""
    add_choice_of_runs(parser)
    add_plugin_option(parser)
    parser.add_argument(
        "--jobs",
        type=job_count,
        default=available_threads(),
        help="processes (default: one for a core)",
    )
    add_images(parser)


def add_images(parser: argparse.ArgumentParser) -> None:
    """Add the option that says on how many images everything is measured."""
    parser.add_argument(
        "--images",
        type=positive,
        help="images of each side to measure everything on; by default each measurement's own "
        "number",
    )


def add_choice_of_runs(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which runs are meant."""
    parser.add_argument("--root", type=file_path, help="folder of runs; sims in the data folder")
    parser.add_argument(
        "--where",
        type=read_filter,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="only runs with this value of a key of the configuration, such as "
        "dataset.variant=shape2tx, or one of several: seed=1,2; may be given several times",
    )
    parser.add_argument(
        "--experiment",
        action="append",
        default=[],
        help="only runs of this experiment, such as disent; may be given several times",
    )


def read_filter(text: str) -> tuple[str, list[Any]]:
    """A key with dots and the values that it may have, of a word ``key=value,value``.

    A value stands in the list as it is written and as the number or word that it may mean; so does
    the whole text, since expressions hold commas too.

    Raises:
        ArgumentTypeError: there is no key, or no value, or one that is nested too deeply.
    """
    key, _, values = text.partition("=")
    if not key.strip() or not values.strip():
        raise argparse.ArgumentTypeError(
            f"'{text}' is no KEY=VALUE, such as dataset.variant=shape2tx or seed=1,2"
        )
    accepted: list[Any] = []
    for word in dict.fromkeys([values.strip(), *map(str.strip, values.split(","))]):
        accepted.append(word)
        spelled = word.capitalize() if word.islower() else word
        try:
            value = parse_value(key.strip(), spelled)
        except UsageError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        if value != spelled:
            accepted.append(value)
    return key.strip(), accepted


def join_filters(
    where: Sequence[tuple[str, list[Any]]], experiments: Sequence[str]
) -> dict[str, list[Any]]:
    """Filters of :func:`~disentgen.runs.find_runs`; a key given twice has any of its values.

    Args:
        where: of :func:`read_filter`.
        experiments: by name.
    """
    filters: dict[str, list[Any]] = {"experiment": list(experiments)} if experiments else {}
    for key, values in where:
        filters.setdefault(key, []).extend(values)
    return filters
