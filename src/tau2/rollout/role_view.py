"""An episode as one role sees it: its tools, its instructions, its observations and its history."""

from __future__ import annotations

from collections.abc import Sequence

from tau2.agent.llm_agent import (
    SOLO_INSTRUCTION,
    SOLO_SYSTEM_PROMPT,
    standard_prompt,
)
from tau2.data_model.conventions import DONE_TOOL, done
from tau2.data_model.message import AssistantMessage, Message, SystemMessage, UserMessage
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.tool import Tool, as_tool
from tau2.llm.wire import to_wire, tools_to_wire
from tau2.orchestrator.episode import Role, seen_by
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.rollout.setup import agent_tools, user_tools
from tau2.user.base_user import UserState
from tau2.user.user_simulator import UserSimulator
from tau2.utils.json_types import JsonObject


def role_tools(environment: Environment, task: Task, role: Role) -> list[Tool]:
    """Return the tools of a role, bound to this environment.

    An agent in solo mode also has `done`.
    """
    if role is Role.USER:
        return user_tools(environment, task)
    tools = agent_tools(environment, task)
    needs_done = environment.solo_mode and all(tool.name != DONE_TOOL for tool in tools)
    return [*tools, as_tool(done)] if needs_done else tools


def role_prompt(environment: Environment, task: Task, role: Role) -> str:
    """Return the system prompt that `LLMAgent`, `LLMSoloAgent` or `UserSimulator` would use."""
    if role is Role.USER:
        tools = user_tools(environment, task)
        return UserSimulator(
            instructions=str(task.user_scenario), tools=tools or None
        ).system_prompt
    policy = environment.get_policy()
    if environment.solo_mode:
        return SOLO_SYSTEM_PROMPT.format(
            agent_instruction=SOLO_INSTRUCTION, domain_policy=policy, ticket=task.ticket or ""
        )
    return standard_prompt(policy)


class RoleView:
    """Read access to a live episode.

    Only `trajectory`, `environment` and `task` show more than the role may know.
    """

    role: Role
    _orchestrator: Orchestrator | None = None

    @property
    def orchestrator(self) -> Orchestrator:
        """The episode. Raise RuntimeError before `reset` and after `close`."""
        if self._orchestrator is None:
            raise RuntimeError("there is no episode: call reset() first")
        return self._orchestrator

    @property
    def environment(self) -> Environment:
        """The environment of the episode."""
        return self.orchestrator.environment

    @property
    def task(self) -> Task:
        """The task of the episode."""
        return self.orchestrator.task

    @property
    def trajectory(self) -> list[Message]:
        """All messages so far, of every participant."""
        return self.orchestrator.get_trajectory()

    @property
    def messages(self) -> list[Message]:
        """The messages so far that the role has sent or observed."""
        return seen_by(self.role, self.orchestrator.trajectory)

    def observation_since(self, start: int) -> tuple[Message, ...]:
        """Return what the role observes of the messages from index `start` of the trajectory on."""
        new = self.orchestrator.trajectory[start:]
        return tuple(message for message in seen_by(self.role, new) if not self._is_own(message))

    def after_own_message(self) -> int:
        """Return the index in the trajectory after the role's last message; 0 without one."""
        messages = self.orchestrator.trajectory
        return next((n for n in range(len(messages), 0, -1) if self._is_own(messages[n - 1])), 0)

    def _is_own(self, message: Message) -> bool:
        return isinstance(message, AssistantMessage if self.role is Role.AGENT else UserMessage)

    @property
    def tools(self) -> list[Tool]:
        """The role's tools, bound to the environment of the episode."""
        return role_tools(self.environment, self.task, self.role)

    @property
    def openai_tools(self) -> list[JsonObject]:
        """The role's tools as schemas of OpenAI's API."""
        return tools_to_wire(self.tools) or []

    @property
    def system_prompt(self) -> str:
        """The system prompt that this package's own participant would use."""
        return role_prompt(self.environment, self.task, self.role)

    def history(self, *, system: bool = True) -> list[JsonObject]:
        """Return the role's conversation as OpenAI messages; its own have the role `assistant`.

        `system` says whether the system prompt comes first.
        """
        dialogue: Sequence[Message] = self.messages
        if self.role is Role.USER:
            dialogue = UserState(messages=list(dialogue)).flip_roles()
        prefix = [SystemMessage(content=self.system_prompt)] if system else []
        return to_wire([*prefix, *dialogue])
