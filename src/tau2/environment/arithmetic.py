"""Arithmetic in text, without `eval` and bounded: numbers, + - * / // **, parentheses."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from math import log2

from tau2.errors import ToolError

_CHARACTERS = frozenset("0123456789+-*/(). ")
_MOST_CHARACTERS = (
    1000  # longer than any sum a customer needs; keeps the parser's recursion shallow
)
_MOST_BITS = 1024  # a power beyond the range of a float is refused before it is worked out
_BINARY: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}


def calculate(expression: str) -> str:
    """Return the value of an arithmetic expression, rounded to cents, as text.

    Raises:
        ToolError: for other characters, a division by zero, or a size beyond the bounds.
    """
    if not set(expression) <= _CHARACTERS:
        raise ToolError("Invalid characters in expression")
    if len(expression) > _MOST_CHARACTERS:
        raise ToolError(f"Expression too long (at most {_MOST_CHARACTERS} characters)")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
        return str(round(float(_value(tree.body)), 2))
    except ToolError:
        raise
    except ZeroDivisionError as error:
        raise ToolError("Division by zero") from error
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise ToolError(f"Invalid expression: {error}") from error


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        value = _value(node.operand)
        return value if isinstance(node.op, ast.UAdd) else -value
    if isinstance(node, ast.BinOp):
        left = _value(node.left)
        right = _value(node.right)
        if isinstance(node.op, ast.Pow):
            return _power(left, right)
        if (apply := _BINARY.get(type(node.op))) is not None:
            return apply(left, right)
    raise ToolError("Only numbers, + - * / and parentheses are allowed")


def _power(base: float, exponent: float) -> float:
    if base and abs(exponent) * abs(log2(abs(base))) > _MOST_BITS:
        raise ToolError("Value out of range")
    value = base**exponent
    if isinstance(value, complex):
        raise ToolError("Even roots of negative numbers are not real")
    return float(value) if isinstance(value, float) else int(value)
