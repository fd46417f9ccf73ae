"""Arguments that arrive as JSON text where the schema wants something else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from tau2.environment.tool import as_tool
from tau2.errors import ArgumentError


class Seat(BaseModel):
    """A place in a plane."""

    row: int
    letter: str


class Passenger(BaseModel):
    """Somebody who flies, perhaps with others."""

    name: str
    seats: list[Seat] = []
    companions: list[Passenger] = []


def book(
    passengers: list[Passenger],
    bags: int = 0,
    insured: bool = False,
    notes: str = "",
    tags: list[str] | None = None,
    prices: dict[str, float] | None = None,
    where: str | list[str] = "",
) -> str:
    """Book a flight."""
    return f"{passengers} {bags} {insured} {notes} {tags} {prices} {where}"


BOOK = as_tool(book)
ANN = {"name": "Ann", "seats": [{"row": 3, "letter": "A"}]}


def coerced(**arguments: Any) -> dict[str, Any]:
    """Return arguments as the tool gets them, as plain data."""
    given = BOOK.coerce({"passengers": [ANN], **arguments})
    return {
        name: [one.model_dump(exclude_unset=True) for one in value]
        if name == "passengers"
        else value
        for name, value in given.items()
    }


@pytest.mark.parametrize(
    "spelled",
    [
        json.dumps([ANN]),
        json.dumps(json.dumps([ANN])),
        [json.dumps(ANN)],
        [{**ANN, "seats": json.dumps(ANN["seats"])}],
        [{**ANN, "seats": [json.dumps(ANN["seats"][0])]}],
        [{"name": "Ann", "seats": [{"row": "3", "letter": "A"}]}],
    ],
)
def test_lists_and_objects_as_json_text(spelled: Any) -> None:
    assert coerced(passengers=spelled) == {"passengers": [ANN]}


def test_a_schema_that_contains_itself_is_followed() -> None:
    nested = json.dumps([{"name": "Bob", "companions": json.dumps([{"name": "Cy"}])}])
    assert coerced(passengers=[{"name": "Ann", "companions": nested}])["passengers"] == [
        {"name": "Ann", "companions": [{"name": "Bob", "companions": [{"name": "Cy"}]}]}
    ]


def test_other_types_as_text() -> None:
    given = coerced(
        bags="2", insured="True", tags='["a", "b"]', prices='{"bag": "20.5"}', passengers=[ANN]
    )
    assert given["bags"] == 2
    assert given["insured"] is True
    assert given["tags"] == ["a", "b"]
    assert given["prices"] == {"bag": 20.5}
    assert coerced(tags="null")["tags"] is None


def test_text_stays_text_where_text_is_wanted() -> None:
    given = coerced(notes='["a"]', where='["b"]', tags=["[1]"])
    assert (given["notes"], given["where"], given["tags"]) == ('["a"]', '["b"]', ["[1]"])


@pytest.mark.parametrize("wrong", ["Ann", "[", '{"name": "Ann"}', "3", "NaN"])
def test_what_fits_nothing_is_told_in_words_of_what_was_given(wrong: str) -> None:
    with pytest.raises(ArgumentError, match="passengers: input should be a valid list"):
        coerced(passengers=wrong)
