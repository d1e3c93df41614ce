"""3DShapes (Burgess & Kim 2018): a cube, cylinder, sphere or capsule in a room, in colour."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.spec import DatasetSpec, OriginalFile
from disentgen.dataset.split import published
from disentgen.dataset.stand_ins import room

_HUES = tuple(hue / 10 for hue in range(10))

GRID = FactorGrid(
    {
        "floor_hue": _HUES,
        "wall_hue": _HUES,
        "object_hue": _HUES,
        "scale": tuple(np.linspace(0.75, 1.25, 8).tolist()),
        "shape": (0.0, 1.0, 2.0, 3.0),
        "orientation": tuple(np.linspace(-30.0, 30.0, 15).tolist()),
    },
    value_names={"shape": ("cube", "cylinder", "sphere", "capsule")},
)


def label() -> dict[str, NDArray[Any]]:
    """The array beside the images in the published file: values, (images, factors)."""
    return {"labels": GRID.values(np.arange(GRID.size))}


SPECS = (
    DatasetSpec(
        name="shapes3d",
        title="3DShapes",
        grid=GRID,
        pixels_shape=(64, 64, 3),
        maximum=255,
        variants={
            "fhue_gt50": published("extrp", "floor_hue >= 0.5"),
            # Floor hue takes no part in it, despite the published name.
            "ohue+whue2fhue": published("recomb2range", "object_hue >= 0.8 & wall_hue <= 0.2"),
            "shape2ohue": published("recomb2range", "shape == 3 & object_hue >= 0.5"),
            "shape2fhue": published("recomb2range", "shape == 3 & floor_hue >= 0.5"),
            "leave1out": published(
                "recomb2element",
                "object_hue >= 0.8 & wall_hue >= 0.8 & floor_hue >= 0.8"
                " & scale >= 1.1 & shape == 1 & orientation > 20",
            ),
        },
        original=OriginalFile(
            folder="shapes3d",
            names=("3dshapes.h5",),
            url="https://storage.googleapis.com/3d-shapes/3dshapes.h5",
            # As recorded by the disent library.
            hash="md5:099a2078d58cec4daad0702c55d06868",
            licence="Apache-2.0",
            key="images",
            labels=label,
        ),
        render=room.render,
        source="Burgess & Kim 2018",
    ),
)
