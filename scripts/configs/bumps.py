"""Ground-truth decoders of Liang et al. 2025, for the dataset of bumps, and how they are trained.

As in the authors' code (qiyaoliang/DisentangledCompGen).
"""

from typing import Any

Layers = list[tuple[Any, ...]]

#: What decoders of images of 28 × 28 take of x and y: the numbers themselves, or a code of each.
ENCODINGS: dict[str, tuple[int, Layers]] = {
    "scalar": (2, []),
    "one_hot": (2 * 28, [("one_hot", (28,))]),
    "bump": (2 * 28, [("gaussian_code", (28,))]),
    "stripes": (2 * 40, [("gaussian_code", (40,))]),
}
DEPTHS = range(2, 11)


def convolve(encoding: str, depth: int) -> Layers:
    """A code of x and y to 7 × 7 pixels, then two doublings and more layers of 64 channels.

    Args:
        encoding: of :data:`ENCODINGS`.
        depth: hidden layers after the first.
    """
    features, code = ENCODINGS[encoding]
    layers: Layers = [*code, ("unflatten", (features, 1, 1)), ("tconv", (64, 7)), ("relu",)]
    for number in range(depth):
        kernel = (4, 2, 1) if number < 2 else (3, 1, 1)
        layers += [("tconv", (64, *kernel)), ("relu",)]
    return [*layers, ("tconv", ("image", 3, 1, 1))]


#: Published weights of the penalties, times 32² / 2, since the published squared error is a mean
#: over pixels and the NLL of Gaussians half a sum.
ENTROPY, VARIANCE = 0.1 * 512, 0.01 * 512
RENDERING: Layers = [
    ("one_hot", (32,)),
    ("rendering", (32, 32, ENTROPY, VARIANCE)),
    *[("prelu",), ("tconv", (2, 3, 1, 1))] * 2,
    ("prelu",),
    ("tconv", ("image", 3, 1, 1)),
]

BUMP_DECODERS: dict[str, dict[str, Any]] = {
    **{
        f"{encoding}_cnn{depth}": {"decoder": convolve(encoding, depth)}
        for encoding in ENCODINGS
        for depth in DEPTHS
    },
    "rendering": {"decoder": RENDERING},
}
for name, config in BUMP_DECODERS.items():
    # The squared error of the raw output.
    config |= {"name": name, "likelihood": "gaussian"}

_SHARED: dict[str, Any] = {
    "loss": {"name": "nll"}, "optimizer": "adamw", "lr": 1e-3, "batch_size": 32,
    "select": "last", "validation_images": None,
}  # fmt: skip

#: Protocols; 2,000 draws are 63 batches.
BUMP_TRAINING: dict[str, dict[str, Any]] = {
    "bumps": {**_SHARED, "epochs": 50, "epoch_length": 63},
    "bumps_stripes": {**_SHARED, "epochs": 20, "epoch_length": 63},
    "bumps_rendering": {
        **_SHARED, "epochs": 1000, "epoch_length": 20, "optimizer_params": {"weight_decay": 1e-4},
    },
}  # fmt: skip
