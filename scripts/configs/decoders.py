"""Ground-truth decoders of the published study, from factor values to an image.

A layer's last argument is whether it has a bias. In kim_bn hidden layers after the first have none,
in deep_bn the output has none either, as published.
"""

from typing import Any

from configs.cnnvae import ALIGNED, ARCHITECTURES

#: Of the two-sprite world (Wiedemer et al. 2023, as in its code): four linear layers, then bilinear
#: upsampling and convolutions. Kernels of 3 in place of 2 keep height and width.
UPSAMPLING = [
    *[("linear", (256,)), ("elu",)] * 3,
    ("linear", (512,)),
    ("unflatten", (32, 4, 4)),
    *[("elu",), ALIGNED, ("conv", (32, 3, 1, 1))] * 3,
    *[("elu",), ALIGNED, ("conv", ("image", 3, 1, 1))],
]

RELU, NORMALISED = [("relu",)], [("relu",), ("batchnorm",)]


def stack(
    linear: list[int],
    channels: list[int],
    after: list[tuple[Any, ...]],
    bias: bool = True,
    output_bias: bool = True,
) -> list[tuple[Any, ...]]:
    """Linear layers, then 4 × 4 transposed convolutions that double height and width.

    Args:
        linear: features of the linear layers.
        channels: of the first picture, of 4 × 4 pixels, and of the hidden transposed convolutions.
        after: what follows every hidden layer.
        bias: whether hidden layers after the first have one.
        output_bias: whether the last layer has one.
    """
    layers: list[tuple[Any, ...]] = []
    for number, features in enumerate(linear):
        layers += [("linear", (features, bias or number == 0)), *after]
    layers.append(("unflatten", (channels[0], 4, 4)))
    for width in channels[1:]:
        layers += [("tconv", (width, 4, 2, 1, (0, 0), bias)), *after]
    return [*layers, ("tconv", ("image", 4, 2, 1, (0, 0), output_bias))]


DECODERS: dict[str, dict[str, Any]] = {
    "higgins": {"decoder": ARCHITECTURES["higgins"]["decoder"]},
    # Burgess et al. 2018, appendix A.1
    "burgess": {"decoder": stack([256, 512], [32, 32, 32, 32], RELU)},
    # Kim & Mnih 2018, appendix A
    "kim": {"decoder": stack([256, 1024], [64, 64, 32, 32], RELU)},
    "kim_bn": {"decoder": stack([256, 1024], [64, 64, 64, 32], NORMALISED, bias=False)},
    "deep": {"decoder": stack([512, 512, 1024, 1024], [64, 64, 64, 32], RELU)},
    "deep_bn": {
        "decoder": stack(
            [512, 512, 1024, 1024], [64, 64, 64, 32], NORMALISED, bias=False, output_bias=False
        )
    },
    # The published mpcnn decoder cannot be built; this is the autoencoder's.
    "mpcnn": {"decoder": ARCHITECTURES["mpcnn"]["decoder"]},
    # Spatial broadcast decoder (Watters et al. 2019) of 32 channels: not of the study
    "broadcast": {
        "decoder": [
            ("broadcast",),
            *[("conv", (32, 3, 1, 1)), ("relu",)] * 4,
            ("conv", ("image", 3, 1, 1)),
        ]
    },
    # Not of the study either: one network of all latents, which Wiedemer et al. call monolithic,
    # and two of half of them each, whose images are summed (Lachapelle et al. 2023).
    "upsampling": {"decoder": UPSAMPLING, "likelihood": "gaussian"},
    "additive": {"decoder": [("additive", (UPSAMPLING, 2))], "likelihood": "gaussian"},
    # For tests and for trying things out: not an architecture of the study.
    "fast": {
        "decoder": [
            ("linear", (32,)),
            ("relu",),
            ("linear", (128,)),
            ("relu",),
            ("unflatten", (8, 4, 4)),
            ("tconv", (8, 4, 4, 0)),
            ("relu",),
            ("tconv", ("image", 4, 4, 0)),
        ]
    },
}

for name, config in DECODERS.items():
    config["name"] = name
