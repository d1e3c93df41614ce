"""From the ``dataset`` section of a configuration to objects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from disentgen.dataset.images import Images, Resident, Source
from disentgen.dataset.originals.convert import open_original
from disentgen.dataset.originals.find import (
    describe_absence,
    find_original,
    list_places,
    raw_folder,
    require_original,
)
from disentgen.dataset.originals.formats import find_format
from disentgen.dataset.own.choose import choose_spec
from disentgen.dataset.own.keep import open_kept
from disentgen.dataset.own.request import split_names
from disentgen.dataset.spec import DatasetSpec, load_specs
from disentgen.dataset.split import Split
from disentgen.dataset.splitting import build_split
from disentgen.dataset.variants import Variant
from disentgen.errors import UsageError
from disentgen.plugins import name_plugin
from disentgen.registry import choose, find_origin, use_plugin
from disentgen.schema import Count, Key

if TYPE_CHECKING:
    import torch

    from disentgen.dataset.batches import Observations

Fraction = Annotated[float, Field(gt=0, lt=1)]
#: The specification itself is what distinguishes datasets, wherever it lies.
SpecFile = Annotated[str | None, Key(distinguishes=False, may_change=True)]
#: Runs on moved data are the same runs.
Root = Annotated[str | None, Key(distinguishes=False, may_change=True)]
#: Where a user's file lies and what its arrays are called; the version says which images they are.
OF_FILE_PLACE = Key(distinguishes=False, may_change=True)
#: Words that say which images are on which side; the sides' hashes distinguish splits.
OF_SPLIT = Key(distinguishes=False, split=True)
#: A run has a copy of its own of what such a file lists.
OF_FILE = Key(distinguishes=False, split=True, may_change=True)
FactorScale = Literal["raw", "standardised"]


def _read_word(value: Any) -> Any:
    """YAML takes an unquoted yes or no for a truth value."""
    return ("yes" if value else "no") if isinstance(value, bool) else value


Names = Annotated[list[str] | None, BeforeValidator(split_names), OF_FILE_PLACE]
#: Where images lie while batches are made of them changes no batch.
Place = Annotated[Resident, BeforeValidator(_read_word), Key(distinguishes=False, may_change=True)]


@dataclass(frozen=True)
class Dataset:
    """A dataset under a held-out condition.

    Args:
        spec: what is known of the dataset.
        split: the sides of its grid.
        images: its images.
        note: one line on where they are from.
        factor_scale: how factor values are given to models.
        variant: that the split was named by, if it was.
        resident: whether images are held on the device that they are observed on.
        settings: that it was opened by: what :func:`build_dataset` was given, by name.
    """

    spec: DatasetSpec
    split: Split
    images: Images
    note: str
    factor_scale: FactorScale = "raw"
    variant: Variant | None = None
    resident: Resident = "no"
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"Dataset({self.label}, {self.split!r})"

    @property
    def label(self) -> str:
        """The dataset's title for tables and figures; a stand-in always says that it is one."""
        stand_in = self.images.source == "stand-in"
        return f"{self.spec.title} (rendered stand-in)" if stand_in else self.spec.title

    def describe(self) -> dict[str, str | None]:
        """Which images these are, as plain data: what a run records of them."""
        return {
            "name": self.spec.name,
            "label": self.label,
            "source": self.images.source,
            "hash": self.images.hash,
        }

    def observe(
        self, device: "torch.device | str" = "cpu", resident: Resident | None = None
    ) -> "Observations":
        """Images and factor values by index, as tensors on a device, factors in their scale.

        Args:
            device: that tensors are wanted on.
            resident: whether images are held there; None for what the dataset was built with.

        Raises:
            UsageError: they are to be held there, and do not fit.
        """
        import torch  # takes its time to start, and splits and files do without

        from disentgen.dataset.batches import Observations
        from disentgen.dataset.resident import hold_images

        grid, there = self.spec.grid, torch.device(device)
        held = hold_images(self.images, self.spec.count, there, resident or self.resident)
        return Observations(self.images, grid, there, self.factor_scale == "standardised", held)


def build_dataset(
    name: str | None = None,
    version: str | None = None,
    root: Root = None,
    source: Literal["auto"] | Source = "auto",
    condition: Annotated[str | None, OF_SPLIT] = None,
    variant: Annotated[str | None, OF_SPLIT] = None,
    held_out: Annotated[str | None, OF_SPLIT] = None,
    held_in: Annotated[str | None, OF_SPLIT] = None,
    split: Annotated[str | None, OF_SPLIT] = None,
    split_params: Annotated[dict[str, Any] | None, OF_SPLIT] = None,
    held_in_file: Annotated[str | None, OF_FILE] = None,
    held_out_file: Annotated[str | None, OF_FILE] = None,
    thin: Annotated[str | None, OF_SPLIT] = None,
    validation: Annotated[Fraction, OF_SPLIT] = 0.05,
    seed: Annotated[int, Field(ge=0, lt=2**63), OF_SPLIT] = 0,
    control: Annotated[bool, OF_SPLIT] = False,
    factor_scale: FactorScale = "raw",
    resident: Place = "auto",
    file: Annotated[str | None, OF_FILE_PLACE] = None,
    images_key: Annotated[str | None, OF_FILE_PLACE] = None,
    factor_keys: Names = None,
    factor_names: Names = None,
    drawing: Count | None = None,
    spec: SpecFile = None,
    set_aside: Annotated[str | None, OF_SPLIT] = None,
) -> Dataset:
    """Open a dataset and divide its grid.

    Args:
        name: which dataset; of ``file``, what it is called, by default as the file.
        version: which of its versions, for MPI3D ``real`` (default), ``realistic`` or ``toy``; of
            ``file``, the first digits of the hash of its images and factors, which fill themselves
            in.
        root: folder of raw data; by default ``raw`` in the data folder.
        source: ``original`` for the published file, ``stand-in`` for the rendering of its grid,
            ``auto`` for the file if it is there and the rendering otherwise; ``drawn`` of a dataset
            that is defined by its drawing, whatever else but a file is asked for.
        condition: held-out condition, needed only where a variant's name does not say it.
        variant: a variant of it.
        held_out: instead of a variant, an expression of the combinations to hold out.
        held_in: with ``held_out``, an expression of those to show; by default all others.
        split: instead of these, a family of splits, such as ``orthotopic`` or ``coverage``.
        split_params: parameters of the family that differ from its defaults.
        held_in_file: instead of these, an npz or CSV file that lists the images to show, by their
            classes or indices.
        held_out_file: with ``held_in_file``, a file of those to hold out; by default all others.
        thin: expression (or name) of the combinations that are used at all, before the split.
        validation: share of held-in images kept out of training, for choosing the best epoch.
        seed: of the validation draw; apart from the run's seed, so that seeds share a split.
        control: train on both sides, score both; epochs stay as long as without it.
        factor_scale: factor values as they are (``raw``), or in standard deviations from the mean
            over the grid (``standardised``), where a model takes or makes them.
        resident: hold the images on the device that is trained on, as packed bits or bytes, so that
            batches are gathered there: ``yes``, ``no``, or ``auto`` for a CUDA GPU with twice the
            room free. Batches are the same either way.
        file: instead of a published dataset, a file of one's own: npz, HDF5 or parquet, with an
            image in each row and the values of its factors.
        images_key: the array of images in ``file``, where it has several.
        factor_keys: the arrays of factors in it, one for each factor, or a single one with a column
            for each; by default all that have a value for each image.
        factor_names: what the factors are called; by default as their arrays.
        drawing: the number of the stand-in's drawing, which fills itself in; runs on earlier ones
            are on other images.
        spec: a Python file of yours, or a package, whose specifications (``SPECS``) are used as
            those of a plugin are; without a name, its first one is meant.
        set_aside: expression of held-in combinations that are kept out of training whole, and out
            of validation; they are scored after each epoch, so that results can say which epoch
            they would have chosen (``training.oracle_images``).

    Raises:
        UsageError: a name or expression that cannot be used.
        DataFileError: the file is missing, damaged or not the published one.
    """
    settings = dict(locals())
    if spec is not None:
        use_plugin(spec)
        name = name_dataset(name, spec)
    known = choose_spec(
        {"name": name, "version": version, "root": root, "file": file, "images_key": images_key,
         "factor_keys": factor_keys, "factor_names": factor_names}
    )  # fmt: skip
    divided = build_split(
        known, condition, variant, held_out, held_in, split=split, split_params=split_params,
        held_in_file=held_in_file, held_out_file=held_out_file, thin=thin,
        validation=validation, seed=seed, control=control,
        set_aside=set_aside,
    )  # fmt: skip
    row = known.choose_variant(condition, variant)
    images, note = open_images(known, root, source, drawing)
    return Dataset(known, divided, images, note, factor_scale, row, resident, settings)


def name_dataset(name: str | None, spec: str) -> str:
    """The name of the dataset that is meant by a name and a file of specifications in use.

    Args:
        name: of the dataset; None for the first one of the file.
        spec: path of the file.

    Raises:
        UsageError: the file has no specifications, or none of the name.
    """
    plugin = name_plugin(spec)
    own = [one for one in load_specs() if find_origin("SPECS", one) == plugin]
    if not own:
        raise UsageError(f"dataset.spec={spec} exports no SPECS.")
    return own[0] if name is None else choose("dataset in dataset.spec:", name, {n: n for n in own})


def choose_source(spec: DatasetSpec, root: str | None, source: str) -> Source:
    """What ``auto`` means just now: the published file if it is there, else the stand-in.

    Args:
        spec: of the dataset.
        root: folder of raw data; None for ``raw`` in the data folder.
        source: ``original``, ``stand-in``, ``drawn`` or ``auto``.

    Raises:
        UsageError: a file is wanted of a dataset that has none, or a drawing as such of another.
    """
    if spec.is_drawn:
        if source == "original":
            spec.require_file("original")
        return "drawn"
    if source == "drawn":
        raise UsageError(
            f"dataset.source=drawn: {spec.title} has a published file; accepted: auto, original, "
            "stand-in."
        )
    if spec.array is not None:
        source = "original" if source == "auto" else source
    if source != "auto":
        return "original" if source == "original" else "stand-in"
    path = find_original(spec, root)
    original = path is not None and not find_format(path).is_stand_in(path)
    return "original" if original or spec.render is None else "stand-in"


def open_images(
    spec: DatasetSpec, root: str | None, source: str, drawing: int | None = None
) -> tuple[Images, str]:
    """The images that ``source`` means, and a line on where they are from.

    Args:
        spec: of the dataset.
        root: folder of raw data; None for ``raw`` in the data folder.
        source: ``original``, ``stand-in``, ``drawn`` or ``auto``.
        drawing: that drawn images must be; None for whichever there is.

    Raises:
        DataFileError: the file is missing, damaged or not the published one.
        UsageError: a stand-in is wanted, and the dataset has none, or it is drawn anew since.
    """
    chosen = choose_source(spec, root, source)
    if chosen == "original":
        if spec.array is not None:
            return open_kept(spec), f"images: {spec.original.names[0]}, kept in {spec.array.parent}"
        path = require_original(spec, root)
        return open_original(spec, path), describe_original(spec, root, path)
    spec.check_drawing(drawing)
    images = Images(spec.pixels_shape, spec.maximum, chosen, spec.require_renderer())
    if spec.is_drawn:
        return images, f"images: {spec.title}, drawn (there is no file of them)"
    reason = describe_absence(spec, root)
    return images, f"images: a rendered stand-in of {spec.title} ({reason})"


def describe_original(spec: DatasetSpec, root: str | None, path: Path) -> str:
    """A line on a file whose images are used: whose it is, and where it lies.

    Args:
        spec: of the dataset.
        root: folder of raw data; None for ``raw`` in the data folder.
        path: of the file.
    """
    whose = "the original" if spec.source else "the private file of"
    if spec.original.choose_form(path).columns:
        whose = "a copy (known by its factors, not by a hash) of"
    missed = "" if path in list_places(spec, root) else f" (none below {raw_folder(root)})"
    return f"images: {whose} {spec.title}, {path}{missed}"
