"""The scripted customer: follows an agenda compiled from its task and needs no model.

It is deterministic: the same task, seed and messages give the same words. It never raises on
anything an agent says, it ends only when the agent has signalled that nothing is left, and it gives
up on a conversation that does not move.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

from tau2.data_model.message import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from tau2.data_model.persona import PersonaConfig
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.tool import Tool
from tau2.errors import UserError
from tau2.participant.turns import flat
from tau2.seeds import derive_seed
from tau2.user.base_user import STOP, TRANSFER, HalfDuplexUser, ValidUserInputMessage
from tau2.user.scripted_user.agenda import Conversation, UserAction
from tau2.user.scripted_user.answering import ReplyBuilder, after_actions
from tau2.user.scripted_user.compiled import agenda_of
from tau2.user.scripted_user.speaking import Voice
from tau2.user.scripted_user.text import keywords, overlap
from tau2.user.scripted_user.toolbox import Toolbox
from tau2.user.scripted_user.understanding import understand
from tau2.user.scripted_user.world_view import wallet_of


class ScriptedUser(HalfDuplexUser):
    """A simulated customer that follows an agenda; one object may serve many episodes at once."""

    blocking: ClassVar[bool] = False

    def __init__(
        self,
        task: Task | None = None,
        instructions: Any = None,
        tools: list[Tool] | None = None,
        persona_config: PersonaConfig | Mapping[str, Any] | None = None,
        seed: int | None = None,
        environment: Environment | None = None,
    ) -> None:
        """Give the customer its task (or else its instructions), its tools and its manner.

        From `environment` it learns only how the cards look that the reference solution pays with.
        """
        if task is None and instructions is None:
            raise UserError("a scripted user needs a task, or at least instructions")
        super().__init__(
            instructions=instructions if task is None else task.user_scenario, tools=tools
        )
        self.task = task
        self.persona_config = (
            PersonaConfig.model_validate(persona_config)
            if isinstance(persona_config, Mapping)
            else persona_config
        )
        self.seed = seed or 0
        self.toolbox = Toolbox(tools)
        database = getattr(getattr(environment, "tools", None), "db", None)
        self.wallet = wallet_of(database, task)

    def set_seed(self, seed: int) -> None:
        """Choose words by `seed` in conversations that start from now on."""
        self.seed = seed

    def get_init_state(self, message_history: list[Message] | None = None) -> Conversation:
        """Return the state of a customer that has lived through `message_history`."""
        scope = self.task.id if self.task is not None else ""
        state = Conversation(
            agenda=agenda_of(self.task, self.instructions, self.tools, self.toolbox, self.wallet),
            seed=derive_seed(self.seed, "scripted_user", scope),
        )
        for message in message_history or ():
            _remember(state, message)
        return state

    def generate_next_message(
        self, message: ValidUserInputMessage | None, state: Conversation
    ) -> tuple[UserMessage, Conversation]:
        """Return the customer's next message: text, or one call of a tool of its own."""
        heard = flat(message)
        results = [part for part in heard if isinstance(part, ToolMessage)]
        if results and state.running is not None:
            return self._after_tool(results, state), state
        said = "\n".join(getattr(part, "content", None) or "" for part in heard)
        state.turn += 1
        state.findings = []
        state.queue = []
        understood = understand(said, with_orders=bool(self.toolbox))
        turn = ReplyBuilder(state, understood, self.toolbox, Voice(state, self.persona_config))
        return self._move(turn.answer(), state), state

    def _after_tool(self, results: list[ToolMessage], state: Conversation) -> UserMessage:
        deed = state.running
        state.running = None
        if deed is not None and _went_wrong_way(deed, results) and state.done.count(deed) == 0:
            state.done.append(deed)
            return self._do(deed, state)  # a switch that stood the other way: press it again
        state.findings += [
            f"Error: {result.content}" if result.error else result.content or ""
            for result in results
        ]
        state.last_finding = state.findings[-1] if state.findings else ""
        if (
            deed is not None
            and not any(result.error for result in results)
            and deed not in state.done
        ):
            state.done.append(deed)
        if state.queue:
            return self._do(state.queue.pop(0), state)
        voice = Voice(state, self.persona_config)
        failed = any(result.error for result in results)
        return self._move(after_actions(state, voice, deed, failed=failed), state)

    def _move(self, words: str, state: Conversation) -> UserMessage:
        """Return the words, or the first deed that a turn decided upon instead of words."""
        if not words and state.queue:
            return self._do(state.queue.pop(0), state)
        return UserMessage(content=words, cost=0.0)

    def _do(self, deed: UserAction, state: Conversation) -> UserMessage:
        state.running = deed
        state.calls += 1
        call = ToolCall(
            id=f"user_call_{state.calls}",
            name=deed.tool,
            arguments=copy.deepcopy(deed.arguments),
            requestor="user",
        )
        return UserMessage(tool_calls=[call], cost=0.0)


def _went_wrong_way(deed: UserAction, results: list[ToolMessage]) -> bool:
    """Return whether a switch that should be on says that it is now off, or the other way round."""
    if deed.wanted is None or any(result.error for result in results):
        return False
    said = " ".join(result.content or "" for result in results).lower().partition("status bar")[0]
    is_on = " on" in said.replace(".", " ")
    is_off = " off" in said.replace(".", " ")
    return is_on is not deed.wanted if is_on != is_off else False


def _remember(state: Conversation, message: Message) -> None:
    """Take note of what this customer has said and done already."""
    if isinstance(message, AssistantMessage):
        return
    if isinstance(message, UserMessage):
        _remember_own(state, message)
    elif isinstance(message, ToolMessage) and state.running is not None:
        state.findings.append(message.content or "")
        if not message.error and state.running not in state.done:
            state.done.append(state.running)
        state.running = None


def _remember_own(state: Conversation, message: UserMessage) -> None:
    if message.tool_calls:
        call = message.tool_calls[0]
        state.calls += 1
        state.running = UserAction(tool=call.name, arguments=dict(call.arguments))
        return
    state.turn += 1
    said = message.content or ""
    agenda = state.agenda
    state.opened = state.opened or _opens(said, agenda.opening)
    told = [number for number, point in enumerate(agenda.points) if point.line in said]
    state.points_told = sorted({*state.points_told, *told})
    for kind, values in agenda.facts.items():
        if values[0] in said and kind not in state.facts_told:
            state.facts_told.append(kind)


def _opens(said: str, opening: str) -> bool:
    """Return whether a message states the reason for contacting, in whatever words."""
    wanted = keywords(opening)
    return bool(wanted) and overlap(wanted, keywords(said)) * 2 > len(wanted)


__all__ = ["STOP", "TRANSFER", "ScriptedUser"]
