"""Models, by family: builders whose signature says what the ``model`` section may hold."""

from collections.abc import Mapping, Sequence
from typing import Any

from disentgen.models.autoencoder import Autoencoder
from disentgen.models.base import Model
from disentgen.models.family import FROM_DATASET, Examples, Family
from disentgen.models.layers import Shape
from disentgen.registry import Members, choose
from disentgen.schema import check, signature

#: All families by name: those that the modules of ``models/families`` and of plugins export.
FAMILIES: Mapping[str, Family] = Members("disentgen.models.families", "FAMILY")


def build_model(
    family: str,
    image_shape: Shape,
    factor_count: int,
    section: Mapping[str, Any],
    factor_values: Mapping[str, Sequence[float]] | None = None,
) -> Model:
    """Build a model of a family from the ``model`` section of a configuration.

    Args:
        family: a key of ``FAMILIES``.
        image_shape: channels, height, width of the dataset's images.
        factor_count: number of the dataset's factors.
        section: parameters of the family's builder.
        factor_values: by factor, the values of its classes on the scale of the model; None where
            they are not known.

    Raises:
        UsageError: a parameter is unknown or unfit, or the layers do not fit the images.
    """
    builder = choose("model family", family, FAMILIES).build
    given = {
        "image_shape": tuple(image_shape),
        "factor_count": factor_count,
        "factor_values": factor_values,
    }
    needed = {name: value for name, value in given.items() if name in signature(builder)}
    return builder(**check("model", builder, {**section, **needed}))


__all__ = [
    "FAMILIES",
    "FROM_DATASET",
    "Autoencoder",
    "Examples",
    "Family",
    "Model",
    "build_model",
]
