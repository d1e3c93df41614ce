"""Model cards: what a model is, what it was trained on, and how well it does where."""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from disentgen import __version__
from disentgen.analysis.cells import describe_cell
from disentgen.citations import cite
from disentgen.models import FAMILIES
from disentgen.models.summary import describe_model
from disentgen.schema import defaults, describe_keys
from disentgen.text import join_lines, make_visible
from disentgen.training.console import (
    BOUND_COLUMNS,
    COLUMNS,
    collect_bounds,
    format_cell,
    format_per_factor,
)
from disentgen.training.settings import TrainingSettings

if TYPE_CHECKING:
    from disentgen.models import Model
    from disentgen.runs import Run

#: What acts in Markdown.
MARKS = re.compile(r"([\\`*_{}\[\]!|~$])")


def write_card(run: "Run", model: "Model", folder: str) -> str:
    """A model card in the form of the Hugging Face hub: a header in YAML, then Markdown.

    Args:
        run: that has ended.
        model: of the run.
        folder: name of the folder that it is exported to.
    """
    cell, results = describe_cell(run), run.results or {}
    title = f"{cell.label} ({cell.architecture}) on {results['data']['label']}"
    stand_in = results["data"]["source"] == "stand-in"
    parts = [
        write_header(run, stand_in),
        f"# {escape(title)}",
        *_warn(run, stand_in),
        f"A model of the family `{run.family}`, trained by disent-and-gen.",
        "## Data",
        "\n".join(_describe_data(run, results["data"])),
        _tabulate_sides(run),
        "## Scores",
        *_describe_scores(results["scores"], model.output.unit),
        "## Training",
        "\n".join(_describe_training(run, results)),
        "## Architecture",
        indent(describe_model(model)),
        "## Use",
        _describe_use(run, model, folder),
        "## Sources",
        indent(cite([run])),
    ]
    return "\n\n".join(parts) + "\n"


def write_header(run: "Run", stand_in: bool) -> str:
    """The header of a card.

    Args:
        run: that has ended.
        stand_in: whether its images were rendered in place of published ones.
    """
    dataset = run.config["dataset"]
    tags = ["stand-in"] * stand_in + ["control"] * bool(dataset["control"])
    tags += ["disentanglement", "combinatorial-generalisation", dataset["name"]]
    header = {"library_name": "disent-and-gen", "tags": tags}
    return f"---\n{yaml.safe_dump(header, sort_keys=False)}---"


def escape(text: object) -> str:
    """A text that stands for itself in Markdown, in one line."""
    return html.escape(MARKS.sub(r"\\\1", join_lines(text)), quote=False)


def quote(text: object) -> str:
    """A text as code in a line of Markdown."""
    return f"`{join_lines(text).replace('`', chr(39))}`"


def indent(text: str) -> str:
    """Lines as code in Markdown, whatever they hold."""
    return "\n".join(f"    {make_visible(line)}".rstrip() for line in text.splitlines())


def tabulate(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, of cells that are Markdown already."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _warn(run: "Run", stand_in: bool) -> list[str]:
    """What readers must not miss."""
    title = escape(run.settings.spec.title)
    warnings = []
    if stand_in:
        warnings.append(
            f"**Trained and scored on a stand-in**: images rendered in place of {title}, "
            "not the published ones."
        )
    if run.config["dataset"]["control"]:
        warnings.append("**A control**: it was trained on the images of both sides.")
    return warnings


def _describe_data(run: "Run", data: Mapping[str, Any]) -> list[str]:
    """Lines on where the images are from, and how they were split."""
    spec, words = run.settings.spec, run.sides["expressions"]
    variant = run.config["dataset"]["variant"]
    held_out = "nothing" if words["held_out"] is None else quote(words["held_out"])
    lines = [
        f"- images: {escape(data['label'])}",
        f"- published by: {escape(spec.source or 'nobody; private')}",
        "- drawn by their formula: there is no file of them"
        if spec.is_drawn
        else f"- licence of the published images: {escape(spec.original.licence)}",
        f"- hash of their file: {quote(data['hash']) if data.get('hash') else 'none'}",
        f"- held out: {held_out}" + (f" (variant {quote(variant)})" if variant else ""),
        f"- condition: {escape(describe_cell(run).condition)}",
    ]
    if words.get("held_in"):
        lines.append(f"- held in: {quote(words['held_in'])}")
    if words.get("thin"):
        lines.append(f"- of all combinations, only: {quote(words['thin'])}")
    if drawn := run.sides.get("weights"):
        lines.append(f"- training images are drawn by weights, SHA-256: {quote(drawn['sha256'])}")
    return lines


def _tabulate_sides(run: "Run") -> str:
    rows = [
        [side.replace("_", "-"), f"{run.sides[side]['count']:,}", quote(run.sides[side]["sha256"])]
        for side in ("held_in", "train", "validation", "held_out")
    ]
    return tabulate(["side", "images", "SHA-256 of their indices"], rows)


def _describe_scores(scores: Mapping[str, Any], unit: str) -> list[str]:
    """Tables of scores of every side, with standard errors of their means over images."""
    has_posterior = any("kl" in side for side in scores.values() if side is not None)
    meaning = "; NLL is at the posterior mean, `active` the number of active units"
    parts = [f"In {unit}{meaning if has_posterior else ''}.", _tabulate_scores(scores, COLUMNS)]
    bounds, samples = collect_bounds(scores)
    if samples is not None:
        parts += [f"By {samples:g} samples of the posterior:"]
        parts += [_tabulate_scores(bounds, BOUND_COLUMNS)]
    per_factor = "\n".join(format_per_factor(scores)).strip("\n")
    return [*parts, *([indent(per_factor)] if per_factor else [])]


def _tabulate_scores(scores: Mapping[str, Any], columns: Iterable[tuple[str, str]]) -> str:
    known = {key for side in scores.values() for key in side or ()}
    shown = {key: head for head, key in columns if key in known}
    rows = [
        [side.replace("_", "-"), *(format_cell((values or {}).get(key)) for key in shown)]
        for side, values in scores.items()
    ]
    return tabulate(["side", *shown.values()], rows)


def _describe_training(run: "Run", results: Mapping[str, Any]) -> list[str]:
    training, versions = run.config["training"], results.get("versions") or {}
    params = ", ".join(f"{name}={value}" for name, value in training["loss"]["params"].items())
    epoch = results.get("selected_epoch", results.get("best_epoch", "not said"))
    others = ", ".join(_list_others(training))
    objective = quote(training["loss"]["name"]) + (f" with {quote(params)}" if params else "")
    return [
        f"- objective: {objective}",
        f"- epochs: {results['epochs']}, batches of {training['batch_size']}; weights of epoch: "
        f"{escape(epoch)}",
        f"- optimiser: {quote(training['optimizer'])}, learning rate {training['lr']:g}",
        *([f"- other settings: {quote(others)}"] if others else []),
        f"- seed: {run.config['seed']}",
        f"- trained by version {escape(versions.get('disent-and-gen', 'not said'))}, exported by "
        f"{__version__}; all settings and results: `config.json`",
    ]


def _list_others(training: Mapping[str, Any]) -> list[str]:
    """Settings that distinguish a training, without defaults and those of lines of their own."""
    own = ("loss", "epochs", "batch_size", "optimizer", "lr")
    keys, standard = describe_keys(TrainingSettings), defaults(TrainingSettings)
    return [
        f"{name}={value}"
        for name, value in training.items()
        if keys[name].distinguishes and name not in own and value != standard[name]
    ]


def _describe_use(run: "Run", model: "Model", folder: str) -> str:
    lines = ["import disentgen", f"model = disentgen.load_exported({folder!r})"]
    if FAMILIES[run.family].encode is not None:
        shape = ", ".join(map(str, model.image_shape))
        lines += ["", f"# images: (batch, {shape}), in 0..1"]
        lines += ["from disentgen.models import FAMILIES"]
        lines += [f"codes = FAMILIES[{run.family!r}].encode(model, images)"]
    return indent("\n".join(lines))
