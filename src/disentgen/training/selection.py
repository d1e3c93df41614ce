"""Which epoch's model counts: rules of selection, side by side over one training.

Camposampiero et al. 2025 compare four rules: the best accuracy on held-in validation images (by
which their numbers are, as their code has it), on a combination that is kept out of training, on
both, and on the held-out side. Beside these stand the last epoch and the lowest training loss. The
held-out side is an oracle, since it is what is to be measured: it says how much selection costs,
and decides nothing. Weights are those of ``training.select`` alone, which never looks at it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from disentgen.training.terms import Row

JOINT = "joint_accuracy"
#: Of which the chosen epochs' scores are kept, where there are any.
SIDES = ("validation", "set_aside", "held_out")
#: A score of an epoch, the higher the better; None where its row does not have it.
Score = Callable[[Row], float | None]


class Rule(NamedTuple):
    """A rule of selection.

    Args:
        title: that tables call it by.
        score: by which the best epoch is chosen, the last of equals.
        is_oracle: whether it looks at held-out images.
    """

    title: str
    score: Score
    is_oracle: bool = False


def score_side(side: str) -> Score:
    """Joint accuracy of a side, of models that have it; of others its NLL, the other way round."""

    def score(row: Row) -> float | None:
        nll = row.get(f"{side}.nll")
        return row.get(f"{side}.{JOINT}", None if nll is None else -nll)

    return score


def score_training(row: Row) -> float | None:
    """The objective over the epoch's batches, the other way round."""
    return -row["train.loss"] if "train.loss" in row else None


def score_both(row: Row) -> float | None:
    """Accuracy on validation images, and a tenth of what is lacking on new combinations off it."""
    validation, aside = (row.get(f"{side}.{JOINT}") for side in ("validation", "set_aside"))
    if validation is None or aside is None:
        return None
    return validation + (aside - 1) / 10


#: By name, the oracle last.
RULES = {
    "last": Rule("last epoch", lambda row: row["epoch"]),
    "train": Rule("training loss", score_training),
    "validation": Rule("held-in validation", score_side("validation")),
    "set_aside": Rule("combinations set aside", score_side("set_aside")),
    "both": Rule("validation and set aside", score_both),
    "oracle": Rule("held-out side (an oracle)", score_side("held_out"), is_oracle=True),
}


def choose_epoch(history: Sequence[Row], rule: Rule) -> Row | None:
    """The row of the epoch that a rule chooses; None where a row lacks what it goes by.

    Args:
        history: a row for each finished epoch.
        rule: of selection.
    """
    scores = [rule.score(row) for row in history]
    known = [(score, place) for place, score in enumerate(scores) if score is not None]
    return history[max(known)[1]] if known and len(known) == len(history) else None


def compare_rules(history: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """What each rule would have chosen, and how that does; empty without held-out scores of epochs.

    Args:
        history: a row for each finished epoch, with the columns of the scores after it.

    Returns:
        By rule: ``epoch``, ``is_oracle``, and by side the scores of that epoch.
    """
    if not history or not all("held_out.nll" in row for row in history):
        return {}
    chosen = {name: choose_epoch(history, rule) for name, rule in RULES.items()}
    return {
        name: {
            "epoch": int(row["epoch"]),
            "is_oracle": RULES[name].is_oracle,
            **{side: read_scores(row, side) for side in SIDES if f"{side}.nll" in row},
        }
        for name, row in chosen.items()
        if row is not None
    }


def read_scores(row: Row, side: str) -> dict[str, float]:
    """The scores of a side in a row of the history that are of no single factor, by name.

    Args:
        row: of the history.
        side: as its columns call it.
    """
    names = ("nll", JOINT, "r2")
    return {name: row[f"{side}.{name}"] for name in names if f"{side}.{name}" in row}
