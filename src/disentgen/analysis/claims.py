"""The study's claims, each decided by fixed rules.

A claim is *supported* if the 95 % interval over seeds of what decides it lies wholly on the claimed
side of a fixed bound, *not supported* if it lies wholly on the other, and *not enough runs* remain
otherwise. Where several models must agree, the one furthest from the claim decides. Claims are
about the study's own cells: other variants, models and strengths are left aside, and of several
cells of the same name the one of most seeds, then of most steps, counts. Claims are decided by
three rulers: NLL, its excess over the pixels' floor, and the gap to a control that was
trained on all images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from disentgen.analysis.cells import FAMILY_TITLES
from disentgen.analysis.published import load_published
from disentgen.analysis.tables import CONFIDENCE, interval

SUPPORTED, NOT_SUPPORTED, UNDECIDED = "supported", "not supported", "not enough runs"
#: Held-out score over reference score, from which on a model fails to generalise.
FAILS_FROM = 1.2
#: Of the NLL difference between sides, the share that may be the models' and not the images'.
MODELS_SHARE = 0.1
#: Spread over models of the sides' NLL difference over that of their train NLL, below which the
#: difference is not the models'.
IMAGES_SPREAD = 0.2
#: Spearman's ρ of disentanglement and held-out score, below which one is said to buy the other.
BUYS_BELOW = -0.5
VAE_RUNS, DECODER = "disent", FAMILY_TITLES["decoder"]
#: Experiments whose models the published tables have.
PUBLISHED_KINDS = (VAE_RUNS, "decoders")

#: Models from which on a correlation over models is told.
ENOUGH_MODELS = 6
#: By ruler: held-out score.
RULERS = {"NLL": "nll_held_out", "excess": "excess_held_out", "gap": "gap_to_control"}
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """What runs say about a claim.

    Args:
        number: of the claim, as in the list below.
        claim: what is claimed.
        dataset: on which.
        ruler: what NLL, excess or gap to control says.
        verdict: supported, not supported, not enough runs.
        quantity: what decides.
        decided_by: the model or comparison that decides.
        estimate: mean of the quantity.
        low: lower end of its 95 % interval.
        high: upper end.
        seeds: that the interval is over; models where it is over models.
        published: the quantity's smallest and largest value in the published tables.
    """

    number: str
    claim: str
    dataset: str
    ruler: str
    verdict: str
    quantity: str
    decided_by: str
    estimate: float
    low: float
    high: float
    seeds: int
    published: str


@dataclass(frozen=True)
class Estimate:
    """Mean, interval and number of seeds of a quantity of one model."""

    name: str
    mean: float
    low: float
    high: float
    seeds: int

    def side(self, bound: float, above: bool) -> str:
        """On which side of a bound the whole interval lies."""
        if not np.isfinite([self.low, self.high]).all():
            return UNDECIDED
        if self.low > bound:
            return SUPPORTED if above else NOT_SUPPORTED
        if self.high < bound:
            return NOT_SUPPORTED if above else SUPPORTED
        return UNDECIDED


def estimate(name: str, values: Values) -> Estimate:
    """An estimate from a quantity's values, one for each seed."""
    known = values[np.isfinite(values)]
    return Estimate(name, *interval(known), seeds=len(known))


def decide(estimates: Sequence[Estimate], bound: float, above: bool) -> tuple[str, Estimate]:
    """A verdict on all models together, and the model that decides it."""
    if not estimates:
        return UNDECIDED, Estimate("no runs", np.nan, np.nan, np.nan, 0)
    sides = [found.side(bound, above) for found in estimates]
    verdict = next(kind for kind in (NOT_SUPPORTED, UNDECIDED, SUPPORTED) if kind in sides)
    there = [found for found, side in zip(estimates, sides, strict=True) if side == verdict]
    # Unknown means are furthest of all; where everything is known the worst one is.
    worst = min(
        there,
        key=lambda found: (not np.isnan(found.mean), found.mean if above else -found.mean),
    )
    return verdict, worst


def by_model(runs: pd.DataFrame, values: pd.Series) -> dict[str, Values]:
    """Values of a table's rows by model, one for each seed."""
    names = runs["label"]
    return {str(name): values[names == name].to_numpy(float) for name in dict.fromkeys(names)}


def select(runs: pd.DataFrame, dataset: str, condition: str, kind: str = VAE_RUNS) -> pd.DataFrame:
    """Runs of an experiment that the study has too, without controls; one cell of each label."""
    published = published_cells(dataset, condition, None)
    chosen = runs[
        (runs["dataset"] == dataset)
        & runs["variant"].isin(published["variant"])
        & (runs["experiment"] == kind)
        & ~runs["control"]
    ]
    if kind in PUBLISHED_KINDS:
        cells = published_cells(dataset, condition, kind)
        known = set(zip(cells["model"], cells["parameters"], strict=True))
        named = pd.Series(zip(chosen["model"], chosen["parameters"], strict=True), chosen.index)
        chosen = chosen[named.isin(known)]
    size = chosen.groupby("cell").agg(seeds=("seed", "size"), steps=("steps", "max"))
    size["label"] = chosen.groupby("cell")["label"].first()
    kept = size.sort_values(["seeds", "steps"]).reset_index().drop_duplicates("label", keep="last")
    return chosen[chosen["cell"].isin(kept["cell"])]


def relative(runs: pd.DataFrame, ruler: str) -> pd.Series:
    """Held-out score over its reference: training images, or the control on the same images.

    By the gap it is the excess over the control's: the floor would hide what models differ in.
    """
    if ruler == "gap":
        return runs["excess_held_out"] / (runs["excess_held_out"] - runs["gap_to_control"])
    side = RULERS[ruler]
    return runs[side] / runs[side.replace("held_out", "train")]


def list_verdicts(runs: pd.DataFrame) -> list[Verdict]:
    """Every claim on every dataset and by every ruler.

    Args:
        runs: of :func:`~disentgen.analysis.tables.tabulate_runs`.
    """
    verdicts = []
    for ruler in RULERS:
        verdicts += [
            judge_ratio(runs, "1", "recombination to element works", "dsprites",
                        "recomb2element", ruler, fails=False),
            judge_ratio(runs, "2", "recombination to range fails", "dsprites",
                        "recomb2range", ruler, fails=True),
            judge_ratio(runs, "2", "recombination to range fails", "shapes3d",
                        "recomb2range", ruler, fails=True),
            judge_ratio(runs, "3", "extrapolation fails", "dsprites", "extrp", ruler, fails=True),
            judge_ratio(runs, "3", "extrapolation fails", "shapes3d", "extrp", ruler, fails=True),
            judge_images(runs, ruler),
            judge_ordering(runs, "dsprites", ruler, ("disent", "decoders")),
            judge_ordering(runs, "shapes3d", ruler, ("disent",)),
            *(
                judge_correlation(runs, dataset, condition, ruler)
                for dataset in ("dsprites", "shapes3d")
                for condition in ("recomb2element", "recomb2range", "extrp")
            ),
            judge_ratio(runs, "7a", "perfect factors are not enough: range", "dsprites",
                        "recomb2range", ruler, fails=True, kind="decoders"),
            judge_ratio(runs, "7a", "perfect factors are not enough: extrapolation", "dsprites",
                        "extrp", ruler, fails=True, kind="decoders"),
            judge_best(runs, "recomb2range", ruler),
            judge_best(runs, "extrp", ruler),
            judge_ratio(runs, "8", "composition fails in recombination to range", "dsprites",
                        "recomb2range", ruler, fails=True, kind="composition"),
        ]  # fmt: skip
    return sorted(verdicts, key=lambda verdict: verdict.number)


def tabulate_verdicts(runs: pd.DataFrame) -> pd.DataFrame:
    """:func:`list_verdicts` as a table, for original images and for stand-ins apart."""
    parts = runs.groupby("source") if len(runs) else [("", runs)]
    return pd.DataFrame(
        [
            {"source": source, **asdict(verdict)}
            for source, part in parts
            for verdict in list_verdicts(part)
        ]
    )


def judge_ratio(
    runs: pd.DataFrame,
    number: str,
    claim: str,
    dataset: str,
    condition: str,
    ruler: str,
    fails: bool,
    kind: str = VAE_RUNS,
) -> Verdict:
    """Whether all models generalise, or all fail: held-out score over reference score."""
    chosen = select(runs, dataset, condition, kind)
    values = by_model(chosen, relative(chosen, ruler))
    found = [estimate(name, seeds) for name, seeds in values.items()]
    verdict, decisive = decide(found, FAILS_FROM, above=fails)
    reference = "control's excess" if ruler == "gap" else f"train {ruler}"
    told: Sequence[float] = []
    if ruler == "NLL":
        told = list(published_cells(dataset, condition, kind)["ratio"])
    return report(
        number, claim, dataset, ruler, verdict,
        f"held-out {'excess ' * (ruler == 'gap')}over {reference}, bound {FAILS_FROM}", decisive,
        told,
    )  # fmt: skip


def judge_images(runs: pd.DataFrame, ruler: str) -> Verdict:
    """Whether the NLL difference between sides is the images' and not the models' (3DShapes).

    By NLL: how much models differ in it, over how much their training NLL differ. By excess, and by
    gap to the control: its share of the NLL difference.
    """
    chosen = select(runs, "shapes3d", "recomb2element")
    difference = chosen["nll_held_out"] - chosen["nll_train"]
    claim = "element: the sides' difference is the images', not the models'"
    if ruler == "NLL":
        spreads = [
            np.ptp(difference[part.index]) / np.ptp(part["nll_train"])
            for _, part in chosen.groupby("seed")
            if np.ptp(part["nll_train"]) > 0
        ]
        found = [estimate("spread over models", np.array(spreads))] if spreads else []
        bound = IMAGES_SPREAD
        quantity = f"spread of differences over spread of train NLL, bound {bound}"
    else:
        score = chosen["side_difference"] if ruler == "excess" else chosen["gap_to_control"]
        shares = by_model(chosen, score.abs() / difference.abs())
        found = [estimate(name, seeds) for name, seeds in shares.items()]
        bound = MODELS_SHARE
        quantity = f"{ruler} as a share of the difference, bound {bound}"
    verdict, decisive = decide(found, bound, above=False)
    table = published_cells("shapes3d", "recomb2element", None)
    spread = np.ptp(table["nll_held_out"] - table["nll_train"]) / np.ptp(table["nll_train"])
    told = [float(spread)] if ruler == "NLL" else []
    return report("4", claim, "shapes3d", ruler, verdict, quantity, decisive, told)


def judge_ordering(runs: pd.DataFrame, dataset: str, ruler: str, kinds: Sequence[str]) -> Verdict:
    """Whether element < range < extrapolation in held-out score, for every model, seed by seed."""
    score = RULERS[ruler]
    found, told = [], []
    steps = (("recomb2element", "recomb2range"), ("recomb2range", "extrp"))
    for kind in kinds:
        for easier, harder in steps:
            tables = [
                select(runs, dataset, condition, kind).set_index(["label", "seed"])[score]
                for condition in (easier, harder)
            ]
            difference = (tables[1] - tables[0]).dropna()
            for label in dict.fromkeys(difference.index.get_level_values(0)):
                name = f"{label}: {harder} less {easier}"
                found.append(estimate(name, difference.loc[[label]].to_numpy(float)))
            cell = ["model", "parameters"]
            pair = [
                published_cells(dataset, condition, kind).set_index(cell)["nll_held_out"]
                for condition in (easier, harder)
            ]
            told += list(pair[1] - pair[0])
    verdict, decisive = decide(found, 0.0, above=True)
    return report(
        "5", f"element < range < extrapolation ({' and '.join(kinds)})", dataset, ruler, verdict,
        f"difference in held-out {ruler}, nats", decisive, told if ruler == "NLL" else [],
    )  # fmt: skip


def judge_correlation(runs: pd.DataFrame, dataset: str, condition: str, ruler: str) -> Verdict:
    """Whether disentanglement goes without better generalisation: Spearman's ρ over models.

    Seeds of a model are no independent evidence of it, so their means are correlated. The interval
    is Fisher's over models, with Bonett and Wright's variance for ranks.
    """
    from scipy.stats import norm

    score = RULERS[ruler]
    chosen = select(runs, dataset, condition)
    known = chosen[["label", "disentanglement", score]].dropna().groupby("label").mean()
    claim = f"disentanglement does not buy generalisation ({condition})"
    quantity = f"Spearman's ρ of disentanglement and held-out score, bound {BUYS_BELOW}"
    table = published_cells(dataset, condition, VAE_RUNS)
    told = [spearman(table["disentanglement"], table["nll_held_out"])] if ruler == "NLL" else []
    rho, low, high = np.nan, np.nan, np.nan
    if len(known) > 2:
        rho = spearman(known["disentanglement"], known[score])
    if len(known) >= ENOUGH_MODELS:
        error = np.sqrt((1 + rho**2 / 2) / (len(known) - 3))
        centre = np.arctanh(np.clip(rho, -0.9999, 0.9999))
        half = norm.ppf((1 + CONFIDENCE) / 2) * error
        low, high = np.tanh(centre - half), np.tanh(centre + half)
    found = Estimate(f"{len(known)} models", rho, float(low), float(high), len(known))
    verdict = found.side(BUYS_BELOW, above=True)
    return report("6", claim, dataset, ruler, verdict, quantity, found, told)


def judge_best(runs: pd.DataFrame, condition: str, ruler: str) -> Verdict:
    """Whether some autoencoder does better held out than the ground-truth decoder (dSprites).

    The one of the best mean is compared; its seeds and the decoder's are independent (Welch). Since
    it was chosen among several on the same runs, the interval is Bonferroni's for all of them.
    """
    score = RULERS[ruler]
    chosen = select(runs, "dsprites", condition)
    models = by_model(chosen, chosen[score])
    decoder = select(runs, "dsprites", condition, "decoders")[score].dropna().to_numpy(float)
    models = {name: seeds[np.isfinite(seeds)] for name, seeds in models.items()}
    models = {name: seeds for name, seeds in models.items() if len(seeds)}
    found = Estimate("no runs", np.nan, np.nan, np.nan, 0)
    if models and len(decoder):
        best = min(models, key=lambda name: models[name].mean())
        found = compare_means(f"{best} less {DECODER}", models[best], decoder, len(models))
    verdict = found.side(0.0, above=False)
    tables = [published_cells("dsprites", condition, kind) for kind in (VAE_RUNS, "decoders")]
    told = [tables[0]["nll_held_out"].min() - tables[1]["nll_held_out"].min()]
    return report(
        "7b", f"the ground-truth decoder is not the best model ({condition})", "dsprites", ruler,
        verdict, f"difference in held-out {ruler}, nats", found, told if ruler == "NLL" else [],
    )  # fmt: skip


def compare_means(name: str, first: Values, second: Values, comparisons: int = 1) -> Estimate:
    """Difference of two means, with Welch's 95 % interval, jointly over so many comparisons."""
    from scipy.stats import t

    mean = float(first.mean() - second.mean())
    if min(len(first), len(second)) < 2:
        return Estimate(name, mean, np.nan, np.nan, min(len(first), len(second)))
    parts = [values.var(ddof=1) / len(values) for values in (first, second)]
    freedom = sum(parts) ** 2 / max(
        sum(
            part**2 / (len(values) - 1) for part, values in zip(parts, (first, second), strict=True)
        ),
        np.finfo(float).tiny,
    )
    level = 1 - (1 - CONFIDENCE) / (2 * comparisons)
    half = float(t.ppf(level, max(freedom, 1.0)) * np.sqrt(sum(parts)))
    return Estimate(name, mean, mean - half, mean + half, min(len(first), len(second)))


def spearman(first: pd.Series, second: pd.Series) -> float:
    """Spearman's rank correlation."""
    from scipy.stats import spearmanr

    return float(spearmanr(first, second).statistic)


def published_cells(dataset: str, condition: str, kind: str | None) -> pd.DataFrame:
    """Published cells of a condition: autoencoders, ground-truth decoders, or all."""
    table = load_published()
    table = table[(table["dataset"] == dataset) & (table["condition"] == condition)]
    decoders = table["model"] == DECODER
    wanted: Mapping[str | None, pd.Series] = {
        VAE_RUNS: ~decoders,
        "decoders": decoders,
        None: decoders | True,
    }
    return table[wanted.get(kind, decoders & False)]


def report(
    number: str,
    claim: str,
    dataset: str,
    ruler: str,
    verdict: str,
    quantity: str,
    found: Estimate,
    published: Sequence[float],
) -> Verdict:
    """A verdict with the estimate that decides it."""
    told = ""
    if len(published):
        low, high = float(np.min(published)), float(np.max(published))
        told = f"{low:.2f}" if low == high else f"{low:.2f} to {high:.2f}"
    return Verdict(
        number, claim, dataset, ruler, verdict, quantity, found.name, found.mean, found.low,
        found.high, found.seeds, told,
    )  # fmt: skip
