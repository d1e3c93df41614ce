"""Files of settings, in JSON or YAML, which may come from anybody: read as plain data only.

No tag, no key makes an object, nothing is expanded beyond bounds, and only regular files of
bounded size are opened.
"""

import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from disentgen.errors import UsageError
from disentgen.plain_settings import MAXIMUM_DEPTH, nest
from disentgen.text import join_lines

#: Bytes that a file of settings may have; those of runs have a hundredth of it.
MAXIMUM_BYTES = 300_000

#: Written in C where PyYAML has it: twenty times as fast.
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_settings_file(path: str | Path) -> dict[str, Any]:
    """The settings in a file, nested.

    Args:
        path: of a ``.json``, ``.yaml`` or ``.yml`` file that holds a mapping; its keys may have
            dots.

    Raises:
        UsageError: there is no such file, it cannot be read, or it holds something else.
    """
    kind = Path(path).suffix.lower()
    if kind not in READERS:
        raise UsageError(
            f"{join_lines(path)}: files of settings end in {', '.join(READERS)}; given: "
            f"'{join_lines(kind)}'."
        )
    text = _read_text(path)
    try:
        content = READERS[kind](text)
    except yaml.YAMLError as error:
        raise UsageError(f"{join_lines(path)} cannot be read: {_explain(error)}.") from None
    except RecursionError:
        raise UsageError(f"{join_lines(path)} is nested too deeply.") from None
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{join_lines(path)} cannot be read: {join_lines(error)}.") from None
    if not isinstance(content, Mapping):
        held = "nothing" if content is None else f"a {type(content).__name__}"
        raise UsageError(
            f"{join_lines(path)} holds {held}; expected is a mapping of settings, such as "
            '{"training": {"lr": 0.001}}.'
        )
    return nest(content, join_lines(path))


def _read_text(path: str | Path) -> str:
    try:
        content = _read_regular(path)
    except FileNotFoundError:
        raise UsageError(f"there is no file {join_lines(path)}.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{join_lines(path)} cannot be read: {reason}.") from None
    if content is None:
        raise UsageError(f"{join_lines(path)} is no regular file.")
    if len(content) > MAXIMUM_BYTES:
        raise UsageError(
            f"{join_lines(path)} has more than {MAXIMUM_BYTES:,} bytes: no file of settings."
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{join_lines(path)} is no UTF-8 text (byte {error.start:,}).") from None


def _read_regular(path: str | Path) -> bytes | None:
    """The first bytes of a file, one more than it may have; None of a pipe, device or folder."""
    # Nothing waits for the other end of a pipe.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(number, "rb") as file:
        regular = stat.S_ISREG(os.fstat(number).st_mode)
        return file.read(MAXIMUM_BYTES + 1) if regular else None


def _read_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_require_unique) if text.strip() else None


def _require_unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"'{next(k for k in keys if keys.count(k) > 1)}' stands in it twice")
    return content


def _read_yaml(text: str) -> Any:
    _check_events(text)
    loader = YAML_LOADER(text)
    root = loader.get_single_node()
    if root is None:
        return None
    for node in _walk(root):
        if isinstance(node, yaml.MappingNode):
            _require_unique([(_read_key(key), None) for key, _ in node.value])
    return loader.construct_document(root)


def _read_key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise ValueError("a key of a mapping is no text")
    return str(node.value)


def _check_events(text: str) -> None:
    """Check, before anything is built, how deep a document is, and that it says no type itself.

    Raises:
        RecursionError: it is nested too deeply.
        ValueError: it names the type of a value, or asks for mappings to be merged.
        YAMLError: it is no YAML.
    """
    depth = 0
    for event in yaml.parse(text, Loader=YAML_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > 2 * MAXIMUM_DEPTH:
            raise RecursionError
        if getattr(event, "tag", None) is not None:
            raise ValueError(f"the tag {event.tag!r} is not accepted; write the value alone")
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
            raise ValueError("merging (<<) is not accepted; write the settings out")


def _walk(root: yaml.Node) -> Iterator[yaml.Node]:
    """The nodes of a document, each once, however often it is referred to."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _explain(error: yaml.YAMLError) -> str:
    """What is wrong in a document and where, in a line."""
    mark = getattr(error, "problem_mark", None)
    place = "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"
    return join_lines(getattr(error, "problem", None) or error) + place


READERS: dict[str, Callable[[str], Any]] = {
    ".json": _read_json, ".yaml": _read_yaml, ".yml": _read_yaml,
}  # fmt: skip
