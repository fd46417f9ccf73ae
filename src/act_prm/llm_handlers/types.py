"""What a model's reply consists of."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

FUNCTION_CALL = "function_call"
MESSAGE = "message"
REASONING = "reasoning"
UNREADABLE = "unreadable_call"


class ActionFromLLM(BaseModel):
    """One part of a model's reply."""

    role: str
    type: str
    """"function_call", "message" (said beside or instead of a call), "reasoning" (thought, told to nobody) or
    "unreadable_call" (meant as a call, but not one)."""
    text: str | None = None
    """What is said or thought; of an unreadable call, what the model wrote."""
    call_id: str | None = None
    name: str | None = None
    arguments: dict[str, Any] | None = None
    error: str | None = None
    """Why a call is unreadable, as a sentence for the model."""

    @property
    def is_call(self) -> bool:
        """Whether the model meant to call a tool."""
        return self.type in {FUNCTION_CALL, UNREADABLE}
