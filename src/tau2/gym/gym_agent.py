"""The environments: AgentGymEnv and AsyncAgentGymEnv (the caller plays the agent), UserGymEnv."""

from __future__ import annotations

import operator
from typing import Any, ClassVar

from tau2.config import (
    DEFAULT_AGENT_IMPLEMENTATION,
    DEFAULT_LLM_AGENT,
    DEFAULT_LLM_ARGS_AGENT,
    DEFAULT_LLM_ARGS_USER,
    DEFAULT_LLM_USER,
    DEFAULT_USER_IMPLEMENTATION,
)
from tau2.data_model.conventions import DONE_TOOL, done
from tau2.environment.tool import Tool, as_tool
from tau2.errors import needs_extra
from tau2.gym.base import (
    BaseGymEnv,
    GymAgent,
    GymInfo,
    GymOptions,
    GymUser,
    ResetReturn,
    StepReturn,
)
from tau2.gym.registration import TAU_BENCH_ENV_ID, TAU_BENCH_USER_ENV_ID, register_gym_agent
from tau2.gym.spaces import TauSpace
from tau2.orchestrator.episode import Role
from tau2.rollout import Action, RolloutSetup
from tau2.rollout.setup import ParticipantFactory, agent_tools, user_tools
from tau2.utils.json_types import JsonMapping, JsonObject

with needs_extra("gym", "gymnasium"):
    import gymnasium as gym


class _SyncEnv(BaseGymEnv, gym.Env[str, str]):
    """One role of an episode as a Gymnasium environment."""

    metadata: ClassVar[JsonObject] = {  # type: ignore[misc]  # Gymnasium has no ClassVar
        "render_modes": ["ansi"],
        "render_fps": 1,
    }

    def reset(self, *, seed: int | None = None, options: JsonObject | None = None) -> ResetReturn:
        """Start an episode and return the first observation. Raise UnknownName or ConfigError."""
        # Gymnasium accepts Python's integers only; numpy's are what its own tools hand out.
        plain = None if seed is None else operator.index(seed)
        gym.Env.reset(self, seed=plain)
        self.begin_reset(plain, options)
        return self.end_reset(self.rollout.advance())

    def step(self, action: Action) -> StepReturn:
        """Act, and play to the role's next turn or the end. Raise RuntimeError before a reset."""
        return self.end_step(self.begin_step(action) or self.rollout.advance())

    def render(self) -> str:
        """Return the conversation so far, as the role sees it."""
        return self._as_text(self.rollout.messages)

    def close(self) -> None:
        """End the episode. The environment can be reset again."""
        self.close_episode()


class _BaseAgentEnv(BaseGymEnv):
    """An environment in which the caller plays the agent."""

    role = Role.AGENT

    def __init__(
        self,
        domain: str,
        task_id: str,
        max_steps: int = 100,
        solo_mode: bool = False,
        user_llm: str | None = None,
        user_llm_args: JsonMapping | None = None,
        all_messages_as_observation: bool = False,
        *,
        user: str | ParticipantFactory = DEFAULT_USER_IMPLEMENTATION,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        """See AgentGymEnv; nothing is looked up before the first reset."""
        more = GymOptions(**options)
        llm_args = DEFAULT_LLM_ARGS_USER if user_llm_args is None else user_llm_args
        setup = RolloutSetup(
            domain,
            user=user,
            llm_user=user_llm or DEFAULT_LLM_USER,
            llm_args_user=dict(llm_args),
            completion_fn=more.completion_fn,
            persona=more.persona,
            solo=solo_mode,
            max_steps=max_steps,
            max_errors=more.max_errors,
            timeout=more.timeout,
            env_kwargs=more.env_kwargs,
            retrieval_config=more.retrieval_config,
            retrieval_config_kwargs=more.retrieval_config_kwargs,
        )
        super().__init__(
            setup, task_id, more, all_messages=all_messages_as_observation, render_mode=render_mode
        )

    @property
    def user_llm(self) -> str:
        """The simulated user's model."""
        return self.setup.llm_user

    @property
    def user_llm_args(self) -> JsonObject:
        """The arguments of the simulated user's model calls."""
        return dict(self.setup.llm_args_user)

    @property
    def solo_mode(self) -> bool:
        """Whether there is no user: the agent works on the task's ticket."""
        return self.setup.solo

    def _get_agent(self) -> GymAgent:
        """Return the agent that the caller plays, with `done` among its tools."""
        tools = self._tools or self._get_tools()
        if all(tool.name != DONE_TOOL for tool in tools):
            tools = [*tools, as_tool(done)]
        return GymAgent(tools, self._get_policy())

    def _get_info(self) -> GymInfo:
        """Return the entries of `info`, with the agent's tools."""
        return {**super()._get_info(), "tools": list(self._tools)}


class AgentGymEnv(_BaseAgentEnv, _SyncEnv):
    """An environment whose actions are the agent's messages and tool calls, as text.

    Args:
        domain: A registered name.
        task_id: A task of the domain, of any split.
        max_steps: Messages and tool executions before the episode is truncated.
        solo_mode: There is no user; the agent works on the task's ticket.
        user_llm: The simulated user's model; default: the configured one.
        user_llm_args: Arguments of its calls.
        all_messages_as_observation: Observe the whole conversation each time, not only new
            messages.
        user: A registered user, such as "scripted_user" (needs no model), or a function
            `factory(environment, task)`.
        render_mode: "ansi" for a `render()` that returns the conversation.
        options: Fields of `tau2.gym.base.GymOptions`: limits, judge, evaluation_type, shaping, ...
    """


class UserGymEnv(_SyncEnv):
    """An environment whose actions are the user's messages and tool calls, as text.

    Args as for AgentGymEnv; `agent` is a registered agent, such as "oracle_agent" (needs no model),
    or a function `factory(environment, task)`, and `agent_llm`, `agent_llm_args` are its model.
    """

    role = Role.USER

    def __init__(
        self,
        domain: str,
        task_id: str,
        max_steps: int = 100,
        agent_llm: str | None = None,
        agent_llm_args: JsonMapping | None = None,
        all_messages_as_observation: bool = False,
        *,
        agent: str | ParticipantFactory = DEFAULT_AGENT_IMPLEMENTATION,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        """See the class; nothing is looked up before the first reset."""
        more = GymOptions(**options)
        llm_args = DEFAULT_LLM_ARGS_AGENT if agent_llm_args is None else agent_llm_args
        setup = RolloutSetup(
            domain,
            agent=agent,
            llm_agent=agent_llm or DEFAULT_LLM_AGENT,
            llm_args_agent=dict(llm_args),
            completion_fn=more.completion_fn,
            max_steps=max_steps,
            max_errors=more.max_errors,
            timeout=more.timeout,
            env_kwargs=more.env_kwargs,
            retrieval_config=more.retrieval_config,
            retrieval_config_kwargs=more.retrieval_config_kwargs,
        )
        super().__init__(
            setup, task_id, more, all_messages=all_messages_as_observation, render_mode=render_mode
        )

    @property
    def agent_llm(self) -> str:
        """The agent's model."""
        return self.setup.llm_agent

    @property
    def agent_llm_args(self) -> JsonObject:
        """The arguments of the agent's model calls."""
        return dict(self.setup.llm_args_agent)

    def _get_user(self) -> GymUser:
        """Return the user that the caller plays."""
        task = self._current_task()
        tools = user_tools(self._current_environment(), task)
        return GymUser(str(task.user_scenario), tools or None)

    def _get_info(self) -> GymInfo:
        """Return the entries of `info`, with the tools of both participants."""
        agents: list[Tool] = agent_tools(self._current_environment(), self._current_task())
        return {**super()._get_info(), "agent_tools": agents, "user_tools": list(self._tools)}


class AsyncAgentGymEnv(_BaseAgentEnv):
    """AgentGymEnv for an event loop: `reset` and `step` await the user's model, without threads."""

    async def reset(
        self, *, seed: int | None = None, options: JsonObject | None = None
    ) -> ResetReturn:
        """Start an episode and return the first observation. Raise UnknownName or ConfigError."""
        self.begin_reset(seed, options)
        return self.end_reset(await self.rollout.aadvance())

    async def step(self, action: Action) -> StepReturn:
        """Act, and play to the agent's next turn or the end; it can be cancelled.

        Raise RuntimeError before a reset.
        """
        result = self.begin_step(action)
        return self.end_step(result or await self.rollout.aadvance())

    async def close(self) -> None:
        """End the episode. The environment can be reset again."""
        self.close_episode()


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
