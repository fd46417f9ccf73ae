from __future__ import annotations

from enum import Enum

import pytest

from tau2.environment.tool import as_tool
from tau2.service.tool_form import arguments_of, fields_of


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


def order(
    name: str,
    number: int,
    items: list[str],
    size: Size,
    gift: bool = False,
    note: str | None = None,
) -> str:
    """Order things.

    Args:
        name: Of the customer.
    """
    return ""


TOOL = as_tool(order)


def test_fields_follow_the_schema():
    kinds = {field.name: (field.kind, field.required) for field in fields_of(TOOL)}
    assert kinds == {
        "name": ("text", True),
        "number": ("number", True),
        "items": ("json", True),
        "size": ("choice", True),
        "gift": ("boolean", False),
        "note": ("text", False),
    }
    assert fields_of(TOOL)[0].description == "Of the customer."
    assert fields_of(TOOL)[3].choices == ("small", "large")


def test_values_are_typed_and_empty_ones_left_out():
    form = {
        "arg.name": "", "arg.number": "3", "arg.items": '["a"]', "arg.size": "large",
        "arg.gift": "true", "arg.note": " ", "other": "x",
    }  # fmt: skip
    assert arguments_of(TOOL, form) == {
        "name": "",
        "number": 3,
        "items": ["a"],
        "size": "large",
        "gift": True,
    }


def test_broken_json_names_its_field():
    with pytest.raises(ValueError, match="items: this is not valid JSON"):
        arguments_of(TOOL, {"arg.items": "["})


def test_a_number_that_is_none_is_left_to_the_tool():
    assert arguments_of(TOOL, {"arg.number": "many"})["number"] == "many"
