"""Networks of torchvision as layers, untrained: from an image to features, without a classifier."""

from dataclasses import dataclass
from typing import Literal

from torch import nn

from disentgen.errors import UsageError
from disentgen.models.layers.base import Layer, Shape
from disentgen.models.layers.imported import Imported

#: Features of each network.
FEATURES = {"resnet18": 512, "densenet121": 1024}
#: By which side of a convolution torchvision scales its initial weights.
SCALED_BY: dict[str, Literal["fan_in", "fan_out"]] = {
    "resnet18": "fan_out",
    "densenet121": "fan_in",
}
#: Their strides halve height and width five times.
SMALLEST = 32


@dataclass(frozen=True)
class Backbone(Layer):
    """ResNet-18 (He et al. 2016) or DenseNet-121 (Huang et al. 2017), made for ImageNet.

    It ends in the mean over pixels, and keeps the initial weights that it has given itself, which
    are drawn as its paper has them.

    Args:
        network: which.
    """

    name = "backbone"
    input_axes = 3

    network: Literal["resnet18", "densenet121"]

    def output_shape(self, shape: Shape) -> Shape:
        if min(shape[1:]) < SMALLEST:
            raise ValueError(f"{self.network} takes images of {SMALLEST} × {SMALLEST} and more")
        return (FEATURES[self.network],)

    def module(self, shape: Shape) -> nn.Module:
        from torchvision import models  # takes a second to be imported

        network = getattr(models, self.network)(weights=None)
        mode = SCALED_BY[self.network]
        if self.network == "resnet18":
            network.conv1 = adapt_channels(network.conv1, shape[0], mode)
            network.fc = nn.Identity()
        else:
            network.features.conv0 = adapt_channels(network.features.conv0, shape[0], mode)
            network.classifier = nn.Identity()
        return Imported(network)

    def transposed(self, shape: Shape) -> Layer:
        raise UsageError(f"backbone {self.network} cannot be transposed; give model.decoder too.")


def adapt_channels(
    first: nn.Conv2d, channels: int, mode: Literal["fan_in", "fan_out"]
) -> nn.Conv2d:
    """A network's first convolution for images of another number of channels.

    Args:
        first: for three channels, without bias.
        channels: of the images.
        mode: by which side its initial weights are scaled.
    """
    if channels == first.in_channels:
        return first
    kernel, stride, padding = first.kernel_size[0], first.stride[0], int(first.padding[0])
    adapted = nn.Conv2d(channels, first.out_channels, kernel, stride, padding, bias=False)
    nn.init.kaiming_normal_(adapted.weight, mode=mode, nonlinearity="relu")
    return adapted


LAYERS = (Backbone,)
