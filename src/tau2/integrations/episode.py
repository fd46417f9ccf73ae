"""An episode as a trainer sees it: calls and words go in, text comes out, and the end says what it is worth."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from tau2.data_model.message import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError, Tau2Error
from tau2.evaluator.evaluator import EvaluationType
from tau2.evaluator.evidence import Judge
from tau2.integrations.toolbox import RESPOND_USER, respond_user_tool, schemas
from tau2.orchestrator.episode import Role, seen_by
from tau2.orchestrator.snapshot import Moment
from tau2.orchestrator.wiring import seed_participants
from tau2.rollout import Action, Cast, Rollout, Shaping, Snapshot, Turn
from tau2.rollout.past import Past
from tau2.rollout.seat import DONE
from tau2.user.base_user import STOP

OVER = "The conversation is over."
"""What a tool answers after the end; many trainers cannot be told in another way."""

T = TypeVar("T")
Moves = Generator[Action, Turn, T]
"""A course of play without the playing: it yields actions and is sent the turns they lead to."""


class EpisodeFailed(Tau2Error):
    """An episode that says nothing about the agent's play: its surroundings or the simulated user failed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an episode ended."""

    reward: float | None
    """None when the episode says nothing about the agent's play."""
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
            whose = "the simulated user" if self.user_failed else "the surroundings"
            raise EpisodeFailed(
                f"no reward: {whose} failed ({self.reason}): {self.error or 'no further details'}"
            )
        return self.reward

    def flags(self) -> dict[str, float]:
        """Return what tells outcomes apart as numbers, for a trainer's metrics."""
        flags = {
            "truncated": self.truncated,
            "infra_failed": self.infra_failed,
            "user_failed": self.user_failed,
        }
        return {name: float(value) for name, value in flags.items()}


class Episode:
    """One live episode at a time, played with tools; every method that lets others move has an awaited twin.

    Args:
        domain: A registered name.
        evaluation_type: Which checks grade the end.
        judge: The model for natural-language assertions; default: the configured one.
        shaping: Adds potential-based terms to the turns; None adds none.
        cast: Fields of `tau2.rollout.Cast`: user, llm_user, llm_args_user, max_steps, timeout and others.
    """

    def __init__(
        self,
        domain: str,
        *,
        evaluation_type: EvaluationType | str = EvaluationType.ALL,
        judge: Judge | None = None,
        shaping: Shaping | None = None,
        **cast: Any,
    ) -> None:
        self.cast = Cast(domain, **cast)
        if self.cast.solo:
            raise ConfigError(
                "these faces play with a user; for a solo episode use tau2.rollout or tau2.gym"
            )
        self.rollout = Rollout(
            self.cast, evaluation_type=evaluation_type, judge=judge, shaping=shaping
        )

    def reset(self, task_id: str, seed: int | None = None) -> str:
        """Start an episode and return the customer's first words. Raise UnknownName or ConfigError."""
        return said(self.rollout.reset(task_id, seed))

    async def areset(self, task_id: str, seed: int | None = None) -> str:
        """Do what `reset` does on the running event loop."""
        return said(await self.rollout.areset(task_id, seed))

    def resume(self, task_id: str, seed: int | None, messages: Sequence[Message]) -> str:
        """Take up an episode of which these messages are all that was said and done; return what was said last.

        The agent must be the next to move. Raise ReplayMismatch when the messages do not fit the world.
        """
        task = self.cast.find(task_id)
        own = [
            number
            for number, message in enumerate(messages, 1)
            if isinstance(message, AssistantMessage)
        ]
        past = Past(mark=own[-1] if own else 0)
        return said(
            self.rollout.restore(Snapshot(task, seed, self._moment(task, seed, messages), past))
        )

    def _moment(self, task: Task, seed: int | None, messages: Sequence[Message]) -> Moment:
        """Return where messages leave an episode, as far as they tell."""
        user = self.cast.make_user(self.cast.environment(), task)
        seed_participants(seed, user)
        history = task.initial_state.message_history if task.initial_state is not None else None
        return Moment(
            messages=tuple(messages),
            steps=max(
                0, len(messages) - len(history or [None])
            ),  # the task's own messages, or the greeting
            errors=sum(message.error for message in messages if isinstance(message, ToolMessage)),
            agent_state=None,
            user_state=user.get_init_state(message_history=seen_by(Role.USER, messages)),
            elapsed=0.0,
            start_time=str(getattr(messages[0], "timestamp", "")) if messages else "",
        )

    @property
    def over(self) -> bool:
        """Whether the conversation has ended."""
        return self.rollout.turn is not None and self.rollout.turn.done

    @property
    def tools(self) -> list[dict[str, Any]]:
        """What may be called, `respond_user` last, in the form of OpenAI's API."""
        return [*self.rollout.openai_tools, *schemas([respond_user_tool()])]

    def play(self, calls: Sequence[ToolCall]) -> list[str]:
        """Make tool calls, `respond_user` among them, and return one text for each; errors are texts too."""
        return self._played(self._moves(calls))

    async def aplay(self, calls: Sequence[ToolCall]) -> list[str]:
        """Do what `play` does on the running event loop."""
        return await self._aplayed(self._moves(calls))

    def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Make one tool call and return what came of it."""
        return self.play([ToolCall(name=name, arguments=dict(arguments))])[0]

    def say(self, text: str) -> str:
        """Say something to the customer and return the answer."""
        return self.call(RESPOND_USER, {"text": text})

    def reject(self, problem: str, text: str = "") -> str:
        """Note that the agent's model wrote what cannot be read, and return what the model is to be told."""
        turn = self.rollout.reject(problem, text)
        return closed(f"Error: {problem}", turn)

    def finish(self) -> Outcome:
        """Return how the episode ended; an agent that has not ended it stops here, and is graded as it stands."""
        turn = self.rollout.turn
        return self.outcome_of(turn if turn is not None and turn.done else self.rollout.step(STOP))

    async def afinish(self) -> Outcome:
        """Do what `finish` does on the running event loop."""
        turn = self.rollout.turn
        return self.outcome_of(
            turn if turn is not None and turn.done else await self.rollout.astep(STOP)
        )

    @property
    def shaping(self) -> float:
        """The shaping term of the last turn, that of `finish` included; 0.0 unless shaping is on."""
        return self.rollout.turn.shaping if self.rollout.turn is not None else 0.0

    def outcome_of(self, turn: Turn) -> Outcome:
        """Return what the last turn of the episode says about it."""
        environment = self.rollout.environment
        return Outcome(
            reward=turn.reward,
            reason=turn.reason.value if turn.reason is not None else None,
            truncated=turn.truncated,
            infra_failed=turn.infra_failed,
            user_failed=turn.user_failed,
            error=turn.error,
            db_hash=environment.get_db_hash(),
            user_db_hash=environment.get_user_db_hash(),
        )

    def fork(self) -> Episode:
        """Return an independent episode that stands where this one stands. Raise RuntimeError after the end."""
        twin = object.__new__(type(self))
        twin.cast, (twin.rollout,) = self.cast, self.rollout.fork()
        return twin

    def close(self) -> None:
        """End the episode, wherever it stands."""
        self.rollout.close()

    def _played(self, moves: Moves[T]) -> T:
        try:
            action = next(moves)
            while True:
                action = moves.send(self.rollout.step(action))
        except StopIteration as end:
            result: T = end.value
        return result

    async def _aplayed(self, moves: Moves[T]) -> T:
        try:
            action = next(moves)
            while True:
                action = moves.send(await self.rollout.astep(action))
        except StopIteration as end:
            result: T = end.value
        return result

    def _moves(self, calls: Sequence[ToolCall]) -> Moves[list[str]]:
        """Calls that stand together are one message, as a model makes them; each `respond_user` is one of its own."""
        texts: list[str] = []
        for speaks, group in groupby(calls, key=lambda call: call.name == RESPOND_USER):
            for batch in [[call] for call in group] if speaks else [list(group)]:
                texts += (
                    (yield from self._words(batch[0])) if speaks else (yield from self._work(batch))
                )
        return texts

    def _words(self, call: ToolCall) -> Moves[list[str]]:
        if self.over:
            return [OVER]
        text = call.arguments.get("text")
        if not isinstance(text, str) or not text.strip():
            return [self.reject(f"{RESPOND_USER} needs `text`, and it must not be empty")]
        turn = yield text
        return [closed(said(turn), turn)]

    def _work(self, batch: list[ToolCall]) -> Moves[list[str]]:
        if self.over:
            return [OVER] * len(batch)
        turn = yield batch
        results = iter(
            [message.content or "" for message in turn.heard if isinstance(message, ToolMessage)]
        )
        texts = [OVER if call.name == DONE else next(results, OVER) for call in batch]
        return [*texts[:-1], closed(texts[-1], turn)]


def said(turn: Turn) -> str:
    """Return the customer's words in what was heard."""
    return "\n".join(
        message.content or "" for message in turn.heard if isinstance(message, UserMessage)
    )


def closed(text: str, turn: Turn) -> str:
    """Return what was heard, with a note when it was the last."""
    return f"{text}\n{OVER}".strip() if turn.done and text != OVER else text
