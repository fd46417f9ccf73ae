"""Tools: a schema from signature and docstring, and a model's arguments as the types it names."""

from __future__ import annotations

import json
from typing import Literal

import pytest
from pydantic import BaseModel

from tau2.environment.tool import Tool, as_tool
from tau2.errors import ArgumentError


class Flight(BaseModel):
    number: str
    seats: int = 1


def book(
    user_id: str, amount: float, seats: int = 1, cabin: Literal["economy", "business"] = "economy"
) -> str:
    """Book a flight.

    The customer must have agreed.

    Args:
        user_id: Who flies.
        amount: What it costs.
        seats: How many.
        cabin: Where.

    Returns:
        A confirmation.

    Raises:
        ValueError: If there is no seat.
    """
    return f"{user_id} {amount!r} {seats!r} {cabin}"


def fly(
    flights: list[Flight], tags: dict[str, int] | None = None, note: bool = False
) -> list[Flight]:
    """Fly."""
    return flights


def test_the_schema_says_what_signature_and_docstring_say():
    schema = as_tool(book).openai_schema
    assert schema["type"] == "function"
    function = schema["function"]
    assert (function["name"], function["description"]) == (
        "book",
        "Book a flight.\n\nThe customer must have agreed.",
    )
    parameters = function["parameters"]
    assert (parameters["title"], parameters["required"]) == ("parameters", ["user_id", "amount"])
    assert parameters["properties"]["seats"] == {
        "default": 1, "description": "How many.", "title": "Seats", "type": "integer",
    }  # fmt: skip
    assert parameters["properties"]["cabin"]["enum"] == ["economy", "business"]
    assert json.loads(json.dumps(schema)) == schema


def test_nested_models_are_in_the_schema():
    parameters = as_tool(fly).parameters
    assert "Flight" in parameters["$defs"]


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"user_id": "u", "amount": 25}, {"user_id": "u", "amount": 25.0}),
        ({"user_id": "u", "amount": "25.5"}, {"user_id": "u", "amount": 25.5}),
        ({"user_id": 7, "amount": 1, "seats": "3"}, {"user_id": "7", "amount": 1.0, "seats": 3}),
        ({"user_id": "u", "amount": 1, "seats": 2.0}, {"user_id": "u", "amount": 1.0, "seats": 2}),
        ({"seats": 1, "amount": 1, "user_id": "u"}, {"user_id": "u", "amount": 1.0, "seats": 1}),
    ],
)
def test_arguments_become_the_types_of_the_signature(given, taken):
    got = as_tool(book).coerce(given)
    assert got == taken
    assert [type(value) for value in got.values()] == [type(value) for value in taken.values()]
    assert list(got) == list(taken)  # in the order of the signature, whatever the hash seed


def test_nested_arguments_become_models():
    got = as_tool(fly).coerce({"flights": [{"number": "12", "seats": "2"}], "note": "true"})
    assert got["flights"] == [Flight(number="12", seats=2)]
    assert got["note"] is True
    with pytest.raises(ArgumentError, match=r"flights\.0\.number: input should be a valid string"):
        as_tool(fly).coerce(
            {"flights": [{"number": 12}]}
        )  # a nested model decides for itself what it takes


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"user_id": "u"}, "amount: field required"),
        ({"user_id": "u", "amount": "much"}, "amount: input should be a valid number"),
        ({"user_id": "u", "amount": 1, "seats": 2.5}, "seats: input should be a valid integer"),
        (
            {"user_id": "u", "amount": 1, "cabin": "roof"},
            "cabin: input should be 'economy' or 'business'",
        ),
        ({"user_id": ["u"], "amount": 1}, "user_id: input should be a valid string"),
        ({"user_id": "u", "amount": 1, "seat": 2}, "seat: extra inputs are not permitted"),
    ],
)
def test_a_wrong_argument_is_named(given, problem):
    with pytest.raises(ArgumentError, match="invalid arguments for book") as error:
        as_tool(book).coerce(given)
    assert problem in str(error.value)


def test_every_wrong_argument_is_named_at_once():
    with pytest.raises(ArgumentError, match=r"user_id.*; .*amount"):
        as_tool(book).coerce({})


def test_predefined_arguments_are_hidden_and_filled_in():
    tool = as_tool(book, amount=9.0)
    assert "amount" not in tool.parameters["properties"]
    assert tool(user_id="u") == "u 9.0 1 economy"


def test_arguments_of_the_function_are_filled_in_and_other_names_are_fields():
    def greet(who: str, name: str = "", punctuation: str = ".") -> str:
        """Greet."""
        return f"{name} greets {who}{punctuation}"

    tool = Tool(greet, name="Ann", punctuation="!", short_desc="Say hello.")
    assert list(tool.parameters["properties"]) == ["who"]
    assert tool(who="Bob") == "Ann greets Bob!"
    assert (tool.name, tool.__name__, tool.description) == ("greet", "greet", "Say hello.")
    with pytest.raises(TypeError, match=r"greet\(\) has no argument 'whom'"):
        Tool(greet, whom="Bob")


def test_the_short_part_of_the_docstring_may_be_enough():
    def look(place: str) -> str:
        """Look around.

        It takes a while.
        """

    assert Tool(look).openai_schema["function"]["description"].endswith("It takes a while.")
    short = Tool(look, use_short_desc=True)
    assert short.openai_schema["function"]["description"] == "Look around."


def test_a_dump_has_the_schemas_of_arguments_and_result():
    dumped = as_tool(book).model_dump()
    assert dumped["params"] == as_tool(book).parameters
    assert dumped["returns"]["properties"]["returns"]["type"] == "string"
    assert json.loads(as_tool(book).model_dump_json())["params"] == dumped["params"]


def test_an_argument_may_have_any_name():
    def odd(copy: int, schema: str = "", model_name: str = "") -> None:
        """Do."""

    assert as_tool(odd).coerce({"copy": "1", "schema": "s", "model_name": "m"}) == {
        "copy": 1, "schema": "s", "model_name": "m",
    }  # fmt: skip


def test_a_tool_with_keyword_arguments_accepts_any_argument():
    def open_ended(first: int, **more) -> None:
        """Do."""

    assert as_tool(open_ended).coerce({"first": "1", "second": [2]}) == {"first": 1, "second": [2]}


def test_a_tool_without_annotations_or_docstring():
    def bare(a, b=None):
        return a

    tool = as_tool(bare)
    assert tool.parameters["required"] == ["a"]
    assert tool.coerce({"a": [1]}) == {"a": [1]}
    assert tool.description == ""


def test_a_tool_is_called_like_its_function_and_prints_like_it():
    tool = as_tool(book)
    assert tool("u", 1.5) == "u 1.5 1 economy"
    assert str(tool).startswith("def book(user_id: 'str'")
    assert '"""Book a flight.' in str(tool)


def test_calling_a_tool_without_a_function_raises():
    tool = Tool(name="x", params=Flight)
    with pytest.raises(ArgumentError, match="without a function"):
        tool()
    assert json.loads(tool.model_dump_json())["name"] == "x"


def test_line_breaks_that_only_keep_the_source_narrow_are_no_part_of_a_description():
    def book(seat: str) -> str:
        """Book a seat.

        The seat must be free, and it is kept for the
        person who asked for it.

        Kinds:
        - aisle
        - window

        Args:
            seat: The number of the row
                and a letter.

        Returns:
            What was booked,
            in words.
        """
        return seat

    schema = as_tool(book).openai_schema["function"]
    assert schema["description"] == (
        "Book a seat.\n\nThe seat must be free, and it is kept for the person who asked for it.\n\n"
        "Kinds:\n- aisle\n- window"
    )
    described = schema["parameters"]["properties"]["seat"]["description"]
    assert described == "The number of the row and a letter."
