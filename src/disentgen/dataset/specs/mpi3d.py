"""MPI3D (Gondal et al. 2019): a robot arm that holds an object, in three versions of one grid and,
with everyday objects, in one of another."""

from functools import partial

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.spec import DatasetSpec, OriginalFile
from disentgen.dataset.stand_ins import robot
from disentgen.dataset.variants import (
    later,
    list_correlated,
    list_doubles,
    list_orthotopic,
    pair_with_all,
    published,
    thinned,
)


def _classes(count: int) -> tuple[float, ...]:
    return tuple(map(float, range(count)))


VALUE_NAMES = {
    "object_color": ("white", "green", "red", "blue", "brown", "olive"),
    "object_shape": ("cone", "cube", "cylinder", "hexagonal", "pyramid", "sphere"),
    "object_size": ("small", "large"),
    "camera_height": ("top", "center", "bottom"),
    "background_color": ("purple", "sea green", "salmon"),
}

GRID = FactorGrid(
    {
        "object_color": _classes(6),
        "object_shape": _classes(6),
        "object_size": _classes(2),
        "camera_height": _classes(3),
        "background_color": _classes(3),
        "horizontal_axis": _classes(40),
        "vertical_axis": _classes(40),
    },
    VALUE_NAMES,
)

VARIANTS = {
    # Images with horizontal_axis 20 are on neither side.
    "horz_gt20": published("extrp", "horizontal_axis > 20", held_in="horizontal_axis < 20"),
    "objc_gt3": published("extrp", "object_color > 3"),
    "cyl2horz": published("recomb2range", "object_shape == 2 & horizontal_axis < 20"),
    "objc2horz": published("recomb2range", "object_color == 2 & horizontal_axis < 20"),
    "leave1out": published(
        "recomb2element",
        "object_color == 5 & object_shape == 2 & object_size == 1 & camera_height == 1"
        " & background_color == 1 & horizontal_axis > 35 & vertical_axis > 35",
    ),
    "cyl2vx": later("recomb2range", "object_shape == 2 & vertical_axis < 20"),
    "bkg2cyl": later(
        "recomb2range",
        "object_shape >= 4 & background_color == 2",
        note="as published, of pyramids and spheres, despite its name",
    ),
    **list_orthotopic(
        ("object_color", "object_shape", "camera_height", "background_color", "horizontal_axis",
         "vertical_axis"),
        [(5, 5, 2, 2, 38, 38), (5, 4, 2, 2, 34, 34), (4, 3, 2, 2, 27, 27), (3, 4, 1, 2, 22, 22),
         (2, 2, 1, 1, 10, 10), (1, 1, 1, 1, 1, 1)],
    ),
    **list_correlated(
        {
            "single_1_01": (0.1, [("camera_height", "background_color")]),
            "single_2_01": (0.1, [("object_color", "object_size")]),
            "single_3_01": (0.1, [("horizontal_axis", "vertical_axis")]),
            **list_doubles(
                [("object_color", "object_shape"), ("horizontal_axis", "vertical_axis")],
                [("object_color", "horizontal_axis"), ("object_shape", "vertical_axis")],
            ),
            "triple_1_01": (
                0.1,
                [("object_color", "background_color"), ("camera_height", "horizontal_axis"),
                 ("object_shape", "vertical_axis")],
            ),
            "triple_2_01": (
                0.1,
                [("object_color", "object_shape"), ("horizontal_axis", "vertical_axis"),
                 ("background_color", "camera_height")],
            ),
            "conf_1_02": (0.2, pair_with_all("object_shape", GRID.names)),
            "conf_2_02": (0.2, pair_with_all("horizontal_axis", GRID.names)),
        }
    ),
}  # fmt: skip

THINNINGS = {
    "four_shapes": thinned("object_shape not in ['cone', 'hexagonal']"),
    "fix_hx": thinned("horizontal_axis == 0"),
    "lhalf_hx": thinned("horizontal_axis < 20"),
    "even_vx": thinned("class(vertical_axis) % 2 == 1", note="as published, it keeps odd classes"),
}

#: Of the stand-ins that have changed since the first.
DRAWINGS = {"real": 2, "realistic": 2}

#: By version, the default one first; MD5 as recorded by the disent library.
HASHES = {
    "real": "0f33f609918fb5c97996692f91129802",
    "realistic": "59a6225b88b635365f70c91b3e52f70f",
    "toy": "55889cb7c7dfc655d6e0277beee88868",
}

VERSIONS = tuple(
    DatasetSpec(
        name="mpi3d",
        title=f"MPI3D {version}",
        grid=GRID,
        pixels_shape=(64, 64, 3),
        maximum=255,
        variants=VARIANTS,
        original=OriginalFile(
            folder="mpi",
            names=(f"mpi3d_{version}.npz",),
            url="https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main/"
            f"mpi3d_{version}.npz",
            hash=f"md5:{digest}",
            licence="CC BY 4.0",
            key="images",
            # The published file has no labels: factors follow from the order.
            labels=dict,
        ),
        render=partial(robot.render, version),
        drawing=DRAWINGS.get(version, 1),
        version=version,
        source="Gondal et al. 2019",
        thinnings=THINNINGS,
    )
    for version, digest in HASHES.items()
)

#: Of the version with everyday objects, which has no stand-in.
COMPLEX_NAMES = VALUE_NAMES | {
    "object_color": ("yellow", "green", "olive", "red"),
    "object_shape": ("coffee cup", "tennis ball", "croissant", "beer cup"),
}

COMPLEX = DatasetSpec(
    name="mpi3d",
    title="MPI3D complex",
    grid=FactorGrid(
        dict(GRID.factor_values) | {"object_color": _classes(4), "object_shape": _classes(4)},
        COMPLEX_NAMES,
    ),
    pixels_shape=(64, 64, 3),
    maximum=255,
    variants={},
    # It is offered at an address that programs cannot fetch from.
    original=OriginalFile(
        folder="mpi",
        names=("real3d_complicated_shapes_ordered.npz", "mpi3d_real_complex.npz"),
        key="images",
        licence="CC BY 4.0",
    ),
    render=None,
    version="complex",
    source="Gondal et al. 2019",
)

SPECS = (*VERSIONS, COMPLEX)
