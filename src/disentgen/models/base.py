"""What models of all families have in common."""

from typing import Any, ClassVar

from torch import nn

from disentgen.models.layers import Shape
from disentgen.models.outputs import Output


class Model(nn.Module):
    """A model that can be built from a configuration and described again."""

    #: The kind of output that it makes.
    output: ClassVar[type[Output]]

    @property
    def image_shape(self) -> Shape:
        """Channels, height, width of the images that it takes or makes."""
        raise NotImplementedError

    @property
    def layers(self) -> dict[str, Any]:
        """The layers that were built, as a configuration would write them."""
        raise NotImplementedError
