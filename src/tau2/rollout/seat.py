"""An episode as one seat sees it: what it may call, what it heard, and its history for a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tau2.agent.llm_agent import (
    AGENT_INSTRUCTION,
    SOLO_INSTRUCTION,
    SOLO_SYSTEM_PROMPT,
    SYSTEM_PROMPT,
)
from tau2.data_model.message import AssistantMessage, Message, SystemMessage, UserMessage
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.tool import Tool, as_tool
from tau2.llm.wire import to_wire, tools_to_wire
from tau2.orchestrator.episode import Role, seen_by
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.rollout.casting import agent_tools, user_tools
from tau2.user.base_user import UserState
from tau2.user.user_simulator import UserSimulator

DONE = "done"
"""Name of the call with which an agent ends the conversation, like the text ###STOP###."""


def done() -> str:
    """Say that the case is finished, or that nothing more can be done for it. Nothing happens afterwards."""
    return ""


def seat_tools(environment: Environment, task: Task, seat: Role) -> list[Tool]:
    """Return what a seat may call, bound to this environment; an agent on its own has `done` to end with."""
    if seat is Role.USER:
        return user_tools(environment, task)
    tools = agent_tools(environment, task)
    ends = environment.solo_mode and all(tool.name != DONE for tool in tools)
    return [*tools, as_tool(done)] if ends else tools


def seat_prompt(environment: Environment, task: Task, seat: Role) -> str:
    """Return the instructions that the package's own participant gives its model in this seat."""
    if seat is Role.USER:
        tools = user_tools(environment, task)
        return UserSimulator(
            instructions=str(task.user_scenario), tools=tools or None
        ).system_prompt
    policy = environment.get_policy()
    if environment.solo_mode:
        return SOLO_SYSTEM_PROMPT.format(
            agent_instruction=SOLO_INSTRUCTION, domain_policy=policy, ticket=task.ticket or ""
        )
    return SYSTEM_PROMPT.format(agent_instruction=AGENT_INSTRUCTION, domain_policy=policy)


class SeatView:
    """What may be read of a live episode; everything but `trajectory` and `environment` is the seat's to know."""

    seat: Role
    _orchestrator: Orchestrator | None = None

    @property
    def orchestrator(self) -> Orchestrator:
        """The episode. Raise RuntimeError before the first and after a closed one."""
        if self._orchestrator is None:
            raise RuntimeError("there is no episode: call reset() first")
        return self._orchestrator

    @property
    def environment(self) -> Environment:
        """The environment that is played on."""
        return self.orchestrator.environment

    @property
    def task(self) -> Task:
        """What is played."""
        return self.orchestrator.task

    @property
    def trajectory(self) -> list[Message]:
        """All that was said and done so far, by everybody."""
        return self.orchestrator.get_trajectory()

    @property
    def messages(self) -> list[Message]:
        """What the seat has said, done and heard so far."""
        return seen_by(self.seat, self.orchestrator.trajectory)

    def heard_since(self, mark: int) -> tuple[Message, ...]:
        """Return what others said and did, as far as the seat sees it, after the first `mark` messages."""
        new = self.orchestrator.trajectory[mark:]
        return tuple(message for message in seen_by(self.seat, new) if not self._is_own(message))

    def last_own(self) -> int:
        """Return how many messages there were after the seat's last one, in the task's own history included."""
        messages = self.orchestrator.trajectory
        return next((n for n in range(len(messages), 0, -1) if self._is_own(messages[n - 1])), 0)

    def _is_own(self, message: Message) -> bool:
        return isinstance(message, AssistantMessage if self.seat is Role.AGENT else UserMessage)

    @property
    def tools(self) -> list[Tool]:
        """What the seat may call, bound to the environment that is played on."""
        return seat_tools(self.environment, self.task, self.seat)

    @property
    def openai_tools(self) -> list[dict[str, Any]]:
        """The tools in the form of OpenAI's API."""
        return tools_to_wire(self.tools) or []

    @property
    def system_prompt(self) -> str:
        """The instructions that the package's own participant would give its model."""
        return seat_prompt(self.environment, self.task, self.seat)

    def history(self, *, system: bool = True) -> list[dict[str, Any]]:
        """Return the seat's conversation as OpenAI messages; its own are the assistant's, in either seat."""
        dialogue: Sequence[Message] = self.messages
        if self.seat is Role.USER:
            dialogue = UserState(messages=list(dialogue)).flip_roles()
        opening = [SystemMessage(content=self.system_prompt)] if system else []
        return to_wire([*opening, *dialogue])
