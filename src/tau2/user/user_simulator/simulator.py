"""The simulated user driven by a language model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from tau2._compat.patching import patched_or
from tau2.config import DEFAULT_LLM_USER
from tau2.data_model.message import AssistantMessage, Message, SystemMessage, UserMessage
from tau2.data_model.persona import PersonaConfig
from tau2.data_model.run_config import UserPrompt
from tau2.data_model.tasks import UserInstructions, UserScenario
from tau2.environment.tool import Tool
from tau2.errors import UserError
from tau2.llm.request import CompletionFn
from tau2.participant.model_turns import ModelTurns
from tau2.participant.turns import flat, load_prompt
from tau2.user.base_user import (
    HalfDuplexUser,
    UserState,
    ValidUserInputMessage,
    is_valid_user_history_message,
)
from tau2.user.user_simulator.forms import (
    FIRST_TURN,
    REMINDER,
    PromptForm,
    form_of,
    objection_note,
    opening_note,
    opening_of,
    own_line,
    transcript,
)
from tau2.utils.json_types import JsonMapping

PATH = "tau2.user.user_simulator"
"""Where clients replace names."""

PERSONA_PLACE = "<PERSONA_GUIDELINES>"

SYSTEM_PROMPT = """
{global_user_sim_guidelines}

<scenario>
{instructions}
</scenario>
""".strip()


def get_global_user_sim_guidelines(use_tools: bool = False) -> str:
    """Return the rules of the full form, in the variant for users with or without tools.

    The text contains `<PERSONA_GUIDELINES>` where the manner of a persona is inserted.
    """
    package = "tau2.user.user_simulator"
    rules = load_prompt(package, "guidelines_tools.md" if use_tools else "guidelines.md")
    example = load_prompt(package, "guidelines_example.md")
    return rules.replace(PERSONA_PLACE, f"{example}\n\n{PERSONA_PLACE}")


def _with_notes(message: SystemMessage, notes: list[str]) -> SystemMessage:
    """Return a system message with notes before its last line, the reminder."""
    content = (message.content or "").removesuffix(REMINDER).rstrip()
    reminder = [REMINDER] if (message.content or "").endswith(REMINDER) else []
    return message.model_copy(update={"content": "\n\n".join([content, *notes, *reminder])})


class UserSimulator(
    ModelTurns[ValidUserInputMessage | None, UserMessage, UserState], HalfDuplexUser[UserState]
):
    """A simulated user driven by a language model.

    Subclasses may override the `system_prompt` property or `_generate_next_message(message,
    state)`; both count for synchronous and asynchronous drivers alike.
    """

    patched_at: ClassVar[str] = PATH
    """The public module whose `generate` tests replace to answer in place of a model."""

    def __init__(
        self,
        llm: str | list[Tool] | None = None,
        instructions: UserInstructions | UserScenario | None = None,
        tools: list[Tool] | str | None = None,
        llm_args: JsonMapping | None = None,
        persona_config: PersonaConfig | JsonMapping | None = None,
        completion_fn: CompletionFn | None = None,
        prompt_form: UserPrompt = "auto",
    ) -> None:
        """Give the user its scenario, its tools (None: none) and its model.

        `prompt_form` chooses among the forms of the prompt (see `forms`).
        The positional order of releases before 1.0, `(tools, instructions, llm)`, is accepted
        too.
        """
        is_old_order = isinstance(llm, list) or isinstance(tools, str)
        model, own_tools = (tools, llm) if is_old_order else (llm, tools)
        super().__init__(
            instructions=instructions,
            tools=cast("list[Tool] | None", own_tools),
            llm=cast("str | None", model) or DEFAULT_LLM_USER,
            llm_args=llm_args,
            completion_fn=completion_fn,
        )
        if isinstance(persona_config, Mapping):
            persona_config = PersonaConfig.model_validate(persona_config)
        self.persona_config = persona_config
        self.prompt_form: PromptForm = form_of(self.llm, prompt_form)

    @property
    def global_simulation_guidelines(self) -> str:
        """The rules, with the persona's manner filled in."""
        manner = self.persona_config.to_guidelines_text() if self.persona_config is not None else ""
        guidelines = patched_or(
            PATH, "get_global_user_sim_guidelines", get_global_user_sim_guidelines
        )
        if self.prompt_form == "short":
            rules: str = load_prompt("tau2.user.user_simulator", "guidelines_short.md")
        else:
            rules = guidelines(use_tools=bool(self.tools))
        return rules.replace(PERSONA_PLACE, f"## Your manner\n{manner}" if manner else "").strip()

    @property
    def system_prompt(self) -> str:
        """The rules and the scenario; in the full form also an example and a reminder."""
        if self.instructions is None:
            raise UserError(
                "the simulated user has no instructions; give it str(task.user_scenario)"
            )
        template: str = patched_or(PATH, "SYSTEM_PROMPT", SYSTEM_PROMPT)
        prompt = template.format(
            global_user_sim_guidelines=self.global_simulation_guidelines,
            instructions=self.instructions,
        )
        return prompt if self.prompt_form == "short" else f"{prompt}\n\n{REMINDER}"

    def get_init_state(self, message_history: list[Message] | None = None) -> UserState:
        """Return the state after `message_history`.

        Raise UserError for a message that a user cannot see.
        """
        history = list(message_history or [])
        for message in history:
            if not is_valid_user_history_message(message):
                raise UserError(
                    f"a user cannot see this {message.role} message; its history holds its own "
                    "messages, the agent's text and the results of its own tools"
                )
        return UserState(
            system_messages=[SystemMessage(role="system", content=self.system_prompt)],
            messages=history,
        )

    def _received(self, message: ValidUserInputMessage | None) -> list[Message]:
        received = flat(message)
        if not received:
            raise UserError("a simulated user answers the agent; it never speaks first")
        for part in received:
            if isinstance(part, AssistantMessage) and part.is_audio:
                raise UserError(
                    "the agent sent audio, but this user reads text; use a voice user for audio"
                )
            if not is_valid_user_history_message(part):
                raise UserError(
                    f"a user cannot see this {part.role} message; it belongs to the agent's tools"
                )
        return received

    def _request(self, received: list[Message], state: UserState) -> dict[str, Any]:
        return {
            "model": self.llm,
            "messages": self._prompt([*state.messages, *received], state),
            "tools": self.tools or None,
            "tool_choice": None,
            "call_name": "user_simulator_response",
            "completion_fn": self.completion_fn,
            **self.llm_args,
        }

    def _prompt(self, messages: list[Message], state: UserState) -> list[Message]:
        """Return what the model is sent: the system messages and the conversation."""
        if self.prompt_form == "short":
            flipped = UserMessage(content=transcript(messages, state.objection))
            return [*state.system_messages, flipped]
        opening = opening_of(messages)
        notes = [opening_note(opening)] if opening else []
        if state.objection is not None:
            notes.append(objection_note(state.objection))
        *first, last = state.system_messages
        rest = UserState(messages=messages[len(opening) :]).flip_roles()
        start = [UserMessage(content=FIRST_TURN)] if opening else []
        return [*first, _with_notes(last, notes), *start, *rest]

    def take_back(self, state: UserState, length: int, objection: str) -> UserState:
        """Return the state before the last turn, in which the model is told an objection to it.

        `length` is how many messages the state held before that turn.
        """
        return state.model_copy(
            update={"messages": state.messages[:length], "objection": objection}
        )

    def _finish_turn(
        self, reply: AssistantMessage, received: list[Message], state: UserState
    ) -> UserMessage:
        """Return the reply as the user's message and add what was received to the state.

        Raise UserError for an empty reply, and for a tool call without tools.
        """
        calls = [call.model_copy(update={"requestor": "user"}) for call in reply.calls]
        if calls and not self.tools:
            raise UserError(f"the simulated user called {calls[0].name!r}, but it has no tools")
        content = own_line(reply.content) if self.prompt_form == "short" else reply.content
        if not calls and not (content or "").strip():
            raise UserError("the simulated user's model returned neither text nor a tool call")
        state.messages.extend(received)
        state.objection = None
        return UserMessage(
            content=content,
            tool_calls=calls or None,
            cost=reply.cost,
            usage=reply.usage,
            raw_data=reply.raw_data,
            generation_time_seconds=reply.generation_time_seconds,
            reasoning_content=reply.reasoning_content,
            provider_data=reply.provider_data,
        )
