"""Heads of a supervised encoder: what it says of each factor, and how that is judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from disentgen.errors import UsageError
from disentgen.models.outputs import FactorOutput
from disentgen.registry import unknown

#: A factor's value, judged by squared error; or its class, judged by cross-entropy.
Kind = Literal["values", "classes"]
#: One kind for all factors; or the kind of each that is asked for, by name.
Kinds = Kind | dict[str, Kind]
#: By factor, in the order of the grid, the values of its classes, on the scale of the model.
FactorValues = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class HeadsOutput(FactorOutput):
    """What heads make of a batch.

    The prediction (batch, heads) of a head of classes is the mean of the factor's values under its
    softmax; R² and squared error are of this expectation, accuracy of the most probable class. A
    head of a value is right where no other value of the factor is as near to it.

    Args:
        parts: of each head, (batch, classes) logits or (batch, 1) values.
        tables: of each head, (classes,) the values of its factor.
        kinds: of each head.
        places: the position of each head's factor on the grid.
    """

    # That of heads of values is without its constant.
    unit: ClassVar[str] = "nats"

    parts: tuple[Tensor, ...] = ()
    tables: tuple[Tensor, ...] = ()
    kinds: tuple[Kind, ...] = ()
    places: tuple[int, ...] = ()

    @property
    def factors(self) -> tuple[int, ...]:
        return self.places

    def choose(self, target: Tensor) -> Tensor:
        """Those of (batch, factors) that are asked for, (batch, heads)."""
        return target[:, list(self.places)]

    def find_classes(self, values: Tensor) -> Tensor:
        """The classes whose values are the nearest to some, (batch, heads) both."""
        nearest = [
            (column[:, None] - table).abs().argmin(1)
            for column, table in zip(values.T, self.tables, strict=True)
        ]
        return torch.stack(nearest, dim=1)

    def nll(self, target: Tensor) -> Tensor:
        """The sum over heads of cross-entropy, or of half the squared error: (batch,)."""
        wanted = self.choose(target)
        classes = self.find_classes(wanted)
        terms = [
            functional.cross_entropy(part, classes[:, number], reduction="none")
            if kind == "classes"
            else 0.5 * (part[:, 0] - wanted[:, number]).square()
            for number, (part, kind) in enumerate(zip(self.parts, self.kinds, strict=True))
        ]
        return torch.stack(terms).sum(0)

    def squared_error(self, target: Tensor) -> Tensor:
        return (self.prediction - self.choose(target)).square().sum(1)

    def details(self, target: Tensor) -> dict[str, Tensor]:
        wanted = self.choose(target)
        guessed = self.find_classes(self.prediction)
        for number, (part, kind) in enumerate(zip(self.parts, self.kinds, strict=True)):
            if kind == "classes":
                guessed[:, number] = part.argmax(1)
        right = guessed == self.find_classes(wanted)
        errors = (self.prediction - wanted).square()
        return {
            "squared_error_per_factor": self._spread(errors, target),
            "accuracy_per_factor": self._spread(right.float(), target),
            "joint_accuracy": right.all(1, keepdim=True).float(),
        }

    def _spread(self, values: Tensor, target: Tensor) -> Tensor:
        """(batch, heads) as (batch, factors), NaN of factors that are not asked for."""
        spread = torch.full_like(target, torch.nan, dtype=values.dtype)
        spread[:, list(self.places)] = values
        return spread

    def summarise(self, means: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """R², and joint accuracy: the share of images in which all heads are right at once."""
        details, single = super().summarise(means)
        joint = details.pop("joint_accuracy")
        return details, single | {"joint_accuracy": joint[0]}


class Heads(nn.Module):
    """Divides what an encoder makes of an image into its heads; has no weights.

    Args:
        kinds: of the factors that are asked for, by name.
        values: of all factors.
    """

    def __init__(self, kinds: Mapping[str, Kind], values: FactorValues):
        super().__init__()
        names = list(values)
        self.asked = [name for name in names if name in kinds]
        self.kinds = tuple(kinds[name] for name in self.asked)
        self.places = tuple(names.index(name) for name in self.asked)
        self.widths = list(list_widths(kinds, values).values())
        for number, name in enumerate(self.asked):
            table = torch.tensor(values[name], dtype=torch.float32)
            self.register_buffer(f"table_{number}", table, persistent=False)
        # No buffer: not every device has double precision.
        self.variances = measure_variances(values)

    def forward(self, made: Tensor) -> HeadsOutput:
        """What an encoder makes of images, (batch, widths), as the output of heads."""
        parts = torch.split(made, self.widths, dim=1)
        tables = tuple(getattr(self, f"table_{number}") for number in range(len(parts)))
        columns = [
            part.softmax(1) @ table if kind == "classes" else part[:, 0]
            for part, table, kind in zip(parts, tables, self.kinds, strict=True)
        ]
        prediction = torch.stack(columns, dim=1)
        return HeadsOutput(
            prediction, self.variances, tuple(parts), tables, self.kinds, self.places
        )


def measure_variances(values: FactorValues) -> Tensor:
    """(factors,) variances of all factors over the grid, in double precision."""
    tables = [torch.tensor(table, dtype=torch.float64) for table in values.values()]
    return torch.stack([table.var(correction=0) for table in tables])


def resolve_kinds(given: Kinds, values: FactorValues) -> dict[str, Kind]:
    """The kind of each head, by factor.

    Args:
        given: as a configuration has it.
        values: of all factors.

    Raises:
        UsageError: there is no such factor, or none is asked for.
    """
    if isinstance(given, str):
        return dict.fromkeys(values, given)
    for name in given:
        if name not in values:
            raise unknown("factor in model.heads:", name, values)
    if not given:
        raise UsageError(f"model.heads asks for no factor; accepted: {', '.join(values)}.")
    return dict(given)


def list_widths(kinds: Mapping[str, Kind], values: FactorValues) -> dict[str, int]:
    """How many numbers each head needs, by factor, in the order of the grid.

    Args:
        kinds: of the heads, by factor.
        values: of all factors.
    """
    return {
        name: len(table) if kinds[name] == "classes" else 1
        for name, table in values.items()
        if name in kinds
    }


def check_classes(kinds: Mapping[str, Kind], values: FactorValues) -> None:
    """Check that the classes of factors have different values in single precision.

    Args:
        kinds: of the heads, by factor.
        values: of all factors.

    Raises:
        UsageError: a factor has classes of one value.
    """
    for name in kinds:
        if len(np.unique(np.asarray(values[name], np.float32))) < len(values[name]):
            raise UsageError(
                f"model.heads: classes of {name} have values that single precision does not "
                "distinguish; give dataset.factor_scale=standardised, or leave the factor out."
            )
