"""3DShapes (Burgess & Kim 2018): a cube, cylinder, sphere or capsule in a room, in colour."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.spec import DatasetSpec, OriginalFile
from disentgen.dataset.stand_ins import room
from disentgen.dataset.variants import (
    later,
    list_correlated,
    list_doubles,
    list_orthotopic,
    pair_with_all,
    published,
    thinned,
)

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


VARIANTS = {
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
    "odd_ohue": later("interp", "object_hue in [0.1, 0.3, 0.5, 0.7, 0.9]"),
    "shape2ohue_one": later(
        "recomb2element",
        "shape == 3 & object_hue == 0.2",
        note="published as another shape2ohue: one hue of one shape",
    ),
    "ohue2whue": later("recomb2range", "object_hue >= 0.75 & wall_hue <= 0.5"),
    "fhue2whue": later("recomb2range", "floor_hue >= 0.75 & wall_hue <= 0.5"),
    "shape2ohueq": later("recomb2range", "shape == 3 & object_hue <= 0.25"),
    "shape2orient": later("recomb2range", "shape == 3 & orientation >= 0"),
    "shape2ohue_flnk": later("recomb2range", "shape == 3 & object_hue > 0.25 & object_hue < 0.75"),
    **list_orthotopic(
        ("floor_hue", "wall_hue", "object_hue", "scale", "shape"),
        [(9, 9, 9, 7, 3), (7, 7, 7, 6, 3), (6, 5, 6, 5, 2), (4, 4, 4, 3, 1), (2, 2, 1, 1, 1)],
    ),
    **list_correlated(
        {
            "single_1_01": (0.1, [("floor_hue", "wall_hue")]),
            "single_2_01": (0.1, [("shape", "scale")]),
            "single_3_01": (0.1, [("shape", "wall_hue")]),
            "single_4_01": (0.1, [("shape", "object_hue")]),
            **list_doubles(
                [("scale", "floor_hue"), ("shape", "wall_hue")],
                [("scale", "shape"), ("floor_hue", "wall_hue")],
            ),
            "double_3_01": (0.1, [("shape", "object_hue"), ("shape", "scale")]),
            "triple_1_01": (
                0.1,
                [("scale", "orientation"), ("shape", "wall_hue"), ("object_hue", "floor_hue")],
            ),
            "triple_2_01": (
                0.1,
                [("object_hue", "orientation"), ("shape", "scale"), ("floor_hue", "wall_hue")],
            ),
            "conf_1_02": (0.2, pair_with_all("shape", GRID.names)),
            "conf_2_02": (0.2, pair_with_all("wall_hue", GRID.names)),
        }
    ),
}

THINNINGS = {
    "even_ohues": thinned("class(object_hue) % 2 == 0"),
    "half_ohues": thinned("class(object_hue) < 5"),
    "even_whues": thinned("class(wall_hue) % 2 == 0", note="as published, it returns nothing"),
    "even_fhues": thinned("class(floor_hue) % 2 == 0", note="as published, it returns nothing"),
}

SPECS = (
    DatasetSpec(
        name="shapes3d",
        title="3DShapes",
        grid=GRID,
        pixels_shape=(64, 64, 3),
        maximum=255,
        variants=VARIANTS,
        original=OriginalFile(
            folder="shapes3d",
            names=("3dshapes.h5",),
            url="https://storage.googleapis.com/3d-shapes/3dshapes.h5",
            # As recorded by the disent library.
            hash="md5:099a2078d58cec4daad0702c55d06868",
            licence="Apache-2.0",
            key="images",
            labels=label,
            others=(
                # The copy at huggingface.co/datasets/eurecom-ds/shapes3d.
                OriginalFile(
                    folder="shapes3d",
                    names=("train-*.parquet",),
                    licence="Apache-2.0",
                    key="image",
                    columns={name: (f"label_{name}", f"value_{name}") for name in GRID.names},
                ),
            ),
        ),
        render=room.render,
        source="Burgess & Kim 2018",
        thinnings=THINNINGS,
    ),
)
