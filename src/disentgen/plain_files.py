"""JSON files of a run, read as plain data of a declared shape.

A file that is not there is None; one that is damaged, or of another shape, is an error that names
the file and the first thing that is wrong with it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from disentgen.errors import DataFileError
from disentgen.files import read_regular
from disentgen.text import join_lines

#: Lists and dictionaries inside each other, and values in one file: far more than a run has.
DEPTH, VALUES = 50, 200_000
#: A number beyond this is none that a run has written.
LARGEST = 2**64


def read_saved(path: Path, shape: type[BaseModel]) -> dict[str, Any] | None:
    """The content of a JSON file of a run as plain data; None where there is none.

    Args:
        path: of the file.
        shape: that the content has; what it does not name is accepted.

    Raises:
        DataFileError: the file cannot be read, is damaged, or has another shape.
    """
    content = read_regular(path)
    return None if content is None else parse_saved(path, content, shape)


def parse_saved(path: Path, content: bytes, shape: type[BaseModel]) -> dict[str, Any]:
    """The content of a JSON file as plain data.

    Args:
        path: of the file, for messages.
        content: of the file.
        shape: that it must have.

    Raises:
        DataFileError: it is damaged, or has another shape.
    """
    try:
        plain = json.loads(content.decode("utf-8"))
        for value in _walk(plain):
            _check_value(value)
        shape.model_validate(plain)
    except ValidationError as error:
        raise DataFileError(f"{path} is damaged: {describe_problem(error)}.") from error
    except RecursionError as error:
        raise DataFileError(f"{path} is damaged: it is nested too deeply.") from error
    except ValueError as error:
        raise DataFileError(f"{path} is damaged: {join_lines(error)}.") from error
    content_of: dict[str, Any] = plain
    return content_of


def describe_problem(error: ValidationError) -> str:
    """The first thing that is wrong with plain data, and where it stands."""
    problem = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, problem["loc"]))
    message = problem["msg"][0].lower() + problem["msg"][1:]
    return join_lines(f"{place}: {message}" if place else message)


def _walk(plain: Any) -> Iterator[Any]:
    """All keys and values of plain data, however deep.

    Raises:
        RecursionError: it is deeper than what a run writes.
        ValueError: it is more.
    """
    waiting, count = [(plain, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > DEPTH:
            raise RecursionError
        if count > VALUES:
            raise ValueError(f"it has more than {VALUES:,} values")
        yield value
        if isinstance(value, dict):
            waiting += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, list):
            waiting += [(part, depth + 1) for part in value]


def _check_value(value: Any) -> None:
    if isinstance(value, int) and abs(value) >= LARGEST:
        raise ValueError("a number in it is too large")
    if isinstance(value, str) and not value.isascii():
        value.encode("utf-8")  # half a character is an error
