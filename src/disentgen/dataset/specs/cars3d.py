"""Cars3D (Reed et al. 2015): cars of 183 types, seen from 24 sides and 4 heights, in colour."""

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.spec import DatasetSpec, OriginalFile

# In the order of the file: steps are not published, so values are classes.
GRID = FactorGrid(
    {
        "object_type": tuple(map(float, range(183))),
        "azimuth": tuple(map(float, range(24))),
        "elevation": tuple(map(float, range(4))),
    }
)

SPECS = (
    DatasetSpec(
        name="cars3d",
        title="Cars3D",
        grid=GRID,
        pixels_shape=(64, 64, 3),
        maximum=255,
        variants={},
        original=OriginalFile(
            folder="cars3d",
            names=("nips2015-analogy-data.tar.gz",),
            key="images",
            url="http://www.scottreed.info/files/nips2015-analogy-data.tar.gz",
            # As recorded by the disent and Latte libraries.
            hash="md5:4e866a7919c1beedf53964e6f7a23686",
        ),
        render=None,
        source="Reed et al. 2015",
    ),
)
