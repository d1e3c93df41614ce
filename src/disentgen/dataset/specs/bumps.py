"""Bumps (Liang et al. 2025): a Gaussian bump at a whole pixel, drawn; there is no file of it.

Equations and numbers are those of the authors' code (qiyaoliang/DisentangledCompGen): version
``dark`` of ``gaussian_exps/*/cnn/depth_exp.py``, ``stripes`` of ``stripe_data_augmentation.py``,
``bright`` of ``regularised_network/dataset.py``. Pixels are kept as bytes, which are off by at most
1/510; the published ones are floats.
"""

from functools import partial

import numpy as np

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Indices, Pixels
from disentgen.dataset.spec import DRAWN, DatasetSpec
from disentgen.dataset.variants import Variant

SOURCE = "Liang et al. 2025"


def make_grid(length: int) -> FactorGrid:
    """Centres on all whole pixels of a square canvas, x (the column) before y (the row).

    Args:
        length: of the canvas's sides, in pixels.
    """
    places = tuple(map(float, range(length)))
    return FactorGrid({"x": places, "y": places})


def render(indices: Indices, canvas: int, size: int, sigma: float, is_dark: bool) -> Pixels:
    """Draw bumps exp(−r² / 2σ²), r the distance from the centre; dark ones are 1 less that.

    Args:
        indices: (n,) of :func:`make_grid` of the canvas.
        canvas: length of its sides, in pixels.
        size: of the square in its middle that an image shows.
        sigma: σ, in pixels.
        is_dark: whether bumps are dark on white rather than bright on black.

    Returns:
        (n, size, size, 1) of 0 to 255.
    """
    centres = make_grid(canvas).values(indices)
    places = np.arange(size) + (canvas - size) // 2
    # A bump is the product of its profiles along x and y.
    x, y = np.moveaxis(np.exp(-((places - centres[..., None]) ** 2) / (2 * sigma**2)), 1, 0)
    bump = y[:, :, None] * x[:, None, :]
    values = 1 - bump if is_dark else bump
    pixels: Pixels = np.rint(255 * values[..., None]).astype(np.uint8)
    return pixels


def hold_out(low: int, high: int, note: str | None = None) -> Variant:
    """A square of centres that is held out.

    Args:
        low: first column and row.
        high: last column and row.
        note: what is to be known of it.
    """
    rule = f"x >= {low} & x <= {high} & y >= {low} & y <= {high}"
    return Variant("recomb2range", rule, source=SOURCE, note=note)


def make_spec(
    version: str, canvas: int, size: int, sigma: float, variants: dict[str, Variant]
) -> DatasetSpec:
    """One version of the dataset.

    Args:
        version: its name; bumps of ``bright`` are bright, others dark.
        canvas: length of the sides of the square that centres lie on, in pixels.
        size: of images.
        sigma: σ of bumps, in pixels.
        variants: held-out conditions by name.
    """
    return DatasetSpec(
        name="bumps",
        title="Bumps",
        grid=make_grid(canvas),
        pixels_shape=(size, size, 1),
        maximum=255,
        variants=variants,
        original=DRAWN,
        render=partial(render, canvas=canvas, size=size, sigma=sigma, is_dark=version != "bright"),
        version=version,
        source=SOURCE,
    )


SPECS = (
    make_spec(
        "dark", 28, 28, 1.0, {"square_6_22": hold_out(6, 22), "square_10_18": hold_out(10, 18)}
    ),
    # Centres outside the image on one axis leave the end of a bump; on the canvas, rows and
    # columns through the held-out square are trained on beyond the image's edge.
    make_spec(
        "stripes", 40, 28, 1.0,
        {"square_12_28": hold_out(12, 28, "columns and rows 6..22 of the image")},
    ),
    make_spec("bright", 32, 32, 1.5, {"corner_12": hold_out(12, 31)}),
)  # fmt: skip
