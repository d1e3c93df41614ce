"""Boolean expressions over factors, such as ``shape == 1 & posX > 0.5``.

Python's own parser reads them; only comparisons of factors with numbers (or with other factors)
and ``and``, ``or``, ``not`` are evaluated, nothing else is. ``&``, ``|`` and ``~`` stand for
those words and bind as loosely as they do, as in ``pandas.DataFrame.query``.
"""

import ast
import io
import tokenize

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.errors import UsageError

#: Numbers that differ by less than this share of a factor's smallest step count as equal, so that
#: neither the last bit of a float nor a rounded 2.0944 for 2π/3 moves an image across a border.
TOLERANCE = 1e-3

_WORDS = {"&": "and", "|": "or", "~": "not"}


def evaluate(expression: str, grid: FactorGrid) -> NDArray[np.bool_]:
    """Evaluate an expression at every point of a grid.

    Args:
        expression: comparisons of factor *values*, joined by ``&``, ``|``, ``~`` or by ``and``,
            ``or``, ``not``; chains such as ``0.2 < posX <= 0.5`` are allowed.
        grid: the factors and their values.

    Returns:
        A mask of shape (grid.size,).

    Raises:
        UsageError: the text does not parse, names an unknown factor, does anything but compare,
            or asks for equality with a value that the factor never takes.
    """
    mask = _Evaluator(expression, grid).evaluate(_parse(expression).body)
    return np.broadcast_to(mask, grid.sizes).reshape(-1).copy()


def _parse(expression: str) -> ast.Expression:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(expression.strip()).readline))
        words = [
            (tokenize.NAME, _WORDS[token.string])
            if token.string in _WORDS
            else (token.type, token.string)
            for token in tokens
        ]
        return ast.parse(tokenize.untokenize(words).strip(), mode="eval")
    except (SyntaxError, tokenize.TokenError, ValueError, RecursionError, MemoryError):
        raise UsageError(
            f"cannot read the expression '{expression}'; "
            'write for example "shape == 1 & posX > 0.5".'
        ) from None


class _Evaluator:
    """Walks an expression; a node that is not named here is refused."""

    def __init__(self, expression: str, grid: FactorGrid):
        self.expression = expression
        self.grid = grid

    def evaluate(self, node: ast.expr) -> NDArray[np.bool_]:
        match node:
            case ast.BoolOp(op=operator, values=parts):
                join = np.logical_and if isinstance(operator, ast.And) else np.logical_or
                result = self.evaluate(parts[0])
                for part in parts[1:]:
                    result = join(result, self.evaluate(part))
                return result
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return np.logical_not(self.evaluate(operand))
            case ast.Compare(left=left, ops=comparisons, comparators=rights):
                result = np.array(True)
                for comparison, right in zip(comparisons, rights, strict=True):
                    result = np.logical_and(result, self._compare(left, comparison, right))
                    left = right
                return result
        raise self._refusal(node)

    def _compare(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> NDArray[np.bool_]:
        difference = self._value(left) - self._value(right)
        factors = [side.id for side in (left, right) if isinstance(side, ast.Name)]
        if not factors:
            raise self._refusal(left)
        tolerance = TOLERANCE * min(map(self._step, factors))
        equal = np.abs(difference) <= tolerance
        match operator:
            case ast.Eq() | ast.NotEq():
                self._check_reachable(left, right, equal)
                return equal if isinstance(operator, ast.Eq) else np.logical_not(equal)
            case ast.Lt():
                return (difference < 0) & ~equal
            case ast.LtE():
                return (difference < 0) | equal
            case ast.Gt():
                return (difference > 0) & ~equal
            case ast.GtE():
                return (difference > 0) | equal
        raise self._refusal(left)

    def _value(self, node: ast.expr) -> NDArray[np.float64]:
        match node:
            case ast.Name(id=name):
                return self.grid.broadcast_values(name)
            case ast.Constant(value=bool()):
                raise self._refusal(node)
            case ast.Constant(value=int() | float() as number):
                return np.asarray(float(number))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as operand):
                return -self._value(operand)
        raise self._refusal(node)

    def _step(self, factor: str) -> float:
        """The smallest distance between two values of a factor."""
        values = np.unique(self.grid.factors[factor])
        return float(np.diff(values).min()) if len(values) > 1 else 1.0

    def _check_reachable(self, left: ast.expr, right: ast.expr, equal: NDArray[np.bool_]) -> None:
        """Refuse equality with a number that is not on the factor's grid: surely a mistake."""
        for factor, number in ((left, right), (right, left)):
            if (
                isinstance(factor, ast.Name)
                and not isinstance(number, ast.Name)
                and not equal.any()
            ):
                values, given = self._value(factor).ravel(), float(self._value(number))
                near = values[np.abs(values - given).argmin()]
                raise UsageError(
                    f"{factor.id} is never {given:g} (in '{self.expression}'); it takes "
                    f"{len(values)} values from {values[0]:g} to {values[-1]:g}. "
                    f"The nearest is {near:.6g}."
                )

    def _refusal(self, node: ast.AST) -> UsageError:
        return UsageError(
            f"'{ast.unparse(node)}' is not allowed in the expression '{self.expression}'; only "
            f"comparisons (==, !=, <, <=, >, >=) of the factors {', '.join(self.grid.names)} "
            "with numbers, joined by &, |, ~ or and, or, not."
        )
