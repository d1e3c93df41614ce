"""MPI3D (Gondal et al. 2019): a robot arm that holds an object, in three versions of one grid."""

from functools import partial

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.spec import DatasetSpec, OriginalFile
from disentgen.dataset.split import published
from disentgen.dataset.stand_ins import robot


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
}

#: By version, the default one first; MD5 as recorded by the disent library.
HASHES = {
    "real": "0f33f609918fb5c97996692f91129802",
    "realistic": "59a6225b88b635365f70c91b3e52f70f",
    "toy": "55889cb7c7dfc655d6e0277beee88868",
}

SPECS = tuple(
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
        version=version,
        source="Gondal et al. 2019",
    )
    for version, digest in HASHES.items()
)
