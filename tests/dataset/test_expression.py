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
    }
)
TABLE = pd.DataFrame(GRID.values(np.arange(GRID.size)), columns=list(GRID.names))

# Numbers between grid values, where the tolerance plays no part, so that pandas must agree.
comparisons = st.one_of(
    st.tuples(st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from([0.05, 0.55, 1.5, 2.5])).map(
        lambda pair: f"{pair[0]} {pair[1]}"
    ),
)
terms = st.tuples(st.sampled_from(GRID.names), comparisons).map(" ".join)
terms = terms | st.sampled_from(["shape == 2", "shape != 3", "0.1 < posX <= 0.7", "1 <= shape"])
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
        "[shape for shape in (1,)]", "shape in (1, 2)", "shape is 1", "'a' == shape",
        "shape == 1 if posX > 0 else 2", "f'{shape}' == 1", "(shape := 1) == 1", "shape == 1; posX",
        "shape == True", "shape[0] == 1", "shape == 1\nposX == 0",
        "(" * 300 + "shape == 1" + ")" * 300,
        "not " * 5000 + "shape == 1", "1 + 1 == shape", "2 ** 99 > shape", "-posX < 0", "1 < 2",
    ],
)  # fmt: skip
def test_everything_but_comparing_is_refused(expression):
    with pytest.raises(UsageError):
        evaluate(expression, GRID)


def test_unknown_factor_names_the_nearest():
    with pytest.raises(UsageError, match="unknown factor 'posx'.*Did you mean 'posX'"):
        evaluate("posx > 0.5", GRID)


def test_equality_off_the_grid_names_the_nearest_value():
    with pytest.raises(UsageError, match="posX is never 0.4 .*nearest is 0.333333"):
        evaluate("posX == 0.4", GRID)
