"""A live episode in which the caller plays one role: `reset`, `step`, `fork`.

Each is also available on an event loop. Nothing runs between two calls: the episode is a suspended
generator, so an abandoned rollout needs no clean-up.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import replace

from tau2.data_model.conventions import DONE_TOOL
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.simulation import (
    INFRASTRUCTURE_REASONS,
    RewardInfo,
    SimulationRun,
    TerminationReason,
)
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError, MissingExtra, ParticipantError
from tau2.evaluator.evaluator import EvaluationType, grade, needs_judge
from tau2.evaluator.evidence import Judge
from tau2.orchestrator.episode import Ask, Failure, Role
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.participant.turns import flat
from tau2.rollout.actions import Action, as_message
from tau2.rollout.model_checks import require_judge
from tau2.rollout.results import RolloutStep, StepResult, final_result
from tau2.rollout.role_view import RoleView
from tau2.rollout.setup import EpisodeFactory
from tau2.rollout.shaping import Shaping
from tau2.rollout.snapshot import RolloutHistory, RolloutSnapshot
from tau2.rollout.tokens import Sample, Tokens, join_tokens
from tau2.runner.simulation import grade_live
from tau2.user.base_user import STOP

logger = logging.getLogger(__name__)

_CALLER_MISTAKES = (ConfigError, MissingExtra, ParticipantError)
"""Errors that the caller must correct; any other failure of an episode is part of its result."""


class Rollout(RoleView):
    """One live episode at a time, in which the caller plays one role.

    Args:
        setup: Sets up the episodes of `reset`; None when episodes are passed to `begin`.
        role: The role that the caller plays, "agent" or "user".
        evaluation_type: The checks that grade the episode.
        judge: The model for natural-language assertions; default: the configured one.
        shaping: Adds potential-based terms to the results; None adds none.
        keep_snapshots: Keep a `RolloutSnapshot` of every result in `snapshots`.
        executor: Runs participants that block, when the rollout is awaited.
    """

    def __init__(
        self,
        setup: EpisodeFactory | None = None,
        *,
        role: Role | str = Role.AGENT,
        evaluation_type: EvaluationType | str = EvaluationType.ALL,
        judge: Judge | None = None,
        shaping: Shaping | None = None,
        keep_snapshots: bool = False,
        executor: Executor | None = None,
    ) -> None:
        self.setup = setup
        self.role = Role(role)
        self.evaluation_type = EvaluationType(evaluation_type)
        self.judge = judge
        self.shaping = shaping
        self.keep_snapshots = keep_snapshots
        self.executor = executor
        self.snapshots: list[RolloutSnapshot] = []
        self.run: SimulationRun | None = None
        """The record of the episode, once it is over."""
        self.error: Exception | None = None
        """The infrastructure failure, for a caller that prefers to raise it."""
        self._history = RolloutHistory()

    @property
    def steps(self) -> list[RolloutStep]:
        """The caller's actions so far, each with its result."""
        return self._history.steps

    @property
    def reset_result(self) -> StepResult | None:
        """What `reset` returned: the observation before the first action."""
        return self._history.reset_result

    @property
    def result(self) -> StepResult | None:
        """The newest result; None until the others have answered the last action."""
        return self._history.result

    @property
    def last_message(self) -> Message | None:
        """The role's last message, one of the task's own history included."""
        index = self._history.observed_from - 1
        return self.orchestrator.trajectory[index] if index >= 0 else None

    @property
    def invalid_actions(self) -> int:
        """How many actions were rejected."""
        return self._history.invalid_actions

    def samples(self) -> list[Sample]:
        """Return the tokens given with the actions, joined into as few sequences as possible."""
        return join_tokens(step.tokens for step in self._history.steps)

    def reset(self, task: Task | str, seed: int | None = None) -> StepResult:
        """Start an episode of a task (or of a task id) and play to the role's first turn.

        Raise UnknownName or ConfigError for an episode that cannot be played as configured.
        """
        self.begin(self._new_episode(task, seed))
        return self.advance()

    async def areset(self, task: Task | str, seed: int | None = None) -> StepResult:
        """Do what `reset` does, on the running event loop."""
        self.begin(self._new_episode(task, seed))
        return await self.aadvance()

    def begin(self, orchestrator: Orchestrator) -> None:
        """Take over an episode that has not begun; `advance` then plays to the role's first turn.

        Raise ConfigError when grading needs a judge that cannot be asked.
        """
        self.close()
        require_judge(orchestrator.task, self.evaluation_type, self.judge)
        orchestrator.initialize()
        self._take_over(orchestrator, RolloutHistory())
        self._history.observed_from = self.after_own_message()

    def _take_over(self, orchestrator: Orchestrator, history: RolloutHistory) -> None:
        self._orchestrator = orchestrator
        self._history = history
        self.snapshots = []
        self.run = None
        self.error = None

    def _new_episode(self, task: Task | str, seed: int | None) -> Orchestrator:
        if self.setup is None:
            raise ConfigError(
                "this rollout has no setup: give it one, or pass an episode to begin()"
            )
        found = self.setup.find_task(task) if isinstance(task, str) else task
        return self.setup.new_episode(found, seed, self.role)

    def close(self) -> None:
        """End the episode at once. `run`, `steps` and `result` stay readable."""
        if self._orchestrator is not None:
            self._orchestrator.close()
            self._orchestrator = None

    def step(self, action: Action, tokens: Tokens | None = None) -> StepResult:
        """Act, and play to the role's next turn or the end of the episode.

        Raise RuntimeError when it is not the role's turn.
        """
        self.submit(action, tokens)
        return self.advance()

    async def astep(self, action: Action, tokens: Tokens | None = None) -> StepResult:
        """Do what `step` does, on the running event loop; after a cancellation, call `aadvance`."""
        self.submit(action, tokens)
        return await self.aadvance()

    def submit(self, action: Action, tokens: Tokens | None = None) -> None:
        """Act without letting others answer; `advance` does that.

        Raise RuntimeError when it is not the role's turn.
        """
        orchestrator = self._awaiting_action()
        message = as_message(action, self.role)
        if self.role is Role.AGENT:
            self._replace_done(message)
        orchestrator.answer(message)
        self._history.steps.append(RolloutStep(message, tokens))
        self._await_others()

    def _awaiting_action(self) -> Orchestrator:
        """Return the episode. Raise RuntimeError when it is not the role's turn."""
        pending = self.orchestrator.pending
        if pending is None:
            raise RuntimeError(f"it is not the {self.role}'s turn; the episode is over")
        if pending.to is not self.role or self._history.result is None:
            raise RuntimeError(
                f"it is not the {self.role}'s turn; the {pending.to} is next: call advance()"
            )
        return self.orchestrator

    def _await_others(self) -> None:
        self._history.observed_from = len(self.orchestrator.trajectory)
        self._history.result = None

    def _replace_done(self, message: AssistantMessage | UserMessage) -> None:
        """Turn a call of `done` into the stop token; tools called beside it are executed first."""
        calls = message.calls
        tools = self.environment.tools
        domain_has_done = tools is not None and tools.has_tool(DONE_TOOL)
        if domain_has_done or not any(call.name == DONE_TOOL for call in calls):
            return
        others = [call for call in calls if call.name != DONE_TOOL]
        self._history.stops_after_calls = bool(others)
        message.tool_calls = others or None
        if not others:
            message.content = f"{message.content or ''} {STOP}".strip()

    def reject(self, problem: str, text: str = "", tokens: Tokens | None = None) -> StepResult:
        """Record that the role's model wrote something that is no action; it is still its turn.

        `problem` says why, `text` is what the model wrote. No other participant sees it. Together
        with failed tool calls, `max_errors` rejections end the episode.
        """
        orchestrator = self._awaiting_action()
        history = self._history
        history.invalid_actions += 1
        rejection = StepResult(rejected=problem)
        step = RolloutStep(as_message(text, self.role), tokens, rejection)
        history.steps.append(step)
        user_errors = orchestrator.user_errors
        is_user = self.role is Role.USER
        own_errors = user_errors if is_user else orchestrator.num_errors - user_errors
        if history.invalid_actions + own_errors < orchestrator.max_errors:
            return rejection
        orchestrator.answer(Failure(TerminationReason.TOO_MANY_ERRORS, problem))
        self._await_others()
        step.result = history.result = replace(self.advance(), rejected=problem)
        return step.result

    def advance(self) -> StepResult:
        """Play until it is the role's turn, or to the end; called again, return the same result.

        Raises:
            ConfigError, ParticipantError: the other participant cannot play as configured; the
                action that was submitted stands.
        """
        if self._history.result is not None:
            return self._history.result
        orchestrator = self.orchestrator
        with self._failures_end_the_episode():
            while self._others_are_next(orchestrator.pending):
                orchestrator.step()
        if orchestrator.pending is None:
            self._grade(self._finish())
        return self._observe()

    async def aadvance(self) -> StepResult:
        """Do what `advance` does, on the running event loop; only a judge uses a worker thread."""
        if self._history.result is not None:
            return self._history.result
        orchestrator = self.orchestrator
        with self._failures_end_the_episode():
            while self._others_are_next(orchestrator.pending):
                await orchestrator.astep(self.executor)
        if orchestrator.pending is None:
            run = self._finish()
            if needs_judge(orchestrator.task, self.evaluation_type):
                await asyncio.to_thread(self._grade, run)
            else:
                self._grade(run)
        return self._observe()

    def _others_are_next(self, pending: Ask | None) -> bool:
        """Return whether another participant or the environment is next.

        Where an action called `done` beside other tools that succeeded, end the episode here.
        """
        if pending is None or pending.to is not self.role:
            return pending is not None
        if self._history.stops_after_calls:
            self._history.stops_after_calls = False
            results = [part for part in flat(pending.observation) if isinstance(part, ToolMessage)]
            if not any(result.error for result in results):
                self.orchestrator.answer(AssistantMessage(content=STOP, cost=0.0))
        return False

    @contextmanager
    def _failures_end_the_episode(self) -> Iterator[None]:
        """Turn a failure of the infrastructure into the end of the episode.

        Raise caller mistakes.
        """
        try:
            yield
        except _CALLER_MISTAKES:
            raise
        except Exception as problem:
            logger.warning(
                "the episode of task %s failed: %s", self.task.id, problem, exc_info=True
            )
            # The frames of the traceback would keep the whole episode alive.
            self.error = problem.with_traceback(None)
            text = f"{type(problem).__name__}: {problem}"
            self.orchestrator.answer(Failure(TerminationReason.INFRASTRUCTURE_ERROR, text))

    def _finish(self) -> SimulationRun:
        run = self.orchestrator.finalize()
        run.policy = self.environment.get_policy()
        if self.invalid_actions:
            run.info = {**(run.info or {}), "invalid_actions": self.invalid_actions}
        self.run = run
        return run

    def _grade(self, run: SimulationRun) -> None:
        """Grade on the live environment; an unreachable judge is an infrastructure failure."""
        if run.termination_reason in INFRASTRUCTURE_REASONS:
            return
        try:
            run.reward_info = grade_live(run, self.orchestrator, self.evaluation_type, self.judge)
        except Exception as problem:
            logger.warning(
                "the episode of task %s cannot be graded: %s", run.task_id, problem, exc_info=True
            )
            self.error = problem.with_traceback(None)

    def _observe(self) -> StepResult:
        """Return the result of the last action, and record it."""
        history = self._history
        observation = self.observation_since(history.observed_from)
        if self.run is None:
            result = StepResult(observation=observation)
        else:
            result = final_result(self.run, self.role, self.error, observation)
        # The potential of every end is 0, or shaping would change which policy is best.
        potential = 0.0
        if self.shaping is not None and self.run is None:
            potential = self.shaping.potential(self.orchestrator)
        # No action led to the first observation, so it has no shaping term.
        if self.shaping is not None and history.reset_result is not None:
            result = replace(result, shaping=self.shaping.term(history.potential, potential))
        history.potential = potential
        history.record(result)
        if self.keep_snapshots and self.run is None:
            self.snapshots.append(self.snapshot())
        return result

    def grade_now(self) -> RewardInfo:
        """Return the reward if the conversation ended now; the episode goes on unchanged.

        Calls the judge model where the task needs one; raise ModelError when it does not answer.
        """
        orchestrator = self.orchestrator
        run = SimulationRun(
            id=orchestrator.simulation_id,
            task_id=orchestrator.task.id,
            start_time="",
            end_time="",
            duration=0.0,
            termination_reason=TerminationReason.AGENT_STOP,
            messages=orchestrator.get_trajectory(),
        )
        live = orchestrator.environment.fork()
        return grade(
            run, orchestrator.task_setup, self.evaluation_type, live=live, judge=self.judge
        )

    def fork(self, n: int = 1) -> list[Rollout]:
        """Return n independent copies of this rollout.

        Raise RuntimeError when the episode is over or has not begun.
        """
        forks = []
        for _ in range(n):
            fork = copy.copy(self)
            fork._orchestrator = self.orchestrator.fork()  # noqa: SLF001  -- a copy of this object
            fork._history = self._history.copied()  # noqa: SLF001  -- likewise
            fork.snapshots = list(self.snapshots)
            forks.append(fork)
        return forks

    def snapshot(self) -> RolloutSnapshot:
        """Return the rollout as data that can be pickled. Raise RuntimeError when it is over."""
        orchestrator = self.orchestrator
        return RolloutSnapshot(
            orchestrator.task, orchestrator.seed, orchestrator.snapshot(), self._history.copied()
        )

    def restore(self, snapshot: RolloutSnapshot) -> StepResult:
        """Continue from a snapshot, also one of another process.

        The snapshot's tool calls are replayed on a fresh environment. Raise ReplayMismatch when
        that environment has changed, ConfigError when this rollout has no setup.
        """
        orchestrator = self._new_episode(snapshot.task, snapshot.seed)
        self.close()
        orchestrator.resume(snapshot.moment)
        self._take_over(orchestrator, snapshot.history.copied())
        return self.advance()
