"""All that is to be known of a dataset, in one place: ``specs/<name>.py`` exports ``SPECS``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Indices, Pixels, PixelsShape
from disentgen.dataset.variants import STUDY, Thinning, Variant
from disentgen.errors import UsageError
from disentgen.registry import choose, load_groups, unknown

Renderer = Callable[[Indices], Pixels]


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
        labels: makes the other arrays, by name, (images, …) each or what the file says of all
            images together; those without Python objects are compared with the file's when it is
            opened.
        others: further files that were published with the same images in the same order, by which
            the dataset is known too.
    """

    folder: str
    names: tuple[str, ...]
    url: str
    hash: str
    licence: str
    key: str
    labels: Callable[[], Mapping[str, NDArray[Any]]]
    others: tuple["OriginalFile", ...] = ()

    @property
    def forms(self) -> tuple["OriginalFile", ...]:
        """All published files of these images, this one first."""
        return (self, *self.others)

    def choose_form(self, path: Path) -> "OriginalFile":
        """Which of the published files a file should be, by its name, or else by its ending."""
        for form in self.forms:
            if path.name in form.names:
                return form
        endings = {Path(form.names[0]).suffix: form for form in reversed(self.forms)}
        return endings.get(path.suffix, self)


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset: its factor grid, its published variants, its file, and how its stand-in is drawn.

    Args:
        name: the word for it in configurations.
        title: the name that people write.
        grid: factors and their values, in the order of the file.
        pixels_shape: height, width, channels of an image as file and renderer hold it.
        maximum: the value of a fully bright pixel, in file and stand-in.
        variants: held-out conditions by name, the published ones and others.
        original: the published file.
        render: draws the stand-in, (n,) indices to (n, height, width, channels) uint8; None where
            the dataset has no stand-in.
        version: which of several image sets on one grid, where there are several.
        source: who published it, as "Author & Author year" or "Author et al. year"; None if
            nobody.
        thinnings: parts of the grid by name.
    """

    name: str
    title: str
    grid: FactorGrid
    pixels_shape: PixelsShape
    maximum: int
    variants: Mapping[str, Variant]
    original: OriginalFile
    render: Renderer | None
    version: str | None = None
    source: str | None = None
    thinnings: Mapping[str, Thinning] = field(default_factory=dict)

    def __repr__(self) -> str:
        version = "" if self.version is None else f", version={self.version!r}"
        return f"DatasetSpec({self.name!r}{version})"

    @property
    def words(self) -> str:
        """Name and version as the command line takes them."""
        return self.name if self.version is None else f"{self.name} --version {self.version}"

    def require_renderer(self) -> Renderer:
        """What draws the stand-in.

        Raises:
            UsageError: the dataset has none.
        """
        if self.render is None:
            raise UsageError(f"{self.title} has no stand-in; only its published file can be used.")
        return self.render

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width: the shape of an image as a model sees it."""
        height, width, channels = self.pixels_shape
        return channels, height, width

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """The shape of an image in the published file, where a single channel has no axis."""
        height, width, channels = self.pixels_shape
        return (height, width) if channels == 1 else (height, width, channels)

    def choose_variant(self, condition: str | None, variant: str | None) -> Variant | None:
        """The variant that a condition and a variant name mean together; None if both are None.

        The variant's name alone is enough, and so is a condition with a single variant of the
        study, or else a single published one, or else a single one.

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
        names = self._list_meant(condition)
        if not names:
            conditions = sorted({row.condition for row in self.variants.values()})
            raise unknown(f"condition of {self.title} (dataset.condition)", condition, conditions)
        if len(names) > 1:
            raise UsageError(
                f"{self.title} has {len(names)} variants of condition '{condition}': "
                f"{', '.join(names)}; give dataset.variant."
            )
        return self.variants[names[0]]

    def list_variants(self, condition: str | None) -> list[str]:
        """The variants of a condition by name."""
        return [name for name, row in self.variants.items() if row.condition == condition]

    def _list_meant(self, condition: str) -> list[str]:
        """The variants that a condition's name alone can mean."""
        names = self.list_variants(condition)
        published = [name for name in names if self.variants[name].source is not None]
        of_study = [name for name in published if self.variants[name].source == STUDY]
        return of_study or published or names

    def _suggest(self, condition: str | None) -> str:
        names = self.list_variants(condition)
        return f" Did you mean '{names[0]}'?" if names else ""


def load_specs() -> dict[str, tuple[DatasetSpec, ...]]:
    """All datasets by name, each in its versions, the default one first.

    A dataset is there because its file stands in ``disentgen.dataset.specs``, or in a plugin.
    """
    return load_groups("disentgen.dataset.specs", "SPECS")


def find_spec(name: str | None, version: str | None = None) -> DatasetSpec:
    """The dataset of that name, in that version or the default one.

    Raises:
        UsageError: no name is given, or there is no such dataset or version.
    """
    specs = load_specs()
    if name is None:
        first = next(iter(specs))
        raise UsageError(
            f"no dataset is named; accepted: {', '.join(specs)}. "
            f"Add for example 'with dataset.{first}'."
        )
    default, *others = choose("dataset", name, specs)
    if version is None:
        return default
    if default.version is None:
        raise UsageError(f"{default.title} has no versions; given: dataset.version={version}.")
    versions = {str(spec.version): spec for spec in (default, *others)}
    return choose(f"version of {name}", version, versions)
