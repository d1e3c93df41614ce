"""Autoencoders of the published study, as lists of layers.

A linear layer to the parameters of the posterior closes every encoder; a decoder that is not given
is the encoder transposed. "image" stands for what the dataset's images have.

conv, tconv: channels, kernel, stride, padding.
"""

from typing import Any

#: Doubles height and width; corners stay where they are, as in the published mpcnn.
ALIGNED = ("upsample", (2, None, True))

# Higgins et al. 2017, table 1 (dSprites)
higgins = {
    "name": "higgins",
    "encoder": [
        ("flatten",),
        ("linear", (1200,)),
        ("relu",),
        ("linear", (1200,)),
        ("relu",),
    ],
    "decoder": [
        ("linear", (1200,)),
        ("tanh",),
        ("linear", (1200,)),
        ("tanh",),
        ("linear", (1200,)),
        ("tanh",),
        ("linear", ("image",)),
        ("unflatten", ("image",)),
    ],
}

# Burgess et al. 2018, appendix A.1
burgess = {
    "name": "burgess",
    "encoder": [
        ("conv", (32, 4, 2, 1)),
        ("relu",),
        ("conv", (32, 4, 2, 1)),
        ("relu",),
        ("conv", (32, 4, 2, 1)),
        ("relu",),
        ("conv", (32, 4, 2, 1)),
        ("relu",),
        ("flatten",),
        ("linear", (256,)),
        ("relu",),
        ("linear", (256,)),
        ("relu",),
    ],
}

burgess_v2 = {
    "name": "burgess_v2",
    "encoder": [
        ("conv", (32, 4, 2, 1)),
        ("relu",),
        ("conv", (32, 4, 2, 1)),
        ("relu",),
        ("conv", (64, 4, 2, 1)),
        ("relu",),
        ("conv", (64, 4, 2, 1)),
        ("relu",),
        ("flatten",),
        ("linear", (256,)),
        ("relu",),
        ("linear", (256,)),
        ("relu",),
    ],
}

# Kim & Mnih 2018, appendix A; the study's hidden layer has 256 units.
kim = {
    "name": "kim",
    "encoder": [
        ("conv", (32, 4, 2, 1)),
        ("relu",),
        ("conv", (32, 4, 2, 1)),
        ("relu",),
        ("conv", (64, 4, 2, 1)),
        ("relu",),
        ("conv", (64, 4, 2, 1)),
        ("relu",),
        ("flatten",),
        ("linear", (256,)),
        ("relu",),
    ],
}

# Mathieu et al. 2019
mathieu = {
    "name": "mathieu",
    "encoder": [
        ("conv", (32, 4, 2, 1)),
        ("relu",),
        ("conv", (32, 4, 2, 1)),
        ("relu",),
        ("conv", (64, 4, 2, 1)),
        ("relu",),
        ("conv", (64, 4, 2, 1)),
        ("relu",),
        ("flatten",),
        ("linear", (128,)),
        ("relu",),
    ],
}

# The published decoder of mpcnn ends in 32 channels; here one more layer leads to the image's.
mpcnn = {
    "name": "mpcnn",
    "encoder": [
        ("conv", (32, 3, 1, 1)),
        ("maxpool", (2,)),
        ("relu",),
        ("conv", (32, 3, 1, 1)),
        ("maxpool", (2,)),
        ("relu",),
        ("conv", (32, 3, 1, 1)),
        ("maxpool", (2,)),
        ("relu",),
        ("flatten",),
        ("linear", (256,)),
        ("relu",),
        ("linear", (256,)),
        ("relu",),
    ],
    "decoder": [
        ("linear", (256,)),
        ("relu",),
        ("linear", (256,)),
        ("relu",),
        ("linear", (2048,)),
        ("relu",),
        ("unflatten", (32, 8, 8)),
        ALIGNED,
        ("tconv", (32, 3, 1, 1)),
        ("relu",),
        ALIGNED,
        ("tconv", (32, 3, 1, 1)),
        ("relu",),
        ALIGNED,
        ("tconv", (32, 3, 1, 1)),
        ("relu",),
        ("tconv", ("image", 3, 1, 1)),
    ],
}

# Watters et al. 2019, spatial broadcast decoder: not of the study. Kernels of 3 in place of 4 keep
# height and width.
broadcast = {
    "name": "broadcast",
    "encoder": [
        *[("conv", (64, 4, 2, 1)), ("relu",)] * 4,
        ("flatten",),
        ("linear", (256,)),
        ("relu",),
    ],
    "decoder": [
        ("broadcast",),
        *[("conv", (64, 3, 1, 1)), ("relu",)] * 4,
        ("conv", ("image", 3, 1, 1)),
    ],
}

# The encoder of kim, and a decoder of kim's for each half of the latents, their logits summed
# (Lachapelle et al. 2023): not of the study.
additive = {
    "name": "additive",
    "encoder": kim["encoder"],
    "decoder": [
        (
            "additive",
            (
                [
                    ("linear", (256,)),
                    ("relu",),
                    ("linear", (1024,)),
                    ("relu",),
                    ("unflatten", (64, 4, 4)),
                    ("tconv", (64, 4, 2, 1)),
                    ("relu",),
                    ("tconv", (32, 4, 2, 1)),
                    ("relu",),
                    ("tconv", (32, 4, 2, 1)),
                    ("relu",),
                    ("tconv", ("image", 4, 2, 1)),
                ],
                2,
            ),
        ),
    ],
}

# For tests and for trying things out: not an architecture of the study.
fast = {
    "name": "fast",
    "encoder": [
        ("conv", (8, 4, 4, 0)),
        ("relu",),
        ("conv", (8, 4, 4, 0)),
        ("relu",),
        ("flatten",),
        ("linear", (32,)),
        ("relu",),
    ],
}

ARCHITECTURES: dict[str, dict[str, Any]] = {
    str(config["name"]): config
    for config in (higgins, burgess, burgess_v2, kim, mathieu, mpcnn, broadcast, additive, fast)
}

#: The encoders alone, each once.
ENCODERS = {
    name: {"name": name, "encoder": config["encoder"]}
    for name, config in ARCHITECTURES.items()
    if name != "additive"
}
