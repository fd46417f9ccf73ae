"""The parts of a model's reply."""

from __future__ import annotations

from pydantic import BaseModel

from tau2.utils.json_types import JsonObject

FUNCTION_CALL = "function_call"
MESSAGE = "message"
REASONING = "reasoning"
UNREADABLE = "unreadable_call"


class ActionFromLLM(BaseModel):
    """One part of a model's reply."""

    role: str
    type: str
    """One of "function_call", "message" (text beside or instead of calls), "reasoning" (text that
    nobody receives) and "unreadable_call" (meant as a call, but invalid)."""
    text: str | None = None
    """Text or reasoning; of an unreadable call, what the model wrote."""
    call_id: str | None = None
    name: str | None = None
    arguments: JsonObject | None = None
    error: str | None = None
    """Why a call is unreadable, as a sentence for the model."""

    @property
    def is_call(self) -> bool:
        """Whether the model meant to call a tool."""
        return self.type in {FUNCTION_CALL, UNREADABLE}
