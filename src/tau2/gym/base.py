"""What the Gymnasium environments have in common: staging an episode, reading actions, telling what happened.

Every method whose name begins with `_get_` may be overridden, or replaced from outside; it is looked up at each use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

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
from tau2.orchestrator.episode import Role, seen_by
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.rollout import Action, Cast, Rollout, SeatedAgent, SeatedUser, Shaping, Turn
from tau2.rollout.seat import seat_prompt, seat_tools
from tau2.seeds import derive_seed

Told = tuple[str, dict[str, Any]]
Stepped = tuple[str, float, bool, bool, dict[str, Any]]


@dataclass(frozen=True)
class Options:
    """What may be said about an environment beyond the arguments of the public interface."""

    max_errors: int = DEFAULT_MAX_ERRORS
    """Failed tool calls and unreadable actions before the episode is ended."""
    timeout: float | None = None
    """Seconds of wall clock for one episode."""
    completion_fn: Any = None
    """Asked in place of the other side's model."""
    persona: PersonaConfig | None = None
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    evaluation_type: EvaluationType | str = EvaluationType.ALL
    judge: Judge | None = None
    shaping: Shaping | None = None
    """Adds potential-based terms to the rewards; None (the default) adds none."""
    tool_results_with_calls: bool = True
    """Observe `{"name": ..., "arguments": ..., "result": ...}` for a tool's result; False: the result alone."""


class Face:
    """One episode at a time as an environment; synchronous and awaited environments drive it."""

    seat: ClassVar[Role]
    observation_space: Any
    action_space: Any

    def __init__(
        self,
        cast: Cast,
        task_id: str,
        options: Options,
        *,
        all_messages: bool,
        render_mode: str | None,
    ) -> None:
        self.task_id, self.all_messages_as_observation, self.render_mode = (
            str(task_id),
            all_messages,
            render_mode,
        )
        self.observation_space, self.action_space = TauSpace(), TauSpace()
        self.cast, self._shows_calls = cast, options.tool_results_with_calls
        self.rollout = Rollout(
            seat=self.seat,
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
        self._delivered = True
        """Whether the final reward has been handed out."""

    @property
    def domain(self) -> str:
        """The domain's name."""
        return str(self.cast.domain)

    @property
    def max_steps(self) -> int:
        """Messages and tool executions before an episode is truncated."""
        return self.cast.max_steps

    def _get_task(self) -> Task:
        """Return the task to play, of whatever split. Raise UnknownName (a ValueError)."""
        return self.cast.find(self.task_id)

    def _get_environment(self) -> Environment:
        """Return a fresh environment."""
        return self.cast.environment()

    def _get_agent(self) -> Any:
        """Return the agent of the episode that is being staged."""
        return self.cast.make_agent(self._world(), self._played())

    def _get_user(self) -> Any:
        """Return the user of the episode that is being staged."""
        return self.cast.make_user(self._world(), self._played())

    def _get_orchestrator(self) -> Orchestrator:
        """Return the episode that is being staged, wired and not yet begun."""
        self._agent, self._user = self._get_agent(), self._get_user()
        return self.cast.wire(self._played(), self._world(), self._agent, self._user, self._seed)

    def _get_policy(self) -> str:
        """Return the policy the agent must follow."""
        return self._world().get_policy()

    def _get_tools(self) -> list[Tool]:
        """Return what the seat may call, bound to the environment that is played on."""
        return seat_tools(self._world(), self._played(), self.seat)

    def _get_system_prompt(self) -> str:
        """Return the instructions that the package's own participant would get in this seat."""
        return seat_prompt(self._world(), self._played(), self.seat)

    def _get_info(self) -> dict[str, Any]:
        """Return what every `info` holds."""
        turn, run = self.rollout.turn or Turn(), self.rollout.run
        return {
            "task": self._task,
            "simulation_run": run.model_dump_json() if run is not None else "{}",
            "policy": self._get_policy(),
            "termination_reason": turn.reason.value if turn.reason is not None else None,
            "infra_failed": turn.infra_failed,
            "user_failed": turn.user_failed,
            "error": turn.error,
            "parse_errors": self.rollout.invalid_actions,
        }

    def _world(self) -> Environment:
        return self._environment if self._environment is not None else self._get_environment()

    def _played(self) -> Task:
        return self._task if self._task is not None else self._get_task()

    def begin_reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> None:
        """Set the stage; `rollout.advance()` or `aadvance()` then plays to the seat's first turn.

        `options={"task_id": ...}` changes the task. Raise UnknownName or ConfigError for what cannot be played.
        """
        self.close_episode()
        self.task_id = str((options or {}).get("task_id", self.task_id))
        self._seed = self._seed_of(seed)
        self._task, self._environment = self._get_task(), self._get_environment()
        self._tools = self._get_tools()
        orchestrator = self._get_orchestrator()
        self.rollout.begin(orchestrator)
        for seated in (self._agent, self._user):
            if isinstance(seated, GymAgent | GymUser):
                seated.watch(orchestrator.trajectory)

    def _seed_of(self, seed: int | None) -> int | None:
        """Return the episode's seed: the one given, or the next of the row that the last given one began."""
        if seed is not None:
            self._base_seed, self._resets = int(seed), 0
            return self._base_seed
        if self._base_seed is None:
            return None
        self._resets += 1
        return derive_seed(self._base_seed, "gym reset", self._resets)

    def end_reset(self, turn: Turn) -> Told:
        """Return what `reset` returns; an episode that has ended already is graded by the next step."""
        self._delivered = False
        return self._observed(turn), self._get_info()

    def begin_step(self, action: Action) -> Turn | None:
        """Make the move and return None; or return where a move that cannot be made leaves the seat.

        Raise RuntimeError before the first reset.
        """
        turn = self.rollout.turn
        if turn is None or self._task is None:
            raise RuntimeError("there is no episode to step through: call reset() first")
        if turn.done:
            return turn
        if not isinstance(action, str):
            self.rollout.submit(action)
            return None
        try:
            message = read_action(action, self.seat)
        except ValueError as problem:
            return self.rollout.reject(str(problem), action)
        self.rollout.submit(message)
        return None

    def end_step(self, turn: Turn) -> Stepped:
        """Return what `step` returns."""
        if turn.done and self._delivered:
            return "", 0.0, turn.terminated, turn.truncated, self._get_info()
        self._delivered = turn.done
        info = {**self._get_info(), "parse_error": turn.rejected}
        if turn.rejected is None or turn.done:
            info["reward_info"] = (
                turn.reward_info.model_dump_json() if turn.reward_info is not None else "{}"
            )
        return (
            self._observed(turn),
            (turn.reward or 0.0) + turn.shaping,
            turn.terminated,
            turn.truncated,
            info,
        )

    def _observed(self, turn: Turn) -> str:
        if turn.rejected is not None:
            return f"tool: Invalid action with error: {turn.rejected}"
        if self.all_messages_as_observation:
            return self._as_text(self.rollout.messages)
        return self._as_text(turn.heard, self.rollout.last_said)

    def _as_text(self, messages: Iterable[Message], before: Message | None = None) -> str:
        return observation_of(messages, before, results_with_calls=self._shows_calls)

    def close_episode(self) -> None:
        """End the episode, wherever it stands, and let go of everything that belongs to it."""
        self.rollout.close()
        self._task = self._environment = self._agent = self._user = None
        self._tools = []


class GymAgent(SeatedAgent):
    """The agent's seat in an environment; `done` ends the conversation."""

    def __init__(self, tools: list[Tool], domain_policy: str) -> None:
        super().__init__(list(tools), domain_policy)
        self.watch([])

    def watch(self, trajectory: list[Message]) -> None:
        """Read along with an episode."""
        self._trajectory = trajectory

    @property
    def observation(self) -> list[Message]:
        """Every message that the agent has seen, its own included."""
        return seen_by(Role.AGENT, self._trajectory)


class GymUser(SeatedUser):
    """The user's seat in an environment."""

    def __init__(self, instructions: Any = None, tools: list[Tool] | None = None) -> None:
        super().__init__(instructions, tools)
        self.watch([])

    def watch(self, trajectory: list[Message]) -> None:
        """Read along with an episode."""
        self._trajectory = trajectory

    @property
    def observation(self) -> list[Message]:
        """Every message that the user has seen, its own included."""
        return seen_by(Role.USER, self._trajectory)
