"""An episode as a trainer drives it: tool calls in, texts out, and an outcome at the end."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from tau2.data_model.conventions import DONE_TOOL
from tau2.data_model.message import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError, Tau2Error
from tau2.evaluator.evaluator import EvaluationType
from tau2.evaluator.evidence import Judge
from tau2.integrations.toolbox import RESPOND_USER, respond_user_tool, schemas
from tau2.orchestrator.episode import Role, seen_by
from tau2.orchestrator.participants import seed_participants
from tau2.orchestrator.snapshot import EpisodeSnapshot
from tau2.rollout import Action, Rollout, RolloutSetup, RolloutSnapshot, Shaping, StepResult
from tau2.rollout.snapshot import RolloutHistory
from tau2.user.base_user import STOP
from tau2.utils.json_types import JsonMapping, JsonObject

OVER = "The conversation is over."
"""What a tool answers after the end; many trainers have no other way to tell the model."""

T = TypeVar("T")
Actions = Generator[Action, StepResult, T]
"""Yields actions and is sent their results; the caller decides whether to block or to await."""


class EpisodeFailed(Tau2Error):
    """The infrastructure or the simulated user failed: the episode says nothing about the agent."""


@dataclass(frozen=True, slots=True)
class EpisodeOutcome:
    """How an episode ended."""

    reward: float | None
    """None when the episode says nothing about the agent."""
    reason: str | None
    truncated: bool
    infra_failed: bool
    """A model endpoint or the judge failed."""
    user_failed: bool
    error: str | None
    db_hash: str | None
    user_db_hash: str | None

    @property
    def failed(self) -> bool:
        """Whether there is no reward."""
        return self.reward is None

    def graded(self) -> float:
        """Return the reward. Raise EpisodeFailed when there is none, which is not the same as 0."""
        if self.reward is None:
            failed = "the simulated user" if self.user_failed else "the infrastructure"
            details = self.error or "no further details"
            raise EpisodeFailed(f"no reward: {failed} failed ({self.reason}): {details}")
        return self.reward

    def flags(self) -> dict[str, float]:
        """Return how the episode ended as numbers (0.0 or 1.0), for a trainer's metrics."""
        return {
            "truncated": float(self.truncated),
            "infra_failed": float(self.infra_failed),
            "user_failed": float(self.user_failed),
        }


class Episode:
    """One live episode at a time, in which the agent acts through tools.

    Methods in which others act also exist with the prefix `a`, for event loops.

    Args:
        domain: A registered name.
        evaluation_type: The checks that grade the episode.
        judge: The model for natural-language assertions; default: the configured one.
        shaping: Adds potential-based terms to the results; None adds none.
        setup: Fields of `tau2.rollout.RolloutSetup`: user, llm_user, llm_args_user, max_steps, ...

    Raises:
        ConfigError: `solo=True` was given.
    """

    def __init__(
        self,
        domain: str,
        *,
        evaluation_type: EvaluationType | str = EvaluationType.ALL,
        judge: Judge | None = None,
        shaping: Shaping | None = None,
        **setup: Any,
    ) -> None:
        self.setup = RolloutSetup(domain, **setup)
        if self.setup.solo:
            raise ConfigError(
                "integrations need a user; for a solo episode use tau2.rollout or tau2.gym"
            )
        self.rollout = Rollout(
            self.setup, evaluation_type=evaluation_type, judge=judge, shaping=shaping
        )

    def reset(self, task_id: str, seed: int | None = None) -> str:
        """Start an episode; return the user's first message. Raise UnknownName or ConfigError."""
        return user_text(self.rollout.reset(task_id, seed))

    async def areset(self, task_id: str, seed: int | None = None) -> str:
        """Do what `reset` does, on the running event loop."""
        return user_text(await self.rollout.areset(task_id, seed))

    def resume(self, task_id: str, seed: int | None, messages: Sequence[Message]) -> str:
        """Continue an episode from all of its messages; return the user's newest text.

        The agent must be next. Raise ReplayMismatch when the messages do not fit the environment.
        """
        task = self.setup.find_task(task_id)
        own = [n for n, message in enumerate(messages, 1) if isinstance(message, AssistantMessage)]
        history = RolloutHistory(observed_from=own[-1] if own else 0)
        moment = self._moment(task, seed, messages)
        return user_text(self.rollout.restore(RolloutSnapshot(task, seed, moment, history)))

    def _moment(self, task: Task, seed: int | None, messages: Sequence[Message]) -> EpisodeSnapshot:
        """Return the snapshot of an episode as far as its messages determine it."""
        user = self.setup.make_user(self.setup.new_environment(), task)
        seed_participants(seed, user)
        history = task.history
        # Messages of the task's own history, or else the greeting, were not steps of the episode.
        given = len(history) if history else 1
        return EpisodeSnapshot(
            messages=tuple(messages),
            steps=max(0, len(messages) - given),
            errors=sum(message.error for message in messages if isinstance(message, ToolMessage)),
            agent_state=None,
            user_state=user.get_init_state(message_history=seen_by(Role.USER, messages)),
            elapsed=0.0,
            start_time=str(getattr(messages[0], "timestamp", "")) if messages else "",
        )

    @property
    def over(self) -> bool:
        """Whether the conversation has ended."""
        return self.rollout.result is not None and self.rollout.result.done

    @property
    def tools(self) -> list[JsonObject]:
        """The tools, `respond_user` last, as schemas of OpenAI's API."""
        return [*self.rollout.openai_tools, *schemas([respond_user_tool()])]

    def play(self, calls: Sequence[ToolCall]) -> list[str]:
        """Make tool calls, `respond_user` among them, and return one text for each, errors too."""
        actions = self._actions(calls)
        try:
            action = next(actions)
            while True:
                action = actions.send(self.rollout.step(action))
        except StopIteration as end:
            texts: list[str] = end.value
        return texts

    async def aplay(self, calls: Sequence[ToolCall]) -> list[str]:
        """Do what `play` does, on the running event loop."""
        actions = self._actions(calls)
        try:
            action = next(actions)
            while True:
                action = actions.send(await self.rollout.astep(action))
        except StopIteration as end:
            texts: list[str] = end.value
        return texts

    def call(self, name: str, arguments: JsonMapping) -> str:
        """Make one tool call and return its result."""
        return self.play([ToolCall(name=name, arguments=dict(arguments))])[0]

    def say(self, text: str) -> str:
        """Say something to the user and return the answer."""
        return self.call(RESPOND_USER, {"text": text})

    def reject(self, problem: str, text: str = "") -> str:
        """Record that the agent's model wrote something unreadable.

        Return the text for the model.
        """
        return with_end_note(f"Error: {problem}", self.rollout.reject(problem, text))

    def finish(self) -> EpisodeOutcome:
        """Return how the episode ended; an episode in progress is stopped and graded as it is."""
        result = self.rollout.result
        if result is None or not result.done:
            result = self.rollout.step(STOP)
        return self.outcome_of(result)

    async def afinish(self) -> EpisodeOutcome:
        """Do what `finish` does, on the running event loop."""
        result = self.rollout.result
        if result is None or not result.done:
            result = await self.rollout.astep(STOP)
        return self.outcome_of(result)

    @property
    def shaping(self) -> float:
        """The shaping term of the newest result; 0.0 unless shaping is on."""
        return self.rollout.result.shaping if self.rollout.result is not None else 0.0

    def outcome_of(self, result: StepResult) -> EpisodeOutcome:
        """Return the outcome of an episode whose last result this is."""
        environment = self.rollout.environment
        return EpisodeOutcome(
            reward=result.reward,
            reason=result.reason.value if result.reason is not None else None,
            truncated=result.truncated,
            infra_failed=result.infra_failed,
            user_failed=result.user_failed,
            error=result.error,
            db_hash=environment.get_db_hash(),
            user_db_hash=environment.get_user_db_hash(),
        )

    def fork(self) -> Episode:
        """Return an independent copy of the episode. Raise RuntimeError after the end."""
        child = object.__new__(type(self))
        child.setup = self.setup
        (child.rollout,) = self.rollout.fork()
        return child

    def close(self) -> None:
        """End the episode at once."""
        self.rollout.close()

    def _actions(self, calls: Sequence[ToolCall]) -> Actions[list[str]]:
        """Yield the actions that the calls are; return one text per call.

        Consecutive tool calls are one message, as models write them; each `respond_user` is one.
        """
        texts: list[str] = []
        for is_speech, group in groupby(calls, key=lambda call: call.name == RESPOND_USER):
            if not is_speech:
                texts += yield from self._call_tools(list(group))
                continue
            for call in group:
                text = yield from self._respond(call)
                texts.append(text)
        return texts

    def _respond(self, call: ToolCall) -> Actions[str]:
        if self.over:
            return OVER
        text = call.arguments.get("text")
        if not isinstance(text, str) or not text.strip():
            return self.reject(f"{RESPOND_USER} needs `text`, and it must not be empty")
        result = yield text
        return with_end_note(user_text(result), result)

    def _call_tools(self, calls: list[ToolCall]) -> Actions[list[str]]:
        if self.over:
            return [OVER] * len(calls)
        result = yield calls
        outputs = iter(
            [one.content or "" for one in result.observation if isinstance(one, ToolMessage)]
        )
        # `done` has no tool message, and neither has a call after the one that ended the episode.
        texts = [OVER if call.name == DONE_TOOL else next(outputs, OVER) for call in calls]
        return [*texts[:-1], with_end_note(texts[-1], result)]


def user_text(result: StepResult) -> str:
    """Return what the user says in an observation."""
    return "\n".join(
        message.content or "" for message in result.observation if isinstance(message, UserMessage)
    )


def with_end_note(text: str, result: StepResult) -> str:
    """Return a text, with a note when it is the last of the episode."""
    return f"{text}\n{OVER}".strip() if result.done and text != OVER else text
