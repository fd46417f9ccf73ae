"""What a participant driven by a language model is configured with, and what it sends to the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tau2.data_model.message import AssistantMessage, Message

KEEP_REASONING = "keep_reasoning"
"""The `llm_args` key that has a model's earlier reasoning sent back to it; it never reaches the provider."""


class LLMConfigMixin:
    """Holds the model, its arguments and an optional completion function; put it first among the base classes."""

    def __init__(
        self,
        *args: Any,
        llm: str,
        llm_args: Mapping[str, Any] | None = None,
        completion_fn: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Keep a private copy of `llm_args`; everything else goes to the next base class."""
        super().__init__(*args, **kwargs)
        self.llm = llm
        self.llm_args: dict[str, Any] = dict(llm_args or {})
        self.completion_fn = completion_fn

    def set_seed(self, seed: int) -> None:
        """Send `seed` with every model call from now on; the caller's `llm_args` stay as they are."""
        self.llm_args = {**self.llm_args, "seed": seed}

    def _model_args(self) -> dict[str, Any]:
        """Return the arguments that go to the provider."""
        return {key: value for key, value in self.llm_args.items() if key != KEEP_REASONING}

    def _as_sent(self, messages: Sequence[Message]) -> list[Message]:
        """Return the messages without reasoning, unless `llm_args` say that the model wants its own back."""
        if self.llm_args.get(KEEP_REASONING):
            return list(messages)
        return [_without_reasoning(message) for message in messages]


def _without_reasoning(message: Message) -> Message:
    if isinstance(message, AssistantMessage) and message.reasoning_content is not None:
        return message.model_copy(update={"reasoning_content": None})
    return message
