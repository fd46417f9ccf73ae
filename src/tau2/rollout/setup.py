"""How the episodes of a rollout are set up: the domain, the other participant and the limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, NoReturn, Protocol

from tau2.agent.base_agent import HalfDuplexAgent
from tau2.config import (
    DEFAULT_AGENT_IMPLEMENTATION,
    DEFAULT_LLM_AGENT,
    DEFAULT_LLM_ARGS_AGENT,
    DEFAULT_LLM_ARGS_USER,
    DEFAULT_LLM_USER,
    DEFAULT_MAX_ERRORS,
    DEFAULT_USER_IMPLEMENTATION,
)
from tau2.data_model.message import AssistantMessage, Message
from tau2.data_model.persona import PersonaConfig
from tau2.data_model.run_config import UserMonitorMode, UserPrompt
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.tool import Tool
from tau2.errors import ConfigError, ParticipantError
from tau2.llm import CompletionFn
from tau2.orchestrator.episode import Role
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.participant.monitoring import MonitorSetup
from tau2.registry import registry
from tau2.rollout.model_checks import require_model
from tau2.rollout.task_lookup import check_once, find_task
from tau2.runner.build import build_agent, build_environment, build_user
from tau2.user.base_user import STOP, HalfDuplexUser
from tau2.user.monitor import monitor_setup
from tau2.utils.json_types import JsonMapping


class _PlayedByCaller:
    """Answers nothing: the caller submits its messages."""

    blocking: ClassVar[bool] = False

    def get_init_state(self, message_history: list[Message] | None = None) -> list[Message]:
        """Return the messages that the participant has seen."""
        return list(message_history or ())

    def generate_next_message(self, message: object, state: object) -> NoReturn:
        """Raise ParticipantError: the caller submits this participant's messages."""
        raise ParticipantError(
            "the caller plays this participant: give its message to submit() or step()"
        )


class ExternalAgent(_PlayedByCaller, HalfDuplexAgent):
    """An agent that the caller plays."""

    @classmethod
    def is_stop(cls, message: object) -> bool:
        """Return whether a message contains the token that ends the conversation."""
        return (
            isinstance(message, AssistantMessage)
            and not message.tool_calls
            and STOP in (message.content or "")
        )


class ExternalUser(_PlayedByCaller, HalfDuplexUser):
    """A user that the caller plays."""


class EpisodeFactory(Protocol):
    """Sets up the episodes of a rollout."""

    def find_task(self, task_id: str) -> Task:
        """Return a task by its id."""

    def new_episode(self, task: Task, seed: int | None, role: Role) -> Orchestrator:
        """Return an episode that has not begun, in which the caller plays `role`."""


ParticipantFactory = Callable[[Environment, Task], Any]
"""`factory(environment, task)` returns an agent or a user."""


@dataclass(frozen=True)
class RolloutSetup:
    """The usual `EpisodeFactory`: participants by name or by factory.

    `domain` is a registered name or a factory of fresh environments; `user` and `agent` are
    registered names or factories. The participant that the caller plays is not built.
    """

    domain: str | Callable[[], Environment]
    user: str | ParticipantFactory = DEFAULT_USER_IMPLEMENTATION
    agent: str | ParticipantFactory = DEFAULT_AGENT_IMPLEMENTATION
    llm_user: str = DEFAULT_LLM_USER
    llm_args_user: JsonMapping = field(default_factory=lambda: dict(DEFAULT_LLM_ARGS_USER))
    llm_agent: str = DEFAULT_LLM_AGENT
    llm_args_agent: JsonMapping = field(default_factory=lambda: dict(DEFAULT_LLM_ARGS_AGENT))
    completion_fn: CompletionFn | None = None
    """Called instead of the other participant's model."""
    persona: PersonaConfig | None = None
    user_prompt: UserPrompt = "auto"
    """Prompt of a model-driven user."""
    user_monitor: UserMonitorMode = "off"
    """Whether the simulated user is monitored, and with what consequence (docs/user-monitor.md)."""
    solo: bool = False
    max_steps: int = 100
    max_errors: int = DEFAULT_MAX_ERRORS
    timeout: float | None = None
    """Seconds of wall-clock time for one episode."""
    validate_communication: bool = False
    env_kwargs: JsonMapping = field(default_factory=dict)
    """Further arguments of the domain's constructor of environments."""
    retrieval_config: str | None = None
    """Retrieval variant of a named domain that has them; None: the default one."""
    retrieval_config_kwargs: JsonMapping | None = None
    """Arguments of the retrieval variant."""

    def find_task(self, task_id: str) -> Task:
        """Return a task of the domain, of any split.

        Raises:
            UnknownName: the domain has no such task.
            ConfigError: the domain is a factory, so its tasks cannot be looked up.
        """
        if not isinstance(self.domain, str):
            raise ConfigError(
                f"task {task_id!r} cannot be looked up: the domain has no name; pass a Task"
            )
        return find_task(self.domain, task_id)

    def new_environment(self) -> Environment:
        """Return a fresh environment.

        Raise UnknownName, or ConfigError for a domain without solo mode or retrieval variants.
        """
        if isinstance(self.domain, str):
            variant = {
                "retrieval_variant": self.retrieval_config,
                "retrieval_kwargs": self.retrieval_config_kwargs,
            }
            options = {**variant, **self.env_kwargs}
            return build_environment(self.domain, solo_mode=self.solo, env_kwargs=options)
        return self.domain()

    def make_user(self, environment: Environment, task: Task) -> Any:
        """Return the simulated user. Raise UnknownName or ConfigError; no model is called."""
        if not isinstance(self.user, str):
            return self.user(environment, task)
        users = registry.users
        if not self.solo and self.user in users and users.get(self.user).needs_model:
            hint = "to play without a model, use the scripted user: user='scripted_user'"
            require_model(
                "simulated user", self.llm_user, self.llm_args_user, self.completion_fn, hint
            )
        return build_user(
            self.user,
            environment,
            task,
            llm=self.llm_user,
            llm_args=self.llm_args_user,
            persona_config=self.persona,
            prompt_form=self.user_prompt,
            solo_mode=self.solo,
            completion_fn=self.completion_fn,
        )

    def make_agent(self, environment: Environment, task: Task) -> Any:
        """Return the agent. Raise UnknownName or ConfigError; no model is called."""
        if not isinstance(self.agent, str):
            return self.agent(environment, task)
        agents = registry.agents
        if self.agent in agents and agents.get(self.agent).needs_model:
            hint = "to play without a model, use the reference agent: agent='oracle_agent'"
            require_model("agent", self.llm_agent, self.llm_args_agent, self.completion_fn, hint)
        return build_agent(
            self.agent,
            environment,
            llm=self.llm_agent,
            llm_args=self.llm_args_agent,
            task=task,
            solo_mode=self.solo,
            completion_fn=self.completion_fn,
        )

    def new_episode(self, task: Task, seed: int | None, role: Role) -> Orchestrator:
        """Return an episode that has not begun, in which the caller plays `role`."""
        environment = self.new_environment()
        environment.prepare(task)
        if role is Role.AGENT:
            agent: Any = ExternalAgent(agent_tools(environment, task), environment.get_policy())
            user = self.make_user(environment, task)
        else:
            agent = self.make_agent(environment, task)
            user = ExternalUser(str(task.user_scenario), user_tools(environment, task) or None)
        return self.wire(task, environment, agent, user, seed)

    def wire(
        self, task: Task, environment: Environment, agent: Any, user: Any, seed: int | None
    ) -> Orchestrator:
        """Return an episode of these participants under the limits of this setup.

        Raise DataFileError for a task of a named domain that names what the environment lacks.
        """
        if isinstance(self.domain, str):
            check_once(self.domain, task, environment)
        return Orchestrator(
            domain=self.domain if isinstance(self.domain, str) else environment.get_domain_name(),
            agent=agent,
            user=user,
            environment=environment,
            task=task,
            max_steps=self.max_steps,
            max_errors=self.max_errors,
            seed=seed,
            solo_mode=self.solo,
            validate_communication=self.validate_communication,
            timeout=self.timeout,
            user_monitor=self._monitor(environment, task, user),
        )

    def _monitor(self, environment: Environment, task: Task, user: Any) -> MonitorSetup | None:
        """Return how the user is monitored; one whom the caller plays is not."""
        if self.solo or isinstance(user, ExternalUser):
            return None
        return monitor_setup(environment, task, self.user_monitor)


def agent_tools(environment: Environment, task: Task) -> list[Tool]:
    """Return the agent's tools, bound to this environment; in solo mode the user's tools too."""
    tools = environment.get_tools() if environment.tools is not None else []
    return tools + user_tools(environment, task) if environment.solo_mode else tools


def user_tools(environment: Environment, task: Task) -> list[Tool]:
    """Return the user's tools, bound to this environment."""
    if environment.user_tools is None:
        return []
    return environment.get_user_tools(include=task.user_tools)
