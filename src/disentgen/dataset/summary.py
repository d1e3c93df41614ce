"""Datasets in a few lines."""

from collections.abc import Mapping
from typing import Any

from disentgen.dataset.build import Dataset
from disentgen.dataset.originals.conversions import converted_size
from disentgen.dataset.originals.find import describe_near, find_original
from disentgen.dataset.originals.formats import find_format
from disentgen.dataset.spec import DatasetSpec, load_specs
from disentgen.dataset.split import Split
from disentgen.errors import DataFileError

#: The source of variants that nobody has published.
OWN = "ours, not published"


def list_datasets(root: str | None) -> str:
    """All datasets: images, size, licence, and whether the published file is there.

    Args:
        root: folder of raw data; by default ``raw`` in the data folder.
    """
    rows = [("name", "version", "images", "shape", "converted", "licence", "published file")]
    for spec in (spec for versions in load_specs().values() for spec in versions):
        rows.append(
            (
                spec.name,
                spec.version or "–",
                f"{spec.grid.size:,}",
                " × ".join(map(str, spec.pixels_shape)),
                f"{converted_size(spec) / 1e9:.1f} GB",
                spec.original.licence,
                _describe_file(spec, root),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _describe_file(spec: DatasetSpec, root: str | None) -> str:
    try:
        path = find_original(spec, root)
    except DataFileError as error:
        return str(error)
    if path is None:
        return f"not there{describe_near(spec, root)}; get it with: download {spec.words}"
    kind = "stand-in" if find_format(path).is_stand_in(path) else "present"
    return f"{kind}, {path.stat().st_size / 1e9:.2f} GB: {path}"


def describe_dataset(dataset: Dataset) -> str:
    """Source, factors, sides of the split with their hashes, and where they come from."""
    spec = dataset.spec
    height, width, channels = spec.pixels_shape
    lines = [
        dataset.note,
        f"{dataset.label}: {spec.grid.size:,} images of {height} × {width} × {channels}",
        "",
        *_describe_factors(spec),
        "",
        *_describe_sides(dataset.split),
    ]
    if dataset.variant is not None:
        lines.append(f"variant: {dataset.variant.source or OWN}")
        lines += filter(None, [dataset.variant.note])
    if not dataset.split.expressions["held_out"]:
        lines += _list_variants(spec)
    return "\n".join(lines)


def _describe_factors(spec: DatasetSpec) -> list[str]:
    """A line for each factor: how many values it has, and which."""
    return [
        f"{'factor':<18}{'values':>7}",
        *(
            f"{name:<18}{len(values):>7}  {_describe_values(spec, name)}"
            for name, values in spec.grid.factor_values.items()
        ),
    ]


def _describe_values(spec: DatasetSpec, factor: str) -> str:
    values = spec.grid.factor_values[factor]
    if factor in spec.grid.value_names:
        pairs = zip(values, spec.grid.value_names[factor], strict=True)
        return ", ".join(f"{value:.4g} {name}" for value, name in pairs)
    return f"{values[0]:.4g} to {values[-1]:.4g}"


def _describe_sides(split: Split) -> list[str]:
    """Counts and hashes of a split's sides, and the expressions that define it."""
    sides = split.describe()
    lines = [
        f"{'side':<14}{'images':>9}  sha256 of indices",
        *(
            f"{side.replace('_', '-'):<14}{sides[side]['count']:>9,}  {sides[side]['sha256'][:16]}"
            for side in ("held_in", "held_out", "train", "validation")
        ),
        "",
        f"held out where {split.expressions['held_out'] or '(nothing is)'}",
    ]
    if split.expressions["held_in"]:
        lines.append(f"held in where  {split.expressions['held_in']}")
    if split.control:
        lines.append("control: trained on both sides, scored on both")
    neither = split.grid.size - sides["held_in"]["count"] - sides["held_out"]["count"]
    if neither:
        lines.append(f"{neither:,} images are on neither side")
    return lines


def _list_variants(spec: DatasetSpec) -> list[str]:
    """A dataset's variants, a line for each source."""
    sources: dict[str, list[str]] = {}
    for name, row in spec.variants.items():
        sources.setdefault(row.source or OWN, []).append(name)
    return [f"variants, {source}: {', '.join(names)}" for source, names in sources.items()]


def describe_duplicates(counts: Mapping[str, int], sides: Mapping[str, Any]) -> str:
    """A line on images that are identical to training images.

    Args:
        counts: of :func:`~disentgen.dataset.duplicates.count_duplicates`.
        sides: of :meth:`~disentgen.dataset.split.Split.describe`.
    """
    shares = [
        f"{number:,} of {sides[side]['count']:,} {side.replace('_', '-')} images "
        f"({number / sides[side]['count']:.1%})"
        for side, number in counts.items()
        if sides[side]["count"]
    ]
    return f"identical to a training image: {', '.join(shares)}"
