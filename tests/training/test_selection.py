"""Rules of selection over a history, by hand."""

import pytest

from disentgen.training.console import format_rules
from disentgen.training.selection import RULES, compare_rules


def make_rows(**columns):
    names = {"train": "train.loss", "validation": "validation.joint_accuracy",
             "held_out": "held_out.joint_accuracy"}  # fmt: skip
    count = len(columns["train"])
    return [
        {"epoch": epoch + 1, "validation.nll": 1.0, "held_out.nll": 2.0 + epoch,
         **{names[name]: values[epoch] for name, values in columns.items()}}
        for epoch in range(count)
    ]  # fmt: skip


def test_each_rule_chooses_by_its_own_score():
    rows = make_rows(
        train=[3.0, 1.0, 2.0, 4.0], validation=[0.1, 0.2, 0.8, 0.7], held_out=[0.6, 0.3, 0.2, 0.4]
    )
    chosen = compare_rules(rows)
    assert {name: rule["epoch"] for name, rule in chosen.items()} == {
        "last": 4, "train": 2, "validation": 3, "oracle": 1,
    }  # fmt: skip
    assert chosen["validation"]["held_out"] == {"nll": 4.0, "joint_accuracy": 0.2}
    assert chosen["oracle"]["validation"] == {"nll": 1.0, "joint_accuracy": 0.1}
    assert [name for name, rule in RULES.items() if rule.is_oracle] == ["oracle"]
    shown = "\n".join(format_rules(chosen))
    assert "held-out side (an oracle)" in shown and "0.6000" in shown


def test_combinations_set_aside_have_rules_of_their_own():
    rows = make_rows(train=[1.0, 2.0, 3.0], validation=[0.90, 0.95, 0.99], held_out=[0.1, 0.2, 0.3])
    for row, aside in zip(rows, (1.0, 0.9, 0.2), strict=True):
        row |= {"set_aside.nll": 1.0, "set_aside.joint_accuracy": aside}
    chosen = compare_rules(rows)
    # 0.90 + 0, 0.95 - 0.01, 0.99 - 0.08.
    assert (chosen["set_aside"]["epoch"], chosen["both"]["epoch"]) == (1, 2)
    assert chosen["both"]["set_aside"] == {"nll": 1.0, "joint_accuracy": 0.9}
    assert "combinations set aside" in "\n".join(format_rules(chosen))


def test_of_equals_the_last_epoch_is_chosen_as_published():
    rows = make_rows(train=[1.0, 1.0], validation=[0.5, 0.5], held_out=[0.5, 0.5])
    assert {rule["epoch"] for rule in compare_rules(rows).values()} == {2}


def test_without_accuracy_the_lowest_nll_is_chosen():
    columns = ("epoch", "train.loss", "validation.nll", "held_out.nll")
    values = ((1, 1.0, 3.0, 5.0), (2, 0.5, 2.0, 6.0), (3, 0.3, 4.0, 7.0))
    rows = [dict(zip(columns, row, strict=True)) for row in values]
    chosen = compare_rules(rows)
    assert (chosen["validation"]["epoch"], chosen["oracle"]["epoch"]) == (2, 1)
    assert (chosen["train"]["epoch"], chosen["last"]["epoch"]) == (3, 3)


@pytest.mark.parametrize("lacking", ["validation.joint_accuracy", "train.loss"])
def test_a_rule_that_lacks_its_score_in_an_epoch_chooses_none(lacking):
    rows = make_rows(train=[1.0, 2.0], validation=[0.1, 0.2], held_out=[0.3, 0.4])
    del rows[0][lacking], rows[0]["validation.nll"]
    name = lacking.partition(".")[0]
    assert name not in compare_rules(rows)
    assert "oracle" in compare_rules(rows)


def test_nothing_is_compared_unless_every_epoch_was_scored_held_out():
    rows = make_rows(train=[1.0, 2.0], validation=[0.1, 0.2], held_out=[0.3, 0.4])
    del rows[0]["held_out.nll"]
    assert compare_rules(rows) == compare_rules([]) == {}
    assert format_rules({}) == []
