"""Models, by family: builders whose signature says what the ``model`` section may hold."""

from collections.abc import Callable, Mapping
from typing import Any

from disentgen.models.layers import Shape
from disentgen.models.lgm import LatentGaussianModel, build_latent_gaussian_model
from disentgen.registry import check, choose

FAMILIES: dict[str, Callable[..., LatentGaussianModel]] = {"lgm": build_latent_gaussian_model}


def build_model(family: str, image_shape: Shape, section: Mapping[str, Any]) -> LatentGaussianModel:
    """Build a model of a family from the ``model`` section of a configuration.

    Args:
        family: ``lgm``.
        image_shape: channels, height, width of the dataset's images.
        section: parameters of the family's builder.

    Raises:
        UsageError: a parameter is unknown or unfit, or the layers do not fit the images.
    """
    builder = choose("model family", family, FAMILIES)
    return builder(**check("model", builder, {**section, "image_shape": tuple(image_shape)}))


__all__ = ["FAMILIES", "LatentGaussianModel", "build_model"]
