"""What objectives with a discriminator have in common."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from disentgen.training.losses.base import Loss


class Adversarial(Loss):
    """An objective with a discriminator of codes, which learns beside the model.

    Args:
        widths: units of the discriminator's layers, from the latents to its logits.
        activation: between its layers.
        lr: learning rate of its Adam.
        betas: of its Adam.
    """

    def __init__(
        self, widths: list[int], activation: nn.Module, lr: float, betas: tuple[float, float]
    ):
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), activation]
        self.discriminator = nn.Sequential(*layers[:-1])
        self.optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=lr, betas=betas)

    def judge_codes(self, codes: Tensor, learn: bool) -> Tensor:
        """The discriminator's logits, (codes, outputs).

        Args:
            codes: (codes, latents).
            learn: whether gradients reach the discriminator.
        """
        weights: dict[str, Tensor] = dict(self.discriminator.named_parameters())
        if not learn:
            weights = {name: value.detach() for name, value in weights.items()}
        logits: Tensor = functional_call(self.discriminator, weights, codes)
        return logits

    def update_discriminator(self, loss: Tensor) -> None:
        """Update the discriminator once, by the gradient of its loss, a scalar."""
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()

    def get_extra_state(self) -> dict[str, Any]:
        return self.optimizer.state_dict()

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state)
