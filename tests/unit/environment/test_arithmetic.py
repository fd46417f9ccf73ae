"""Arithmetic: right, rounded to cents, and never slow."""

from __future__ import annotations

import time

import pytest

from tau2.environment.arithmetic import calculate
from tau2.errors import ToolError


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 * (3 + 4)", "14.0"),
        ("10/4", "2.5"),
        ("2/3", "0.67"),
        ("7 // 2", "3.0"),
        ("2**10", "1024.0"),
        ("-3 + +5", "2.0"),
        (" 1 + 1 ", "2.0"),
        ("164.20 - 20", "144.2"),
        ("2 ** 0.5", "1.41"),
        ("0 * 9", "0.0"),
    ],
)
def test_calculate_returns_the_rounded_value(expression, value):
    assert calculate(expression) == value


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("", "Invalid expression"),
        ("1 +", "Invalid expression"),
        ("1 1", "Invalid expression"),
        ("2 * x", "Invalid characters"),
        ("__import__('os')", "Invalid characters"),
        ("1/0", "Division by zero"),
        ("1//0", "Division by zero"),
        ("0 ** -1", "Division by zero"),
        ("(1)(2)", "Only numbers"),
        ("()", "Only numbers"),
        ("(-8) ** 0.5", "not real"),
        ("9**9**9", "out of range"),
        ("9**9**9**9", "out of range"),
        ("1" * 1001, "too long"),
        ("(" * 400 + "1" + ")" * 400, "Invalid expression"),
    ],
)
def test_calculate_refuses_other_input_with_a_reason(expression, problem):
    began = time.process_time()
    with pytest.raises(ToolError, match=problem):
        calculate(expression)
    assert time.process_time() - began < 0.5
