"""A live episode, one side of which the caller plays: `reset`, `step`, `fork`; each also on an event loop.

Nothing runs between two calls: the episode is a suspended generator, so an abandoned rollout costs nothing and
leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tau2.data_model.message import AssistantMessage, Message, MultiToolMessage, ToolMessage
from tau2.data_model.simulation import RewardInfo, SimulationRun, TerminationReason
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError, MissingExtra, ParticipantError
from tau2.evaluator.evaluator import EvaluationType, grade, needs_judge
from tau2.evaluator.evidence import Judge
from tau2.orchestrator.episode import Ask, Failure, Heard, Role
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.rollout.actions import Action, as_message
from tau2.rollout.casting import Casting
from tau2.rollout.ending import is_infrastructure, last_turn
from tau2.rollout.models import require_judge
from tau2.rollout.past import Past, Snapshot
from tau2.rollout.seat import DONE, SeatView
from tau2.rollout.shaping import Shaping
from tau2.rollout.tokens import Sample, Tokens, samples_of
from tau2.rollout.turn import Step, Turn
from tau2.runner.simulation import grade_live
from tau2.user.base_user import STOP

logger = logging.getLogger(__name__)

_WRONG_USE = (ConfigError, MissingExtra, ParticipantError)
"""What the caller has to correct; everything else that goes wrong while the others move is an outcome."""


class Rollout(SeatView):
    """One live episode at a time, played and seen from one seat.

    Args:
        casting: Sets up episodes for `reset`; None when wired ones are handed to `begin`.
        seat: The side the caller plays, "agent" or "user".
        evaluation_type: Which checks grade the end.
        judge: The model for natural-language assertions; default: the configured one.
        shaping: Adds potential-based terms to the turns; None adds none.
        keep_snapshots: Keep a `Snapshot` of every turn in `snapshots`.
        executor: Runs participants that can only block, when the rollout is awaited.
    """

    def __init__(
        self,
        casting: Casting | None = None,
        *,
        seat: Role | str = Role.AGENT,
        evaluation_type: EvaluationType | str = EvaluationType.ALL,
        judge: Judge | None = None,
        shaping: Shaping | None = None,
        keep_snapshots: bool = False,
        executor: Executor | None = None,
    ) -> None:
        self.casting, self.seat = casting, Role(seat)
        self.evaluation_type, self.judge, self.shaping = (
            EvaluationType(evaluation_type),
            judge,
            shaping,
        )
        self.keep_snapshots, self.executor = keep_snapshots, executor
        self.snapshots: list[Snapshot] = []
        self.run: SimulationRun | None = None
        """The record of the episode, once it is over."""
        self.error: Exception | None = None
        """What made the surroundings fail, when they did; a caller that prefers an exception raises it."""
        self._past = Past()

    @property
    def steps(self) -> list[Step]:
        """The seat's moves so far, each with what it led to."""
        return self._past.steps

    @property
    def opening(self) -> Turn | None:
        """What the seat heard before its first move."""
        return self._past.opening

    @property
    def turn(self) -> Turn | None:
        """Where the seat stands; None while the others have yet to move."""
        return self._past.turn

    @property
    def last_said(self) -> Message | None:
        """The seat's last message, in the task's own history included."""
        return self.orchestrator.trajectory[self._past.mark - 1] if self._past.mark else None

    @property
    def invalid_actions(self) -> int:
        """How often the seat's model wrote something that was no action."""
        return self._past.invalid_actions

    def samples(self) -> list[Sample]:
        """Return the tokens handed over with the moves, joined into as few sequences as they permit."""
        return samples_of(step.tokens for step in self._past.steps)

    def reset(self, task: Task | str, seed: int | None = None) -> Turn:
        """Start an episode of a task (or the task of that id) and play to the seat's first turn.

        Raise UnknownName or ConfigError for an episode that cannot be played as configured.
        """
        self.begin(self._staged(task, seed))
        return self.advance()

    async def areset(self, task: Task | str, seed: int | None = None) -> Turn:
        """Do what `reset` does on the running event loop."""
        self.begin(self._staged(task, seed))
        return await self.aadvance()

    def begin(self, orchestrator: Orchestrator) -> None:
        """Take over a wired episode that has not begun; `advance` then plays to the seat's first turn.

        Raise ConfigError when its grading needs a judge that cannot be asked.
        """
        self.close()
        require_judge(orchestrator.task, self.evaluation_type, self.judge)
        orchestrator.initialize()
        self._take_over(orchestrator, Past())
        self._past.mark = self.last_own()

    def _take_over(self, orchestrator: Orchestrator, past: Past) -> None:
        self._orchestrator, self._past = orchestrator, past
        self.snapshots, self.run, self.error = [], None, None

    def _staged(self, task: Task | str, seed: int | None) -> Orchestrator:
        if self.casting is None:
            raise ConfigError(
                "this rollout has no casting: give it one, or hand a wired episode to begin()"
            )
        found = self.casting.find(task) if isinstance(task, str) else task
        return self.casting.stage(found, seed, self.seat)

    def close(self) -> None:
        """End the episode, wherever it stands; nothing is left behind. `run`, `steps` and `turn` stay readable."""
        if self._orchestrator is not None:
            self._orchestrator.close()
            self._orchestrator = None

    def step(self, action: Action, tokens: Tokens | None = None) -> Turn:
        """Make the seat's move and play to its next turn or the end. Raise RuntimeError when it is not its turn."""
        self.submit(action, tokens)
        return self.advance()

    async def astep(self, action: Action, tokens: Tokens | None = None) -> Turn:
        """Do what `step` does on the running event loop; after a cancellation, `aadvance` goes on from there."""
        self.submit(action, tokens)
        return await self.aadvance()

    def submit(self, action: Action, tokens: Tokens | None = None) -> None:
        """Make the seat's move; nobody else moves until `advance`. Raise RuntimeError when it is not its turn."""
        orchestrator, past = self._at_the_seat(), self._past
        message = as_message(action, self.seat)
        if self.seat is Role.AGENT:
            self._note_done(message)
        orchestrator.answer(message)
        past.steps.append(Step(message, tokens))
        past.mark, past.turn = len(orchestrator.trajectory), None

    def _at_the_seat(self) -> Orchestrator:
        pending = self.orchestrator.pending
        if pending is None or pending.to is not self.seat or self._past.turn is None:
            state = (
                "the episode is over"
                if pending is None
                else f"the {pending.to} has to move: call advance()"
            )
            raise RuntimeError(f"it is not the {self.seat}'s turn; {state}")
        return self.orchestrator

    def _note_done(self, message: Any) -> None:
        """Turn a call of `done` into the stop token; tools called beside it are carried out first."""
        calls, tools = message.tool_calls or [], self.environment.tools
        if not any(call.name == DONE for call in calls) or (
            tools is not None and tools.has_tool(DONE)
        ):
            return
        others = [call for call in calls if call.name != DONE]
        self._past.stops_after_calls = bool(others)
        message.tool_calls = others or None
        if not others:
            message.content = f"{message.content or ''} {STOP}".strip()

    def reject(self, problem: str, text: str = "", tokens: Tokens | None = None) -> Turn:
        """Record that the seat's model wrote something that is no action, and why; nobody else learns of it.

        The seat is still to move. `max_errors` of these and of failed tool calls together end the episode.
        """
        orchestrator, past = self._at_the_seat(), self._past
        past.invalid_actions += 1
        step = Step(as_message(text, self.seat), tokens, Turn(rejected=problem))
        past.steps.append(step)
        if past.invalid_actions + orchestrator.num_errors >= orchestrator.max_errors:
            orchestrator.answer(Failure(TerminationReason.TOO_MANY_ERRORS, problem))
            past.mark, past.turn = len(orchestrator.trajectory), None
            step.turn = past.turn = replace(self.advance(), rejected=problem)
        return step.turn or Turn(rejected=problem)

    def advance(self) -> Turn:
        """Let the others move until it is the seat's turn, or to the end. What was told already is told again.

        Raises:
            ConfigError, ParticipantError: the other side cannot play as configured; the seat's move stands.
        """
        if self._past.turn is not None:
            return self._past.turn
        orchestrator = self.orchestrator
        with self._failures_as_outcome():
            while self._others_move(orchestrator.pending):
                orchestrator.step()
        if orchestrator.pending is None:
            self._grade(self._recorded())
        return self._told()

    async def aadvance(self) -> Turn:
        """Do what `advance` does on the running event loop; only a judge model is asked in a worker thread."""
        if self._past.turn is not None:
            return self._past.turn
        orchestrator = self.orchestrator
        with self._failures_as_outcome():
            while self._others_move(orchestrator.pending):
                await orchestrator.astep(self.executor)
        if orchestrator.pending is None:
            run = self._recorded()
            if needs_judge(orchestrator.task, self.evaluation_type):
                await asyncio.to_thread(self._grade, run)
            else:
                self._grade(run)
        return self._told()

    def _others_move(self, pending: Ask | None) -> bool:
        """Return whether somebody else is to move; a seat that has said `done` is helped to its feet."""
        if pending is None or pending.to is not self.seat:
            return pending is not None
        if self._past.stops_after_calls:
            self._past.stops_after_calls = False
            if not any(result.error for result in _results(pending.heard)):
                self.orchestrator.answer(AssistantMessage(content=STOP, cost=0.0))
        return False

    @contextmanager
    def _failures_as_outcome(self) -> Iterator[None]:
        """End the episode when its surroundings fail while the others move; what the caller did wrong is raised."""
        try:
            yield
        except _WRONG_USE:
            raise
        except Exception as problem:
            logger.warning(
                "the episode of task %s failed: %s", self.task.id, problem, exc_info=True
            )
            self.error = problem.with_traceback(None)  # its frames would keep the episode alive
            text = f"{type(problem).__name__}: {problem}"
            self.orchestrator.answer(Failure(TerminationReason.INFRASTRUCTURE_ERROR, text))

    def _recorded(self) -> SimulationRun:
        self.run = self.orchestrator.finalize()
        self.run.policy = self.environment.get_policy()
        if self.invalid_actions:
            self.run.info = {**(self.run.info or {}), "invalid_actions": self.invalid_actions}
        return self.run

    def _grade(self, run: SimulationRun) -> None:
        """Grade from the live environment; a judge that cannot be reached is an outcome of its own."""
        if is_infrastructure(run.termination_reason):
            return
        try:
            run.reward_info = grade_live(run, self.orchestrator, self.evaluation_type, self.judge)
        except Exception as problem:
            logger.warning(
                "the episode of task %s cannot be graded: %s", run.task_id, problem, exc_info=True
            )
            self.error = problem.with_traceback(None)

    def _told(self) -> Turn:
        heard, past = self.heard_since(self._past.mark), self._past
        over = self.run is not None
        potential = (
            0.0 if over or self.shaping is None else self.shaping.potential(self.orchestrator)
        )
        turn = (
            last_turn(self.run, self.seat, self.error, heard)
            if self.run is not None
            else Turn(heard=heard)
        )
        if (
            self.shaping is not None and past.opening is not None
        ):  # the first turn is nobody's doing
            turn = replace(turn, shaping=self.shaping.term(past.potential, potential))
        past.potential = potential
        past.told(turn)
        if self.keep_snapshots and not over:
            self.snapshots.append(self.snapshot())
        return turn

    def grade_now(self) -> RewardInfo:
        """Return the reward the episode would have if the conversation ended here; it goes on unchanged.

        Asks the judge model where the task needs one; raise ModelError when it does not answer.
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
        return grade(run, orchestrator.world, self.evaluation_type, live=live, judge=self.judge)

    def fork(self, n: int = 1) -> list[Rollout]:
        """Return n independent rollouts that stand where this one stands, with the same past.

        Raise RuntimeError when the episode is over or has not begun.
        """
        return [self._forked() for _ in range(n)]

    def _forked(self) -> Rollout:
        twin = copy.copy(self)
        twin._orchestrator = self.orchestrator.fork()  # noqa: SLF001  -- one of its own kind
        twin._past, twin.snapshots = self._past.copied(), list(self.snapshots)  # noqa: SLF001  -- likewise
        return twin

    def snapshot(self) -> Snapshot:
        """Return where the rollout stands, as data that pickles. Raise RuntimeError when the episode is over."""
        orchestrator = self.orchestrator
        return Snapshot(
            orchestrator.task, orchestrator.seed, orchestrator.moment(), self._past.copied()
        )

    def restore(self, snapshot: Snapshot) -> Turn:
        """Go on from a snapshot, also one of another process; its world is replayed on a fresh one.

        Raise ReplayMismatch when that world is not the same any more, ConfigError without a casting.
        """
        orchestrator = self._staged(snapshot.task, snapshot.seed)
        self.close()
        orchestrator.resume(snapshot.moment)
        self._take_over(orchestrator, snapshot.past.copied())
        return self.advance()


def _results(heard: Heard) -> list[ToolMessage]:
    if isinstance(heard, MultiToolMessage):
        return heard.tool_messages
    return [heard] if isinstance(heard, ToolMessage) else []
