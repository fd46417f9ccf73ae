"""A conversation as blocks: a line that is always seen, and more that unfolds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tau2.data_model.message import (
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.simulation import SimulationRun
from tau2.data_model.tasks import Task
from tau2.environment.diff import FieldChange, Missing, RecordChange, TurnDiff
from tau2.metrics.outcomes import run_passed, why_unscored
from tau2.report.safe_text import one_line
from tau2.report.terminal.conversation import check_lines, compact_call

Line = tuple[str, str]
"""Text, which may be long or hold line breaks, and its style."""

_WHO = {"assistant": ("agent", "cyan"), "user": ("user", "green"), "system": ("system", "magenta")}
_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
_LONGEST = 20_000  # characters of one value; a terminal is no place for more
_BRIEF = 60  # characters of a result beside its folded call


@dataclass(slots=True)
class Block:
    """One part of a conversation."""

    head: str
    style: str
    body: list[Line] = field(default_factory=list)
    is_folded: bool = False
    kind: str = ""
    """`message`, `call`, `diff`, `grading`, or nothing."""


def blocks_of(run: SimulationRun, task: Task | None, diffs: Sequence[TurnDiff]) -> list[Block]:
    """Return a whole simulation: what it was, the task, the conversation with what it changed, the checks."""
    blocks = [_facts(run)]
    if task is not None:
        blocks.append(_task(task))
    by_place = {diff.index: diff for diff in diffs}
    blocks += _conversation(run.get_messages(), by_place)
    if -1 in by_place:
        blocks.append(diff_block(by_place[-1]))
    return [*blocks, _grading(run)]


def _facts(run: SimulationRun) -> Block:
    scored = run.is_scored and run.reward_info is not None
    result = f"reward {run.reward_info.reward:.2f}" if scored and run.reward_info else "not scored"
    style = "green" if run_passed(run) else "red" if scored else "yellow"
    ended = f"{run.termination_reason.value} after {len(run.get_messages())} messages, {run.duration:.1f} s"
    body = [(f"ended     {ended}", ""), (f"id        {one_line(run.id, 200)}", "dim")]
    if run.agent_cost or run.user_cost:
        body.append(
            (f"cost      agent ${run.agent_cost or 0:.4f}, user ${run.user_cost or 0:.4f}", "")
        )
    head = f"task {one_line(run.task_id, 200)}  trial {run.trial or 0}  seed {run.seed}  {result}"
    return Block(head, f"bold {style}", body)


def _task(task: Task) -> Block:
    body: list[Line] = [(str(task.user_scenario), "")]
    criteria = task.evaluation_criteria
    if criteria is not None:
        actions = [
            f"{action.requestor}: {action.get_func_format()}" for action in criteria.actions or ()
        ]
        body += _listed("reference actions", actions)
        body += _listed("to communicate", criteria.communicate_info or [])
        body += _listed("statements for the judge", criteria.nl_assertions or [])
        body.append((f"graded on: {', '.join(basis.value for basis in criteria.reward_basis)}", ""))
    purpose = task.description.purpose if task.description else None
    return Block(
        "the task" + (f": {one_line(purpose, 300)}" if purpose else ""),
        "bold blue",
        body,
        is_folded=True,
    )


def _listed(title: str, items: Sequence[str]) -> list[Line]:
    return (
        [(f"{title}:", "bold"), *((f"  {one_line(item, 2000)}", "") for item in items)]
        if items
        else []
    )


def _conversation(messages: Sequence[Message], diffs: Mapping[int, TurnDiff]) -> Iterator[Block]:
    waiting: list[tuple[ToolCall, int]] = []
    for place, message in enumerate(messages):
        for result in message.tool_messages if isinstance(message, MultiToolMessage) else [message]:
            if isinstance(result, ToolMessage):
                yield _call_block(_asked(waiting, result), result)
                if place in diffs:
                    yield diff_block(diffs[place])
        if isinstance(message, ToolMessage | MultiToolMessage):
            continue
        yield from _unanswered(waiting)
        yield from _said(message)
        waiting = [(call, place) for call in getattr(message, "tool_calls", None) or ()]
    yield from _unanswered(waiting)


def _asked(waiting: list[tuple[ToolCall, int]], result: ToolMessage) -> ToolCall | None:
    """Take the call that a result answers: by its id, else the first that waits."""
    place = next((n for n, (call, _) in enumerate(waiting) if call.id == result.id), 0)
    return waiting.pop(place)[0] if waiting else None


def _unanswered(waiting: list[tuple[ToolCall, int]]) -> Iterator[Block]:
    for call, _ in waiting:
        yield Block(
            f"→ {compact_call(call)}  (no result)",
            "yellow",
            _arguments(call),
            is_folded=True,
            kind="call",
        )


def _said(message: Message) -> Iterator[Block]:
    who, style = _WHO.get(message.role, (message.role, ""))
    number = getattr(message, "turn_idx", None)
    head = who if number is None else f"{number}. {who}"
    if isinstance(message, AssistantMessage | UserMessage) and message.reasoning_content:
        thought = message.reasoning_content
        body = [(thought[:_LONGEST], "italic")]
        yield Block(f"{head} thinks: {one_line(thought, _BRIEF)}", "dim", body, is_folded=True)
    content = getattr(message, "content", None)
    if content or not getattr(message, "tool_calls", None):
        yield Block(
            head, f"bold {style}", [((content or "(nothing)")[:_LONGEST], "")], kind="message"
        )


def _call_block(call: ToolCall | None, result: ToolMessage) -> Block:
    who = "user " if result.requestor == "user" else ""
    named = compact_call(call) if call is not None else "(a result without its call)"
    brief = one_line(result.content or "(nothing)", _BRIEF)
    body = [
        *(_arguments(call) if call is not None else []),
        ("result:", "bold"),
        *pretty(result.content or ""),
    ]
    style = "red" if result.error else "yellow" if not who else "green"
    return Block(f"{who}→ {named} = {brief}", style, body, is_folded=True, kind="call")


def _arguments(call: ToolCall) -> list[Line]:
    return [
        (f"{one_line(name)}: {shown(value)}", "") for name, value in call.arguments.items()
    ] or [("no arguments", "dim")]


def shown(value: Any) -> str:
    """Return a value as JSON; text without quotes where that is clear."""
    return json.dumps(value, ensure_ascii=False, default=str)[:_LONGEST]


def pretty(text: str) -> list[Line]:
    """Return JSON indented, and other text as it is."""
    if len(text) <= _LONGEST and text[:1] in "{[":
        try:
            return [(json.dumps(json.loads(text), indent=2, ensure_ascii=False), "")]
        except (ValueError, RecursionError):
            return [(text, "")]
    cut = "" if len(text) <= _LONGEST else f"… (+{len(text) - _LONGEST} characters)"
    return [(text[:_LONGEST] + cut, "")]


def diff_block(diff: TurnDiff) -> Block:
    """Return what one call changed in the databases."""
    number = len(diff.changes) + diff.left_out
    body: list[Line] = [line for change in diff.changes for line in _change_lines(change)]
    body += [(f"… and {diff.left_out} more records", "dim")] if diff.left_out else []
    body += [(diff.problem, "yellow")] if diff.problem else []
    head = (
        f"database: {number} record{'s' if number != 1 else ''}"
        if number
        else "database: not known"
    )
    return Block(head, "magenta", body, kind="diff")


def _change_lines(change: RecordChange) -> Iterator[Line]:
    sign, style = _SIGNS[change.kind]
    whose = "the user's " if change.side == "user" else ""
    name = change.table if not change.record else f"{change.table}[{change.record}]"
    yield f"{sign} {whose}{one_line(name, 200)} {change.kind}", f"bold {style}"
    for one in change.fields:
        yield f"    {_field_line(one)}", style


def _field_line(one: FieldChange) -> str:
    name = f"{one_line(one.field, 200)}: " if one.field else ""
    if one.old is Missing.VALUE:
        return f"{name}{shown(one.new)}"
    if one.new is Missing.VALUE:
        return f"{name}{shown(one.old)}"
    return f"{name}{shown(one.old)} → {shown(one.new)}"


def _grading(run: SimulationRun) -> Block:
    if run.reward_info is None:
        return Block(
            f"grading: not scored: {one_line(why_unscored(run), 2000)}",
            "bold yellow",
            kind="grading",
        )
    basis = ", ".join(part.value for part in run.reward_info.reward_basis or ()) or "nothing"
    body: list[Line] = [
        (f"{'✓' if met else '✗'} {kind:<13} {one_line(text, 2000)}", "green" if met else "red")
        for met, kind, text in check_lines(run.reward_info)
    ]
    parts = run.reward_info.info or {}
    for name, note in parts.items():
        for key, value in note.items() if isinstance(note, dict) else ((name, note),):
            if isinstance(value, str) and key in {"note", "error"}:
                body.append((f"{key}: {one_line(value, 2000)}", "yellow"))
    style = "bold green" if run_passed(run) else "bold red" if run.is_scored else "bold yellow"
    head = f"grading: reward {run.reward_info.reward:.2f}, which rests on {basis}"
    return Block(head, style, body, kind="grading")
