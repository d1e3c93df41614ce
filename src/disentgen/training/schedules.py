"""Schedules: pure functions of the training step."""

from typing import overload

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from torch import Tensor

from disentgen.schema import Count, Finite

#: The number of training steps before one; a tensor, (), where steps are compiled: a number would
#: become a part of what was compiled.
Step = int | Tensor


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Linear:
    """A straight line from one value to another, constant after it.

    Args:
        start: value at step 0.
        stop: value at step ``steps`` and after it.
        steps: training steps from one to the other.
    """

    start: Finite
    stop: Finite
    steps: Count

    @overload
    def __call__(self, step: int) -> float: ...
    @overload
    def __call__(self, step: Step) -> float | Tensor: ...
    def __call__(self, step: Step) -> float | Tensor:
        share = step / self.steps
        done = share.clamp(max=1.0) if isinstance(share, Tensor) else min(share, 1.0)
        return self.start + (self.stop - self.start) * done
