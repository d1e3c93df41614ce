"""The reference of settings and layers, from the signatures that a configuration is checked by."""

import inspect
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from disentgen.dataset.build import build_dataset
from disentgen.models import FAMILIES
from disentgen.models.family import FROM_DATASET
from disentgen.models.layers import layer_kinds
from disentgen.saved import LIVE
from disentgen.schema import defaults, signature
from disentgen.training.losses import FROM_MODEL, losses
from disentgen.training.settings import LossChoice, ProcessSettings, TrainingSettings

#: Of the glossary, that stand in what settings mean.
TERMS = ("side", "held in", "held out", "stand-in", "control")
HEAD = "| setting | default | is |\n|---|---|---|"


def write_reference() -> str:
    """All settings and layers with their defaults, as Markdown.

    Experiments have a few defaults of their own, which ``print_config`` shows.
    """
    parts = [
        "# Settings and layers",
        "Written from the code by `python -m disentgen settings`. What a run would have, with the "
        "defaults of its experiment and named configs, is shown by "
        "`python -m experiments.disent print_config with …`.",
        f"Terms: {', '.join(map(link_term, TERMS))}.",
        "## Beside the sections",
        tabulate(ProcessSettings),
        "## `dataset`",
        tabulate(build_dataset, "dataset."),
        *_describe_models(),
        "## `training`",
        tabulate(TrainingSettings, "training."),
        "### `training.loss`",
        _format_rows(LossChoice, asdict(LossChoice()), asdict(LossChoice()), "training.loss."),
        *_describe_objectives(),
        "## Layers",
        "An encoder or decoder is a list of `(name, (argument, …))`, arguments in the order below; "
        '"image" stands for what the images of the dataset have.',
        _tabulate_layers(),
    ]
    return "\n\n".join(parts) + "\n"


def link_term(term: str) -> str:
    """A term as a Markdown link to its entry in the glossary, which lies beside the page."""
    return f"[{term}](glossary.md#{term.replace(' ', '-')})"


def _describe_models() -> list[str]:
    parts = []
    for name, family in FAMILIES.items():
        if name == LIVE:  # no configuration describes its models
            continue
        parts += [f"## `model` of the family `{name}`", _first_sentence(family.model)]
        parts += [tabulate(family.build, "model.", FROM_DATASET)]
    return parts


def _describe_objectives() -> list[str]:
    parts = []
    for name, kind in losses().items():
        table = tabulate(kind, "training.loss.params.", FROM_MODEL)
        parts += [f"### Objective `{name}`", _first_sentence(kind)]
        parts += [table] if table != HEAD else ["It has no parameters."]
    return parts


def _tabulate_layers() -> str:
    rows = ["| layer | arguments | is |", "|---|---|---|"]
    for name, kind in layer_kinds().items():
        standard = defaults(kind)
        arguments = ", ".join(
            f"{key} = {_write(standard[key])}" if key in standard else key
            for key in signature(kind)
        )
        rows.append(f"| `{name}` | {arguments or '–'} | {_first_sentence(kind)} |")
    return "\n".join(rows)


def tabulate(target: Callable[..., Any], prefix: str = "", left_out: Collection[str] = ()) -> str:
    """The parameters of a target as a Markdown table.

    Args:
        target: a class or function whose docstring describes its arguments.
        prefix: of the keys.
        left_out: parameters that a configuration cannot set.
    """
    names = [name for name in signature(target) if name not in left_out]
    return _format_rows(target, names, defaults(target), prefix)


def _format_rows(
    target: Callable[..., Any], names: Iterable[str], standard: Mapping[str, Any], prefix: str
) -> str:
    meanings = read_arguments(target)
    rows = [
        f"| `{prefix}{name}` | {_write(standard[name]) if name in standard else '–'} "
        f"| {meanings.get(name, '')} |"
        for name in names
    ]
    return "\n".join([HEAD, *rows])


def read_arguments(target: Callable[..., Any]) -> Mapping[str, str]:
    """What a docstring's ``Args:`` says, by argument, each as one line."""
    text = inspect.getdoc(target) or ""
    block = re.search(r"^Args:\n((?: {4}.*\n?|\n)*)", text, re.M)
    if block is None:
        return {}
    entries = re.findall(r"^ {4}(\w+): ((?:.*\n?)(?: {8}.*\n?)*)", block[1], re.M)
    return {name: " ".join(meaning.split()).replace("``", "`") for name, meaning in entries}


def _first_sentence(target: Callable[..., Any]) -> str:
    text = " ".join((inspect.getdoc(target) or "").split("\n\n")[0].split())
    return text.replace("``", "`").replace("|", "\\|")


def _write(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False)}`"
