"""SmallNORB (LeCun et al. 2004): fifty toys of five kinds, in grey, by pose and light."""

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.spec import DatasetSpec, OriginalFile

GRID = FactorGrid(
    {
        "category": tuple(map(float, range(5))),
        "instance": tuple(map(float, range(10))),
        # In degrees.
        "elevation": tuple(map(float, range(30, 75, 5))),
        "azimuth": tuple(map(float, range(0, 360, 20))),
        "lighting": tuple(map(float, range(6))),
    },
    value_names={"category": ("animal", "human", "airplane", "truck", "car")},
)

SPECS = (
    DatasetSpec(
        name="smallnorb",
        title="SmallNORB",
        grid=GRID,
        pixels_shape=(64, 64, 1),
        maximum=255,
        variants={},
        original=OriginalFile(
            folder="smallnorb",
            names=("smallnorb-*-dat.mat",),
            key="image",
            # The files have no columns of values.
            columns={name: (name, "") for name in GRID.names},
        ),
        render=None,
        source="LeCun et al. 2004",
    ),
)
