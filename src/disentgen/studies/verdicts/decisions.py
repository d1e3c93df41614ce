"""Verdicts on a study's claims.

Where all models must agree, a claim is *supported* if each one's interval lies on the claimed side
(an intersection-union test, whose level needs no correction), and *not supported* if at least one
lies wholly on the other at Holm's level for all of them. Where one model suffices it is the other
way round. Everything else is *undecided*, with what is missing. One-sided levels are 2.5 %, so that
intervals of 95 % show the same.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from disentgen.analysis.statistics import adjust_holm
from disentgen.studies.claims import Claim
from disentgen.studies.study import Study
from disentgen.studies.verdicts.comparisons import Comparisons, compare, list_columns
from disentgen.studies.verdicts.estimates import LEVEL, Comparison
from disentgen.studies.verdicts.needs import describe_need
from disentgen.studies.verdicts.published import describe_published
from disentgen.studies.verdicts.selection import Evidence, describe_rows

SUPPORTED, NOT_SUPPORTED, UNDECIDED = "supported", "not supported", "undecided"


@dataclass(frozen=True)
class Verdict:
    """What runs say about a claim.

    Args:
        number: of the claim.
        claim: what is claimed.
        dataset: on which.
        verdict: supported, not supported, undecided.
        quantity: that decides.
        bound: of it.
        reason: for the bound.
        decided_by: the model or comparison that decides, or is furthest from doing so.
        estimate: of its quantity.
        low: lower end of its interval.
        high: upper end.
        confidence: of the interval that decides.
        seeds: of that model.
        control: whether the gap to controls that were trained on all images confirms the verdict.
        missing: what an undecided claim lacks: cells, or seeds; or why none would decide it.
        published: the quantity's range in the published tables.
        note: what the claim cannot show, and what is uncertain of the study's rows that it needs.
    """

    number: str
    claim: str
    dataset: str
    verdict: str
    quantity: str
    bound: float
    reason: str
    decided_by: str
    estimate: float
    low: float
    high: float
    confidence: float
    seeds: int
    control: str
    missing: str
    published: str
    note: str


def tabulate_verdicts(runs: pd.DataFrame, study: Study) -> pd.DataFrame:
    """A row for each of a study's claims, for original images and for stand-ins apart.

    Args:
        runs: of :func:`~disentgen.studies.verdicts.departures.add_protocols`.
        study: whose claims are judged.

    Returns:
        Columns ``study``, ``source`` and those of :class:`Verdict`.
    """
    parts = runs.groupby("source") if len(runs) else [("", runs)]
    rows = [
        {"study": study.name, "source": source, **asdict(judge(claim, evidence, study))}
        for source, part in parts
        for evidence in (Evidence(part),)
        for claim in study.claims
    ]
    columns = ["study", "source", *(field.name for field in fields(Verdict))]
    return pd.DataFrame(rows, columns=columns)


def judge(claim: Claim, evidence: Evidence, study: Study) -> Verdict:
    """The verdict on a claim.

    Args:
        claim: of the study.
        evidence: the runs that count.
        study: whose published numbers and notes stand beside the verdict.
    """
    missing = refuse(claim, study) or evidence.list_missing(claim.cells, list_columns(claim))
    comparisons = compare(claim, evidence)
    verdict, place = UNDECIDED, find_weakest(comparisons, claim.some)
    if not missing:
        verdict = str(decide(comparisons, claim.some))
        place = find_decisive(comparisons, claim.some, verdict)
    if verdict == UNDECIDED and not missing:
        missing = describe_need(comparisons, claim.some)
    return Verdict(
        number=claim.number,
        claim=claim.text,
        dataset=claim.dataset,
        verdict=verdict,
        quantity=claim.quantity,
        bound=claim.bound,
        reason=claim.reason,
        **describe_decisive(comparisons, place, stands_alone(verdict, claim.some)),
        control=confirm(claim, evidence, verdict),
        missing=missing,
        published=describe_published(claim, study),
        note=describe_notes(claim, study),
    )


def refuse(claim: Claim, study: Study) -> str:
    """Why no runs can decide a claim; empty where they can.

    Args:
        claim: of the study.
        study: whose rows it needs.
    """
    return describe_rows((row, study.entries[row].undecidable) for row in claim.cells)


def describe_decisive(comparisons: Comparisons, place: int, alone: bool) -> dict[str, Any]:
    """The comparison that decides, its estimate and interval, as a verdict has them.

    Args:
        comparisons: of a claim.
        place: of the one that decides.
        alone: whether it decides alone, and so at Holm's first level.
    """
    confidence = 1 - 2 * LEVEL / (len(comparisons) if alone else 1)
    estimate, low, high, name, seeds = np.nan, np.nan, np.nan, "", 0
    if comparisons:
        decisive = comparisons[place]
        estimate, low, high = decisive.measure(confidence)
        name, seeds = decisive.name, decisive.seeds
    return {
        "decided_by": name,
        "estimate": estimate,
        "low": low,
        "high": high,
        "confidence": confidence,
        "seeds": seeds,
    }


def stands_alone(verdict: str, some: bool) -> bool:
    """Whether a verdict is the one that a single comparison suffices for.

    Args:
        verdict: on a claim.
        some: whether one comparison on the claimed side suffices; else all must be.
    """
    return verdict == (SUPPORTED if some else NOT_SUPPORTED)


def describe_notes(claim: Claim, study: Study) -> str:
    """What a claim cannot show, and what is uncertain of the study's rows that it needs."""
    notes = describe_rows((row, study.entries[row].note) for row in claim.cells)
    return "; ".join(note for note in (claim.remark, notes) if note)


def decide(comparisons: Comparisons, some: bool = False) -> NDArray[np.str_]:
    """The verdict on several comparisons together.

    Args:
        comparisons: whose arrays may have leading axes.
        some: whether one comparison on the claimed side suffices; else all must be.

    Returns:
        (…,) verdicts over the leading axes.
    """
    claimed, against = collect_p(comparisons)
    every, single = (against, claimed) if some else (claimed, against)
    all_agree = every.max(axis=-1) <= LEVEL
    one_stands_out = adjust_holm(single).min(axis=-1) <= LEVEL
    for_all, for_one = (NOT_SUPPORTED, SUPPORTED) if some else (SUPPORTED, NOT_SUPPORTED)
    return np.select([all_agree, one_stands_out], [for_all, for_one], UNDECIDED)


def collect_p(comparisons: Comparisons) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One-sided p-values for the claim and against it, (…, comparisons) each."""
    return (
        np.stack([comparison.p_claimed() for comparison in comparisons], axis=-1),
        np.stack([comparison.p_against() for comparison in comparisons], axis=-1),
    )


def find_decisive(comparisons: Comparisons, some: bool, verdict: str) -> int:
    """Which comparison decides: the strongest where one suffices, the weakest where all agree.

    Args:
        comparisons: of a claim.
        some: whether one on the claimed side suffices.
        verdict: on the claim.
    """
    if verdict == UNDECIDED:
        return find_weakest(comparisons, some)
    claimed, against = collect_p(comparisons)
    p = claimed if verdict == SUPPORTED else against
    return int(p.argmin() if stands_alone(verdict, some) else p.argmax())


def find_weakest(comparisons: Comparisons, some: bool) -> int:
    """Which comparison stands in the way: the furthest from the claim, or the nearest if one does.

    Of those of too few seeds only the estimate is known.
    """
    margins = [
        min(margin.mean() for margin in comparison.margins)
        for comparison in comparisons
        if isinstance(comparison, Comparison)
    ]
    if not margins:
        return 0
    return int(np.argmax(margins) if some else np.argmin(margins))


def confirm(claim: Claim, evidence: Evidence, verdict: str) -> str:
    """Whether the gap to controls says the same of a claim that is decided.

    Args:
        claim: of the study.
        evidence: the runs that count.
        verdict: on the claim.
    """
    # What composes nothing is a bound without a control; beside it, one would be another claim.
    if verdict == UNDECIDED or claim.kind == "uncomposed":
        return ""
    missing = evidence.list_missing(claim.cells, list_columns(claim, by_control=True))
    if missing:
        return f"not confirmed by the control: {missing}"
    by_control = str(decide(compare(claim, evidence, by_control=True), claim.some))
    if by_control == verdict:
        return "confirmed by the control"
    return f"not confirmed by the control: by it, {by_control}"
