"""What a training prints: its settings, its first lines, a line for each epoch, its scores."""

import inspect
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from disentgen.dataset.split import SIDES
from disentgen.dataset.summary import describe_duplicates
from disentgen.schema import flatten
from disentgen.text import make_visible
from disentgen.training.config import Config
from disentgen.training.losses import losses
from disentgen.training.machine import lacks_bf16
from disentgen.training.rates import COSINE
from disentgen.training.selection import RULES

if TYPE_CHECKING:  # Ignite takes seconds to start
    from disentgen.training.assembly import Training
    from disentgen.training.terms import Row


def describe_training(config: Config) -> str:
    """The objective as its class explains it, then every setting."""
    settings = flatten({"training": config.plain()["training"]})
    width = max(map(len, settings))
    lines = [f"{key:<{width}}  {value}" for key, value in settings.items()]
    return "\n".join([inspect.getdoc(losses()[config.training.loss.name]) or "", "", *lines])


def describe_start(training: "Training") -> str:
    """The first lines of a run: data, sides, model."""
    split = training.dataset.split.describe()
    parameters = sum(parameter.numel() for parameter in training.model.parameters())
    expression = training.dataset.split.expressions["held_out"]
    held_out = (
        f"{split['held_out']['count']:,} held out ({expression})" if expression else "none held out"
    )
    fixed = describe_fixed(training)
    settings = training.config.training
    how = ", images resident" if training.batches.observed.resident else ""
    how += ", compiled in the first step" if settings.execution == "compiled" else ""
    drawn = "" if training.batches.weights is None else " (drawn by weight)"
    control = "; control: trained on both sides" if training.dataset.split.control else ""
    return (
        f"{training.dataset.note}\n"
        f"{training.dataset.label}: {len(training.batches.indices):,} images to train on{drawn}, "
        f"{split['validation']['count']:,} for validation, {describe_aside(split)}{held_out}"
        f"{control}\n"
        f"{make_visible(training.config.model['name'] or training.config.family)}: "
        f"{parameters:,} parameters, "
        f"loss {settings.loss.name}, {training.device}{how}, "
        f"seed {training.config.seed}{fixed}"
        f"{''.join(describe_doubts(training))}"
    )


def describe_aside(split: Mapping[str, Any]) -> str:
    """How many images are set aside; empty where none are.

    Args:
        split: of :meth:`~disentgen.dataset.split.Split.describe`.
    """
    return f"{split['set_aside']['count']:,} set aside, " if "set_aside" in split else ""


def describe_doubts(training: "Training") -> Iterator[str]:
    """A line for each setting that is accepted, and hardly meant."""
    settings = training.config.training
    if settings.precision == "bf16" and lacks_bf16(training.device):
        yield "\nbf16 is many times slower than fp32 on this processor, which lacks it"
    end = (settings.schedule_params or {}).get("T_max")
    if settings.schedule == COSINE and end is not None and end < settings.epochs:
        yield (
            f"\nthe learning rate rises again after epoch {end}: that is training.schedule_params."
            f"T_max, and there are to be {settings.epochs} epochs"
        )


def describe_fixed(training: "Training") -> str:
    """A line for each side with factors that cannot be exchanged there, in tasks that do that."""
    lines = []
    for side in SIDES:
        fixed = training.make_task(side).describe().get("fixed")
        if fixed and training.dataset.split.mask(side).any():
            lines.append(f"\n{side.replace('_', '-')}: {', '.join(fixed)} cannot be exchanged")
    return "".join(lines)


def describe_position(step: int, done: int, length: int, epochs: int) -> str:
    """Where a training stands, as in ``epoch 3 of 30`` or ``step 40 of 900 in epoch 4 of 30``.

    Args:
        step: the last one.
        done: epochs that are in the history; one is when it has been validated.
        length: steps in an epoch.
        epochs: how many there will be.
    """
    inside = step - done * length
    if inside > 0:
        return f"step {inside:,} of {length:,} in epoch {done + 1} of {epochs}"
    return f"epoch {done} of {epochs}"


def describe_row(row: "Row", epochs: int, seconds_left: float | None, sampled: bool) -> str:
    """The line that is printed at the end of an epoch.

    Args:
        row: of the history, of that epoch.
        epochs: how many there will be.
        seconds_left: until the last of them has ended; None where nothing can be said of it.
        sampled: whether the model is trained on samples of a posterior; it is validated at its
            mean, so that the two columns are not the same quantity.
    """
    names = {"nll": "NLL", "squared_error": "squared error", "kl": "KL"}
    sides = {"train": f"train ({'sampled' if sampled else 'over the epoch'})"}
    columns = [
        " ".join(
            [title, *(f"{name} {row[f'{side}.{key}']:.2f}" for key, name in names.items()
                      if f"{side}.{key}" in row)]
        )
        for side, title in (sides | {"validation": "validation"}).items()
        if any(key.startswith(f"{side}.") for key in row)
    ]  # fmt: skip
    return (
        f"epoch {row['epoch']:.0f}/{epochs}  {'  '.join(columns)}  "
        f"{row['images_per_second']:,.0f} images/s{describe_left(seconds_left)}"
    )


def describe_step(
    position: str, batch_size: int, pace: float | None, seconds_left: float | None
) -> str:
    """The line that is printed inside an epoch, now and then.

    Args:
        position: of :func:`describe_position`.
        batch_size: images in a step.
        pace: seconds for each step; None where it is unknown yet.
        seconds_left: until the last epoch has ended; likewise.
    """
    speed = "" if pace is None else f"  {batch_size / pace:,.0f} images/s"
    return f"{position}{speed}{describe_left(seconds_left)}"


def describe_left(seconds: float | None) -> str:
    """The end of a line that says when a training will have ended; empty if that is unknown."""
    return "" if seconds is None else f"  {format_duration(seconds)} left"


def format_duration(seconds: float) -> str:
    """Seconds in words: 40 s, 12 min, 3 h 5 min."""
    minutes = math.ceil(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


#: Scores of the epochs that rules of selection choose, and what they are called.
SELECTED = {"joint_accuracy": "joint accuracy", "r2": "R²", "nll": "NLL"}
#: Heads and keys of the columns that tables of scores may have; in cells of a width each.
COLUMNS = (
    ("NLL", "nll"), ("± s.e.", "nll_standard_error"), ("floor", "nll_floor"), ("KL", "kl"),
    ("active", "active_units"), ("R²", "r2"), ("joint", "joint_accuracy"), ("images", "images"),
)  # fmt: skip
BOUND_COLUMNS = (
    ("−ELBO", "negative_elbo"), ("± s.e.", "elbo_standard_error"),
    ("IW-NLL", "iw_nll"), ("± s.e.", "iw_nll_standard_error"), ("images", "sampled_images"),
)  # fmt: skip


def format_scores(scores: Mapping[str, Any], unit: str) -> str:
    """A table of the scores of each side, headed by what NLL is in, and below it whatever else.

    ``active`` is the number of active units.
    """
    lines = [
        *format_table(unit, scores, COLUMNS),
        *format_bounds(scores),
        *format_per_factor(scores),
    ]
    return "\n".join(lines)


def format_bounds(scores: Mapping[str, Any]) -> list[str]:
    """A table of the bounds on the likelihood, where there are any, headed by their K."""
    bounds, samples = collect_bounds(scores)
    if samples is None:
        return []
    return ["", *format_table(f"K = {samples} samples", bounds, BOUND_COLUMNS)]


def collect_bounds(scores: Mapping[str, Any]) -> tuple[dict[str, Any], int | None]:
    """The bounds on the likelihood of each side that has them, and their K; None without any."""
    bounds = {
        side: value and {**value, "negative_elbo": -value["elbo"]}
        for side, value in scores.items()
        if value is None or "elbo" in value
    }
    samples = {value["samples"] for value in bounds.values() if value is not None}
    return bounds, samples.pop() if samples else None


def format_table(
    corner: str, scores: Mapping[str, Any], columns: Iterable[tuple[str, str]]
) -> list[str]:
    """A line of heads, and a line for each side.

    Args:
        corner: stands above the names of the sides.
        scores: of each side by key; None for a side without images.
        columns: heads and keys; those that no side has a score for are left out.
    """
    known = {key for value in scores.values() for key in value or ()}
    shown = [(head, key) for head, key in columns if key in known]
    lines = [f"{corner:<17}" + "".join(f"{head:>9}" for head, _ in shown)]
    for side, value in scores.items():
        cells = (
            f"{'no image to score':>33}"
            if value is None
            else "".join(f"{format_cell(value.get(key)):>9}" for _, key in shown)
        )
        lines.append(f"{side.replace('_', '-'):<17}{cells}")
    return lines


def format_cell(value: float | None) -> str:
    """Counts whole, scores with two digits; a dash for None."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"


def format_results(results: Mapping[str, Any], unit: str) -> str:
    """What is printed at the end of a run: scores, and images identical to training images.

    Args:
        results: of :func:`collect_results`.
        unit: what NLL is in.
    """
    lines = [format_scores(results["scores"], unit), *format_rules(results.get("selection", {}))]
    if results["duplicates"] is not None:
        lines.append(describe_duplicates(results["duplicates"], results["split"]))
    return "\n".join(lines)


def format_rules(rules: Mapping[str, Any]) -> list[str]:
    """Lines of what each rule of selection would have chosen, held-out scores last.

    Args:
        rules: of :func:`~disentgen.training.selection.compare_rules`.
    """
    if not rules:
        return []
    keys = {key: title for key, title in SELECTED.items()
            if key in next(iter(rules.values()))["held_out"]}  # fmt: skip
    heads = "".join(f"{f'{title} held-out':>20}" for title in keys.values())
    lines = ["", f"{'epoch by':<28}{'epoch':>6}{heads}"]
    for name, chosen in rules.items():
        cells = "".join(f"{chosen['held_out'][key]:>20.4f}" for key in keys)
        lines.append(f"  {RULES[name].title:<26}{chosen['epoch']:>6}{cells}")
    return lines


def format_per_factor(scores: Mapping[str, Any]) -> list[str]:
    """Lines of the scores that there are for each factor, a column for each side."""
    lines = []
    sides = {side: value for side, value in scores.items() if value is not None}
    names = {name for value in sides.values() for name in value if name.endswith("_per_factor")}
    for name in sorted(names):
        heads = "".join(f"{side.replace('_', '-'):>12}" for side in sides)
        lines += ["", f"{name.replace('_', ' '):<26}{heads}"]
        factors = {factor: None for value in sides.values() for factor in value[name]}
        for factor in factors:
            cells = [value[name].get(factor) for value in sides.values()]
            columns = "".join(f"{'–' if cell is None else f'{cell:.2f}':>12}" for cell in cells)
            lines.append(f"  {factor:<24}{columns}")
    return lines
