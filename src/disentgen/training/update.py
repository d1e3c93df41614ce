"""One update of a model by its objective, and how it is executed."""

import textwrap
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from disentgen.dataset.batches import Batch
from disentgen.dataset.tasks import Input
from disentgen.errors import UsageError
from disentgen.models.layers import Penalised
from disentgen.training.losses import Loss, Terms
from disentgen.training.machine import name_device
from disentgen.training.schedules import Step
from disentgen.training.settings import Execution

#: The model's output for inputs, and the terms of the objective, at a step.
Evaluation = Callable[[Input, Tensor, Step], tuple[Any, Terms]]
Compiler = Callable[[Evaluation], Evaluation]
#: What is compiled draws noise as what is not, so that a training may change from one to the other.
OPTIONS: dict[str, Any] = {"fallback_random": True}


class Update:
    """What a training does with a batch; called with one, it gives the objective's terms.

    They are a scalar each, or (latents,) of those of each latent.

    Args:
        model: on the device.
        loss: the objective, on the device.
        optimizer: of the model's parameters.
        precision: ``fp32``, or ``bf16`` for a model that runs in bfloat16.
        device: that batches are on.
        compiler: of forward pass and objective, and thereby of their backward pass; without one
            they are executed operation by operation.
        clip_norm: norm that gradients of the model are scaled down to; None leaves them.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        optimizer: torch.optim.Optimizer,
        precision: str,
        device: torch.device,
        compiler: Compiler | None = None,
        clip_norm: float | None = None,
    ):
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.precision, self.device, self.clip_norm = precision, device, clip_norm
        self._penalised = [part for part in model.modules() if isinstance(part, Penalised)]
        self._is_compiled = compiler is not None
        self._compute = compiler(self.evaluate) if compiler else self.evaluate

    def __call__(self, batch: Batch, step: Step) -> Terms:
        """Update the model once.

        Args:
            batch: on the device.
            step: number of training steps before this one.

        Returns:
            The terms of the objective before the update, without gradients.
        """
        if self._is_compiled and isinstance(step, int):
            step = torch.full((), step, device=self.device)
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        output, terms = self._compute(*batch, step)
        torch.autograd.backward(terms["loss"])
        norms = self.clip()
        self.optimizer.step()
        later = self.loss.after_step(output)
        return {name: term.detach() for name, term in (terms | norms | later).items()}

    def clip(self) -> Terms:
        """Scale gradients of the model down, if that is asked for; then their norm before that."""
        if self.clip_norm is None:
            return {}
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        return {"gradient_norm": norm}

    def evaluate(self, inputs: Input, target: Tensor, step: Step) -> tuple[Any, Terms]:
        """The model's output for inputs, and the terms of the objective.

        Args:
            inputs: (batch, …), as the batch's task makes them.
            target: (batch, …), what the model should make of them.
            step: number of training steps before this one.
        """
        dtype, is_low = torch.bfloat16, self.precision == "bf16"
        with torch.autocast(self.device.type, dtype, enabled=is_low):
            output = self.loss.run(self.model, inputs)
        return output, self.add_penalties(self.loss(output, target, step))

    def add_penalties(self, terms: Terms) -> Terms:
        """Add what layers cost by their weights alone to the loss, and the sum as ``penalty``."""
        if not self._penalised:
            return terms
        penalty = torch.stack([layer.penalty() for layer in self._penalised]).sum()
        return {**terms, "loss": terms["loss"] + penalty, "penalty": penalty}


def find_compiler(execution: Execution, device: torch.device) -> Compiler | None:
    """What compiles terms of an objective, a scalar or (latents,) each; None where nothing is to.

    Args:
        execution: ``eager`` or ``compiled``, of a training's steps.
        device: that is trained on.

    Raises:
        UsageError: PyTorch cannot compile for the device here.
    """
    if execution == "eager":
        return None
    compiler = partial(torch.compile, dynamic=False, options=OPTIONS)
    try_to_compile(compiler, device)
    return compiler


def try_to_compile(compiler: Callable[..., Any], device: torch.device) -> None:
    """Compile something small, in seconds, rather than fail once all data is read.

    Args:
        compiler: that is tried.
        device: to compile for.

    Raises:
        UsageError: it fails, for whatever reason: a missing compiler, system or version of Python.
    """
    try:
        compiler(lambda values: values.exp() + 1)(torch.zeros(64, device=device))
    except Exception as error:
        reason = textwrap.shorten(str(error), 140, placeholder=" …")
        raise UsageError(
            f"training.execution=compiled: PyTorch cannot compile for {name_device(device)} here "
            f"({reason}); accepted here: eager."
        ) from error
