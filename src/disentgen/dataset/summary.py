"""Datasets in a few lines."""

from collections.abc import Mapping
from typing import Any

from disentgen.dataset.build import Dataset
from disentgen.dataset.originals.archives import find_format
from disentgen.dataset.originals.files import converted_size, find_original
from disentgen.dataset.spec import DatasetSpec, load_specs

#: The source of variants that nobody has published.
OWN = "ours, not published"


def list_datasets(root: str | None) -> str:
    """All datasets: images, size, licence, and whether the published file is there."""
    rows = [("name", "version", "images", "shape", "converted", "licence", "published file")]
    for spec in (spec for versions in load_specs().values() for spec in versions):
        rows.append(
            (
                spec.name,
                spec.version or "–",
                f"{spec.grid.size:,}",
                " × ".join(map(str, spec.image_shape)),
                f"{converted_size(spec) / 1e9:.1f} GB",
                spec.original.licence,
                _tell_file(spec, root),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _tell_file(spec: DatasetSpec, root: str | None) -> str:
    path = find_original(spec, root)
    if path is None:
        return f"not there; get it with: download {spec.words}"
    kind = "stand-in" if find_format(path).is_stand_in(path) else "present"
    return f"{kind}, {path.stat().st_size / 1e9:.2f} GB: {path}"


def describe_dataset(dataset: Dataset) -> str:
    """Source, factors, sides of the split with their hashes, and how often values occur there."""
    spec, split = dataset.spec, dataset.split.describe()
    height, width, channels = spec.image_shape
    lines = [
        dataset.note,
        f"{dataset.label}: {spec.grid.size:,} images of {height} × {width} × {channels}",
        "",
        f"{'factor':<18}{'values':>7}",
        *(
            f"{name:<18}{len(values):>7}  {_tell_values(spec, name)}"
            for name, values in spec.grid.factors.items()
        ),
        "",
        f"{'side':<14}{'images':>9}  sha256 of indices",
        *(
            f"{side.replace('_', '-'):<14}{split[side]['count']:>9,}  {split[side]['sha256'][:16]}"
            for side in ("held_in", "held_out", "train", "validation")
        ),
        "",
        f"held out where {split['expressions']['held_out'] or '(nothing is)'}",
    ]
    if split["expressions"]["held_in"]:
        lines.append(f"held in where  {split['expressions']['held_in']}")
    if split["control"]:
        lines.append("control: trained on both sides, scored on both")
    neither = spec.grid.size - split["held_in"]["count"] - split["held_out"]["count"]
    if neither:
        lines.append(f"{neither:,} images are on neither side")
    if dataset.variant is not None:
        lines.append(f"variant: {dataset.variant.source or OWN}")
        lines += filter(None, [dataset.variant.note])
    if not split["expressions"]["held_out"]:
        sources: dict[str, list[str]] = {}
        for name, row in spec.variants.items():
            sources.setdefault(row.source or OWN, []).append(name)
        lines += [f"variants, {source}: {', '.join(names)}" for source, names in sources.items()]
    return "\n".join(lines)


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


def _tell_values(spec: DatasetSpec, factor: str) -> str:
    values = spec.grid.factors[factor]
    if factor in spec.grid.value_names:
        pairs = zip(values, spec.grid.value_names[factor], strict=True)
        return ", ".join(f"{value:.4g} {name}" for value, name in pairs)
    return f"{values[0]:.4g} to {values[-1]:.4g}"
