"""The turn of a participant driven by a language model, the same for agents and users."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Generic, cast

from pydantic import BaseModel, Field
from typing_extensions import TypeVar

from tau2._compat.patching import patched
from tau2.data_model.message import AssistantMessage, Message, SystemMessage
from tau2.llm.call import public_arguments
from tau2.llm.completion_fn import call_async, call_sync
from tau2.participant.llm_config import LLMConfigMixin
from tau2.participant.turns import (
    has_async_inner_turn,
    is_async,
    overrides_sync,
    run_on_own_loop,
)


class ConversationState(BaseModel):
    """What a model-driven participant remembers: its prompt and the messages it has seen."""

    system_messages: list[SystemMessage] = Field(default_factory=list)
    messages: list[Message] = Field(default_factory=list)


InputT = TypeVar("InputT")
OutputT = TypeVar("OutputT", bound=Message)
StateT = TypeVar("StateT", bound=ConversationState)


class ModelTurns(LLMConfigMixin, Generic[InputT, OutputT, StateT]):
    """Takes turns with one model call each; put it first among the base classes.

    A subclass defines `_received`, `_request` and `_finish_turn`. Its own subclasses may override
    `_generate_next_message(message, state)`, as a function or as a coroutine function, or
    `generate_next_message`; whichever is the most specific counts for synchronous and asynchronous
    drivers alike.
    """

    patched_at: ClassVar[str]
    """The public module whose `generate` clients replace to answer this participant's calls."""

    def generate_next_message(self, message: InputT, state: StateT) -> tuple[OutputT, StateT]:
        """Return the model's message and the state with it.

        A failed call leaves the state as it was. Where a subclass makes `_generate_next_message`
        asynchronous, it runs on an event loop of its own.

        Raises:
            ParticipantError: `_generate_next_message` is asynchronous and an event loop is running
                in this thread; await `agenerate_next_message` there.
        """
        if has_async_inner_turn(self):
            return run_on_own_loop(self.agenerate_next_message(message, state), self)
        reply = self._generate_next_message(message, state)
        state.messages.append(reply)
        return reply, state

    async def agenerate_next_message(
        self, message: InputT, state: StateT
    ) -> tuple[OutputT, StateT]:
        """Do what `generate_next_message` does without blocking the event loop."""
        if is_async(self._generate_next_message):
            reply = await cast("Any", self._generate_next_message(message, state))
        elif overrides_sync(self):
            # A subclass's synchronous method may block; the base class's asynchronous one would
            # ignore the override.
            return await asyncio.to_thread(self.generate_next_message, message, state)
        else:
            reply = await self._agenerate_next_message(message, state)
        state.messages.append(reply)
        return reply, state

    def _generate_next_message(self, message: InputT, state: StateT) -> OutputT:
        """Return the reply to `message`; add what was received, but not the reply, to the state."""
        from tau2.llm import complete  # noqa: PLC0415  -- clients may patch it

        received = self._received(message)
        reply = self._reply_without_model(received, state)
        if reply is None:
            request = self._request(received, state)
            stand_in = patched(self.patched_at, "generate")
            if stand_in is None:
                reply = complete(**request)
            else:
                reply = call_sync(stand_in, public_arguments(request))
        return self._finish_turn(reply, received, state)

    async def _agenerate_next_message(self, message: InputT, state: StateT) -> OutputT:
        from tau2.llm import acomplete  # noqa: PLC0415  -- clients may patch it

        received = self._received(message)
        reply = self._reply_without_model(received, state)
        if reply is None:
            request = self._request(received, state)
            stand_in = patched(self.patched_at, "generate")
            if stand_in is None:
                reply = await acomplete(**request)
            else:
                reply = await call_async(stand_in, public_arguments(request))
        return self._finish_turn(reply, received, state)

    def _received(self, message: InputT) -> list[Message]:
        """Return the messages to add to the conversation. Raise for one that does not belong."""
        raise NotImplementedError

    def _request(self, received: list[Message], state: StateT) -> dict[str, Any]:
        """Return the arguments of `tau2.llm.complete`; `llm_args` override the others."""
        raise NotImplementedError

    def _reply_without_model(
        self, received: list[Message], state: StateT
    ) -> AssistantMessage | None:
        """Return a reply that needs no model call; None when the model is to be called."""
        return None

    def _finish_turn(
        self, reply: AssistantMessage, received: list[Message], state: StateT
    ) -> OutputT:
        """Return the participant's message and add what was received to the state."""
        raise NotImplementedError
