"""The base of the Gymnasium environments: it sets up episodes, reads actions, and returns results.

Every method whose name begins with `_get_` may be overridden, or replaced from outside: it is
looked up at each use.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from tau2.config import DEFAULT_MAX_ERRORS
from tau2.data_model.message import Message
from tau2.data_model.persona import PersonaConfig
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.tool import Tool
from tau2.evaluator.evaluator import EvaluationType
from tau2.evaluator.evidence import Judge
from tau2.gym.spaces import TauSpace
from tau2.gym.text import observation_of, read_action
from tau2.llm import CompletionFn
from tau2.orchestrator.episode import Role, seen_by
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.rollout import (
    Action,
    ExternalAgent,
    ExternalUser,
    Rollout,
    RolloutSetup,
    Shaping,
    StepResult,
)
from tau2.rollout.role_view import role_prompt, role_tools
from tau2.seeds import derive_seed
from tau2.utils.json_types import JsonMapping, JsonObject
from tau2.utils.model_json import model_json

GymInfo = JsonObject
ResetReturn = tuple[str, GymInfo]
"""(observation, info)"""
StepReturn = tuple[str, float, bool, bool, GymInfo]
"""(observation, reward, terminated, truncated, info)"""


@dataclass(frozen=True)
class GymOptions:
    """Options of an environment beyond the arguments of the public interface."""

    max_errors: int = DEFAULT_MAX_ERRORS
    """Failed tool calls and unreadable actions before the episode ends."""
    timeout: float | None = None
    """Seconds of wall-clock time for one episode."""
    completion_fn: CompletionFn | None = None
    """Called instead of the other participant's model."""
    persona: PersonaConfig | None = None
    env_kwargs: JsonMapping = field(default_factory=dict)
    """Further arguments of the domain's constructor of environments."""
    retrieval_config: str | None = None
    """Retrieval variant of a domain that has them; None: the default one."""
    retrieval_config_kwargs: JsonMapping | None = None
    """Arguments of the retrieval variant."""
    evaluation_type: EvaluationType | str = EvaluationType.ALL
    judge: Judge | None = None
    shaping: Shaping | None = None
    """Adds potential-based terms to the rewards; None (the default) adds none."""
    tool_results_with_calls: bool = True
    """Show a tool result as `{"name": ..., "arguments": ..., "result": ...}`; False: the result."""


class BaseGymEnv:
    """One episode at a time as an environment; subclasses drive it synchronously or on a loop."""

    role: ClassVar[Role]
    observation_space: Any
    action_space: Any

    def __init__(
        self,
        setup: RolloutSetup,
        task_id: str,
        options: GymOptions,
        *,
        all_messages: bool,
        render_mode: str | None,
    ) -> None:
        self.setup = setup
        self.task_id = str(task_id)
        self.all_messages_as_observation = all_messages
        self.render_mode = render_mode
        self.observation_space = TauSpace()
        self.action_space = TauSpace()
        self._results_with_calls = options.tool_results_with_calls
        self.rollout = Rollout(
            role=self.role,
            evaluation_type=options.evaluation_type,
            judge=options.judge,
            shaping=options.shaping,
        )
        self._task: Task | None = None
        self._environment: Environment | None = None
        self._tools: list[Tool] = []
        self._agent: Any = None
        self._user: Any = None
        self._seed: int | None = None
        self._base_seed: int | None = None
        self._resets = 0
        self._final_returned = True
        """Whether `step` has returned the final reward."""

    @property
    def domain(self) -> str:
        """The name of the domain."""
        return str(self.setup.domain)

    @property
    def max_steps(self) -> int:
        """Messages and tool executions before an episode is truncated."""
        return self.setup.max_steps

    def _get_task(self) -> Task:
        """Return the task to play, of any split. Raise UnknownName (a ValueError)."""
        return self.setup.find_task(self.task_id)

    def _get_environment(self) -> Environment:
        """Return a fresh environment."""
        return self.setup.new_environment()

    def _get_agent(self) -> Any:
        """Return the agent of the next episode."""
        return self.setup.make_agent(self._current_environment(), self._current_task())

    def _get_user(self) -> Any:
        """Return the user of the next episode."""
        return self.setup.make_user(self._current_environment(), self._current_task())

    def _get_orchestrator(self) -> Orchestrator:
        """Return the next episode, which has not begun."""
        self._agent = self._get_agent()
        self._user = self._get_user()
        return self.setup.wire(
            self._current_task(), self._current_environment(), self._agent, self._user, self._seed
        )

    def _get_policy(self) -> str:
        """Return the policy that the agent must follow."""
        return self._current_environment().get_policy()

    def _get_tools(self) -> list[Tool]:
        """Return the role's tools, bound to the environment of the episode."""
        return role_tools(self._current_environment(), self._current_task(), self.role)

    def _get_system_prompt(self) -> str:
        """Return the system prompt that this package's own participant would use in this role."""
        return role_prompt(self._current_environment(), self._current_task(), self.role)

    def _get_info(self) -> GymInfo:
        """Return the entries that every `info` has."""
        result = self.rollout.result or StepResult()
        run = self.rollout.run
        return {
            "task": self._task,
            "simulation_run": model_json(run) if run is not None else "{}",
            "policy": self._get_policy(),
            "termination_reason": result.reason.value if result.reason is not None else None,
            "infra_failed": result.infra_failed,
            "user_failed": result.user_failed,
            "error": result.error,
            "parse_errors": self.rollout.invalid_actions,
        }

    def _current_environment(self) -> Environment:
        return self._environment if self._environment is not None else self._prepared_environment()

    def _prepared_environment(self) -> Environment:
        environment = self._get_environment()
        environment.prepare(self._current_task())
        return environment

    def _current_task(self) -> Task:
        return self._task if self._task is not None else self._get_task()

    def begin_reset(self, seed: int | None = None, options: JsonMapping | None = None) -> None:
        """Set up an episode; `rollout.advance()` or `aadvance()` plays to the role's first turn.

        `options={"task_id": ...}` changes the task. Raise UnknownName or ConfigError for an episode
        that cannot be played as configured.
        """
        self.close_episode()
        self.task_id = str((options or {}).get("task_id", self.task_id))
        self._seed = self._next_seed(seed)
        self._task = self._get_task()
        self._environment = self._prepared_environment()
        self._tools = self._get_tools()
        orchestrator = self._get_orchestrator()
        self.rollout.begin(orchestrator)
        for participant in (self._agent, self._user):
            if isinstance(participant, GymAgent | GymUser):
                participant.follow(orchestrator.trajectory, _turn_test(orchestrator, self.role))

    def _next_seed(self, seed: int | None) -> int | None:
        """Return the seed of an episode: the one given, or one derived from the last one given."""
        if seed is not None:
            self._base_seed = int(seed)
            self._resets = 0
            return self._base_seed
        if self._base_seed is None:
            return None
        self._resets += 1
        return derive_seed(self._base_seed, "gym reset", self._resets)

    def end_reset(self, result: StepResult) -> ResetReturn:
        """Return what `reset` returns.

        An episode that is over already is graded by the next step.
        """
        self._final_returned = False
        return self._observation(result), self._get_info()

    def begin_step(self, action: Action) -> StepResult | None:
        """Submit an action and return None; return a result where nothing was submitted.

        That is the rejection of an unreadable action, or the final result of an episode that is
        over. Raise RuntimeError before the first reset.
        """
        result = self.rollout.result
        if result is None or self._task is None:
            raise RuntimeError("there is no episode to step through: call reset() first")
        if result.done:
            return result
        message = action
        if isinstance(action, str):
            try:
                message = read_action(action, self.role)
            except ValueError as problem:
                return self.rollout.reject(str(problem), action)
        self.rollout.submit(message)
        return None

    def end_step(self, result: StepResult) -> StepReturn:
        """Return what `step` returns."""
        # The final reward is returned once: further steps must not add to a return.
        if result.done and self._final_returned:
            return "", 0.0, result.terminated, result.truncated, self._get_info()
        self._final_returned = result.done
        info = {**self._get_info(), "parse_error": result.rejected}
        if result.rejected is None or result.done:
            graded = result.reward_info
            info["reward_info"] = model_json(graded) if graded is not None else "{}"
        reward = (result.reward or 0.0) + result.shaping
        return self._observation(result), reward, result.terminated, result.truncated, info

    def _observation(self, result: StepResult) -> str:
        if result.rejected is not None:
            return f"tool: Invalid action with error: {result.rejected}"
        if self.all_messages_as_observation:
            return self._as_text(self.rollout.messages)
        return self._as_text(result.observation, self.rollout.last_message)

    def _as_text(self, messages: Iterable[Message], before: Message | None = None) -> str:
        return observation_of(messages, before, results_with_calls=self._results_with_calls)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return an independent environment at the same turn: a fork of its episode.

        The setup and the other participant, which keep no state, are shared.
        """
        copied = copy.copy(self)
        memo[id(self)] = copied
        if self._task is not None and self.rollout.result is not None:
            copied._fork_episode()  # noqa: SLF001  -- another instance of this class
        else:
            copied.rollout = copy.copy(self.rollout)
        generator = vars(self).get("_np_random")
        if generator is not None:
            vars(copied)["_np_random"] = copy.deepcopy(generator, memo)
        return copied

    def _fork_episode(self) -> None:
        """Replace the episode by a fork of it; one that is over is only read, and is shared."""
        if self.rollout.result is None or self.rollout.result.done:
            self.rollout = copy.copy(self.rollout)
            return
        [self.rollout] = self.rollout.fork()
        orchestrator = self.rollout.orchestrator
        self._environment = orchestrator.environment
        self._tools = self._get_tools()
        for name in ("_agent", "_user"):
            participant = getattr(self, name)
            if isinstance(participant, GymAgent | GymUser):
                follower = copy.copy(participant)
                follower.follow(orchestrator.trajectory, _turn_test(orchestrator, self.role))
                setattr(self, name, follower)

    def close_episode(self) -> None:
        """End the episode and drop everything that belongs to it."""
        self.rollout.close()
        self._task = None
        self._environment = None
        self._agent = None
        self._user = None
        self._tools = []


def _turn_test(orchestrator: Orchestrator, role: Role) -> Callable[[], bool]:
    """Return a function that says whether the episode waits for a role."""
    return lambda: orchestrator.pending is not None and orchestrator.pending.to is role


class _FollowsTrajectory:
    """Reads along with the episode that it plays in."""

    _trajectory: list[Message]
    _has_turn: Callable[[], bool]
    _role: ClassVar[Role]

    def follow(self, trajectory: list[Message], has_turn: Callable[[], bool] | None = None) -> None:
        """Take the messages of an episode, which will grow, and what says whose turn it is."""
        self._trajectory = trajectory
        self._has_turn = has_turn or (lambda: False)

    @property
    def observation(self) -> list[Message]:
        """Every message that the participant has sent or observed."""
        return seen_by(self._role, self._trajectory)


class GymAgent(_FollowsTrajectory, ExternalAgent):
    """The agent that the caller of an environment plays."""

    _role = Role.AGENT

    def __init__(self, tools: list[Tool], domain_policy: str) -> None:
        super().__init__(list(tools), domain_policy)
        self.follow([])

    @property
    def is_agent_turn(self) -> bool:
        """Whether the episode waits for the agent."""
        return self._has_turn()


class GymUser(_FollowsTrajectory, ExternalUser):
    """The user that the caller of an environment plays."""

    _role = Role.USER

    def __init__(self, instructions: str | None = None, tools: list[Tool] | None = None) -> None:
        super().__init__(instructions, tools)
        self.follow([])

    @property
    def is_user_turn(self) -> bool:
        """Whether the episode waits for the user."""
        return self._has_turn()
