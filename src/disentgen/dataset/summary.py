"""Datasets in a few lines."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from disentgen.dataset.build import Dataset
from disentgen.dataset.novelty import count_by_factors, list_unseen, measure_steps
from disentgen.dataset.originals.conversions import converted_size
from disentgen.dataset.originals.find import describe_near, find_original
from disentgen.dataset.originals.formats import find_format
from disentgen.dataset.sides import Weights
from disentgen.dataset.spec import DatasetSpec, load_specs
from disentgen.dataset.split import Split
from disentgen.dataset.splits import split_families
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
                spec.original.licence or ("–" if spec.is_drawn else "not known"),
                _describe_file(spec, root),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _describe_file(spec: DatasetSpec, root: str | None) -> str:
    if spec.is_drawn:
        return "none: it is drawn"
    try:
        path = find_original(spec, root)
    except DataFileError as error:
        return str(error)
    if path is None:
        how = f"get it with: download {spec.words}" if spec.original.urls else "no address is known"
        return f"not there{describe_near(spec, root)}; {how}"
    kind = "stand-in" if find_format(path).is_stand_in(path) else "present"
    return f"{kind}, {path.stat().st_size / 1e9:.2f} GB: {path}"


def describe_dataset(dataset: Dataset) -> str:
    """Source, factors, sides of the split with their hashes, and where they come from."""
    spec = dataset.spec
    height, width, channels = spec.pixels_shape
    missing = spec.grid.size - spec.count
    of_all = f"; {missing:,} of {spec.grid.size:,} combinations are missing" if missing else ""
    lines = [
        dataset.note,
        f"{dataset.label}: {spec.count:,} images of {height} × {width} × {channels}{of_all}",
        "",
        *_describe_factors(spec),
        "",
        *_describe_sides(spec, dataset.split),
    ]
    if dataset.variant is not None:
        lines.append(f"variant: {dataset.variant.source or OWN}")
        lines += filter(None, [dataset.variant.note])
    if not dataset.split.expressions["held_out"]:
        lines += _list_variants(spec)
        lines.append(f"families of splits: {', '.join(split_families())}")
        if spec.thinnings:
            lines.append(f"thinnings: {', '.join(spec.thinnings)}")
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


def _describe_sides(spec: DatasetSpec, split: Split) -> list[str]:
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
    if shown := split.expressions["held_in"]:
        lines.append(f"held in where  {shown}")
    if aside := split.expressions.get("set_aside"):
        lines.append(f"set aside, {sides['set_aside']['count']:,} held-in images: {aside}")
    if thin := split.expressions.get("thin"):
        lines.append(f"of the combinations where {thin}{_explain_thinning(spec, thin)}")
    if split.control:
        lines.append("control: trained on both sides, scored on both")
    count = split.grid.size if split.within is None else int(split.within.sum())
    neither = count - sides["held_in"]["count"] - sides["held_out"]["count"]
    lines += [f"{neither:,} images are on neither side"] if neither else []
    if split.weights is not None:
        lines.append(_describe_weights(split, split.weights))
    return lines + _describe_novelty(split)


def _explain_thinning(spec: DatasetSpec, thin: str) -> str:
    """What a name stands for; nothing for an expression."""
    known = spec.thinnings.get(thin)
    if known is None:
        return ""
    remarks = "; ".join(filter(None, (known.source or OWN, known.note)))
    return f": {known.kept} ({remarks})"


def _describe_weights(split: Split, weights: Weights) -> str:
    shares = weights[split.mask("train")]
    effective = shares.sum() ** 2 / (shares**2).sum()
    digest = split.describe()["weights"]["sha256"][:16]
    return (
        f"training images are drawn with replacement by weights (sha256 {digest}), as varied as "
        f"{effective:,.0f} images drawn alike"
    )


def _describe_novelty(split: Split) -> list[str]:
    """Values that are held out and never trained on, and how far the nearest combination is."""
    if not split.held_out.any():
        return []
    grid, shown = split.grid, split.mask("train")
    counts = count_by_factors(grid, shown, split.held_out)
    steps = measure_steps(grid, shown)[split.held_out]
    total = int(split.held_out.sum())
    parts = [
        f"{number} factor{'s' * (number > 1)} ({count:,} images, {count / total:.1%})"
        for number, count in counts.items()
    ]
    return [
        f"values never trained on: {describe_unseen(split) or 'none'}",
        f"nearest training combination: differs in {', '.join(parts)}",
        f"  {np.median(steps):g} steps from value to value away (median; at most {steps.max()})",
    ]


def describe_unseen(split: Split) -> str:
    """The factors of which values are held out and never trained on, and how many; or nothing."""
    unseen = list_unseen(split.grid, split.mask("train"), split.held_out)
    sizes = dict(zip(split.grid.names, split.grid.sizes, strict=True))
    return ", ".join(f"{len(of)} of {sizes[name]} of {name}" for name, of in unseen.items())


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
