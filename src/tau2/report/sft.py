"""Conversations to imitate: rows of plain turns, with tokens and masks where a tokenizer is given.

Every row is one conversation in the prompt form of `tau2.actions.plain_chat`, as `llm_agent` on a
local model sees it: the system prompt with policy and tools, the customer's turns and results of
tools as `user`, the agent's turns as `assistant`. A turn with `weight` 0 is context only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tau2.actions.chat_tokens import ChatTokens, learnt_tokens
from tau2.actions.plain_chat import plain_chat
from tau2.data_model.message import AssistantMessage, Message, ToolMessage
from tau2.data_model.simulation import Info, SimulationRun
from tau2.data_model.tasks import Task
from tau2.errors import ConfigError, needs_extra
from tau2.llm.wire import to_wire, tools_to_wire
from tau2.orchestrator.episode import Role, seen_by
from tau2.report.cleaner import Cleaner
from tau2.report.parquet import GROUP, parquet_pieces
from tau2.rollout.role_view import role_prompt, role_tools
from tau2.runner.build import build_environment, rebuild_environment
from tau2.storage.files import write_pieces_atomically
from tau2.utils.batches import batched
from tau2.utils.json_types import JsonObject
from tau2.utils.text import plural

SftFormat = Literal["jsonl", "parquet"]

HELD_OUT = ("test", "test_new")
"""Splits that are not trained on."""

_NEW_KIND = re.compile(r"(^|[_-])new[_-]")  # in the ids of generated tasks of held-out kinds
_MOST_NAMED = 3  # refused tasks that a message names


class Played(NamedTuple):
    """An episode with its task."""

    task: Task
    run: SimulationRun


@dataclass(slots=True)
class SftSummary:
    """What became of the episodes."""

    rows: int = 0
    replies: int = 0
    """Turns of the agent that are imitated."""
    tokens: int = 0
    """Of all rows, where they were counted."""
    learnt_tokens: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    """Reason → number of episodes without a row."""
    context_only: dict[str, int] = field(default_factory=dict)
    """Reason → number of turns of the agent that have no weight."""


def refuse_held_out(tasks: Iterable[Task], splits: Mapping[str, Sequence[str]]) -> None:
    """Raise ConfigError for tasks of a test split, or of kinds that are held out of training."""
    held_out = {task_id for name in HELD_OUT for task_id in splits.get(name, ())}
    found = sorted({one.id for one in tasks if one.id in held_out or _NEW_KIND.search(one.id)})
    if found:
        named = ", ".join(found[:_MOST_NAMED]) + (", …" if len(found) > _MOST_NAMED else "")
        raise ConfigError(
            f"{plural(len(found), 'task')} held out of training ({named}): a model that has seen "
            "them cannot be evaluated on them. Leave them out (--task-split-name train), or say "
            "--include-test-tasks"
        )


class SftRows:
    """Makes the rows of one domain's episodes.

    Args:
        domain: A registered domain.
        info: What is stored of the episodes' run: in a domain with retrieval variants, the prompt
            and the tools are those of its variant. None: the default one.
        min_reward: An episode with less is left out, and one without a reward is, too.
        tokenizer: With one, rows have tokens and masks, too.
        max_tokens: A conversation with more tokens is left out; it needs a tokenizer.
    """

    def __init__(
        self,
        domain: str,
        *,
        info: Info | None = None,
        min_reward: float = 1.0,
        tokenizer: Any = None,
        max_tokens: int | None = None,
        clean: Cleaner | None = None,
    ) -> None:
        if max_tokens is not None and tokenizer is None:
            raise ConfigError("--max-tokens needs --tokenizer, which counts the tokens")
        self.domain = domain
        self.summary = SftSummary()
        self._environment = build_environment(domain) if info is None else rebuild_environment(info)
        self._min_reward = min_reward
        self._chat = None if tokenizer is None else ChatTokens(tokenizer, form="signatures")
        self._max_tokens = max_tokens
        self._redact = (clean or Cleaner()).redact

    def of(self, episodes: Iterable[Played]) -> list[JsonObject]:
        """Return the rows of the episodes that are worth imitating, in their order."""
        return list(self.each(episodes))

    def each(self, episodes: Iterable[Played]) -> Iterator[JsonObject]:
        """Do what `of` does, row by row."""
        for task, run in episodes:
            row = self._row(task, run)
            if isinstance(row, str):
                self.summary.left_out[row] = self.summary.left_out.get(row, 0) + 1
            else:
                self.summary.rows += 1
                yield row

    def _row(self, task: Task, run: SimulationRun) -> JsonObject | str:
        """Return the row of an episode, or why it has none."""
        reward = run.reward_info.reward if run.reward_info else None
        if reward is None:
            return "no reward"
        if reward < self._min_reward:
            return "reward too low"
        turns = self._turns(task, seen_by(Role.AGENT, run.get_messages()))
        if not any(turn.get("weight") for turn in turns):
            return "nothing to imitate"
        row: JsonObject = {
            "domain": self.domain,
            "task_id": task.id,
            "trial": run.trial,
            "seed": run.seed,
            "reward": reward,
            "messages": turns,
        }
        if self._chat is not None:
            learnt = learnt_tokens(self._chat, turns)
            if self._max_tokens is not None and len(learnt.tokens) > self._max_tokens:
                return f"more than {self._max_tokens:,} tokens"
            self.summary.tokens += len(learnt.tokens)
            self.summary.learnt_tokens += sum(learnt.mask)
            row |= {"tokens": learnt.tokens, "loss_mask": learnt.mask}
        self.summary.replies += sum(bool(turn.get("weight")) for turn in turns)
        return row

    def _turns(self, task: Task, messages: Sequence[Message]) -> list[JsonObject]:
        """Return a conversation as plain turns, up to the agent's last one."""
        environment = self._environment
        environment.prepare(task)
        tools = tools_to_wire(role_tools(environment, task, Role.AGENT)) or []
        system = {"role": "system", "content": role_prompt(environment, task, Role.AGENT)}
        special = self._chat.template.special_tokens if self._chat is not None else ()
        plain = plain_chat([system, *to_wire(messages)], tools, special_tokens=special)
        weights = self._weights(messages)
        turns: list[JsonObject] = []
        for turn in plain:
            made: JsonObject = {"role": turn.role, "content": self._redact(turn.content)}
            if turn.role == "assistant":
                made["weight"] = weights.pop(0)
            turns.append(made)
        while turns and turns[-1]["role"] != "assistant":
            turns.pop()
        return turns

    def _weights(self, messages: Sequence[Message]) -> list[int]:
        """Return the weight of each turn of the agent; adjacent messages are one turn."""
        failed = {one.id for one in messages if isinstance(one, ToolMessage) and one.error}
        weights = []
        begun = False
        for is_own, group in groupby(messages, lambda one: isinstance(one, AssistantMessage)):
            some: list[Any] = list(group)
            begun = begun or not is_own or any(one.tool_calls for one in some)
            if not is_own or not begun:  # a greeting is no turn of a plain conversation
                continue
            if reason := _why_not(some, failed):
                self.summary.context_only[reason] = self.summary.context_only.get(reason, 0) + 1
            weights.append(int(not reason))
        return weights


def _why_not(messages: Sequence[Any], failed: set[str]) -> str:
    """Return why a turn of the agent is not imitated; nothing for one that is."""
    calls = [call for message in messages for call in message.tool_calls or ()]
    if len(messages) > 1 or len(calls) > 1 or (calls and messages[0].content):
        return "more than one call or text"
    return "failed call" if any(call.id in failed for call in calls) else ""


def write_rows(rows: Iterable[JsonObject], file: Path, form: SftFormat) -> None:
    """Write rows to a file, as they are made. Raise MissingExtra for Parquet without pyarrow."""
    write_pieces_atomically(file, _WRITERS[form](rows))


def _jsonl_pieces(rows: Iterable[JsonObject]) -> Iterator[bytes]:
    for row in rows:
        yield f"{json.dumps(row, ensure_ascii=False)}\n".encode()


def _parquet_pieces(rows: Iterable[JsonObject]) -> Iterator[bytes]:
    with needs_extra("parquet", "pyarrow"):
        import pyarrow as pa  # noqa: PLC0415  -- optional
    groups = batched(rows, GROUP)
    first = next(groups, [])
    # Only numbers are unknown in all rows of a group.
    schema = pa.schema(
        [
            pa.field(one.name, pa.int64()) if pa.types.is_null(one.type) else one
            for one in pa.Table.from_pylist(first).schema
        ]
    )
    tables = (pa.Table.from_pylist(group, schema=schema) for group in chain([first], groups))
    return parquet_pieces(tables, schema)


_WRITERS: Mapping[SftFormat, Callable[[Iterable[JsonObject]], Iterator[bytes]]] = {
    "jsonl": _jsonl_pieces,
    "parquet": _parquet_pieces,
}
