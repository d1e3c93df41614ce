"""Two sprites (Wiedemer et al. 2023): drawn, each with a place, a shape, a size and a hue.

Ranges and renderer are theirs. Their latents are continuous; the values here are a grid of ours.
"""

from functools import partial

import numpy as np

from disentgen.dataset.drawn import two_sprites
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.spec import DRAWN, DatasetSpec
from disentgen.dataset.variants import Variant


def _spread(low: float, high: float, count: int) -> tuple[float, ...]:
    return tuple(np.linspace(low, high, count).round(6).tolist())


#: Of one sprite. Odd numbers of values, so that each range has its middle.
SPRITE = FactorGrid(
    {
        "x": _spread(0.1, 0.9, 7),
        "y": _spread(0.2, 0.8, 5),
        "shape": (0.0, 1.0, 2.0),
        "size": _spread(0.09, 0.22, 3),
        "hue": _spread(0.05, 0.95, 3),
    }
)

GRID = FactorGrid(
    {
        f"{name}{number}": values
        for number in (1, 2)
        for name, values in SPRITE.factor_values.items()
    },
    value_names={f"shape{number}": tuple(two_sprites.SHAPES) for number in (1, 2)},
)

_PAIRS = [[f"{name}1", f"{name}2"] for name in SPRITE.names]


def _fix(number: int, x: int, y: int, shape: str, size: int, hue: int) -> str:
    """The expression of one sprite that is always the same, by its classes."""
    return (
        f"(class(x{number}) == {x} & class(y{number}) == {y} & shape{number} == '{shape}'"
        f" & class(size{number}) == {size} & class(hue{number}) == {hue})"
    )


#: One of the two sprites is always the same: the first at the upper right, or the second at the
#: lower left or in the middle.
_PLANES = " | ".join(
    [_fix(1, 6, 4, "circle", 0, 2), _fix(2, 0, 0, "triangle", 0, 0),
     _fix(2, 3, 2, "square", 0, 1)]
)  # fmt: skip
#: Of the first sprite, the values of x between 0.05 and 0.45 of its range.
_GAP = "class(x1) in [1, 2]"

_support = partial(Variant, source="Wiedemer et al. 2023")
VARIANTS = {
    "orthogonal": _support(
        "support",
        f"not ({_PLANES})",
        note="one of the sprites is always the same; supports are theirs, on a grid of ours",
    ),
    "gap": _support(
        "support",
        f"not ({_PLANES}) | {_GAP}",
        note="orthogonal, and the first sprite is never at some of the places",
    ),
    **{
        name: _support(
            "diagonal",
            split="diagonal",
            split_params={"pairs": _PAIRS, "radius": radius},
            note=note,
        )
        for name, radius, note in (
            ("diagonal", 0.1, "on this grid both sprites are the same, as they are for 0.05, so "
             "that the second one is never seen"),
            ("diagonal_broad", 0.2, "sprites are of the same shape, size and hue, at most one "
             "place apart"),
        )
    },
    "diagonal_wide": Variant(
        "diagonal",
        split="diagonal",
        split_params={"pairs": _PAIRS, "radius": 0.4},
        note="after Wiedemer et al. 2023, as wide as this grid needs for sprites that differ",
    ),
    "random": Variant(
        "coverage",
        split="coverage",
        split_params={"p": 0.1},
        note="after Wiedemer et al. 2023, who hold nothing out of random combinations",
    ),
}  # fmt: skip

SPECS = (
    DatasetSpec(
        name="two_sprites",
        title="Two sprites",
        grid=GRID,
        pixels_shape=two_sprites.PIXELS_SHAPE,
        maximum=255,
        variants=VARIANTS,
        original=DRAWN,
        render=partial(two_sprites.render, SPRITE),
        source="Wiedemer et al. 2023",
    ),
)
