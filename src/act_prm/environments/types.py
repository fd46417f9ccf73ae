"""Where an episode stands and what a step led to, as a trainer sees them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Message = dict[str, Any]
"""A message as chat templates and OpenAI's API know it; a tool's result carries its text as `output`."""


class EnvironmentState(BaseModel):
    """Where an episode stands before a model's turn; a step returns a new one and leaves this one as it was."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    system_prompt: str
    new_messages: list[Message]
    """What has happened since the model's last turn."""
    model_response: Any = None
    """What the caller handed to the step that led here."""
    prior_messages: list[Message] = Field(default_factory=list)
    """The conversation before `new_messages`, without the system prompt."""
    tools: list[dict[str, Any]]
    """Flat schemas: {"type", "name", "description", "parameters"}."""
    sample_id: int = 0
    generation_id: int = 0
    batch_id: int = 0
    timestep: int = 0
    """How many turns the model has had."""
    try_step: int = 0
    metadata: dict[str, Any] = Field(default_factory=lambda: {"correct": 0, "total": 1})
    first_obs_to_show: int = 1
    last_obs_to_show: int = 0

    @property
    def messages(self) -> list[Message]:
        """The whole conversation, without the system prompt."""
        return [*self.prior_messages, *self.new_messages]


class EnvironmentStepResult(BaseModel):
    """What a step led to."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    state: EnvironmentState
    reward: float = 0.0
    done: bool = False
    truncated: bool = False
    """Cut off from outside: a limit, the surroundings, or a model that said nothing."""
    info: dict[str, Any] = Field(default_factory=dict)
