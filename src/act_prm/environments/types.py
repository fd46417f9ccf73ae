"""The state of an episode and the result of a step, as a trainer sees them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tau2.utils.json_types import JsonObject

Message = JsonObject
"""A message of chat templates and OpenAI's API; tool results have their text in `output`."""


class EnvironmentState(BaseModel):
    """The state of an episode before a policy step; a step returns a new state."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    system_prompt: str
    new_messages: list[Message]
    """Messages since the policy's last step."""
    model_response: Any = None
    """What the caller passed to the step that led here."""
    prior_messages: list[Message] = Field(default_factory=list)
    """The conversation before `new_messages`, without the system prompt."""
    tools: list[JsonObject]
    """Flat schemas: {"type", "name", "description", "parameters"}."""
    sample_id: int = 0
    generation_id: int = 0
    batch_id: int = 0
    timestep: int = 0
    """Steps of the policy so far."""
    try_step: int = 0
    metadata: JsonObject = Field(default_factory=lambda: {"correct": 0, "total": 1})
    first_obs_to_show: int = 1
    last_obs_to_show: int = 0

    @property
    def messages(self) -> list[Message]:
        """The whole conversation, without the system prompt."""
        return [*self.prior_messages, *self.new_messages]


class EnvironmentStepResult(BaseModel):
    """The result of a step."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    state: EnvironmentState
    reward: float = 0.0
    done: bool = False
    truncated: bool = False
    """A limit, a failure or an empty message of the policy ended the episode."""
    info: JsonObject = Field(default_factory=dict)
