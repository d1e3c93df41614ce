"""A dataset and its split in a few lines."""

from disentgen.dataset.build import Dataset


def describe_dataset(dataset: Dataset) -> str:
    """Source, factors, sides of the split with their hashes, and how often values occur there."""
    spec, split = dataset.spec, dataset.split.describe()
    height, width, channels = spec.image_shape
    lines = [
        dataset.note,
        f"{dataset.label}: {spec.grid.size:,} images of {height} × {width} × {channels}",
        "",
        f"{'factor':<14}{'values':>7}  range",
        *(
            f"{name:<14}{len(values):>7}  {values[0]:.4g} to {values[-1]:.4g}"
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
    if not split["expressions"]["held_out"]:
        lines.append("variants: " + ", ".join(spec.variants))
    return "\n".join(lines)
