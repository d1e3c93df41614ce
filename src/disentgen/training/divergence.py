"""A training whose terms are no longer finite ends at once."""

import math

import torch
from ignite.engine import Engine, Events
from torch import Tensor, nn

from disentgen.errors import DivergenceError
from disentgen.training.terms import flatten_terms, name_terms, read_terms

#: What may help against divergence.
ADVICE = "A new run with a lower training.lr may help; epochs finished before are kept."
#: Steps between two looks at what a GPU has recorded; each sees what there was at the last one.
LOOK_STEPS = 25


def attach_guard(trainer: Engine, device: torch.device) -> "FirstDivergence":
    """Stop at the first step with a term that is not finite.

    Reading a value waits for a GPU; there the first bad step is recorded as it happens, and read
    without waiting up to 50 steps later, or at the end of the epoch, before anything of it is kept.

    Args:
        trainer: of :func:`~disentgen.training.handlers.create_trainer`.
        device: that the terms are on.

    Raises:
        DivergenceError: while the engine runs; names the step and the term.
    """
    first = FirstDivergence()
    trainer.add_event_handler(Events.ITERATION_COMPLETED, first.record)
    if device.type == "cpu":
        trainer.add_event_handler(Events.ITERATION_COMPLETED, first.check)
    else:
        trainer.add_event_handler(Events.ITERATION_COMPLETED(every=LOOK_STEPS), first.look)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, first.check)
    return first


def has_finite_weights(model: nn.Module) -> bool:
    """Whether all weights are finite; a bad gradient spoils them a step before any term.

    A GPU is waited for, so that this is only asked before weights are kept.
    """
    return all(bool(torch.isfinite(value).all()) for value in model.state_dict().values())


class FirstDivergence:
    """The first step with a term that is not finite, and that step's terms."""

    def __init__(self) -> None:
        self.step: Tensor | None = None
        self.values: Tensor | None = None
        self._sent: Tensor | None = None

    def record(self, engine: Engine) -> None:
        """Record the step if it is the first bad one, on the device and without waiting for it."""
        values = flatten_terms(read_terms(engine))
        if self.step is None or self.values is None:
            self.step, self.values = values.new_zeros((), dtype=torch.int64), values
        bad = ~torch.isfinite(values).all() & (self.step == 0)
        self.step = torch.where(bad, engine.state.iteration, self.step)
        self.values = torch.where(bad, values, self.values)

    @property
    def has_happened(self) -> bool:
        """Whether there has been a bad step; waits for a GPU."""
        return self.step is not None and bool(self.step)

    def look(self, engine: Engine) -> None:
        """Check if the last look has sent a bad step, and send what is recorded by now.

        A GPU is not waited for: what was sent has long arrived. If it ever had not, any value might
        stand there, so that only the check decides.

        Raises:
            DivergenceError: see :meth:`check`.
        """
        sent = self._sent
        if self.step is not None:
            self._sent = self.step.to("cpu", non_blocking=True)
        if sent is not None and bool(sent):
            self.check(engine)

    def check(self, engine: Engine) -> None:
        """Raise the error if there has been a bad step.

        Raises:
            DivergenceError: names the step and its terms that are not finite.
        """
        if self.step is None or self.values is None or not self.has_happened:
            return
        named = name_terms("", read_terms(engine), self.values)
        wrong = {name: value for name, value in named.items() if not math.isfinite(value)}
        shown = [f"{name.removeprefix('.')} = {value}" for name, value in wrong.items()]
        values = ", ".join(shown[:4]) + (f" and {len(shown) - 4} more" if len(shown) > 4 else "")
        raise DivergenceError(
            f"training diverged at step {int(self.step)} (epoch {engine.state.epoch}): {values}. "
            f"{ADVICE}"
        )
