"""All splits with a name: how many images, which, and how new."""

import contextlib
from collections.abc import Iterator

from disentgen.dataset.spec import DatasetSpec, load_specs
from disentgen.dataset.split import Split
from disentgen.dataset.splits import split_families
from disentgen.dataset.splitting import build_split
from disentgen.dataset.summary import OWN, describe_unseen
from disentgen.errors import UsageError
from disentgen.schema import signature

_TITLE = """# Splits with a name

*As `python -m disentgen.dataset splits` prints it. A [side](glossary.md#side), be it
[held-in](glossary.md#held-in) or [held-out](glossary.md#held-out), is known by its hash: the first
16 digits of the SHA-256 of its sorted indices, as little-endian int64.*
"""
_COLUMNS = (
    "dataset", "split", "source", "held-in images", "held-out images", "hash of held-in",
    "hash of held-out", "values never trained on",
)  # fmt: skip
_DIGITS = 16


def list_splits() -> str:
    """A table of all variants of all datasets, and of families with their defaults, in Markdown."""
    rows = [_COLUMNS, tuple("---" for _ in _COLUMNS)]
    for spec, *_ in load_specs().values():
        rows += [_describe(spec, *named) for named in _split_all(spec)]
    return _TITLE + "\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _split_all(spec: DatasetSpec) -> Iterator[tuple[str, str | None, Split]]:
    """Each split with what names it, and its source; none of a family whose defaults do not fit."""
    for name, row in spec.variants.items():
        yield f"`{name}`", row.source, build_split(spec, variant=name)
    for name, family in split_families().items():
        given = signature(family.build)
        # Those that need nothing but the grid and which combinations there are.
        if sum(parameter.default is parameter.empty for parameter in given.values()) == 2:
            with contextlib.suppress(UsageError):
                yield f"`split={name}`", family.source, build_split(spec, split=name)


def _describe(spec: DatasetSpec, name: str, source: str | None, split: Split) -> tuple[str, ...]:
    sides = [split.describe()[side] for side in ("held_in", "held_out")]
    counts = [f"{side['count']:,}" for side in sides]
    hashes = [f"`{side['sha256'][:_DIGITS]}`" for side in sides]
    return (spec.name, name, source or OWN, *counts, *hashes, describe_unseen(split) or "none")
