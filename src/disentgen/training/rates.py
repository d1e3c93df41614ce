"""Learning rates: schedules of ``torch.optim.lr_scheduler`` by name, after a linear warm-up."""

import inspect
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import torch
from pydantic import Field
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from disentgen.errors import UsageError
from disentgen.registry import choose, unknown
from disentgen.schema import Count, Finite, convert
from disentgen.training.settings import Positive, TrainingSettings

#: The schedule that ``training.lr_decay`` is the only parameter of.
DECAY = "exponential"
#: The schedule that ends with the training, where nothing else is said.
COSINE = "cosineannealing"
#: They take functions, other schedules or scores, or set momenta too and move on with every batch.
OTHERS = {
    "lrscheduler", "_lrscheduler", "lambda", "multiplicative", "sequential", "chainedscheduler",
    "reducelronplateau", "cyclic", "onecycle",
}  # fmt: skip
#: A schedule is tried for so many epochs before a training.
TRIED_EPOCHS = 1_000


def rate_schedules() -> dict[str, type[LRScheduler]]:
    """Schedules that are functions of the epoch alone, by lower-case name without ``LR``."""
    kinds = {
        name.lower().removesuffix("lr"): kind
        for name, kind in vars(lr_scheduler).items()
        if inspect.isclass(kind) and issubclass(kind, LRScheduler)
    }
    return {name: kind for name, kind in sorted(kinds.items()) if name not in OTHERS}


def resolve_rates(settings: TrainingSettings) -> TrainingSettings:
    """Settings whose schedule is checked, in the one form that means the same.

    Raises:
        UsageError: there is no such schedule, or it does not take a parameter or its value.
    """
    given = dict(settings.schedule_params or {})
    if settings.schedule is None:
        if given:
            raise UsageError("training.schedule_params are those of a training.schedule.")
        return replace(settings, schedule_params=None)
    if settings.lr_decay is not None:
        raise UsageError(
            f"training.lr_decay is the schedule '{DECAY}'; with training.schedule="
            f"{settings.schedule} leave it away."
        )
    if settings.schedule == COSINE:
        given.setdefault("T_max", settings.epochs)
    resolved = replace(settings, schedule_params=_read_params(settings.schedule, given) or None)
    _try_rates(resolved)
    if settings.schedule == DECAY:  # as it was called before there were others
        gamma = convert("training.schedule_params.gamma", Positive, given["gamma"])
        return replace(settings, lr_decay=gamma, schedule=None, schedule_params=None)
    return resolved


def _read_params(schedule: str, given: Mapping[str, Any]) -> dict[str, Any]:
    kind = choose("schedule (training.schedule)", schedule, rate_schedules())
    known = {
        name: parameter
        for name, parameter in inspect.signature(kind).parameters.items()
        if name not in ("optimizer", "last_epoch", "verbose")
    }
    for name in given:
        if name not in known:
            raise unknown("parameter in training.schedule_params:", name, known)
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in given:
            raise UsageError(
                f"training.schedule_params.{name} is missing; accepted: {', '.join(known)}."
            )
    return {
        name: convert(f"training.schedule_params.{name}", _find_hint(known[name]), value)
        for name, value in given.items()
    }


def _find_hint(parameter: inspect.Parameter) -> Any:
    """The type of a parameter, whether torch says it by a type or by its name."""
    word = getattr(parameter.annotation, "__name__", parameter.annotation)
    milestones = Annotated[list[Count], Field(min_length=1, max_length=1000)]
    return {"int": Count, "float": Finite}.get(word, milestones)


def _try_rates(settings: TrainingSettings) -> None:
    """Follow a schedule for as many epochs as there are to be, up to a limit.

    Raises:
        UsageError: it cannot be followed, or leads to what is no learning rate.
    """
    what = (
        f"training.schedule={settings.schedule} with {settings.schedule_params or 'its defaults'}"
    )
    try:
        schedule = EpochRates(settings)
        rates = [schedule(epoch) for epoch in range(min(settings.epochs, TRIED_EPOCHS))]
    except (TypeError, ValueError, ArithmeticError) as error:
        raise UsageError(f"{what}: {str(error).rstrip('.')}.") from None
    for epoch, rate in enumerate(rates, start=1):
        if not (math.isfinite(rate) and rate >= 0):
            raise UsageError(f"{what}: the learning rate of epoch {epoch} is {rate:g}.")


class EpochRates:
    """The learning rate of each epoch, counted from 0: a function of its number alone.

    Args:
        settings: with the first rate and a schedule that is checked.
    """

    def __init__(self, settings: TrainingSettings):
        # It bears the rate, as torch's schedules have it, and has nothing to do.
        self._bearer = torch.optim.SGD([torch.zeros(())], lr=settings.lr)
        self._schedule = _build_schedule(settings, self._bearer)
        self._rates = [self._now]

    @property
    def _now(self) -> float:
        return float(self._bearer.param_groups[0]["lr"])

    def __call__(self, epoch: int) -> float:
        while len(self._rates) <= epoch:
            self._bearer.step()
            if self._schedule is not None:
                self._schedule.step()
            self._rates.append(self._now)
        return self._rates[epoch]


def _build_schedule(
    settings: TrainingSettings, optimizer: torch.optim.Optimizer
) -> LRScheduler | None:
    if settings.lr_decay is not None:
        return lr_scheduler.ExponentialLR(optimizer, settings.lr_decay)
    if settings.schedule is None:
        return None
    return rate_schedules()[settings.schedule](optimizer, **settings.schedule_params or {})


class LearningRate:
    """The learning rate of each step, counted from 0: no checkpoint needs to hold it.

    Args:
        settings: of the training, checked.
        length: steps in an epoch.
    """

    def __init__(self, settings: TrainingSettings, length: int):
        self._epochs, self._length = EpochRates(settings), length
        self._warmup = settings.warmup_steps or 0

    def __call__(self, step: int) -> float:
        rate = self._epochs(step // self._length)
        return rate * (step + 1) / self._warmup if step < self._warmup else rate
