"""Networks of supervised encoders, as Camposampiero et al. 2025 have them.

Their code leaves open what stands between the features of a ResNet-18 and its heads; here nothing
does, and a linear layer in ``ed``, whose codebooks need features of either sign.
"""

from typing import Any

#: Units of their MLP's hidden layers.
UNITS = (90, 90, 90, 90, 45, 22)

BACKBONES: dict[str, dict[str, Any]] = {
    # He et al. 2016
    "resnet18": {"encoder": [("backbone", ("resnet18",))]},
    # Huang et al. 2017
    "densenet121": {"encoder": [("backbone", ("densenet121",))]},
    # "Explicit disentanglement": a network for each factor, read out against a fixed codebook.
    "ed": {
        "encoder": [("backbone", ("resnet18",)), ("linear", (512,))],
        "separate": True,
        "readout": "codebook",
        "heads": "classes",
    },
    "mlp": {
        "encoder": [
            ("flatten",),
            *[layer for units in UNITS for layer in (("linear", (units,)), ("relu",))],
        ]
    },
}

for name, config in BACKBONES.items():
    config["name"] = name
