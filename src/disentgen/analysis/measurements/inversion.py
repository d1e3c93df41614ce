"""Whether a decoder can make an image at all: its latents are searched for, by gradient descent.

An encoder that reconstructs a held-out image badly may have failed to find the latents of what the
decoder can make, or the decoder cannot make it (Brady et al. 2025, who invert decoders by
gradient-based search). The search starts at the encoder's code (of a ground-truth decoder, at the
factors) and at those of training images. Rate, steps and starts are ours.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from disentgen.analysis.measurements import Column, Measured, Measurement, Part, up_to
from disentgen.analysis.metrics import Result
from disentgen.dataset.images import Indices
from disentgen.models import FAMILIES
from disentgen.models.layers.encodings import OneHot
from disentgen.models.outputs import ImageOutput
from disentgen.runs import Run

#: Images of each side; steps of Adam from each start, and its first rate, which falls to 0 as a
#: cosine, in standard deviations of the latents of training images.
IMAGES, STEPS, RATE = 32, 60, 0.2
#: Starts beside that at the image's own latents, and the training images that they are drawn from.
OTHERS, DRAWN_FROM = 2, 256
#: The held-in side stands here by the images that were not trained on.
SIDES = ("validation", "held_out")


class Search(NamedTuple):
    """What a search has found.

    Args:
        latents: (images, latents) of the lowest cost.
        cost: (images,) that they have.
    """

    latents: Tensor
    cost: Tensor


def search_latents(
    cost: Callable[[Tensor], Tensor],
    starts: Tensor,
    spread: Tensor,
    steps: int = STEPS,
    rate: float = RATE,
) -> Search:
    """Minimise the cost of latents, each image and each start on its own, by Adam.

    Args:
        cost: of latents, (starts · images, latents), start by start, to (starts · images,).
        starts: (starts, images, latents).
        spread: (latents,) the unit of steps; latents of none stay where they start.
        steps: of the search.
        rate: learning rate of the first step, which falls to 0 as a cosine.

    Returns:
        The best of all steps of all starts: no worse than any start.
    """
    moves = torch.zeros_like(starts.flatten(0, 1)).requires_grad_()
    optimizer = torch.optim.Adam([moves], rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    best = Search(starts.flatten(0, 1), torch.full_like(moves[:, 0], torch.inf).detach())
    for _ in range(steps + 1):
        latents = starts.flatten(0, 1) + spread * moves
        costs = cost(latents)
        better = costs.detach() < best.cost
        best = Search(
            torch.where(better[:, None], latents.detach(), best.latents),
            torch.where(better, costs.detach(), best.cost),
        )
        (moves.grad,) = torch.autograd.grad(costs.sum(), moves)
        optimizer.step()
        schedule.step()
    by_start = best.cost.reshape(starts.shape[:2])
    chosen, images = by_start.argmin(dim=0), torch.arange(starts.shape[1])
    return Search(best.latents.reshape(starts.shape)[chosen, images], by_start.amin(dim=0))


def find_latents(run: Run, indices: Indices) -> Tensor:
    """What a model makes images of: their codes, or their factor values, (n, latents).

    Args:
        run: of a family that decodes.
        indices: (n,) of the images.
    """
    family, observed = FAMILIES[run.family], run.dataset.observe()
    if family.encode is None:
        return observed.factor_values(indices)
    with torch.no_grad():
        return family.encode(run.model, observed.images(indices))


def can_be_inverted(run: Run) -> bool:
    """Whether a run's model decodes, from latents or factors that can be moved a little.

    A one-hot code is of places alone: it has no gradient.
    """
    layers = run.config["model"].get("decoder") or ()
    starts_from_places = any(layer[0] == OneHot.name for layer in layers)
    return FAMILIES[run.family].decode is not None and not starts_from_places


def measure_inversion(measured: Measured, images: int, side: str) -> Result:
    """The images of a side that a decoder makes of their own latents, and of the best ones.

    What is minimised is what the model was trained by: NLL or squared error.

    Args:
        measured: of a run with a decoder.
        images: at most so many of the side.
        side: of the run's split.

    Returns:
        ``squared_error_own`` and ``nll_own`` at the encoder's code (or the factors),
        ``squared_error_found`` and ``nll_found`` at the latents found, means over images, None of
        no images; and ``images``.
    """
    run = measured.run
    indices = run.split.sample(side, images)
    target = run.dataset.observe().images(indices)
    decode = FAMILIES[run.family].decode
    assert decode is not None  # or the run has no such measurement
    by_error = run.config["training"]["loss"]["reconstruction"] == "mse"

    def make(latents: Tensor) -> ImageOutput:
        return decode(run.model, latents)

    def cost(latents: Tensor) -> Tensor:
        wanted = target.repeat(len(latents) // len(target), 1, 1, 1)
        return make(latents).squared_error(wanted) if by_error else make(latents).nll(wanted)

    own = find_latents(run, indices)
    best = search_latents(cost, *choose_starts(run, own)).latents
    result: Result = {"images": len(indices)}
    with torch.no_grad():
        for name, latents in (("own", own), ("found", best)):
            output = make(latents)
            result[f"squared_error_{name}"] = output.squared_error(target).mean().item()
            result[f"nll_{name}"] = output.nll(target).mean().item()
    return result


def choose_starts(run: Run, own: Tensor) -> tuple[Tensor, Tensor]:
    """Where a search starts, the same places every time, and the unit of its steps.

    Args:
        run: of a family that decodes.
        own: (images, latents) of the images.

    Returns:
        (starts, images, latents) and (latents,), the standard deviations of training images.
    """
    known = find_latents(run, run.split.sample("train", DRAWN_FROM))
    drawn = np.random.default_rng(0).integers(len(known), size=(OTHERS, len(own)))
    return torch.cat([own[None], known[drawn]]), known.std(dim=0, correction=0)


def list_parts(run: Run) -> dict[str, Part]:
    """The sides of a run's split that have images."""
    return {
        side: Part(f"inversion_{side}", (side,), up_to(IMAGES))
        for side in SIDES
        if run.split.mask(side).any()
    }


def list_numbers() -> dict[str, Column]:
    """Squared errors of both sides."""
    return {
        f"squared_error_{which}_{side}": Column(
            f"inversion_{side}", f"squared_error_{which}", "log"
        )
        for side in SIDES
        for which in ("own", "found")
    }


MEASUREMENT = Measurement(
    "inversion",
    "inversion by search",
    measure_inversion,
    can_be_inverted,
    parts=list_parts,
    columns=list_numbers,
    on_request=True,
)
