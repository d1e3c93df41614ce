"""Boolean expressions over factors, such as ``shape in ['square', 'heart'] & posX > 0.5``.

Python's own parser reads them; only comparisons of factors with values (or with other factors),
of their classes and of counts of conditions, and ``and``, ``or``, ``not`` are evaluated, nothing
else is. ``&``, ``|`` and ``~`` stand for those words and bind as loosely as they do, as in
``pandas.DataFrame.query``.
"""

import ast
import io
import math
import tokenize
from collections.abc import Callable
from functools import reduce
from operator import add, mul, sub, truediv
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.errors import UsageError
from disentgen.registry import unknown
from disentgen.text import shorten

#: Numbers that differ by less than this share of a factor's smallest step count as equal, so that
#: neither the last bit of a float nor a rounded 2.0944 for 2π/3 moves an image across a border.
TOLERANCE = 1e-3
#: Limits of an expression's length in characters, and of how deep its parts may be nested.
MAXIMUM_LENGTH, MAXIMUM_DEPTH = 10_000, 100

#: ``class`` is a word of Python's own; written so, its parser takes it for a function.
_CLASS, _COUNT = "class_", "count"
_WORDS = {"&": "and", "|": "or", "~": "not", "class": _CLASS}
_CONSTANTS = {"pi": math.pi}
#: Powers are left out on purpose: of these, none takes long.
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: add, ast.Sub: sub, ast.Mult: mul, ast.Div: truediv,
}  # fmt: skip


def evaluate(expression: str, grid: FactorGrid) -> NDArray[np.bool_]:
    """Evaluate an expression at every point of a grid.

    Args:
        expression: comparisons of factor *values*, joined by ``&``, ``|``, ``~`` or by ``and``,
            ``or``, ``not``; chains such as ``0.2 < posX <= 0.5`` are allowed. A value is a number,
            arithmetic (``+``, ``-``, ``*``, ``/``) on numbers and ``pi``, or in quotes the name
            that the grid has for it (``shape == 'heart'``). ``in`` and ``not in`` take a list:
            ``shape in [1, 3]``, ``shape not in ['square']``. ``class(posX)`` is the number of a
            factor's value, from 0, and ``class(posX) % 2`` what is left of it by division;
            ``count(posX > 0.5, posY > 0.5)`` is how many of some conditions hold.
        grid: the factors, their values and what these are called.

    Returns:
        A mask of shape (grid.size,).

    Raises:
        UsageError: the text does not parse, is too long or nested too deep, names an unknown factor
            or value, does anything but compare, or asks for equality with a value that the factor
            never takes.
    """
    mask = _Evaluator(expression, grid).evaluate(_parse(expression).body)
    return np.broadcast_to(mask, grid.sizes).reshape(-1).copy()


def _parse(expression: str) -> ast.Expression:
    if len(expression) > MAXIMUM_LENGTH:
        raise UsageError(
            f"the expression {shorten(expression)!r} has {len(expression):,} characters; at most "
            f"{MAXIMUM_LENGTH:,} are read."
        )
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(expression.strip()).readline))
        words = [
            (tokenize.NAME, _WORDS[token.string])
            if token.string in _WORDS
            else (token.type, token.string)
            for token in tokens
        ]
        tree = ast.parse(tokenize.untokenize(words).strip(), mode="eval")
    except (SyntaxError, tokenize.TokenError, ValueError, RecursionError, MemoryError):
        raise UsageError(
            f"cannot read the expression {shorten(expression)!r}; "
            'write for example "shape == 1 & posX > 0.5".'
        ) from None
    _check_depth(tree, expression)
    return tree


def _check_depth(tree: ast.AST, expression: str) -> None:
    """Refuse what would exhaust the stack of those who walk the tree; level by level, without."""
    level: list[ast.AST] = [tree]
    for _ in range(MAXIMUM_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise UsageError(
        f"the expression {shorten(expression)!r} is nested more than {MAXIMUM_DEPTH} deep."
    )


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

    def _compare(self, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> NDArray[np.bool_]:
        match sign:
            case ast.Eq() | ast.NotEq():
                mask = self._equals(left, right)
            case ast.In() | ast.NotIn():
                mask = self._is_among(left, right)
            case _:
                return self._order(left, sign, right)
        return np.logical_not(mask) if isinstance(sign, ast.NotEq | ast.NotIn) else mask

    def _order(self, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> NDArray[np.bool_]:
        difference = self._subtract(left, right)
        match sign:
            case ast.Lt():
                return difference < 0
            case ast.LtE():
                return difference <= 0
            case ast.Gt():
                return difference > 0
            case ast.GtE():
                return difference >= 0
        raise self._refusal(ast.Compare(left, [sign], [right]))

    def _is_among(self, factor: ast.expr, values: ast.expr) -> NDArray[np.bool_]:
        listed = isinstance(values, ast.List | ast.Tuple | ast.Set) and values.elts
        if not listed or not self._varies(factor):
            raise self._refusal(values)
        # Factors among the values give masks of other shapes.
        return reduce(np.logical_or, (self._equals(factor, value) for value in listed))

    def _equals(self, left: ast.expr, right: ast.expr) -> NDArray[np.bool_]:
        left, right = self._replace_name(left, right), self._replace_name(right, left)
        equal: NDArray[np.bool_] = self._subtract(left, right) == 0
        self._check_reachable(left, right, equal)
        return equal

    def _subtract(self, left: ast.expr, right: ast.expr) -> NDArray[np.float64]:
        """The difference of two operands; 0 where it is too small to count."""
        minuend, subtrahend = self._value(left), self._value(right)
        varying = [side for side in (left, right) if self._varies(side)]
        if not varying:
            raise self._refusal(left)
        difference = minuend - subtrahend
        small = np.abs(difference) <= TOLERANCE * min(map(self._step, varying))
        return np.where(small, 0.0, difference)

    def _is_factor(self, node: ast.expr) -> TypeGuard[ast.Name]:
        return isinstance(node, ast.Name) and node.id in self.grid.factor_values

    def _varies(self, node: ast.expr) -> bool:
        """Whether an operand is other in other combinations."""
        return self._is_factor(node) or self._is_whole(node)

    def _is_whole(self, node: ast.expr) -> bool:
        """Whether an operand is a whole number: a class, a count, or a remainder of one."""
        match node:
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                return name in (_CLASS, _COUNT)
            case ast.BinOp(op=ast.Mod(), left=left):
                return self._is_whole(left)
        return False

    def _value(self, node: ast.expr) -> NDArray[np.float64]:
        match node:
            case ast.Name() if self._is_factor(node):
                return self.grid.broadcast_values(node.id)
            case ast.Call(func=ast.Name(id=name), args=[factor]) if name == _CLASS:
                if not self._is_factor(factor):
                    raise unknown("factor", self._show(factor), self.grid.names)
                return self.grid.broadcast_classes(factor.id)
            case ast.Call(func=ast.Name(id=name), args=[_, *_] as conditions) if name == _COUNT:
                masks = (self.evaluate(condition).astype(np.float64) for condition in conditions)
                return reduce(np.add, masks)
            case ast.BinOp(op=ast.Mod(), left=left, right=right) if self._is_whole(left):
                divisor = self._number(right)
                if divisor < 1 or divisor != round(divisor):
                    raise self._refusal(node)
                return self._value(left) % divisor
        return np.asarray(self._number(node))

    def _number(self, node: ast.expr) -> float:
        """The value of arithmetic on numbers and constants."""
        try:
            number = self._calculate(node)
        except (OverflowError, ZeroDivisionError):
            number = math.inf
        if not math.isfinite(number):
            raise UsageError(
                f"{self._show(node)!r} is no finite number (in {shorten(self.expression)!r})."
            )
        return number

    def _calculate(self, node: ast.expr) -> float:
        match node:
            case ast.Name(id=name) if name not in self.grid.factor_values:
                if name not in _CONSTANTS:
                    raise unknown("factor", shorten(name), self.grid.names)
                return _CONSTANTS[name]
            case ast.Constant(value=bool()):
                pass
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._calculate(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._calculate(operand)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _ARITHMETIC:
                return _ARITHMETIC[type(sign)](self._calculate(left), self._calculate(right))
        raise self._refusal(node)

    def _replace_name(self, node: ast.expr, other: ast.expr) -> ast.expr:
        """The number that a name in quotes stands for beside a factor; all else as it is."""
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            return node
        if not self._is_factor(other):
            raise self._refusal(node)
        return ast.Constant(self.grid.find_value(other.id, shorten(node.value)))

    def _step(self, node: ast.expr) -> float:
        """The smallest distance between two values of an operand."""
        if not self._is_factor(node):
            return 1.0
        values = np.unique(self.grid.factor_values[node.id])
        return float(np.diff(values).min()) if len(values) > 1 else 1.0

    def _check_reachable(self, left: ast.expr, right: ast.expr, equal: NDArray[np.bool_]) -> None:
        """Refuse equality with a number that an operand never is: surely a mistake."""
        for varying, number in ((left, right), (right, left)):
            if self._varies(varying) and not self._varies(number) and not equal.any():
                values, given = np.unique(self._value(varying)), self._number(number)
                near = values[np.abs(values - given).argmin()]
                raise UsageError(
                    f"{self._show(varying)} is never {given:g} (in {shorten(self.expression)!r}); "
                    f"it takes {len(values)} values from {values[0]:g} to {values[-1]:g}. "
                    f"The nearest is {near:.6g}."
                )

    def _show(self, node: ast.AST) -> str:
        """A part of the expression as it was written."""
        return shorten(ast.unparse(node).replace(f"{_CLASS}(", "class("))

    def _refusal(self, node: ast.AST) -> UsageError:
        return UsageError(
            f"{self._show(node)!r} is not allowed in the expression "
            f"{shorten(self.expression)!r}; only comparisons (==, !=, <, <=, >, >=, in, not in) of "
            f"the factors {', '.join(self.grid.names)}, of class(factor), class(factor) % number "
            "or count(condition, …) with numbers, or by ==, != and in with the names of values, "
            "joined by &, |, ~ or and, or, not."
        )
