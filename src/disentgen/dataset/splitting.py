"""The split that the words of a configuration mean: variant, expressions, family or files."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from disentgen.dataset.expression import evaluate
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.sides import Mask, Sides, sides_by_expression
from disentgen.dataset.spec import DatasetSpec
from disentgen.dataset.split import Split, divide
from disentgen.dataset.variants import Variant
from disentgen.errors import UsageError
from disentgen.registry import unknown


def build_split(
    spec: DatasetSpec,
    condition: str | None = None,
    variant: str | None = None,
    held_out: str | None = None,
    held_in: str | None = None,
    *,
    split: str | None = None,
    split_params: Mapping[str, Any] | None = None,
    held_in_file: str | None = None,
    held_out_file: str | None = None,
    thin: str | None = None,
    validation: float = 0.05,
    seed: int = 0,
    control: bool = False,
    set_aside: str | None = None,
) -> Split:
    """The split that a configuration names, by variant, expressions, a family or files.

    Args:
        spec: of the dataset.
        condition: held-out condition; None where the variant's name says it, or for no condition.
        variant: a variant of it.
        held_out: instead of a variant, an expression of the combinations to hold out.
        held_in: with ``held_out``, an expression of those to show; by default all others.
        split: instead of both, a family of splits.
        split_params: the family's parameters that differ from its defaults.
        held_in_file: instead of all these, a file that lists the images to show.
        held_out_file: with ``held_in_file``, one that lists those to hold out; by default all
            others.
        thin: the part of the grid that there is, as an expression or by the name that the dataset
            has for it; images outside are on no side.
        validation: share of held-in images kept out of training, in (0, 1).
        seed: of the validation draw.
        control: train on both sides, score both.
        set_aside: expression of held-in combinations that are kept out of training whole.

    Raises:
        UsageError: settings that exclude or need each other, an unknown name, or an expression or
            parameters that cannot be used.
        DataFileError: a file that lists images is not there, or lists others than the grid's.
    """
    row = spec.choose_variant(condition, variant)
    ways = {
        "a variant": row,
        "dataset.held_out": held_out,
        "dataset.split": split,
        "dataset.held_in_file": held_in_file,
    }
    _check_ways(ways, held_in, split_params, held_out_file)
    if control and not any(ways.values()):
        raise UsageError(
            "dataset.control=True needs a variant, dataset.held_out, dataset.split or "
            "dataset.held_in_file to control for."
        )
    within = find_within(spec, thin)
    if held_in_file is not None:
        from disentgen.dataset.listed import sides_from_files

        sides = sides_from_files(spec.grid, held_in_file, held_out_file)
    else:
        own = Variant("own", held_out, held_in, split=split, split_params=split_params or {})
        sides = find_sides(row or own, spec.grid, within)
    if thin is not None:
        sides = sides.add_words(thin=thin)
    return divide(spec.grid, sides, validation, seed, control, within, set_aside)


def _check_ways(
    ways: Mapping[str, object],
    held_in: str | None,
    split_params: Mapping[str, Any] | None,
    held_out_file: str | None,
) -> None:
    """Check that a split is said in one way, and that nothing is said beside it in vain."""
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} each define a split: give one.")
    for name, value, needed in (
        ("dataset.held_in", held_in, "dataset.held_out"),
        ("dataset.split_params", split_params, "dataset.split"),
        ("dataset.held_out_file", held_out_file, "dataset.held_in_file"),
    ):
        if value and needed not in given:
            raise UsageError(f"{name} needs {needed} beside it.")


def find_within(spec: DatasetSpec, thin: str | None) -> Mask:
    """The combinations that there are, (images,).

    Args:
        spec: of the dataset.
        thin: see :func:`build_split`.

    Raises:
        UsageError: no such name, or an expression that cannot be used or holds for nothing.
    """
    present = np.ones(spec.grid.size, dtype=bool) if spec.present is None else spec.present
    if thin is None:
        return present
    if thin.isidentifier() and thin not in spec.thinnings:
        raise unknown(f"thinning of {spec.title} (dataset.thin)", thin, spec.thinnings)
    known = spec.thinnings.get(thin)
    within = present & evaluate(thin if known is None else known.kept, spec.grid)
    if not within.any():
        raise UsageError(f"dataset.thin={thin!r} keeps none of {spec.count:,} combinations.")
    return within


def find_sides(row: Variant, grid: FactorGrid, within: Mask) -> Sides:
    """The sides that a variant means.

    Args:
        row: the variant.
        grid: the factor grid.
        within: (images,) the combinations that there are.

    Raises:
        UsageError: its expressions or parameters cannot be used.
    """
    if row.split is None:
        return sides_by_expression(grid, row.held_out, row.held_in)
    from disentgen.dataset.splits import build_sides  # pydantic takes its time to start

    return build_sides(row.split, row.split_params, grid, within)
