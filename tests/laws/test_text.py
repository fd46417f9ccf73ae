"""No text, whatever its shape, takes more than linear time to read.

The time of one text says little on a busy machine. So only a text that seems slow is looked at: one
eight times as long takes 64 times as long where the time is quadratic, and about 8 times where it
is linear. Here every function reads some of the shapes, always the same ones;
`python -m tests.faults.text` tries all of them, and `benchmarks/bench_text.py` measures the law
itself, up to 4 MB.
"""

from __future__ import annotations

import random
import re

import pytest
from tests.laws.growth import SHORT, grows_linearly
from tests.laws.long_texts import FAMILIES
from tests.laws.text_functions import FUNCTIONS, PATTERNS

_SHAPES_OF_A_FUNCTION = 12
_SHAPES_OF_A_PATTERN = 8


def some_shapes(name: str, number: int) -> list[str]:
    """Return the shapes that this function is tried with every day."""
    return random.Random(name).sample(list(FAMILIES), number)


def test_there_are_shapes_enough() -> None:
    assert len(FAMILIES) >= 40
    assert all(SHORT <= len(make(SHORT)) + 20 <= 2 * SHORT for make in FAMILIES.values())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_reads_any_shape_in_linear_time(name: str) -> None:
    shapes = some_shapes(name, _SHAPES_OF_A_FUNCTION)
    assert [shape for shape in shapes if not grows_linearly(FUNCTIONS[name], shape)] == []


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_searches_any_shape_in_linear_time(name: str) -> None:
    shapes = some_shapes(name, _SHAPES_OF_A_PATTERN)
    assert [shape for shape in shapes if not grows_linearly(PATTERNS[name], shape)] == []


def test_the_law_notices_what_is_not_linear() -> None:
    assert not grows_linearly(re.compile(r"\d+x").search, "digits")
