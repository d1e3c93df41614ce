"""Published images that are larger than the field uses them."""

import numpy as np

from disentgen.dataset.images import Pixels


def resize(images: Pixels, size: int) -> Pixels:
    """Images rescaled by a Lanczos filter, as the field's loaders of them do.

    Args:
        images: (n, height, width) or (n, height, width, 3).
        size: of height and width.

    Returns:
        (n, size, size) or (n, size, size, 3).
    """
    from PIL import Image

    lanczos = Image.Resampling.LANCZOS
    return np.stack(
        [np.asarray(Image.fromarray(image).resize((size, size), lanczos)) for image in images]
    )
