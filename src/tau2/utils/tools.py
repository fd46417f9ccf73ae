"""Public path of the original package; see `tau2.actions`."""

from __future__ import annotations

from tau2.actions.functional import (
    is_functional_tool_call,
    parse_functional_tool_call,
    to_functional_format,
)
from tau2.actions.parse import parse_action, parse_action_string
from tau2.actions.tool_calls import MalformedAction

__all__ = [
    "MalformedAction",
    "is_functional_tool_call",
    "parse_action",
    "parse_action_string",
    "parse_functional_tool_call",
    "to_functional_format",
]
