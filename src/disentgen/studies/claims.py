"""A study's claims as data: what is said, of which rows, and what decides it."""

from dataclasses import dataclass
from typing import Literal

from disentgen.studies.rows import Row

#: What is compared: a model's sides; its sides' difference and the images'; a model's conditions;
#: disentanglement and a score over models; models and a reference; a model and what composes
#: nothing.
Kind = Literal["ratio", "share", "ordering", "correlation", "best", "uncomposed"]
#: By which a claim is decided: NLL, NLL less the entropy floor of the images, or the share of
#: images in which all factors are right at once.
Score = Literal["nll", "excess", "joint_accuracy"]
SCORE_TITLES: dict[Score, str] = {
    "nll": "NLL", "excess": "excess NLL", "joint_accuracy": "joint accuracy"
}  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """A claim, and how it is decided.

    Args:
        number: in the list of claims.
        text: what is claimed.
        dataset: on which.
        kind: of comparison.
        cells: the study's rows that it needs, all of them. Of ``ordering`` the conditions stand in
            the claimed order; of ``best`` the reference stands last.
        score: that decides it.
        bound: of the quantity.
        above: whether the quantity is claimed to be above the bound.
        quantity: that is compared with the bound.
        reason: for the bound.
        some: whether one model suffices; else all must agree.
        remark: what the claim cannot show, whatever the verdict.
    """

    number: str
    text: str
    dataset: str
    kind: Kind
    cells: tuple[Row, ...]
    score: Score
    bound: float
    above: bool
    quantity: str
    reason: str
    some: bool = False
    remark: str = ""
