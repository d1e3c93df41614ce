"""What models of all families have in common."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from disentgen.models.layers import Shape
from disentgen.models.outputs import Output


class Model(nn.Module):
    """A model that can be built from a configuration and described again."""

    #: The kind of output that it makes.
    output: type[Output]

    @classmethod
    def find_output(cls, section: Mapping[str, Any]) -> type[Output]:
        """The kind of output that a model of a ``model`` section makes, which is not built."""
        return cls.output

    @property
    def image_shape(self) -> Shape:
        """Channels, height, width of the images that it takes or makes."""
        raise NotImplementedError

    @property
    def layers(self) -> dict[str, Any]:
        """The layers that were built, as a configuration would write them."""
        raise NotImplementedError
