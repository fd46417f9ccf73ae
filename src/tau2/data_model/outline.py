"""Simulations without their conversations: what figures, tables and lists need of them.

A run of 100,000 simulations keeps an outline of each, where their conversations would take
gigabytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import NamedTuple, TypeVar, cast

from tau2.data_model.review import mistakes
from tau2.data_model.reward import RewardInfo
from tau2.data_model.simulation import (
    NO_SCORE,
    SessionUsage,
    SimulationRun,
    TerminationReason,
    Unit,
)
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

ValueT = TypeVar("ValueT")

_KEPT = ("error", "error_type", "bug_place", "raised_at", "failed_after_attempts", "tool_bugs")
"""Entries of a simulation's `info` that say why it failed."""
BLAME = "blame"
"""Key of `SimulationRun.info` under which the verdict of `tau2.blame` is stored."""


class Usage(NamedTuple):
    """Tokens and calls of one side in one episode, like `SessionUsage` and smaller."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    model_calls: int = 0
    malformed_tool_calls: int = 0
    cut_off: int = 0
    content_filtered: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0


class Actions(NamedTuple):
    """How many reference actions there were, and how many the agent carried out."""

    read: int = 0
    correct_read: int = 0
    write: int = 0
    correct_write: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an outline says beside the fields of a journal's record."""

    messages: int = 0
    agent_usage: Usage | None = None
    user_usage: Usage | None = None
    breakdown: tuple[tuple[str, float], ...] = ()
    """Each basis of the reward with its score."""
    faults: tuple[str, ...] = ()
    """Why a lost reward may not be the agent's doing."""
    info: JsonObject | None = None
    """Of `SimulationRun.info`, what says why the simulation failed."""
    is_judged: bool = False
    """Whether a judge model graded a part of it."""
    actions: Actions | None = None
    db_match: bool | None = None
    mistakes: dict[str, int] | None = None
    """Role and severity → mistakes that a review found; None without a review."""
    retrieval: JsonObject | None = None
    """The record of its retrieval, as it is stored."""
    is_call: bool = False
    """Whether it was spoken."""
    tools: tuple[str, ...] = ()
    """What was called, in the order of the first calls."""
    retries: int = 0
    """How often it was played again because the simulated user failed."""

    @classmethod
    def of(cls, run: SimulationRun) -> Facts:
        """Return the facts of a simulation."""
        reward = run.reward_info
        review = run.review or run.user_only_review
        return cls(
            messages=len(run.get_messages()),
            agent_usage=_usage(run.agent_usage),
            user_usage=_usage(run.user_usage),
            breakdown=_shared(run.breakdown),
            faults=run.environment_faults,
            info=_info(run.info),
            is_judged=bool(reward and reward.nl_assertions),
            actions=_actions(reward),
            db_match=reward.db_check.db_match if reward and reward.db_check else None,
            mistakes=mistakes([review]) if review is not None else None,
            retrieval=stored_retrieval(run),
            is_call=bool(run.ticks),
            tools=_tools(run),
            retries=run.hallucination_retries_used,
        )

    def data(self) -> dict[str, JsonValue]:
        """Return what differs from the defaults, by name."""
        found = {name: getattr(self, name) for name, _default in _DEFAULTS}
        changed = {name: found[name] for name, default in _DEFAULTS if found[name] != default}
        for name in ("agent_usage", "user_usage"):
            if name in changed:
                changed[name] = _without_last_zeros(changed[name])
        return changed


_DEFAULTS = tuple((field.name, field.default) for field in fields(Facts))


class Outline(NamedTuple):
    """A simulation without its conversation.

    Its attributes are those of a `SimulationRun`, where they have the same names.
    """

    # A tuple, because a run of 100,000 makes as many of them at its end.

    id: str
    task_id: str
    trial: int | None
    seed: int | None
    termination_reason: TerminationReason
    reward: float | None
    agent_cost: float | None
    user_cost: float | None
    duration: float | None
    facts: Facts

    @classmethod
    def of(cls, run: SimulationRun) -> Outline:
        """Return the outline of a simulation."""
        return cls(
            id=run.id,
            task_id=run.task_id,
            trial=run.trial,
            seed=run.seed,
            termination_reason=run.termination_reason,
            reward=run.reward,
            agent_cost=run.agent_cost,
            user_cost=run.user_cost,
            duration=run.duration,
            facts=Facts.of(run),
        )

    @property
    def unit(self) -> Unit:
        """The trial and task that was simulated."""
        return Unit(self.task_id, self.trial or 0)

    @property
    def is_scored(self) -> bool:
        """Whether there is a reward that counts: none of NO_SCORE ended the episode."""
        return self.reward is not None and self.termination_reason not in NO_SCORE

    @property
    def info(self) -> JsonObject | None:
        """What says why the simulation failed."""
        return self.facts.info

    @property
    def agent_usage(self) -> Usage | None:
        """Tokens and calls of the agent."""
        return self.facts.agent_usage

    @property
    def user_usage(self) -> Usage | None:
        """Tokens and calls of the user."""
        return self.facts.user_usage

    @property
    def num_messages(self) -> int:
        """How long the conversation is."""
        return self.facts.messages

    @property
    def breakdown(self) -> tuple[tuple[str, float], ...]:
        """Each basis of the reward with its score."""
        return self.facts.breakdown

    @property
    def environment_faults(self) -> tuple[str, ...]:
        """Why a lost reward may not be the agent's doing."""
        return self.facts.faults


@lru_cache(maxsize=4096, typed=True)
def _first_equal(value: object) -> object:
    return value


def _shared(value: ValueT) -> ValueT:
    """Return an equal value that is kept once: the simulations of a run are much alike."""
    return cast("ValueT", _first_equal(value))


def _without_last_zeros(counts: Sequence[int]) -> Sequence[int]:
    used = [place for place, count in enumerate(counts, 1) if count]
    return counts[: used[-1]] if used else ()


def _usage(usage: SessionUsage | None) -> Usage | None:
    if usage is None:
        return None
    return _shared(Usage(*(getattr(usage, name) for name in Usage._fields)))


def _tools(run: SimulationRun) -> tuple[str, ...]:
    calls = (call.name for message in run.get_messages() for call in message.calls)
    return _shared(tuple(dict.fromkeys(calls)))


def _actions(reward: RewardInfo | None) -> Actions | None:
    if reward is None or not reward.action_checks:
        return None
    reads, writes = (
        [check.action_match for check in reward.action_checks if check.tool_type == kind]
        for kind in ("read", "write")
    )
    return _shared(Actions(len(reads), sum(reads), len(writes), sum(writes)))


def _info(info: JsonMapping | None) -> JsonObject | None:
    """Return what says why a simulation failed."""
    kept: JsonObject = {}
    for name in _KEPT:
        if info and name in info:
            kept[name] = info[name] if isinstance(info[name], str | int) else str(info[name])
    verdict = (info or {}).get(BLAME)
    if isinstance(verdict, Mapping) and isinstance(verdict.get("side"), str):
        kept[BLAME] = {"side": verdict["side"]}
    return kept or None


def stored_retrieval(run: SimulationRun | Outline) -> JsonObject | None:
    """Return the record of an episode's retrieval as it is stored beside its reward."""
    if isinstance(run, Outline):
        return run.facts.retrieval
    info = run.reward_info.info if run.reward_info is not None else None
    stored = (info or {}).get("retrieval")
    return stored if isinstance(stored, dict) else None
