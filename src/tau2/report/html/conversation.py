"""One simulation as data: its messages with their calls and database changes, and its checks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tau2.data_model.message import (
    CUT_SHORT_WORDS,
    Message,
    MultiToolMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from tau2.data_model.simulation import FINISHED, SimulationRun
from tau2.data_model.tasks import Task
from tau2.environment.diff import FieldChange, Missing, RecordChange, TurnDiff
from tau2.environment.history import Waiting
from tau2.metrics.endings import why_ended
from tau2.metrics.hearing import heard_by_agent, heard_by_user
from tau2.metrics.outcomes import Outcome, blame_note, lost_on, outcome_of, why_excluded
from tau2.metrics.timeline import timeline_of
from tau2.report.cleaner import Cleaner
from tau2.report.html.call import call_data, spoken_entries
from tau2.report.terminal.conversation import check_lines, compact_call, grading_notes
from tau2.utils.text import clock_text

MOST_CHARS = 20_000  # of one message, tool result or set of arguments
MOST_VALUE_CHARS = 2_000  # of one side of a changed field
MOST_MESSAGES = 2_000


def conversation_data(
    run: SimulationRun,
    task: Task | None,
    diffs: Sequence[TurnDiff],
    clean: Cleaner,
    audio: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return everything a conversation's page shows, as JSON data; texts are cleaned and cut.

    `audio` says where the recording of a spoken one is.
    """
    messages = _single(run.get_messages())
    by_place = {diff.index: diff for diff in diffs}
    if run.ticks:
        entries = list(_spoken(run, messages, by_place, clean))
    else:
        entries = list(_entries(messages[:MOST_MESSAGES], by_place, clean))
    whole = len(entries) if run.ticks else len(messages)
    return {
        "task": clean(run.task_id, 500),
        "id": clean(run.id, 500),
        "facts": [[name, clean(value, MOST_CHARS)] for name, value in _facts(run)],
        "brief": _brief(task, clean) if task is not None else [],
        "messages": entries[:MOST_MESSAGES],
        "left_out": max(0, whole - MOST_MESSAGES),
        "call": call_data(run, clean, audio) if run.ticks else None,
        "checks": _checks(run, clean),
        "notes": [clean(note, MOST_CHARS) for note in _notes(run)],
        "replay": [
            clean(diff.problem, MOST_CHARS) for diff in diffs if diff.problem and diff.index < 0
        ],
    }


def _single(messages: Iterable[Message]) -> list[Message]:
    return [
        part for message in messages
        for part in (message.tool_messages if isinstance(message, MultiToolMessage) else (message,))
    ]  # fmt: skip


def _facts(run: SimulationRun) -> Iterator[tuple[str, object]]:
    yield "outcome", outcome_of(run).value
    info = run.reward_info
    yield "reward", f"{info.reward:.2f}" if run.is_scored and info is not None else "none"
    yield "trial", run.unit.trial
    yield "seed", "unknown" if run.seed is None else run.seed
    yield "ended", run.termination_reason.value
    if run.termination_reason not in FINISHED:
        yield "because", why_ended(run)
    yield "took", f"{run.duration:.1f} s"
    yield from _facts_of_call(run)
    for side, cost, usage in (
        ("agent", run.agent_cost, run.agent_usage),
        ("user", run.user_cost, run.user_usage),
    ):
        if usage is not None and usage.model_calls:
            price = "cost unknown" if cost is None else f"${cost:.4f}"
            yield side, f"{price}, {usage.prompt_tokens:,} + {usage.completion_tokens:,} tokens"
    if not outcome_of(run).counts:
        yield "does not count", why_excluded(run)
    elif outcome_of(run) is Outcome.AGENT_FAILURE:
        yield "lost on", ", ".join(lost_on(run))


def _facts_of_call(run: SimulationRun) -> Iterator[tuple[str, object]]:
    if not run.ticks:
        return
    timeline = timeline_of(run.ticks)
    yield "call", clock_text(timeline.seconds)
    for listener, heard in (
        ("agent", heard_by_agent(timeline)),
        ("user", heard_by_user(timeline)),
    ):
        if heard is not None:
            yield f"{listener} heard", heard


def _brief(task: Task, clean: Cleaner) -> list[list[str]]:
    """Return what the user was told and what the reference does, as titled texts."""
    parts = [["what the user was told", str(task.user_scenario).replace("\t", "  ").strip()]]
    if task.ticket:
        parts.append(["ticket", task.ticket])
    criteria = task.evaluation_criteria
    if criteria is not None:
        actions = [
            f"{action.requestor}: {action.get_func_format()}" for action in task.reference_actions
        ]
        lists = [
            ("reference actions", actions),
            ("to communicate", criteria.communicate_info or ()),
            ("statements for the judge", criteria.nl_assertions or ()),
            ("graded on", [", ".join(basis.value for basis in criteria.reward_basis)]),
        ]
        parts += [[title, "\n".join(map(str, items))] for title, items in lists if items]
    return [[title, clean(text, MOST_CHARS)] for title, text in parts]


def _entries(
    messages: Sequence[Message], diffs: dict[int, TurnDiff], clean: Cleaner
) -> Iterator[dict[str, Any]]:
    """Yield one entry per message; a result is part of its call where the two can be paired."""
    waiting: Waiting[dict[str, Any]] = Waiting()
    for place, message in enumerate(messages):
        if isinstance(message, ToolMessage):
            result = _result(message, diffs.get(place), clean)
            call = waiting.take(message.id)
            if call is None:
                yield {
                    "who": "tool",
                    "turn": _turn(message, place),
                    "calls": [{"name": "?", "brief": "a result without its call", **result}],
                }
            else:
                call.update(result)
            continue
        entry = {**_entry(message, clean), "turn": _turn(message, place)}
        ids = (call.id for call in message.calls)
        waiting.add(zip(ids, entry.get("calls", ()), strict=True))
        yield entry


def _turn(message: Message, place: int) -> int:
    """Return the number of a message: as it is stored, else its place; the first is 0."""
    number = getattr(message, "turn_idx", None)
    return number if isinstance(number, int) else place


def _spoken(
    run: SimulationRun, messages: Sequence[Message], diffs: dict[int, TurnDiff], clean: Cleaner
) -> Iterator[dict[str, Any]]:
    """Yield what was said in a call, and its tool calls with their results."""
    by_call = {
        message.id: diffs[place]
        for place, message in enumerate(messages)
        if isinstance(message, ToolMessage) and place in diffs
    }
    for one in spoken_entries(timeline_of(run.ticks or ()), clean):
        if one.made is None:
            yield one.entry
            continue
        call = _call(one.made.call, clean)
        if one.made.result is not None:
            call |= _result(one.made.result, by_call.get(one.made.call.id), clean)
        yield {**one.entry, "calls": [call]}


def _entry(message: Message, clean: Cleaner) -> dict[str, Any]:
    if isinstance(message, SystemMessage):
        return {"who": "system", "text": clean(message.content or "", MOST_CHARS)}
    entry: dict[str, Any] = {"who": "agent" if message.role == "assistant" else message.role}
    if text := getattr(message, "content", None):
        entry["text"] = clean(text, MOST_CHARS)
    if cut := getattr(message, "cut_short", None):
        entry["text"] = f"{entry.get('text', '')} [{CUT_SHORT_WORDS.get(cut, cut)}]".lstrip()
    if thought := getattr(message, "reasoning_content", None):
        entry["thought"] = clean(thought, MOST_CHARS)
    if seconds := getattr(message, "generation_time_seconds", None):
        entry["seconds"] = round(seconds, 2)
    if message.calls:
        entry["calls"] = [_call(call, clean) for call in message.calls]
    return entry


def _call(call: ToolCall, clean: Cleaner) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, indent=2, ensure_ascii=False, default=str)
    return {
        "name": clean(call.name, 200),
        "brief": clean(compact_call(call), 160),
        "arguments": clean(arguments, MOST_CHARS),
    }


def _result(message: ToolMessage, diff: TurnDiff | None, clean: Cleaner) -> dict[str, Any]:
    result: dict[str, Any] = {
        "result": clean(_indented(message.content), MOST_CHARS),
        "error": message.error,
    }
    if diff is not None:
        result["changes"] = [_change(change, clean) for change in diff.changes]
        result["more"] = diff.left_out
        if diff.problem:
            result["problem"] = clean(diff.problem, MOST_CHARS)
    return result


def _indented(content: str | None) -> str:
    """Return JSON with one value per line, and other text as it is."""
    text = content or ""
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _change(change: RecordChange, clean: Cleaner) -> dict[str, Any]:
    name = f"{change.table} / {change.record}" if change.record else change.table
    return {
        "side": change.side,
        "record": clean(name, 300),
        "kind": change.kind,
        "fields": [_field(field, clean) for field in change.fields],
    }


def _field(field: FieldChange, clean: Cleaner) -> list[str | None]:
    return [clean(field.field, 300), *(_value(side, clean) for side in (field.old, field.new))]


def _value(value: Any, clean: Cleaner) -> str | None:
    """Return a value as text; None for one that is not there."""
    if value is Missing.VALUE:
        return None
    return clean(json.dumps(value, ensure_ascii=False, default=str), MOST_VALUE_CHARS)


def _checks(run: SimulationRun, clean: Cleaner) -> list[dict[str, Any]]:
    lines = check_lines(run.reward_info) if run.reward_info is not None else ()
    basis = (
        {part.value for part in (run.reward_info.reward_basis or ())}
        if run.reward_info is not None
        else set()
    )
    return [{"met": met, "kind": kind, "text": clean(text, MOST_CHARS), "counts": kind in basis}
            for met, kind, text in lines]  # fmt: skip


def _notes(run: SimulationRun) -> Iterator[str]:
    if run.reward_info is not None:
        yield from grading_notes(run.reward_info)
    verdict = blame_note(run)
    if verdict is not None:
        yield verdict
    error = (run.info or {}).get("error")
    if error:
        yield str(error)
    for review in (run.review, run.user_only_review):
        if review is not None:
            yield f"review by {review.model or 'a model'}: {review.summary}"
            yield from (
                f"review: {getattr(mistake, 'source', 'user')}: "
                f"{mistake.error_type or mistake.weight}: {mistake.reasoning}"
                for mistake in review.errors
            )
