"""Models, by family: builders whose signature says what the ``model`` section may hold."""

from collections.abc import Iterable, Mapping
from typing import Any

from disentgen.models.autoencoder import Autoencoder
from disentgen.models.base import Model
from disentgen.models.family import Examples, Family
from disentgen.models.layers import Shape
from disentgen.registry import choose, load_records
from disentgen.schema import check, signature


def load_families() -> dict[str, Family]:
    """All families by name: those that the modules of ``models/families`` export.

    Raises:
        ValueError: two of them have one name.
    """
    return _index(load_records("disentgen.models.families", "FAMILY").values(), "name")


def families_by_experiment() -> dict[str, Family]:
    """Families by the experiment whose runs are of them where they do not say so themselves.

    Raises:
        ValueError: two of them have one experiment.
    """
    return _index(FAMILIES.values(), "experiment")


def _index(families: Iterable[Family], field: str) -> dict[str, Family]:
    """Families by a field, without those that have none."""
    indexed: dict[str, Family] = {}
    for family in families:
        key = getattr(family, field)
        if key in indexed:
            raise ValueError(
                f"families {indexed[key].build.__module__} and "
                f"{family.build.__module__} have the same {field}: '{key}'."
            )
        if key is not None:
            indexed[key] = family
    return indexed


FAMILIES = load_families()


def build_model(
    family: str, image_shape: Shape, factor_count: int, section: Mapping[str, Any]
) -> Model:
    """Build a model of a family from the ``model`` section of a configuration.

    Args:
        family: a key of ``FAMILIES``.
        image_shape: channels, height, width of the dataset's images.
        factor_count: number of the dataset's factors.
        section: parameters of the family's builder.

    Raises:
        UsageError: a parameter is unknown or unfit, or the layers do not fit the images.
    """
    builder = choose("model family", family, FAMILIES).build
    given = {"image_shape": tuple(image_shape), "factor_count": factor_count}
    needed = {name: value for name, value in given.items() if name in signature(builder)}
    return builder(**check("model", builder, {**section, **needed}))


__all__ = [
    "FAMILIES",
    "Autoencoder",
    "Examples",
    "Family",
    "Model",
    "build_model",
    "families_by_experiment",
    "load_families",
]
