"""dSprites (Matthey et al. 2017): binary 64×64 images of a square, ellipse or heart."""

from functools import partial
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.spec import DatasetSpec, OriginalFile
from disentgen.dataset.stand_ins import sprites
from disentgen.dataset.variants import (
    Variant,
    later,
    list_correlated,
    list_doubles,
    list_orthotopic,
    pair_with_all,
    published,
    thinned,
)

GRID = FactorGrid(
    {
        "shape": (1.0, 2.0, 3.0),
        "scale": tuple(np.linspace(0.5, 1.0, 6).tolist()),
        "orientation": tuple(np.linspace(0.0, 2 * pi, 40).tolist()),
        "posX": tuple(np.linspace(0.0, 1.0, 32).tolist()),
        "posY": tuple(np.linspace(0.0, 1.0, 32).tolist()),
    },
    value_names={"shape": ("square", "ellipse", "heart")},
)

#: Of leave1out, apart from the shape.
_LEFT_OUT = "scale > 0.6 & 2*pi/3 < orientation < 4*pi/3 & posX > 0.66 & posY > 0.66"

VARIANTS = {
    "blank_side": published("extrp", "posX > 0.5", held_in="posX < 0.5"),
    "shape2tx": published("recomb2range", "shape == 1 & posX > 0.5"),
    # The published filter tests the *class* 1 here, the value 1 in shape2tx.
    "leave1out": published(
        "recomb2element",
        f"shape == 2 & {_LEFT_OUT}",
        note="ellipses look the same after half a turn: the nearest training image of the same "
        "scale and place differs in 11 pixels (median)",
    ),
    "leave1out_heart": Variant(
        "recomb2element",
        f"shape == 'heart' & {_LEFT_OUT}",
        note="leave1out with hearts, which look the same only after a whole turn: the nearest "
        "training image of the same scale and place differs in 59 pixels (median)",
    ),
    "sqr2tx": later("recomb2range", "shape == 1 & posX > 0.5", note="the same as shape2tx"),
    "ell2tx": later("recomb2range", "shape == 2 & posX > 0.5"),
    "sqr2scl": later("recomb2range", "shape == 1 & scale > 0.75"),
    "sqr2tx_cent": later("recomb2range", "shape == 1 & posX > 0.25 & posX < 0.75"),
    "sqr2tx_flnk": later(
        "recomb2range",
        "shape == 1 & posX > 0.25 & posX < 0.75",
        note="as published, the same as sqr2tx_cent; its complement was meant, by its name",
    ),
    "sqr2tx_rs": later("recomb2range", "shape == 1 & posX > 0.40 & posX < 0.90"),
    "sqr2tx_ls": later(
        "recomb2range",
        "shape == 2 & (posX < 0.10 | posX > 0.60)",
        note="as published, of ellipses and outside the range, despite its name",
    ),
    "heart2rot": later("recomb2range", "shape == 3 & orientation >= pi"),
    **list_orthotopic(
        ("shape", "scale", "posX", "posY"),
        [(2, 4, 30, 30), (2, 3, 14, 14), (1, 3, 16, 16), (1, 1, 4, 4)],
    ),
    **list_correlated(
        {
            "single_1_01": (0.1, [("shape", "scale")]),
            "single_2_01": (0.1, [("posX", "posY")]),
            "single_3_01": (0.1, [("shape", "posY")]),
            **list_doubles(
                [("shape", "posX"), ("scale", "posY")],
                [("shape", "scale"), ("posX", "posY")],
            ),
            "conf_1_02": (0.2, pair_with_all("shape", GRID.names)),
            "conf_2_02": (0.2, pair_with_all("posX", GRID.names)),
        }
    ),
}

THINNINGS = {
    "sparse_posX": thinned("class(posX) in [0, 7, 15, 23, 31]"),
    "halve_pos": thinned("class(posX) % 2 == 0 & class(posY) % 2 == 0"),
    "halve_rots": thinned("class(orientation) % 2 == 0"),
    "remove_redundant_rotations": thinned(
        "shape == 'heart' | (shape == 'square' & orientation < pi / 2)"
        " | (shape == 'ellipse' & orientation < pi)",
    ),
}


def label() -> dict[str, NDArray[Any]]:
    """The arrays beside the images in the published file; its first factor is a constant color.

    Returns:
        Classes and values, (images, factors + 1) each, and a dictionary in an array of no axes.
    """
    indices = np.arange(GRID.size)
    sizes = np.array([1, *GRID.sizes])
    names = ("color", *GRID.names)
    possible = {"color": np.array([1.0])} | {
        name: np.array(values) for name, values in GRID.factor_values.items()
    }
    metadata = {
        "title": "dSprites factor grid, stand-in images rendered by disent-and-gen",
        "description": "Not the published images: a rendering of the same factor grid.",
        "latents_names": names,
        "latents_sizes": sizes,
        "latents_possible_values": possible,
    }
    return {
        "latents_classes": np.insert(GRID.classes(indices), 0, 0, axis=1),
        "latents_values": np.insert(GRID.values(indices), 0, 1.0, axis=1),
        "metadata": np.array(metadata, dtype=object),
    }


def label_groups() -> dict[str, NDArray[Any]]:
    """The arrays beside the images in the second published file, without its metadata.

    Returns:
        Classes and values, (images, factors + 1) each, as in :func:`label`.
    """
    arrays = label()
    return {f"latents/{part}": arrays[f"latents_{part}"] for part in ("classes", "values")}


#: Of the copy at huggingface.co/datasets/eurecom-ds/dsprites: class and value of each factor.
COLUMNS = {
    name: (f"label_{column}", f"value_{column}")
    for name, column in zip(
        GRID.names, ("shape", "scale", "orientation", "x_position", "y_position"), strict=True
    )
}

_NAME = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64"
_PLACE = f"https://github.com/deepmind/dsprites-dataset/raw/master/{_NAME}"

SPECS = (
    DatasetSpec(
        name="dsprites",
        title="dSprites",
        grid=GRID,
        pixels_shape=sprites.PIXELS_SHAPE,
        maximum=1,
        variants=VARIANTS,
        original=OriginalFile(
            folder="dsprites",
            names=("dsprite_train.npz", f"{_NAME}.npz"),
            url=f"{_PLACE}.npz",
            # As recorded by the Latte library (Watcharasupat & Lerch 2021).
            hash="md5:7da33b31b13a06f4b04a70402ce90c2e",
            licence="Apache-2.0",
            key="imgs",
            labels=label,
            others=(
                OriginalFile(
                    folder="dsprites",
                    names=(f"{_NAME}.hdf5", "dsprite_train.hdf5"),
                    url=f"{_PLACE}.hdf5",
                    # As recorded by the disent library.
                    hash="md5:b331c4447a651c44bf5e8ae09022e230",
                    licence="Apache-2.0",
                    key="imgs",
                    labels=label_groups,
                ),
                OriginalFile(
                    folder="dsprites",
                    names=("train-*.parquet",),
                    licence="Apache-2.0",
                    key="image",
                    columns=COLUMNS,
                ),
            ),
        ),
        render=partial(sprites.render, GRID),
        source="Matthey et al. 2017",
        thinnings=THINNINGS,
    ),
)
