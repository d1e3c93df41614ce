"""What a claim compares, from the runs that count."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np

from disentgen.studies.claims import Claim
from disentgen.studies.rows import Row
from disentgen.studies.verdicts.correlation import Correlation, compare_correlation
from disentgen.studies.verdicts.estimates import Comparison, compare_ratio, compare_share, pair
from disentgen.studies.verdicts.selection import Evidence

Comparisons = Sequence[Comparison] | Sequence[Correlation]


def compare(claim: Claim, evidence: Evidence, by_control: bool = False) -> Comparisons:
    """The comparisons of a claim, of those of its cells that there are runs of.

    Args:
        claim: what is claimed.
        evidence: the runs that count.
        by_control: compare what is left beside controls: held-out excess over the control's takes
            the place of scores and ratios, the control's held-out excess that of train excess.
    """
    compared: dict[str, Callable[[Claim, Evidence, list[str]], Comparisons]] = {
        "ratio": compare_sides,
        "share": compare_images,
        "ordering": compare_conditions,
        "correlation": correlate,
        "best": compare_with_reference,
        "uncomposed": compare_sides,
    }
    return compared[claim.kind](claim, evidence, list_columns(claim, by_control))


def list_columns(claim: Claim, by_control: bool = False) -> list[str]:
    """The scores of a cell that a claim needs; see :func:`compare`."""
    over = "accuracy_over_control" if claim.score == "joint_accuracy" else "over_control"
    held_out = over if by_control else f"{claim.score}_held_out"
    match claim.kind:
        case "share":
            train = "control_excess" if by_control else "excess_train"
            return [train, "excess_held_out", "floor_train", "floor_held_out"]
        case "ratio":
            return [over if by_control else f"{claim.score}_ratio"]
        case "uncomposed":
            return ["over_uncomposed"]
        case "correlation":
            return ["disentanglement", held_out]
        case "ordering" | "best":
            return [held_out]


def compare_sides(claim: Claim, evidence: Evidence, columns: list[str]) -> list[Comparison]:
    """A ratio of each model itself, such as held-out over train score.

    Args:
        claim: what is claimed.
        evidence: the runs that count.
        columns: the ratio.
    """
    comparisons = []
    for row in claim.cells:
        (ratios,) = evidence.select(row, columns).to_numpy().T
        if len(ratios):
            comparisons.append(compare_ratio(row.model, ratios, claim.bound, claim.above))
    return comparisons


def compare_images(claim: Claim, evidence: Evidence, columns: list[str]) -> list[Comparison]:
    """The sides' difference in excess, as a share of that in the images' floor, for each model.

    Args:
        claim: what is claimed.
        evidence: the runs that count.
        columns: excess of training and held-out images, their entropy floors.
    """
    comparisons = []
    for row in claim.cells:
        train, held_out, *floors = evidence.select(row, columns).to_numpy().T
        if len(train):
            images = floors[1] - floors[0]
            comparisons.append(compare_share(row.model, train, held_out, images, claim.bound))
    return comparisons


def compare_conditions(claim: Claim, evidence: Evidence, columns: list[str]) -> list[Comparison]:
    """Held-out score over that of the next easier condition, for each model.

    Args:
        claim: what is claimed.
        evidence: the runs that count.
        columns: the score.
    """
    comparisons = []
    for easier, harder in pair_conditions(claim.cells):
        low, high = pair(evidence.select(easier, columns), evidence.select(harder, columns))
        if len(low):
            name = f"{harder.model}: {harder.variant} over {easier.variant}"
            comparisons.append(compare_ratio(name, high / low, claim.bound, claim.above))
    return comparisons


def pair_conditions(cells: Iterable[Row]) -> list[tuple[Row, Row]]:
    """Each model's rows, and those of its next condition; conditions stand in their order."""
    models: dict[tuple[str, str], list[Row]] = {}
    for row in cells:
        models.setdefault((row.experiment, row.model), []).append(row)
    return [steps for rows in models.values() for steps in pairwise(rows)]


def correlate(claim: Claim, evidence: Evidence, columns: list[str]) -> list[Correlation]:
    """Spearman's ρ of disentanglement and held-out score over models' means.

    Args:
        claim: what is claimed.
        evidence: the runs that count.
        columns: disentanglement and the score.
    """
    cells = [evidence.select(row, columns).to_numpy().T for row in claim.cells]
    there = [(disentanglement, np.log(score)) for disentanglement, score in cells if len(score)]
    if len(there) < 3:
        return []
    first, second = zip(*there, strict=True)
    return [compare_correlation(first, second, claim.bound)]


def compare_with_reference(
    claim: Claim, evidence: Evidence, columns: list[str]
) -> list[Comparison]:
    """Held-out score over the reference's, the last cell's, for each other model.

    Args:
        claim: what is claimed.
        evidence: the runs that count.
        columns: the score.
    """
    *models, reference = claim.cells
    comparisons = []
    for row in models:
        own, its = pair(evidence.select(row, columns), evidence.select(reference, columns))
        if len(own):
            comparisons.append(compare_ratio(row.model, own / its, claim.bound, claim.above))
    return comparisons
