"""Any schema that a tool can have: what the grammar admits, the tool's own validation accepts."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from tests.unit.llm.local.gbnf_sampler import Gbnf

from tau2.environment.tool import as_tool
from tau2.llm.local.constraint import ConstraintOptions, constraint
from tau2.llm.local.gbnf import LATIN, Grammar, choice, other_than, times
from tau2.llm.local.number_grammar import integer_body, number_body

FREE = ConstraintOptions(follows_conversation=False)


class Colour(Enum):
    RED = "red"
    DARK_BLUE = 'dark "blue"'


class Part(BaseModel):
    name: str
    colours: list[Colour] = []
    weight: float = Field(gt=0, lt=2.5)


class Tree(BaseModel):
    label: Literal["leaf", "node"]
    children: list[Tree] = []
    parent: Tree | None = None


def scalars(text: str, count: int, ratio: float, is_on: bool, nothing: None) -> None:
    """Take one of each."""


def bounds(
    few: Annotated[int, Field(ge=3, le=5)],
    many: Annotated[int, Field(ge=-1234, lt=98_765)],
    positive: Annotated[int, Field(gt=0)],
    share: Annotated[float, Field(ge=0, le=1)],
    narrow: Annotated[float, Field(gt=0.25, lt=0.5)],
    even: Annotated[int, Field(multiple_of=2, ge=0, le=9)],
) -> None:
    """Take numbers between bounds."""


def lengths(
    code: Annotated[str, Field(min_length=3, max_length=5)],
    long_summary: Annotated[str, Field(max_length=20)],
    pair: Annotated[list[int], Field(min_length=2, max_length=2)],
    most: Annotated[list[str], Field(max_length=3)],
    many: Annotated[list[int], Field(min_length=12)],
) -> None:
    """Take what is not too long."""


def nested(
    part: Part,
    parts: list[Part],
    tree: Tree,
    labels: dict[str, int],
    anything: Any,
    point: tuple[int, str],
    kinds: set[Colour],
) -> None:
    """Take objects in objects."""


def choices(
    colour: Colour,
    either: int | str,
    maybe: str | None,
    left_out: str | None = None,
    a: int = 1,
    b: Literal[1, "x", None] = 1,
    c: bool = False,
) -> None:
    """Take one of several."""


def dates(day: dt.date, moment: dt.datetime, birthday: str, dob: dt.date) -> None:
    """Take dates."""


def all_optional(a: str = "", b: int = 0, c: list[str] | None = None) -> None:
    """Take nothing at all."""


TOOLS = [scalars, bounds, lengths, nested, choices, dates, all_optional]


@pytest.mark.parametrize("function", TOOLS)
def test_what_is_admitted_validates(function: Callable[..., None]) -> None:
    tool = as_tool(function)
    made = constraint([], [tool.openai_schema], tool_choice="required", options=FREE)
    assert made.tools == (function.__name__,)
    grammar = Gbnf(made.grammar)
    rng = random.Random(function.__name__)
    for _ in range(200):
        [call] = made.read(grammar.sample(rng))["tool_calls"]
        tool.coerce(json.loads(call["function"]["arguments"]))


def test_what_nothing_can_be_written_for_is_not_offered() -> None:
    impossible = {"properties": {"n": {"type": "integer", "minimum": 5, "maximum": 3}}}
    tool = {"name": "f", "parameters": {**impossible, "required": ["n"]}}
    assert constraint([], [tool], options=FREE).tools == ()
    endless = {"$ref": "#/$defs/A"}
    schema = {
        "properties": {"a": endless},
        "required": ["a"],
        "$defs": {"A": {"type": "object", "properties": {"a": endless}, "required": ["a"]}},
    }
    assert constraint([], [{"name": "f", "parameters": schema}], options=FREE).tools == ()


def test_optional_arguments_do_not_multiply_the_grammar() -> None:
    properties = {f"a{number}": {"type": "integer"} for number in range(40)}
    tool = {"name": "f", "parameters": {"properties": properties}}
    grammar = constraint([], [tool], options=FREE).grammar
    assert len(grammar) < 40_000
    assert Gbnf(grammar).admits('{"name": "f", "arguments": {"a3": 1, "a39": 2}}')


@given(st.integers(-20_000, 20_000), st.integers(0, 30_000), st.integers(-60_000, 60_000))
def test_integers_are_those_between_the_bounds(low: int, width: int, tried: int) -> None:
    body, _ = integer_body({"minimum": low, "maximum": low + width})
    grammar = Gbnf(f"root ::= {body}\n")
    assert grammar.admits(str(tried)) is (low <= tried <= low + width)
    assert grammar.admits(str(low))
    assert grammar.admits(str(low + width))
    assert not grammar.admits(f"0{abs(tried)}")


@given(st.floats(-50, 50), st.floats(0.001, 90), st.integers(0, 1000))
def test_numbers_are_between_the_bounds(low: float, width: float, seed: int) -> None:
    low, high = round(low, 3), round(low + width, 3)
    grammar = Gbnf(f"root ::= {number_body({'minimum': low, 'maximum': high})}\n")
    assert low <= float(grammar.sample(random.Random(seed))) <= high


@given(st.sets(st.text("ab#1", min_size=1, max_size=5), min_size=1), st.text("ab#1", max_size=6))
def test_a_choice_is_what_it_lists(texts: set[str], tried: str) -> None:
    grammar = Gbnf(f"root ::= {choice(texts)}\n")
    assert all(map(grammar.admits, texts))
    assert grammar.admits(tried) is (tried in texts)


@given(st.sets(st.text("ab ", min_size=1, max_size=4)), st.text("ab ", min_size=1, max_size=6))
def test_what_is_excluded_is_all_that_is_missing(texts: set[str], tried: str) -> None:
    grammar = Grammar()
    rest = grammar.add("rest", times(LATIN.body, 0, 8))
    parsed = Gbnf(grammar.text(other_than(texts, LATIN, rest)))
    assert parsed.admits(tried) is (tried not in texts and not tried.startswith(" "))
