"""Fits a look of the MPI3D stand-in to frames: robust least squares over all of its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.stand_ins.robot import Scene
from disentgen.dataset.stand_ins.robot_looks import Look
from disentgen.dataset.stand_ins.robot_stage import paint_stages
from disentgen.dataset.stand_ins.sampling import Array

#: Where the object is depends on cameras and mount, and weighs little in a frame's mean error; that
#: shows widths and noise even less.
FIXED = ("cameras", "mount", "arm_width", "hub_width", "noise")
#: Errors beyond this many of 255 count in proportion to themselves, not to their square.
ROBUST_FROM = 3.0
#: Of a number, or of this much where it is smaller: by how much it is moved to find derivatives.
MOVE, SMALLEST = 0.01, 0.05


@dataclass(frozen=True)
class Numbers:
    """The numbers of a look that a fit may change: a vector of them, and looks made of one.

    The middle camera is what the others' gains and blacks refer to: its own are 1 and 0.

    Args:
        look: of which all other numbers are kept.
        fixed: names of fields that are kept.
    """

    look: Look
    fixed: Sequence[str] = FIXED

    @cached_property
    def masks(self) -> dict[str, NDArray[np.bool_]]:
        """By field, which of its numbers may change."""
        masks = {}
        for name in [field.name for field in fields(Look) if field.name not in self.fixed]:
            mask = np.ones(np.shape(getattr(self.look, name)), bool)
            if name in ("gains", "blacks"):
                mask[1] = False
            masks[name] = mask
        return masks

    def read(self) -> NDArray[np.float64]:
        """The vector of the look's own numbers."""
        parts = [np.asarray(getattr(self.look, name))[mask] for name, mask in self.masks.items()]
        return np.concatenate([np.ravel(part) for part in parts]).astype(float)

    def write(self, vector: NDArray[np.float64]) -> Look:
        """The look with the numbers of a vector."""
        changed: dict[str, Any] = {}
        start = 0
        for name, mask in self.masks.items():
            values = np.array(getattr(self.look, name), np.float32)
            values[mask] = vector[start : start + mask.sum()]
            if name == "colours":
                values = values.clip(0)
            changed[name] = values
            start += int(mask.sum())
        return replace(self.look, **changed)


def draw(look: Look, classes: NDArray[np.int64]) -> Array:
    """(n, 64, 64, 3): pictures of a look without the camera's noise, by (n, 7) classes."""
    pictures = Scene(look, classes).paint().clip(0, 255)
    # Of looks on the way nothing is drawn again.
    paint_stages.cache_clear()
    return pictures


@dataclass(frozen=True)
class Fit:
    """Where a fit ended, and what is needed to go on without some of its frames.

    Args:
        vector: (numbers,) fitted.
        derivatives: (frames, numbers, pixels) of the pictures there.
        products: (frames, numbers, numbers) of the normal equations there.
    """

    vector: NDArray[np.float64]
    derivatives: Array
    products: NDArray[np.float64]


class Fitting:
    """A look, frames, and how much each frame counts.

    Args:
        numbers: to be fitted.
        frames: (n, 64, 64, 3) in 0..255.
        classes: (n, 7).
    """

    def __init__(self, numbers: Numbers, frames: Array, classes: NDArray[np.int64]) -> None:
        self.numbers, self.frames, self.classes = numbers, frames, classes
        heights = classes[:, 3]
        #: A camera height that many frames show counts more than another, but not as much more.
        self.weights = 1 / np.sqrt(np.bincount(heights, minlength=3)[heights])

    def find_errors(self, vector: NDArray[np.float64]) -> Array:
        """(n, pixels): drawn less genuine."""
        drawn = draw(self.numbers.write(vector), self.classes)
        return (drawn - self.frames).reshape(len(self.frames), -1)

    def find_cost(self, errors: Array) -> float:
        """What is minimised: squares of small errors, large ones themselves."""
        costs = np.sqrt(1 + (errors / ROBUST_FROM) ** 2).mean(axis=1) - 1
        return float(self.weights @ costs)

    def differentiate(self, vector: NDArray[np.float64], errors: Array) -> Array:
        """(n, numbers, pixels): by finite differences from (n, pixels) errors at a vector."""
        derivatives = np.empty((len(errors), len(vector), errors.shape[1]), np.float32)
        for place, value in enumerate(vector):
            moved = vector.copy()
            moved[place] += (move := MOVE * max(abs(value), SMALLEST))
            derivatives[:, place] = (self.find_errors(moved) - errors) / move
        return derivatives

    def find_shares(self, errors: Array) -> Array:
        """(n, pixels): how much each of (n, pixels) errors counts."""
        shares: Array = self.weights[:, None] / np.sqrt(1 + (errors / ROBUST_FROM) ** 2)
        return shares

    def multiply(self, derivatives: Array, errors: Array) -> NDArray[np.float64]:
        """The normal equations of each frame, left: (n, numbers, numbers).

        Args:
            derivatives: (n, numbers, pixels).
            errors: (n, pixels).
        """
        shares = self.find_shares(errors)
        return np.array([(d * s) @ d.T for d, s in zip(derivatives, shares, strict=True)], float)

    def find_slopes(self, derivatives: Array, errors: Array) -> NDArray[np.float64]:
        """The normal equations of each frame, right: (n, numbers).

        Args:
            derivatives: (n, numbers, pixels).
            errors: (n, pixels).
        """
        counted = self.find_shares(errors) * errors
        return np.array([d @ e for d, e in zip(derivatives, counted, strict=True)], float)

    def run(self, steps: int = 20) -> Fit:
        """Fit all numbers to all frames (Levenberg 1944, Marquardt 1963)."""
        vector, damping = self.numbers.read(), 1e-3
        errors = self.find_errors(vector)
        for _ in range(steps):
            derivatives, cost = self.differentiate(vector, errors), self.find_cost(errors)
            products = self.multiply(derivatives, errors).sum(axis=0)
            slopes = self.find_slopes(derivatives, errors).sum(axis=0)
            for _ in range(8):
                step = solve(products, slopes, damping)
                moved = self.find_errors(vector - step)
                if self.find_cost(moved) < cost:
                    vector, errors = vector - step, moved
                    break
                damping *= 6
            damping = max(damping / 6, 1e-7)
            print(f"  {cost:.5f} -> {self.find_cost(errors):.5f}", flush=True)
            if self.find_cost(errors) > cost * (1 - 1e-4):
                break
        derivatives = self.differentiate(vector, errors)
        return Fit(vector, derivatives, self.multiply(derivatives, errors))

    def leave_out(self, fit: Fit, frame: int, steps: int = 6) -> Look:
        """The look that all numbers give when they are fitted again without one frame.

        Args:
            fit: to all frames; its derivatives are kept.
            frame: number of the frame that is left out.
            steps: how many to take from the fit.
        """
        others = np.arange(len(self.frames)) != frame
        products, vector = fit.products[others].sum(axis=0), fit.vector
        for _ in range(steps):
            slopes = self.find_slopes(fit.derivatives, self.find_errors(vector))
            vector = vector - solve(products, slopes[others].sum(axis=0), 1e-4)
        return self.numbers.write(vector)


def solve(
    products: NDArray[np.float64], slopes: NDArray[np.float64], damping: float
) -> NDArray[np.float64]:
    """The step that normal equations ask for; none of a number that no frame shows.

    Args:
        products: (numbers, numbers).
        slopes: (numbers,).
        damping: share of its own product by which each number is held back.
    """
    diagonal = np.diag(products)
    held = np.diag(damping * diagonal + 1e-9 * diagonal.max())
    return np.linalg.solve(products + held, slopes).astype(np.float64)
