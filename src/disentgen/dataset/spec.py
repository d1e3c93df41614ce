"""All that is to be known of a dataset, in one place: ``specs/<name>.py`` exports ``SPEC``."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Pixels
from disentgen.dataset.split import Variant
from disentgen.errors import UsageError
from disentgen.registry import choose, nearest_match


@dataclass(frozen=True)
class OriginalFile:
    """The published file of a dataset.

    Args:
        folder: where it is looked for, below the folder of raw data.
        names: file names that are recognised there; the first is used for downloads.
        url: where it is published.
        hash: ``algorithm:digest`` of the genuine file.
        licence: of the images.
        key: the name of the array of images in it.
        labels: makes the other arrays, by name; those without Python objects are compared with
            the file's when it is opened.
    """

    folder: str
    names: tuple[str, ...]
    url: str
    hash: str
    licence: str
    key: str
    labels: Callable[[], Mapping[str, NDArray]]


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset: its factor grid, its published variants, its file, and how its stand-in is drawn.

    Args:
        name: the word for it in configurations; also the module's name.
        title: the name that people write.
        grid: factors and their values, in the order of the file.
        image_shape: height, width, channels.
        maximum: the value of a fully bright pixel, in file and stand-in.
        variants: the published held-out conditions by name.
        original: the published file.
        render: draws the stand-in: (n,) indices to (n, height, width, channels) uint8.
    """

    name: str
    title: str
    grid: FactorGrid
    image_shape: tuple[int, int, int]
    maximum: int
    variants: Mapping[str, Variant]
    original: OriginalFile
    render: Callable[[NDArray[np.int64]], Pixels]

    @property
    def tensor_shape(self) -> tuple[int, int, int]:
        """Channels, height, width: the shape of an image as a model sees it."""
        height, width, channels = self.image_shape
        return channels, height, width

    def choose_variant(self, condition: str | None, variant: str | None) -> Variant | None:
        """The variant that a condition and a variant name mean together; None if both are None.

        The variant's name alone is enough, and so is a condition with a single variant.

        Raises:
            UsageError: there is no such variant, or it belongs to another condition.
        """
        if variant is not None:
            chosen = choose(f"{self.title} variant", variant, self.variants)
            if condition not in (None, chosen.condition):
                raise UsageError(
                    f"{self.title} variant '{variant}' is of condition '{chosen.condition}', not "
                    f"'{condition}'.{self._suggest(condition)}"
                )
            return chosen
        if condition is None:
            return None
        names = [name for name, row in self.variants.items() if row.condition == condition]
        if len(names) != 1:
            conditions = sorted({row.condition for row in self.variants.values()})
            raise UsageError(
                f"{self.title} has {len(names)} variants of condition '{condition}'"
                f"{': ' + ', '.join(names) if names else ''}; give dataset.variant. "
                f"Conditions: {', '.join(conditions)}.{nearest_match(condition, conditions)}"
            )
        return self.variants[names[0]]

    def _suggest(self, condition: str | None) -> str:
        names = [name for name, row in self.variants.items() if row.condition == condition]
        return f" Did you mean '{names[0]}'?" if names else ""


@cache
def load_specs() -> dict[str, DatasetSpec]:
    """All datasets by name: whatever stands in ``disentgen.dataset.specs``."""
    package = importlib.import_module("disentgen.dataset.specs")
    modules = [
        importlib.import_module(f"{package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
    ]
    return {module.SPEC.name: module.SPEC for module in modules}


def find_spec(name: str | None) -> DatasetSpec:
    """The dataset of that name.

    Raises:
        UsageError: no name is given, or there is no such dataset.
    """
    specs = load_specs()
    if name is None:
        first = next(iter(specs))
        raise UsageError(
            f"no dataset is named; accepted: {', '.join(specs)}. "
            f"Add for example 'with dataset.{first}'."
        )
    return choose("dataset", name, specs)
