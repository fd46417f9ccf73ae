"""The customer played by a language model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from tau2.config import DEFAULT_LLM_USER
from tau2.data_model.message import AssistantMessage, Message, SystemMessage, UserMessage
from tau2.data_model.persona import PersonaConfig
from tau2.environment.tool import Tool
from tau2.errors import UserError
from tau2.participant.llm_config import LLMConfigMixin
from tau2.participant.turns import awaited, flat, is_async, load_prompt, overrides_sync
from tau2.user.base_user import (
    HalfDuplexUser,
    UserState,
    ValidUserInputMessage,
    is_valid_user_history_message,
)

PERSONA_PLACE = "<PERSONA_GUIDELINES>"

SYSTEM_PROMPT = """
{global_user_sim_guidelines}

<scenario>
{instructions}
</scenario>
""".strip()


def get_global_user_sim_guidelines(use_tools: bool = False) -> str:
    """Return the rules every simulated customer plays by; another text for one that has tools.

    The text holds `<PERSONA_GUIDELINES>` where the manner of a persona goes.
    """
    return load_prompt(
        "tau2.user.user_simulator", "guidelines_tools.md" if use_tools else "guidelines.md"
    )


class UserSimulator(LLMConfigMixin, HalfDuplexUser):
    """A simulated customer driven by a language model.

    Subclasses may override the `system_prompt` property or `_generate_next_message(message,
    state)`; both count for synchronous and asynchronous drivers alike.
    """

    def __init__(
        self,
        llm: Any = None,
        instructions: Any = None,
        tools: Any = None,
        llm_args: Mapping[str, Any] | None = None,
        persona_config: PersonaConfig | Mapping[str, Any] | None = None,
        completion_fn: Callable[..., Any] | None = None,
    ) -> None:
        """Give the customer its scenario, its tools (None: none) and its model.

        The positional order of releases before 1.0, `(tools, instructions, llm)`, is understood
        too.
        """
        if isinstance(llm, list) or isinstance(tools, str):
            llm, tools = tools, llm
        super().__init__(
            instructions=instructions,
            tools=tools,
            llm=llm or DEFAULT_LLM_USER,
            llm_args=llm_args,
            completion_fn=completion_fn,
        )
        self.persona_config = (
            PersonaConfig.model_validate(persona_config)
            if isinstance(persona_config, Mapping)
            else persona_config
        )

    @property
    def global_simulation_guidelines(self) -> str:
        """The rules, with the persona's manner filled in."""
        manner = self.persona_config.to_guidelines_text() if self.persona_config is not None else ""
        rules = get_global_user_sim_guidelines(use_tools=bool(self.tools))
        return rules.replace(PERSONA_PLACE, f"## Your manner\n{manner}" if manner else "").strip()

    @property
    def system_prompt(self) -> str:
        """The rules and the scenario."""
        if self.instructions is None:
            raise UserError(
                "the simulated user has no instructions; give it str(task.user_scenario)"
            )
        return SYSTEM_PROMPT.format(
            global_user_sim_guidelines=self.global_simulation_guidelines,
            instructions=self.instructions,
        )

    def get_init_state(self, message_history: list[Message] | None = None) -> UserState:
        """Return the state after `message_history`.

        Raise UserError for a message that a user cannot see.
        """
        history = list(message_history or [])
        for message in history:
            if not is_valid_user_history_message(message):
                raise UserError(
                    f"a user cannot see this {message.role} message; its history holds its own messages, the "
                    "agent's text and the results of its own tools"
                )
        return UserState(
            system_messages=[SystemMessage(role="system", content=self.system_prompt)],
            messages=history,
        )

    def generate_next_message(
        self, message: ValidUserInputMessage, state: UserState
    ) -> tuple[UserMessage, UserState]:
        """Return the customer's answer and the state with it.

        A failed call leaves the state as it was.
        """
        if is_async(
            self._generate_next_message
        ):  # a subclass answers asynchronously: so does this, for it
            return self.agenerate_next_message(message, state)  # type: ignore[return-value]  # drivers await it
        reply = self._generate_next_message(message, state)
        state.messages.append(reply)
        return reply, state

    async def agenerate_next_message(
        self, message: ValidUserInputMessage, state: UserState
    ) -> tuple[UserMessage, UserState]:
        """Do what `generate_next_message` does without blocking the event loop."""
        if is_async(self._generate_next_message):
            reply = await awaited(self._generate_next_message(message, state))
        elif overrides_sync(self):  # a subclass's own way of answering knows no event loop
            return await asyncio.to_thread(self.generate_next_message, message, state)
        else:
            reply = await self._agenerate_next_message(message, state)
        state.messages.append(reply)
        return reply, state

    def _generate_next_message(
        self, message: ValidUserInputMessage, state: UserState
    ) -> UserMessage:
        """Return the answer to `message` and add what was heard, not the answer, to the state."""
        from tau2.llm import complete  # noqa: PLC0415  -- clients may patch it

        heard = self._heard(message)
        return self._settled(complete(**self._request(heard, state)), heard, state)

    async def _agenerate_next_message(
        self, message: ValidUserInputMessage, state: UserState
    ) -> UserMessage:
        from tau2.llm import acomplete  # noqa: PLC0415  -- clients may patch it

        heard = self._heard(message)
        return self._settled(await acomplete(**self._request(heard, state)), heard, state)

    def _heard(self, message: ValidUserInputMessage | None) -> list[Message]:
        heard = flat(message)
        if not heard:
            raise UserError("a simulated user answers the agent; it never speaks first")
        for part in heard:
            if isinstance(part, AssistantMessage) and part.is_audio:
                raise UserError(
                    "the agent spoke audio, but this user reads text; use a voice user for audio"
                )
            if not is_valid_user_history_message(part):
                raise UserError(
                    f"a user cannot see this {part.role} message; it belongs to the agent's tools"
                )
        return heard

    def _request(self, heard: list[Message], state: UserState) -> dict[str, Any]:
        dialogue = UserState(messages=[*state.messages, *heard]).flip_roles()
        tools: list[Tool] | None = self.tools
        return {
            "model": self.llm,
            "messages": [*state.system_messages, *dialogue],
            "tools": tools or None,
            "tool_choice": None,
            "call_name": "user_simulator_response",
            "completion_fn": self.completion_fn,
            **self.llm_args,
        }

    def _settled(
        self, reply: AssistantMessage, heard: list[Message], state: UserState
    ) -> UserMessage:
        """Return the model's answer as the customer's and add what was heard.

        Raise UserError for no answer.
        """
        calls = [call.model_copy(update={"requestor": "user"}) for call in reply.calls]
        if calls and not self.tools:
            raise UserError(f"the simulated user called {calls[0].name!r}, but it has no tools")
        if not calls and not reply.has_text_content():
            raise UserError("the simulated user's model answered with neither text nor a tool call")
        state.messages.extend(heard)
        return UserMessage(
            content=reply.content,
            tool_calls=calls or None,
            cost=reply.cost,
            usage=reply.usage,
            raw_data=reply.raw_data,
            generation_time_seconds=reply.generation_time_seconds,
            reasoning_content=reply.reasoning_content,
        )
