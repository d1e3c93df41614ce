import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disentgen.dataset.expression import evaluate
from disentgen.dataset.grid import FactorGrid
from disentgen.errors import UsageError
from disentgen.text import shorten

GRID = FactorGrid(
    {
        "shape": (1.0, 2.0, 3.0),
        "posX": tuple(np.linspace(0, 1, 7).tolist()),
        "angle": tuple(np.linspace(0, 2 * np.pi, 5).tolist()),
    },
    value_names={"shape": ("square", "ellipse", "heart & co")},
)
TABLE = pd.DataFrame(GRID.values(np.arange(GRID.size)), columns=list(GRID.names))

# Numbers between grid values, where the tolerance plays no part, so that pandas must agree.
comparisons = st.one_of(
    st.tuples(st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from([0.05, 0.55, 1.5, 2.5])).map(
        lambda pair: f"{pair[0]} {pair[1]}"
    ),
)
terms = st.tuples(st.sampled_from(GRID.names), comparisons).map(" ".join)
terms = terms | st.sampled_from(
    ["shape == 2", "shape != 3", "0.1 < posX <= 0.7", "1 <= shape", "shape in [3, 1]",
     "shape not in [2]", "posX in [0, 0.5]", "angle > -0.5 + 3 * 2 / 4", "shape in [1.0]"]
)  # fmt: skip
expressions = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" & ", " | ", " and ", " or "]), inner).map("".join),
        inner.map("~({})".format),
        inner.map("not ({})".format),
        inner.map("({})".format),
    ),
    max_leaves=6,
)


@given(expressions)
def test_agrees_with_pandas(expression):
    expected = TABLE.eval(expression, engine="python").to_numpy(dtype=bool)
    assert np.array_equal(evaluate(expression, GRID), expected)


def test_ampersand_binds_as_loosely_as_and():
    mask = evaluate("shape == 1 & posX > 0.5", GRID)
    assert np.array_equal(mask, (TABLE["shape"] == 1) & (TABLE["posX"] > 0.5))


@pytest.mark.parametrize("number", ["3.14159", "3.141592653589793", "3.1415926535897936"])
def test_rounded_bounds_do_not_move_the_border(number):
    assert evaluate(f"angle < {number}", GRID).sum() == 2 * 21
    assert evaluate(f"angle <= {number}", GRID).sum() == 3 * 21
    assert evaluate(f"angle == {number}", GRID).sum() == 21


FINE = FactorGrid({"x": (0.0, 0.5, 1.0), "alone": (5.0,)})


def count(expression):
    """How many of three values of a factor an expression holds for."""
    return evaluate(expression, FINE).sum()


@pytest.mark.parametrize(("beside", "same"), [(4.9e-4, True), (-4.9e-4, True),
                                              (5.1e-4, False), (-5.1e-4, False)])  # fmt: skip
def test_a_thousandth_of_the_smallest_step_makes_no_difference(beside, same):
    number = 0.5 + beside
    if same:
        assert count(f"x == {number}") == count(f"{number} == x") == 1
        assert (count(f"x <= {number}"), count(f"x < {number}")) == (2, 1)
        assert (count(f"x >= {number}"), count(f"x > {number}")) == (2, 1)
    else:
        below = 2 if beside > 0 else 1
        assert count(f"x <= {number}") == count(f"x < {number}") == below
        assert count(f"x >= {number}") == count(f"x > {number}") == 3 - below
        with pytest.raises(UsageError, match="x is never"):
            evaluate(f"x == {number}", FINE)


def test_the_step_of_a_single_value_counts_as_1():
    assert evaluate("alone == 5.0009", FINE).all()
    with pytest.raises(UsageError, match="alone is never 5.0011 .* takes 1 values from 5 to 5"):
        evaluate("alone == 5.0011", FINE)


def test_two_factors_are_equal_within_the_smaller_of_their_steps():
    grid = FactorGrid({"x": (0.0, 100.0), "y": (0.00004, 0.05, 0.15)})
    for expression in ("x == y", "y == x"):
        assert np.flatnonzero(evaluate(expression, grid)).tolist() == [0]


def test_a_mask_is_flat_and_may_be_written_to():
    mask = evaluate("shape == 1", GRID)
    assert (mask.shape, mask.dtype) == ((GRID.size,), bool)
    mask[:] = False


def test_factors_can_be_compared_with_each_other():
    expected = TABLE["posX"] > TABLE["angle"]
    assert np.array_equal(evaluate("posX > angle", GRID), expected)


@pytest.mark.parametrize(
    "expression",
    [
        "", "shape ==", "shape == 1 &", "posX >> 1 > 0", "shape", "1", "True", "shape + 1 == 2",
        "__import__('os').system('true')", "shape.__class__ == 1", "(lambda: 1)() == shape",
        "[shape for shape in (1,)]", "shape is 1", "'a' == shape", "shape + 'a' == 1",
        "shape in 1", "shape in []", "1 in [shape]", "shape in {1: 2}", "shape in 'square'",
        "shape in [*[1, 2]]", "shape in [[1]]", "shape < 'square'", "'square' == 'square'",
        "posX == 'square'", "shape == b'square'", "shape == 'Square'", "pi == 3", "pi > 3 > shape",
        "shape > +True", "shape > shape - 1", "shape % 2 == 1", "2 // 1 == shape", "1j < shape",
        "shape == 1 if posX > 0 else 2", "f'{shape}' == 1", "(shape := 1) == 1", "shape == 1; posX",
        "shape == True", "shape[0] == 1", "shape == 1\nposX == 0",
        "(" * 300 + "shape == 1" + ")" * 300,
        "2 ** 99 > shape", "-posX < 0", "1 < 2", "shape < inf", "shape != nan", "'\udc80' == shape",
        "shape == 1\0", "(shape == 1", "shape == '''square", "shape == f'{1}'", "not 1",
        "shape in [1, 7]", "posX in ['square']",
    ],
)  # fmt: skip
def test_everything_but_comparing_is_refused(expression):
    with pytest.raises(UsageError):
        evaluate(expression, GRID)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("shape == 'square'", TABLE["shape"] == 1),
        ('"square" == shape', TABLE["shape"] == 1),
        ("shape != 'heart & co'", TABLE["shape"] != 3),
        ("shape in ['square', 'heart & co']", TABLE["shape"] != 2),
        ("shape in ('ellipse',)", TABLE["shape"] == 2),
        ("shape not in {'square', 2}", TABLE["shape"] == 3),
        ("1 <= shape in [1, 3]", TABLE["shape"] != 2),
        ("posX in [1/3, 0.5]", TABLE["posX"].between(0.3, 0.6)),
        ("angle == pi", TABLE["angle"].between(3, 4)),
        ("angle > pi", TABLE["angle"] > 4),
        ("pi/2 < angle <= 3 * pi / 2 + -0", TABLE["angle"].between(3, 5)),
        ("angle in [+pi, 2*pi - pi/2]", TABLE["angle"].between(3, 5)),
        ("angle < -(-pi) - --1", TABLE["angle"] < 2),
        ("1 + 1 == shape", TABLE["shape"] == 2),
    ],
)
def test_names_lists_and_arithmetic(expression, expected):
    assert np.array_equal(evaluate(expression, GRID), expected)


def test_a_factor_called_pi_is_that_factor():
    grid = FactorGrid({"pi": (1.0, 2.0, 3.0)})
    assert evaluate("pi > 2.5", grid).tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("posx > 0.5", "unknown factor 'posx'; accepted: shape, posX, angle. Did you mean 'posX'?"),
        ("posX == 0.4", "posX is never 0.4 .*nearest is 0.333333"),
        ("posX in [0, 0.4]", "posX is never 0.4 .*nearest is 0.333333"),
        ("shape == 'sqare'", "unknown value of shape 'sqare'; accepted: square, ellipse, heart & "
         "co. Did you mean 'square'?"),
        ("shape in ['sqare']", "unknown value of shape 'sqare'"),
        ("posX == 'left'", "values of posX have no names such as 'left'; it takes 7 values from 0 "
         "to 1."),
        ("shape < 'square'", re.escape("\"'square'\" is not allowed in the expression ")),
        ("shape is 1", "'shape is 1' is not allowed"),
        ("2 == shape + 1", "'shape' is not allowed in the expression '2 == shape"),
        ("angle < 1e308 * 10", re.escape("'1e+308 * 10' is no finite number (in 'angle < 1e308")),
        ("angle < pi / 0", "'pi / 0' is no finite number"),
        ("angle < 1e999 - 1e999", "is no finite number"),
    ],
)  # fmt: skip
def test_mistakes_name_what_is_accepted(expression, message):
    with pytest.raises(UsageError, match=message):
        evaluate(expression, GRID)


DEEP = [
    "~" * 1500 + "(shape == 1)", "not " * 2000 + "shape == 1", "shape > " + "-" * 1500 + "1",
    "(" * 1500 + "shape == 1" + ")" * 1500,
    "shape > " + "+".join(["1"] * 1500), "shape in " + "[" * 150 + "]" * 150,
    "~" * 9_900 + "shape == 1", "shape > " + "+".join(["1"] * 4_900),
]  # fmt: skip
HUGE = [
    "shape == " + "9" * 400, "shape == " + "9" * 5000, "shape == '" + "a" * 9000 + "'",
    "a" * 9000 + " == 1", "shape == 1 & " * 90_000 + "shape == 1", "shape == 1" + "\n" * 9000 + "x",
    "shape > " + "9" * 300 + "*" + "9" * 300, "shape + " + "9" * 400 + " == 1",
]  # fmt: skip


@pytest.mark.parametrize("expression", DEEP + HUGE, ids=lambda text: f"{text[:9]}{len(text)}")
def test_what_is_deep_or_huge_is_refused_in_a_short_line(expression):
    with pytest.raises(UsageError) as refused:
        evaluate(expression, GRID)
    assert len(str(refused.value)) < 500
    assert "\n" not in str(refused.value)


def test_texts_are_cut_behind_their_limit():
    assert shorten("a" * 100) == "a" * 100
    assert shorten("a" * 101) == "a" * 100 + "…"
    assert shorten("abcd", 3) == "abc…"


def test_expressions_are_read_up_to_their_length_and_depth():
    assert evaluate("shape == 1".ljust(10_000), GRID).sum() == 35
    with pytest.raises(UsageError, match="has 10,001 characters; at most 10,000 are read.$"):
        evaluate("shape == 1".ljust(10_001), GRID)
    # The whole and the comparison lie above the signs, the number below them.
    assert evaluate("shape == " + "-" * 96 + "1", GRID).sum() == 35
    with pytest.raises(UsageError, match=r"^the expression 'shape > -{92}…' is nested more than "
                       "100 deep.$"):  # fmt: skip
        evaluate("shape > " + "-" * 98 + "1", GRID)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("posX == 0.4", "posX is never 0.4 (in 'posX == 0.4'); it takes 7 values from 0 to 1. The "
         "nearest is 0.333333."),
        ("0.9 == posX", "posX is never 0.9 (in '0.9 == posX'); it takes 7 values from 0 to 1. The "
         "nearest is 0.833333."),
        ("shape ==", "cannot read the expression 'shape =='; write for example "
         '"shape == 1 & posX > 0.5".'),
        ("shape", "'shape' is not allowed in the expression 'shape'; only comparisons (==, !=, <, "
         "<=, >, >=, in, not in) of the factors shape, posX, angle, of class(factor), "
         "class(factor) % number or count(condition, …) with numbers, or by ==, != and in with "
         "the names of values, joined by &, |, ~ or and, or, not."),
        ("angle < pi / 0", "'pi / 0' is no finite number (in 'angle < pi / 0')."),
    ],
)  # fmt: skip
def test_messages_in_full(expression, message):
    with pytest.raises(UsageError) as refused:
        evaluate(expression, GRID)
    assert str(refused.value) == message


def test_long_flat_expressions_are_read():
    expression = " | ".join(f"(shape == {number % 3 + 1} & posX > 0.9)" for number in range(250))
    assert np.array_equal(evaluate(expression, GRID), TABLE["posX"] > 0.9)
    assert evaluate("~" * 50 + "(" * 150 + "shape == 1" + ")" * 150, GRID).sum() == 35


def test_values_that_a_factor_is_among_may_be_factors():
    among = evaluate("posX in [angle, 0.5]", GRID)
    assert np.array_equal(among, evaluate("posX == angle or posX == 0.5", GRID))


NUMBERS = pd.DataFrame(GRID.classes(np.arange(GRID.size)), columns=list(GRID.names))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("class(posX) >= 3", NUMBERS["posX"] >= 3),
        ("class(posX) % 2 == 0", NUMBERS["posX"] % 2 == 0),
        ("class(shape) == 2 & posX > 0.5", (NUMBERS["shape"] == 2) & (TABLE["posX"] > 0.5)),
        ("class(angle) in [0, 4]", NUMBERS["angle"].isin([0, 4])),
        ("class(posX) not in [1, 2]", ~NUMBERS["posX"].isin([1, 2])),
        ("class(posX) < class(angle)", NUMBERS["posX"] < NUMBERS["angle"]),
        ("count(posX > 0.5, angle > pi, shape == 1) > 1",
         (TABLE["posX"] > 0.5) * 1 + (TABLE["angle"] > 3.2) + (TABLE["shape"] == 1) > 1),
        ("count(shape == 1 | shape == 2, class(posX) >= 2) == 1",
         (TABLE["shape"] < 2.5) ^ (NUMBERS["posX"] >= 2)),
        ("not (class(posX) % 3 == 1 and shape == 'square')",
         ~((NUMBERS["posX"] % 3 == 1) & (TABLE["shape"] == 1))),
    ],
)  # fmt: skip
def test_classes_and_counts(expression, expected):
    assert np.array_equal(evaluate(expression, GRID), expected)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("class(posZ) == 1", "unknown factor 'posZ'; accepted: shape, posX, angle"),
        ("class(posX) == 7", r"class\(posX\) is never 7 .* 7 values from 0 to 6. The nearest is 6"),
        ("count(posX > 0.5) == 2", r"count\(posX > 0.5\) is never 2"),
        ("class(posX) % 0 == 1", r"'class\(posX\) % 0' is not allowed"),
        ("class(posX) % 1.5 == 1", r"'class\(posX\) % 1.5' is not allowed"),
        ("posX % 2 == 1", "'posX % 2' is not allowed"),
        ("class(shape, posX) == 1", "is not allowed"),
        ("class(shape=1) == 1", "is not allowed"),
        ("count() == 0", "is not allowed"),
        ("count(posX) == 0", "'posX' is not allowed"),
        ("class(shape) == 'square'", "is not allowed"),
        ("open(shape) == 1", "is not allowed"),
        ("class(shape) + 1 == 1", "is not allowed"),
    ],
)
def test_mistakes_in_classes_and_counts(expression, message):
    with pytest.raises(UsageError, match=message):
        evaluate(expression, GRID)
