"""The study's claims as data: what is said, of which cells, and what decides it.

Each is decided by one score: NLL as published; on 3DShapes, where the entropy of the pixels hides
what models differ in, NLL less that floor.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd

from disentgen.studies.montero2021 import Row
from disentgen.studies.montero2021.published import load_published
from disentgen.studies.montero2021.rows import MODELS

#: What is compared: a model's sides; its sides' difference and the images'; a model's conditions;
#: disentanglement and a score over models; models and the ground-truth decoder.
Kind = Literal["ratio", "share", "ordering", "correlation", "best"]
Score = Literal["nll", "excess"]

FAILS_FROM = 1.2
FAILS_REASON = (
    "published ratios are at most 1.00 where generalisation works and at least 1.75 where it fails "
    "(dSprites VAEs); 20 % is about one standard deviation of the ratio over seeds"
)
IMAGES_SHARE = 0.1
IMAGES_REASON = (
    "a tenth of the images' difference, some 44 nats on 3DShapes, is about what the published "
    "models differ by in train NLL (39)"
)
BUYS_BELOW = -0.5
BUYS_REASON = "a large correlation by Cohen's convention; six models cannot exclude smaller ones"
NO_MARGIN = "an order has no margin"
ELEMENT_REMARK = (
    "an ellipse looks the same after half a turn, so that held-out images hardly differ from "
    "training ones and the claim is hardly tested"
)


@dataclass(frozen=True)
class Claim:
    """A claim, and how it is decided.

    Args:
        number: in the list of claims.
        text: what is claimed.
        dataset: on which.
        kind: of comparison.
        cells: the study's rows that it needs, all of them.
        score: that decides it.
        bound: of the quantity.
        above: whether the quantity is claimed to be above the bound.
        quantity: that is compared with the bound.
        reason: for the bound.
        published: the quantity's range in the published tables, in NLL.
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
    published: str = ""
    some: bool = False
    remark: str = ""


@cache
def list_claims() -> tuple[Claim, ...]:
    """All claims, by number."""
    both = ("dsprites", "shapes3d")
    conditions = ("recomb2element", "recomb2range", "extrp")
    return (
        replace(
            claim_ratio("1", "recombination to element works", "dsprites", "recomb2element", False),
            remark=ELEMENT_REMARK,
        ),
        *(claim_ratio("2", "recombination to range fails", data, "recomb2range") for data in both),
        *(claim_ratio("3", "extrapolation fails", data, "extrp") for data in both),
        claim_share(),
        claim_ordering("dsprites", ("disent", "decoders")),
        claim_ordering("shapes3d", ("disent",)),
        *(claim_correlation(data, condition) for data in both for condition in conditions),
        claim_ratio("7a", "perfect factors are not enough: range", "dsprites", "recomb2range",
                    experiment="decoders"),
        claim_ratio("7a", "perfect factors are not enough: extrapolation", "dsprites", "extrp",
                    experiment="decoders"),
        claim_best("recomb2range"),
        claim_best("extrp"),
        claim_ratio("8", "composition fails in recombination to range", "dsprites", "recomb2range",
                    experiment="composition"),
    )  # fmt: skip


def claim_ratio(
    number: str,
    text: str,
    dataset: str,
    condition: str,
    fails: bool = True,
    experiment: str = "disent",
) -> Claim:
    """That all models of an experiment fail to generalise under a condition, or that all do.

    Args:
        number: of the claim.
        text: what is claimed.
        dataset: on which.
        condition: held out.
        fails: whether failing is claimed.
        experiment: of the models.
    """
    score = choose_score(dataset)
    table = select(dataset, condition, experiment)
    return Claim(
        number, text, dataset, "ratio", list_rows(dataset, condition, experiment), score,
        FAILS_FROM, fails, f"held-out over train {describe(score)}", FAILS_REASON,
        show_range(table["ratio"], score),
    )  # fmt: skip


def claim_share() -> Claim:
    """That 3DShapes' gap in recombination to element is the images' and not the models'."""
    table = select("shapes3d", "recomb2element", "disent")
    gaps = table["nll_held_out"] - table["nll_train"]
    return Claim(
        "4", "element: the sides' difference is the images', not the models'", "shapes3d", "share",
        list_rows("shapes3d", "recomb2element", "disent"), "excess", IMAGES_SHARE, False,
        "sides' difference in excess, as a share of that in the images' own entropy",
        IMAGES_REASON, f"NLL differs by {gaps.min():.1f} to {gaps.max():.1f}",
    )  # fmt: skip


def claim_ordering(dataset: str, experiments: tuple[str, ...]) -> Claim:
    """That element < range < extrapolation, for every model."""
    score = choose_score(dataset)
    conditions = ("recomb2element", "recomb2range", "extrp")
    ratios: list[float] = []
    for experiment in experiments:
        easier, middle, harder = (
            select(dataset, condition, experiment).set_index("label")["nll_held_out"]
            for condition in conditions
        )
        ratios += [*(middle / easier), *(harder / middle)]
    rows = [
        row
        for experiment in experiments
        for condition in conditions
        for row in list_rows(dataset, condition, experiment)
    ]
    return Claim(
        "5", f"element < range < extrapolation ({' and '.join(experiments)})", dataset, "ordering",
        tuple(rows), score, 1.0, True,
        f"held-out {describe(score)} over that of the easier condition", NO_MARGIN,
        show_range(ratios, score),
    )  # fmt: skip


def claim_correlation(dataset: str, condition: str) -> Claim:
    """That disentanglement does not go with a lower held-out NLL."""
    table = select(dataset, condition, "disent")
    rho = table["disentanglement"].corr(table["nll_held_out"], method="spearman")
    return Claim(
        "6", f"disentanglement does not buy generalisation ({condition})", dataset, "correlation",
        list_rows(dataset, condition, "disent"), "nll", BUYS_BELOW, True,
        "Spearman's ρ of disentanglement and held-out NLL over models", BUYS_REASON,
        show_range([rho], "nll"),
    )  # fmt: skip


def claim_best(condition: str) -> Claim:
    """That some autoencoder beats the ground-truth decoder held out."""
    rows = [
        row for kind in ("disent", "decoders") for row in list_rows("dsprites", condition, kind)
    ]
    models, decoder = (
        select("dsprites", condition, kind)["nll_held_out"] for kind in ("disent", "decoders")
    )
    return Claim(
        "7b", f"the ground-truth decoder is not the best model ({condition})", "dsprites", "best",
        tuple(rows), "nll", 1.0, False, "held-out NLL over the decoder's", NO_MARGIN,
        show_range(models / decoder.item(), "nll"), some=True,
    )  # fmt: skip


def choose_score(dataset: str) -> Score:
    """What decides on a dataset: NLL where pixels are binary, else the excess over the floor."""
    return "nll" if dataset == "dsprites" else "excess"


def describe(score: Score) -> str:
    """A score's name for people."""
    return {"nll": "NLL", "excess": "excess NLL"}[score]


def select(dataset: str, condition: str, experiment: str) -> pd.DataFrame:
    """The published cells of an experiment under a condition; composers have none."""
    table = load_published()
    chosen = (table["dataset"] == dataset) & (table["condition"] == condition)
    return table[chosen & (table["experiment"] == experiment)]


def list_rows(dataset: str, condition: str, experiment: str) -> tuple[Row, ...]:
    """The study's rows of an experiment under a condition."""
    if experiment == "composition":
        (variant,) = select(dataset, condition, "disent")["variant"].unique()
        return tuple(
            Row(experiment, dataset, variant, model) for model in MODELS[experiment][dataset]
        )
    table = select(dataset, condition, experiment)
    return tuple(
        Row(experiment, dataset, variant, label)
        for variant, label in zip(table["variant"], table["label"], strict=True)
    )


def show_range(values: Iterable[float], score: Score) -> str:
    """Published values from the smallest to the largest; the tables hold NLL alone."""
    known = np.array(list(values), dtype=float)
    if not len(known):
        return ""
    ends = dict.fromkeys(f"{value:.2f}" for value in (known.min(), known.max()))
    return " to ".join(ends) + ("" if score == "nll" else " in NLL")
