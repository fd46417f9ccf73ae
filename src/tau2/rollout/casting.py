"""Who plays an episode besides the caller, and in which world: by name, or as objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

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
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.tool import Tool
from tau2.errors import ConfigError, ParticipantError
from tau2.orchestrator.episode import Role
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.registry import Catalog, registry
from tau2.rollout.models import require_model
from tau2.rollout.task_lookup import find_task
from tau2.runner.build import build_agent, build_environment, build_user
from tau2.user.base_user import STOP, HalfDuplexUser


class SeatedAgent(HalfDuplexAgent):
    """The agent's seat when the caller sits in it: it remembers what it saw and never answers by itself."""

    blocking: ClassVar[bool] = False

    def get_init_state(self, message_history: list[Message] | None = None) -> list[Message]:
        """Return what the agent has seen."""
        return list(message_history or ())

    def generate_next_message(self, message: Any, state: Any) -> tuple[AssistantMessage, Any]:
        """Raise ParticipantError: the caller answers."""
        raise ParticipantError(
            "this side is played by the caller: hand its message to submit() or step()"
        )

    @classmethod
    def is_stop(cls, message: Any) -> bool:
        """Return whether the message carries the token that ends the conversation."""
        return (
            isinstance(message, AssistantMessage)
            and not message.tool_calls
            and STOP in (message.content or "")
        )


class SeatedUser(HalfDuplexUser):
    """The user's seat when the caller sits in it."""

    blocking: ClassVar[bool] = False

    def get_init_state(self, message_history: list[Message] | None = None) -> list[Message]:
        """Return what the user has seen."""
        return list(message_history or ())

    def generate_next_message(self, message: Any, state: Any) -> tuple[Any, Any]:
        """Raise ParticipantError: the caller answers."""
        raise ParticipantError(
            "this side is played by the caller: hand its message to submit() or step()"
        )


class Casting(Protocol):
    """Sets up episodes of one kind."""

    def find(self, task_id: str) -> Task:
        """Return a task by its id."""

    def stage(self, task: Task, seed: int | None, seat: Role) -> Orchestrator:
        """Return a wired episode, not yet begun, in which `seat` is the caller's."""


Maker = Callable[[Environment, Task], Any]
"""`make(environment, task)` returns a participant."""


@dataclass(frozen=True)
class Cast:
    """A casting by name or by object.

    `domain` is a registered name or a factory of fresh environments; `user` and `agent` are registered names, or
    functions `make(environment, task)`. The side that the caller plays is not made.
    """

    domain: str | Callable[[], Environment]
    user: str | Maker = DEFAULT_USER_IMPLEMENTATION
    agent: str | Maker = DEFAULT_AGENT_IMPLEMENTATION
    llm_user: str = DEFAULT_LLM_USER
    llm_args_user: Mapping[str, Any] = field(default_factory=lambda: dict(DEFAULT_LLM_ARGS_USER))
    llm_agent: str = DEFAULT_LLM_AGENT
    llm_args_agent: Mapping[str, Any] = field(default_factory=lambda: dict(DEFAULT_LLM_ARGS_AGENT))
    completion_fn: Any = None
    """Asked in place of the other side's model."""
    persona: PersonaConfig | None = None
    solo: bool = False
    max_steps: int = 100
    max_errors: int = DEFAULT_MAX_ERRORS
    timeout: float | None = None
    """Seconds of wall clock for one episode."""
    validate_communication: bool = False
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)

    def find(self, task_id: str) -> Task:
        """Return a task of the domain, of whatever split. Raise UnknownName, or ConfigError without a name."""
        if not isinstance(self.domain, str):
            raise ConfigError(
                f"task {task_id!r} cannot be looked up: the domain has no name; hand over a Task"
            )
        return find_task(self.domain, task_id)

    def environment(self) -> Environment:
        """Return a fresh environment. Raise UnknownName, or ConfigError for a domain without solo mode."""
        if isinstance(self.domain, str):
            return build_environment(self.domain, solo_mode=self.solo, env_kwargs=self.env_kwargs)
        return self.domain()

    def make_user(self, environment: Environment, task: Task) -> Any:
        """Return the simulated user. Raise UnknownName or ConfigError before anything is paid for."""
        if not isinstance(self.user, str):
            return self.user(environment, task)
        if not self.solo and _needs_model(registry.users, self.user):
            way_out = "without a model, play against the scripted customer: user='scripted_user'"
            require_model(
                "simulated user", self.llm_user, self.llm_args_user, self.completion_fn, way_out
            )
        return build_user(
            self.user, environment, task, llm=self.llm_user, llm_args=self.llm_args_user,
            persona_config=self.persona, solo_mode=self.solo, completion_fn=self.completion_fn,
        )  # fmt: skip

    def make_agent(self, environment: Environment, task: Task) -> Any:
        """Return the agent. Raise UnknownName or ConfigError before anything is paid for."""
        if not isinstance(self.agent, str):
            return self.agent(environment, task)
        if _needs_model(registry.agents, self.agent):
            way_out = "without a model, play with the reference agent: agent='oracle_agent'"
            require_model("agent", self.llm_agent, self.llm_args_agent, self.completion_fn, way_out)
        return build_agent(
            self.agent, environment, llm=self.llm_agent, llm_args=self.llm_args_agent, task=task,
            solo_mode=self.solo, completion_fn=self.completion_fn,
        )  # fmt: skip

    def stage(self, task: Task, seed: int | None, seat: Role) -> Orchestrator:
        """Return a wired episode, not yet begun, in which `seat` is the caller's."""
        environment = self.environment()
        if seat is Role.AGENT:
            agent: Any = SeatedAgent(agent_tools(environment, task), environment.get_policy())
            user = self.make_user(environment, task)
        else:
            agent = self.make_agent(environment, task)
            user = SeatedUser(str(task.user_scenario), user_tools(environment, task) or None)
        return self.wire(task, environment, agent, user, seed)

    def wire(
        self, task: Task, environment: Environment, agent: Any, user: Any, seed: int | None
    ) -> Orchestrator:
        """Return an episode of these participants under the limits of this cast."""
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
        )


def _needs_model(catalog: Catalog[Any], name: str) -> bool:
    return name in catalog and bool(catalog.get(name).needs_model)


def agent_tools(environment: Environment, task: Task) -> list[Tool]:
    """Return what the agent may call, bound to this environment; in solo mode the user's tools too."""
    tools = environment.get_tools() if environment.tools is not None else []
    return tools + user_tools(environment, task) if environment.solo_mode else tools


def user_tools(environment: Environment, task: Task) -> list[Tool]:
    """Return what the user may call, bound to this environment."""
    return (
        environment.get_user_tools(include=task.user_tools)
        if environment.user_tools is not None
        else []
    )
