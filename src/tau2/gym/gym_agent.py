"""The environments: AgentGymEnv (the caller is the agent), UserGymEnv (the user), AsyncAgentGymEnv (awaited)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tau2.config import (
    DEFAULT_AGENT_IMPLEMENTATION,
    DEFAULT_LLM_AGENT,
    DEFAULT_LLM_ARGS_AGENT,
    DEFAULT_LLM_ARGS_USER,
    DEFAULT_LLM_USER,
    DEFAULT_USER_IMPLEMENTATION,
)
from tau2.environment.tool import as_tool
from tau2.errors import needs_extra
from tau2.gym.base import Face, GymAgent, GymUser, Options, Stepped, Told
from tau2.gym.spaces import TauSpace
from tau2.orchestrator.episode import Role
from tau2.rollout import Action, Cast
from tau2.rollout.casting import Maker, agent_tools, user_tools
from tau2.rollout.seat import done

with needs_extra("gym", "gymnasium"):
    import gymnasium as gym

TAU_BENCH_ENV_ID = "tau-bench-v0"
TAU_BENCH_USER_ENV_ID = "tau-bench-user-v0"


class _TextEnv(Face, gym.Env[str, str]):
    """A seat as a Gymnasium environment."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi"], "render_fps": 1}  # type: ignore[misc]  # not one of an object

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Told:
        """Start an episode and return what the seat hears first. Raise UnknownName or ConfigError."""
        gym.Env.reset(self, seed=seed)
        self.begin_reset(seed, options)
        return self.end_reset(self.rollout.advance())

    def step(self, action: Action) -> Stepped:
        """Make the seat's move and play to its next turn or the end. Raise RuntimeError before a reset."""
        return self.end_step(self.begin_step(action) or self.rollout.advance())

    def render(self) -> str:
        """Return the conversation so far, as the seat sees it."""
        return self._as_text(self.rollout.messages)

    def close(self) -> None:
        """End the episode; nothing is left behind. The environment can be reset again."""
        self.close_episode()


class _AgentFace(Face):
    """The agent's seat: what it takes to set it up, and what `info` says."""

    seat = Role.AGENT

    def __init__(
        self,
        domain: str,
        task_id: str,
        max_steps: int = 100,
        solo_mode: bool = False,
        user_llm: str | None = None,
        user_llm_args: Mapping[str, Any] | None = None,
        all_messages_as_observation: bool = False,
        *,
        user: str | Maker = DEFAULT_USER_IMPLEMENTATION,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        """See AgentGymEnv; nothing is looked up before the first reset."""
        more = Options(**options)
        cast = Cast(
            domain,
            user=user,
            llm_user=user_llm or DEFAULT_LLM_USER,
            llm_args_user=dict(DEFAULT_LLM_ARGS_USER if user_llm_args is None else user_llm_args),
            completion_fn=more.completion_fn,
            persona=more.persona,
            solo=solo_mode,
            max_steps=max_steps,
            max_errors=more.max_errors,
            timeout=more.timeout,
            env_kwargs=more.env_kwargs,
        )
        super().__init__(
            cast, task_id, more, all_messages=all_messages_as_observation, render_mode=render_mode
        )

    @property
    def solo_mode(self) -> bool:
        """Whether there is no user: the agent works on the task's ticket."""
        return self.cast.solo

    def _get_agent(self) -> GymAgent:
        """Return the agent's seat, with `done` among its tools."""
        tools = self._tools or self._get_tools()
        own = tools if any(tool.name == "done" for tool in tools) else [*tools, as_tool(done)]
        return GymAgent(own, self._get_policy())

    def _get_info(self) -> dict[str, Any]:
        """Return what every `info` holds: the agent's tools among it."""
        return {**super()._get_info(), "tools": list(self._tools)}


class AgentGymEnv(_AgentFace, _TextEnv):
    """An environment whose actions are the agent's messages and tool calls, in text.

    Args:
        domain: A registered name.
        task_id: A task of the domain, of whatever split.
        max_steps: Messages and tool executions before the episode is truncated.
        solo_mode: There is no user; the agent works on the task's ticket.
        user_llm, user_llm_args: The simulated user's model; default: the configured one.
        all_messages_as_observation: Observe the whole conversation each time instead of what is new.
        user: A registered user, such as "scripted_user" (needs no model), or `make(environment, task)`.
        render_mode: "ansi" for a `render()` that returns the conversation.
        options: Fields of `tau2.gym.base.Options`: limits, judge, evaluation_type, shaping and others.
    """


class UserGymEnv(_TextEnv):
    """An environment whose actions are the user's messages and tool calls, in text; an agent answers.

    Args as for AgentGymEnv; `agent` is a registered agent, such as "oracle_agent" (needs no model), or
    `make(environment, task)`, and `agent_llm`, `agent_llm_args` are its model.
    """

    seat = Role.USER

    def __init__(
        self,
        domain: str,
        task_id: str,
        max_steps: int = 100,
        agent_llm: str | None = None,
        agent_llm_args: Mapping[str, Any] | None = None,
        all_messages_as_observation: bool = False,
        *,
        agent: str | Maker = DEFAULT_AGENT_IMPLEMENTATION,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        """See the class; nothing is looked up before the first reset."""
        more = Options(**options)
        cast = Cast(
            domain,
            agent=agent,
            llm_agent=agent_llm or DEFAULT_LLM_AGENT,
            llm_args_agent=dict(
                DEFAULT_LLM_ARGS_AGENT if agent_llm_args is None else agent_llm_args
            ),
            completion_fn=more.completion_fn,
            max_steps=max_steps,
            max_errors=more.max_errors,
            timeout=more.timeout,
            env_kwargs=more.env_kwargs,
        )
        super().__init__(
            cast, task_id, more, all_messages=all_messages_as_observation, render_mode=render_mode
        )

    def _get_user(self) -> GymUser:
        """Return the user's seat."""
        task = self._played()
        return GymUser(str(task.user_scenario), user_tools(self._world(), task) or None)

    def _get_info(self) -> dict[str, Any]:
        """Return what every `info` holds: both sides' tools among it."""
        agents = agent_tools(self._world(), self._played())
        return {**super()._get_info(), "agent_tools": agents, "user_tools": list(self._tools)}


class AsyncAgentGymEnv(_AgentFace):
    """AgentGymEnv for an event loop: `reset` and `step` are awaited, and so is the user's model; no thread."""

    async def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> Told:
        """Start an episode and return what the agent hears first. Raise UnknownName or ConfigError."""
        self.begin_reset(seed, options)
        return self.end_reset(await self.rollout.aadvance())

    async def step(self, action: Action) -> Stepped:
        """Make the agent's move and play to its next turn or the end; it can be cancelled.

        Raise RuntimeError before a reset.
        """
        turn = self.begin_step(action)
        return self.end_step(turn or await self.rollout.aadvance())

    async def close(self) -> None:
        """End the episode; nothing is left behind. The environment can be reset again."""
        self.close_episode()


def register_gym_agent() -> None:
    """Make `gymnasium.make` know both environments; once is enough, again does no harm."""
    for env_id, name in ((TAU_BENCH_ENV_ID, "AgentGymEnv"), (TAU_BENCH_USER_ENV_ID, "UserGymEnv")):
        if env_id not in gym.registry:
            gym.register(id=env_id, entry_point=f"tau2.gym.gym_agent:{name}", nondeterministic=True)


__all__ = [
    "TAU_BENCH_ENV_ID",
    "TAU_BENCH_USER_ENV_ID",
    "AgentGymEnv",
    "AsyncAgentGymEnv",
    "GymAgent",
    "GymUser",
    "TauSpace",
    "UserGymEnv",
    "done",
    "register_gym_agent",
]
