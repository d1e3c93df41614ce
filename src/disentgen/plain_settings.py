"""Settings as they are given, in words ``key=value`` or from Python: read as plain data only.

Nothing that is given is ever turned into an object, whatever it says.
"""

import ast
import warnings
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from disentgen.errors import UsageError
from disentgen.schema import merge
from disentgen.text import make_visible, shorten

#: Limits of what is given together: values, sections and lists inside each other, characters of a
#: word, and whole numbers, which beyond 64 bits fit into no setting.
MAXIMUM_VALUES, MAXIMUM_DEPTH, MAXIMUM_LENGTH = 100_000, 20, 100_000
NUMBERS = range(-(2**63), 2**63)


def read_words(words: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The words that stand after ``with`` on a command line.

    Args:
        words: each ``key=value``, or the name of a named configuration or of a file of settings.

    Returns:
        Settings, nested, later words before earlier ones; and the names in order.

    Raises:
        UsageError: a key is no name, or a value no plain data.
    """
    settings: dict[str, Any] = {}
    names = []
    for word in words:
        key, sign, value = word.partition("=")
        if sign:
            settings = merge(settings, nest({key.strip(): parse_value(key, value.strip())}))
        elif word:
            names.append(word)
    return settings, names


def parse_value(key: str, text: str) -> Any:
    """A value as Python writes it; what is none stays text.

    Args:
        key: that it is for, for messages.
        text: of the value.

    Raises:
        UsageError: it is too long, or nested too deeply.
    """
    if len(text) > MAXIMUM_LENGTH:
        raise UsageError(
            f"{_name(key)}: a value of {len(text):,} characters; at most {MAXIMUM_LENGTH:,} are "
            "read."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of text that looks like Python
            return ast.literal_eval(text)
    except (RecursionError, MemoryError):
        raise UsageError(
            f"{_name(key)}: a value of {len(text):,} characters, nested too deeply."
        ) from None
    except (ValueError, SyntaxError, TypeError):
        return text


def nest(given: Mapping[Any, Any], source: str = "") -> dict[str, Any]:
    """Settings as nested plain data, whose keys with dots have become sections.

    Args:
        given: settings, nested or with dots.
        source: where they stand, for messages, such as the path of a file.

    Raises:
        UsageError: a key is no name, a value no plain data, or there is too much of it.
    """
    where = f"{make_visible(source)}: " if source else ""
    return _Reader(where).read_section("", given, 0)


class _Reader:
    """Copies plain data within the limits; anything else is refused.

    Args:
        where: begins messages.
    """

    def __init__(self, where: str):
        self.where = where
        self.count = 0

    def read_section(self, place: str, given: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        section: dict[str, Any] = {}
        for key, value in given.items():
            *outer, name = self._split(place, key)
            inner = ".".join(filter(None, (place, *outer, name)))
            read = self._read(inner, value, depth + len(outer) + 1)
            target = section
            for part in outer:
                if not isinstance(target.get(part), dict):
                    target[part] = {}
                target = target[part]
            both = isinstance(read, dict) and isinstance(target.get(name), dict)
            target[name] = merge(target[name], read) if both else read
        return section

    def _split(self, place: str, key: Any) -> Iterator[str]:
        """The names in a key: words as Python has them, which parameters are called by."""
        for name in key.split(".") if isinstance(key, str) else (None,):
            if name is None or not name.isidentifier():
                inside = f" in '{place}'" if place else ""
                raise UsageError(
                    f"{self.where}{shorten(repr(key))}{inside} is no key; keys are names, joined "
                    "by dots, such as training.lr."
                )
            yield name

    def _read(self, place: str, value: Any, depth: int) -> Any:
        self.count += 1
        if self.count > MAXIMUM_VALUES:
            raise UsageError(f"{self.where}more than {MAXIMUM_VALUES:,} values are given.")
        if depth > MAXIMUM_DEPTH:
            raise UsageError(f"{self.where}{_name(place)} is nested too deeply.")
        if isinstance(value, Mapping):
            return self.read_section(place, value, depth)
        if isinstance(value, list | tuple):
            return [self._read(place, part, depth + 1) for part in value]
        return self._read_single(place, value)

    def _read_single(self, place: str, value: Any) -> Any:
        match value:
            case None | bool():
                return value
            case str():
                return self._read_text(place, str(value))
            case Integral():
                return self._read_number(place, int(value))
            case Real():
                return float(value)
        raise UsageError(
            f"{self.where}{_name(place)}: {shorten(repr(value))} is of type "
            f"'{type(value).__name__}'; a value is a number, text, True, False, None, a list or a "
            "section. Text that looks like something else stands in quotes of its own."
        )

    def _read_number(self, place: str, value: int) -> int:
        if value not in NUMBERS:
            raise UsageError(
                f"{self.where}{_name(place)}: a whole number of {value.bit_length():,} bits; no "
                "setting takes one beyond 64."
            )
        return value

    def _read_text(self, place: str, value: str) -> str:
        if make_visible(value, keep="\n\t") != value:
            raise UsageError(
                f"{self.where}{_name(place)}: {shorten(repr(value))} holds characters that "
                "cannot be shown."
            )
        return value


def _name(place: str) -> str:
    return shorten(make_visible(place))
