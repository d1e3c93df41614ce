"""Schedules: pure functions of the training step."""

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from disentgen.schema import Count, Finite


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

    def __call__(self, step: int) -> float:
        return self.start + (self.stop - self.start) * min(step / self.steps, 1.0)
