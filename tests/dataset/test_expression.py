import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disentgen.dataset.expression import evaluate
from disentgen.dataset.grid import FactorGrid
from disentgen.errors import UsageError

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
        "shape == 1\0", "shape == f'{1}'", "not 1", "shape in [1, 7]", "posX in ['square']",
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
    "~" * 9_900 + "shape == 1",
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


def test_long_flat_expressions_are_read():
    expression = " | ".join(f"(shape == {number % 3 + 1} & posX > 0.9)" for number in range(250))
    assert np.array_equal(evaluate(expression, GRID), TABLE["posX"] > 0.9)
    assert evaluate("~" * 50 + "(" * 150 + "shape == 1" + ")" * 150, GRID).sum() == 35
