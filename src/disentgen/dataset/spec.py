"""All that is to be known of a dataset, in one place: ``specs/<name>.py`` exports ``SPECS``."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Indices, Pixels, PixelsShape
from disentgen.dataset.sides import Mask
from disentgen.dataset.variants import STUDY, Thinning, Variant
from disentgen.errors import DataFileError, UsageError, describe_failure
from disentgen.paths import data_folder
from disentgen.registry import choose, load_groups, unknown

Renderer = Callable[[Indices], Pixels]
#: Of a user's own file, beside its images: grid and hash, and which combinations there are.
KEPT_SPEC, KEPT_MASK = "dataset.json", "present.npy"


@dataclass(frozen=True)
class OriginalFile:
    """The published file of a dataset.

    Args:
        folder: where it is looked for, below the folder of raw data.
        names: file names that are recognised there; the first is used for downloads. With an
            asterisk, a pattern of the names of several files that belong together.
        url: where it is published; None for a file that cannot be fetched.
        hash: ``algorithm:digest`` of the genuine file; None where it is not known, so that nothing
            but its layout and its labels says what it is.
        licence: of the images; None where it is not known.
        key: the name of the array of images in it.
        labels: makes the other arrays, by name, (images, …) each or what the file says of all
            images together; those without Python objects are compared with the file's when it is
            opened.
        others: further files that were published with the same images in the same order, by which
            the dataset is known too.
        mirrors: further addresses of the same file, tried in turn after ``url``.
        columns: of a table with rows in any order, by factor the columns of its class and of its
            value; the latter need not be there.
    """

    folder: str
    names: tuple[str, ...]
    key: str
    labels: Callable[[], Mapping[str, NDArray[Any]]] = dict
    url: str | None = None
    hash: str | None = None
    licence: str | None = None
    others: tuple["OriginalFile", ...] = ()
    mirrors: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def urls(self) -> tuple[str, ...]:
        """All addresses of the file, in the order in which they are tried."""
        return (*((self.url,) if self.url else ()), *self.mirrors)

    @property
    def forms(self) -> tuple["OriginalFile", ...]:
        """All published files of these images, this one first."""
        return (self, *self.others)

    def choose_form(self, path: Path) -> "OriginalFile":
        """Which of the published files a file should be, by its name, or else by its ending."""
        for form in self.forms:
            if any(fnmatchcase(path.name, name) for name in form.names):
                return form
        endings = {Path(form.names[0]).suffix: form for form in reversed(self.forms)}
        return endings.get(path.suffix, self)


#: In the place of a published file, of a dataset that is defined by how it is drawn.
DRAWN = OriginalFile(folder="", names=(), key="")


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
        original: the published file; :data:`DRAWN` where the dataset is defined by its drawing.
        render: draws the stand-in, or the dataset itself where it has no file, (n,) indices to
            (n, height, width, channels) uint8; None where nothing draws it.
        version: which of several image sets on one grid, where there are several.
        source: who published it, as "Author & Author year" or "Author et al. year"; None if
            nobody.
        thinnings: parts of the grid by name.
        present: (grid.size,) the combinations that there are images of; None where all are.
        drawing: the number of the stand-in's drawing, one more whenever its pictures change: runs
            on others are known by it.
        array: the images in the form that they are kept in, for a file of a user's own.
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
    present: Mask | None = field(default=None, compare=False)
    array: Path | None = None
    drawing: int = 1

    def __repr__(self) -> str:
        version = "" if self.version is None else f", version={self.version!r}"
        return f"DatasetSpec({self.name!r}{version})"

    @property
    def count(self) -> int:
        """How many images there are."""
        return self.grid.size if self.present is None else int(self.present.sum())

    @property
    def words(self) -> str:
        """Name and version as the command line takes them."""
        return self.name if self.version is None else f"{self.name} --version {self.version}"

    @property
    def is_drawn(self) -> bool:
        """Whether its drawing is the dataset, and no file of it was ever published."""
        return self.original == DRAWN

    def require_file(self, what: str) -> None:
        """Refuse what only a dataset with a published file has.

        Args:
            what: is asked for, to be named in the message.

        Raises:
            UsageError: the dataset has no file.
        """
        if self.is_drawn:
            raise UsageError(f"{self.title} is drawn: it has no published file, and so no {what}.")

    def require_renderer(self) -> Renderer:
        """What draws its images.

        Raises:
            UsageError: nothing does.
        """
        if self.render is None:
            raise UsageError(f"{self.title} has no stand-in; only its file can be used.")
        return self.render

    def check_drawing(self, drawing: int | None) -> None:
        """Check that its images are still drawn as they were.

        Args:
            drawing: the number of a drawing; None for whichever there is.

        Raises:
            UsageError: its pictures are others now.
        """
        if drawing not in (None, self.drawing):
            raise UsageError(
                f"dataset.drawing={drawing}: {'' if self.is_drawn else 'the stand-in of '}"
                f"{self.title} is drawn anew since, as drawing {self.drawing}; these are other "
                "images."
            )

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
    Published ones that can be used without their file come first, those that are drawn last.
    """
    groups = load_groups("disentgen.dataset.specs", "SPECS")

    def rank(group: tuple[str, tuple[DatasetSpec, ...]]) -> tuple[bool, bool]:
        spec = group[1][0]
        return spec.is_drawn, spec.render is None

    return dict(sorted(groups.items(), key=rank))


def find_spec(name: str | None, version: str | None = None) -> DatasetSpec:
    """The dataset of that name, in that version or the default one.

    A dataset of a user's own file is found by both, once the file was read.

    Raises:
        UsageError: no name is given, or there is no such dataset or version.
        DataFileError: what is kept of a user's file is damaged.
    """
    specs = load_specs()
    if name is not None and name not in specs and (kept := find_kept(name, version)):
        return load_kept(kept)
    if name is None:
        first = next(iter(specs))
        raise UsageError(
            f"no dataset is named; accepted: {', '.join(specs)}. "
            f"Add for example 'with dataset.{first}', or dataset.file=…."
        )
    default, *others = choose("dataset", name, specs)
    if version is None:
        return default
    if default.version is None:
        raise UsageError(f"{default.title} has no versions; given: dataset.version={version}.")
    versions = {str(spec.version): spec for spec in (default, *others)}
    return choose(f"version of {name}", version, versions)


def find_known(name: str, version: str | None = None) -> DatasetSpec | None:
    """The same; None where it may be a plugin's that is not in use.

    Args:
        name: of the dataset.
        version: of it.
    """
    is_known = name in load_specs() or find_kept(name, version) is not None
    return find_spec(name, version) if is_known else None


#: Of a user's file: a part of the hash of its images and factors.
_OWN_VERSION = re.compile(r"[0-9a-f]{12}")


def locate_kept(name: str, version: str) -> Path:
    """The folder that images and factors of a user's own file are kept in."""
    return data_folder() / "converted" / "own" / f"{name}-{version}"


def find_kept(name: str, version: str | None) -> Path | None:
    """The folder of a user's own dataset; None where there is none."""
    if version is None or not _OWN_VERSION.fullmatch(version) or Path(name).name != name:
        return None
    folder = locate_kept(name, version)
    return folder if (folder / KEPT_SPEC).is_file() else None


@cache
def load_kept(folder: Path) -> DatasetSpec:
    """The specification of a user's own dataset, from the folder that it is kept in.

    Raises:
        DataFileError: it is damaged.
    """
    try:
        kept = json.loads((folder / KEPT_SPEC).read_text(encoding="utf-8"))
        values = {name: tuple(of) for name, of in kept["factor_values"].items()}
        grid = FactorGrid(values, {name: tuple(of) for name, of in kept["value_names"].items()})
        bits = np.load(folder / KEPT_MASK, allow_pickle=False)
        present = np.unpackbits(bits, count=grid.size).astype(bool)
        height, width, channels = kept["pixels_shape"]
        file = OriginalFile(kept["name"], (kept["file"],), kept["images_key"], hash=kept["hash"])
        return DatasetSpec(
            kept["name"], kept["name"], grid, (height, width, channels), kept["maximum"], {}, file,
            render=None, version=kept["version"], present=None if present.all() else present,
            array=folder / "images.npy",
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise DataFileError(
            f"what is kept of a file in {folder} is damaged ({describe_failure(error)}); delete "
            "the folder, and the file is read anew."
        ) from None
