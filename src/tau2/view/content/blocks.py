"""A conversation as blocks: a head line, and a body that can be folded away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from tau2.data_model.message import (
    CUT_SHORT_WORDS,
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.simulation import FINISHED, SimulationRun
from tau2.data_model.tasks import Task
from tau2.environment.diff import FieldChange, Missing, RecordChange, TurnDiff
from tau2.environment.history import Waiting
from tau2.metrics.endings import why_ended
from tau2.metrics.outcomes import blame_note, run_passed, why_unscored
from tau2.metrics.timeline import Timeline
from tau2.report.safe_text import clean, one_line
from tau2.report.terminal.conversation import check_lines, compact_call, grading_notes
from tau2.report.terminal.timeline import (
    SpokenMessages,
    hearing_lines,
    timeline_head,
    timeline_rows,
)
from tau2.utils.text import clock_text, plural

Style = Literal[
    "",
    "title",
    "label",
    "dim",
    "thought",
    "good",
    "bad",
    "warn",
    "taken",
    "agent",
    "user",
    "call",
    "task",
    "system",
    "change",
]
"""What a text is; the widgets, and `tau2 play` without a terminal, choose the colour."""

Line = tuple[str, Style]
"""Text, which may be long or contain line breaks, and its style."""

Kind = Literal["", "message", "call", "diff", "grading"]

MOST_CHARACTERS = 20_000  # of one text; a terminal is no place for more
MOST_LINES = 500  # of one text
_BRIEF = 60  # characters of a result beside its folded call
_SCANNED = 4_000  # characters that are read to make one line; a result may have millions

_WHO: Mapping[str, tuple[str, Style]] = {
    "assistant": ("agent", "agent"),
    "user": ("user", "user"),
    "system": ("system", "system"),
}
_SIGNS: Mapping[str, tuple[str, Style]] = {
    "added": ("+", "good"),
    "removed": ("-", "bad"),
    "changed": ("~", "warn"),
}


@dataclass(slots=True)
class Block:
    """One part of a conversation.

    Its texts are clean: no escape sequences, no control characters.
    """

    head: str
    style: Style
    body: list[Line] = field(default_factory=list)
    is_folded: bool = False
    kind: Kind = ""
    drawn: Callable[[int], list[Line]] | None = None
    """Draws what comes before the body in so many cells."""

    def lines(self, width: int) -> list[Line]:
        """Return what is shown below the head in `width` cells."""
        return [*(self.drawn(width) if self.drawn is not None else ()), *self.body]

    @property
    def text(self) -> str:
        """Everything the block says, folded or not: what is searched."""
        return "\n".join([self.head, *(text for text, _ in self.body)])


def capped(text: str) -> str:
    """Return clean text of at most MOST_CHARACTERS and MOST_LINES, saying how much is left out."""
    shown = text[:MOST_CHARACTERS]
    lines = shown.split("\n")
    if len(lines) > MOST_LINES:
        shown = "\n".join(lines[:MOST_LINES])
    left_out = len(text) - len(shown)
    note = f"… (+{plural(left_out, 'character')})" if left_out else ""
    return clean(shown).expandtabs(4) + note


def brief(text: str, most: int = _BRIEF) -> str:
    """Return the beginning of a text on one clean line."""
    return one_line(text[:_SCANNED], most)


def blocks_of(run: SimulationRun, task: Task | None, diffs: Sequence[TurnDiff]) -> list[Block]:
    """Return a simulation: facts, task, conversation with what it changed, checks."""
    blocks = [_facts(run)]
    if task is not None:
        blocks.append(task_block(task, is_folded=True))
    by_place = {diff.index: diff for diff in diffs}
    spoken = SpokenMessages(run)
    if run.ticks:
        blocks.append(timeline_block(spoken.timeline))
    blocks += _conversation(run.get_messages(), by_place, spoken)
    if -1 in by_place:
        blocks.append(diff_block(by_place[-1]))
    return [*blocks, grading_block(run)]


def timeline_block(timeline: Timeline) -> Block:
    """Return who speaks when in a call, and how well they heard each other."""

    def drawn(width: int) -> list[Line]:
        return [(row.text, row.style) for row in timeline_rows(timeline, width)]

    heard: list[Line] = [(line, "") for line in hearing_lines(timeline)]
    return Block(timeline_head(timeline), "title", heard, drawn=drawn)


def _facts(run: SimulationRun) -> Block:
    scored = run.is_scored and run.reward_info is not None
    result = f"reward {run.reward_info.reward:.2f}" if scored and run.reward_info else "not scored"
    messages = plural(len(run.get_messages()), "message")
    ended = f"{run.termination_reason.value} after {messages}, {run.duration:.1f} s"
    body: list[Line] = [(f"ended     {ended}", "")]
    if run.termination_reason not in FINISHED:
        body.append((f"because   {one_line(why_ended(run), 500)}", "warn"))
    body.append((f"id        {one_line(run.id, 200)}", "dim"))
    if run.agent_cost or run.user_cost:
        body.append(
            (f"cost      agent ${run.agent_cost or 0:.4f}, user ${run.user_cost or 0:.4f}", "")
        )
    head = f"task {one_line(run.task_id, 200)}  trial {run.unit.trial}  seed {run.seed}  {result}"
    return Block(head, _outcome_style(run), body)


def _outcome_style(run: SimulationRun) -> Style:
    """Return the style of a simulation: full reward, less, or no score."""
    if run_passed(run):
        return "good"
    return "bad" if run.is_scored and run.reward_info is not None else "warn"


def task_block(task: Task, *, is_folded: bool = False) -> Block:
    """Return what the user was told, what the reference does, and what is graded."""
    body: list[Line] = [(capped(str(task.user_scenario)), "")]
    criteria = task.evaluation_criteria
    if criteria is not None:
        actions = [
            f"{action.requestor}: {action.get_func_format()}" for action in task.reference_actions
        ]
        body += _listed("reference actions", actions)
        body += _listed("to communicate", criteria.communicate_info or [])
        body += _listed("statements for the judge", criteria.nl_assertions or [])
        body.append((f"graded on: {', '.join(basis.value for basis in criteria.reward_basis)}", ""))
    purpose = task.description.purpose if task.description else None
    return Block(
        "the task" + (f": {one_line(purpose, 300)}" if purpose else ""),
        "task",
        body,
        is_folded=is_folded,
    )


def _listed(title: str, items: Sequence[str]) -> list[Line]:
    return (
        [(f"{title}:", "label"), *((f"  {one_line(item, 2000)}", "") for item in items)]
        if items
        else []
    )


def _conversation(
    messages: Sequence[Message], diffs: Mapping[int, TurnDiff], spoken: SpokenMessages
) -> Iterator[Block]:
    waiting: Waiting[ToolCall] = Waiting()
    for place, message in enumerate(messages):
        for result in message.tool_messages if isinstance(message, MultiToolMessage) else [message]:
            if isinstance(result, ToolMessage):
                call = waiting.take(result.id) or waiting.take_first()
                yield _call_block(call, result)
                if place in diffs:
                    yield diff_block(diffs[place])
        if isinstance(message, ToolMessage | MultiToolMessage):
            continue
        yield from _unanswered(waiting)
        yield from _said(message, spoken)
        waiting = Waiting()
        waiting.add((call.id, call) for call in message.calls)
    yield from _unanswered(waiting)


def _unanswered(waiting: Waiting[ToolCall]) -> Iterator[Block]:
    for call in waiting:
        yield Block(
            f"→ {compact_call(call)}  (no result)",
            "call",
            _arguments(call),
            is_folded=True,
            kind="call",
        )


def _said(message: Message, spoken: SpokenMessages) -> Iterator[Block]:
    who, style = _WHO.get(message.role, (message.role, "label"))
    number = getattr(message, "turn_idx", None)
    head = who if number is None else f"{number}. {who}"
    at = spoken.at(message)
    if at is not None:
        head += f" {clock_text(at)}"
    if isinstance(message, AssistantMessage | UserMessage) and message.cut_short:
        head += f" ({CUT_SHORT_WORDS.get(message.cut_short, message.cut_short)})"
    if isinstance(message, AssistantMessage | UserMessage) and message.reasoning_content:
        thought = message.reasoning_content
        yield Block(
            f"{head} thinks: {brief(thought)}",
            "dim",
            [(capped(thought), "thought")],
            is_folded=True,
        )
    content = getattr(message, "content", None)
    if content or not message.calls:
        body: list[Line] = [(capped(content or "(nothing)"), "")]
        heard = spoken.misheard(message)
        if heard is not None:
            body.append((f"the agent heard: {heard}", "dim"))
        yield Block(head, style, body, kind="message")


def _call_block(call: ToolCall | None, result: ToolMessage) -> Block:
    who = "user " if result.requestor == "user" else ""
    named = compact_call(call) if call is not None else "(a result without its call)"
    body = [
        *(_arguments(call) if call is not None else []),
        ("result:", "label"),
        pretty(result.content or ""),
    ]
    style: Style = "user" if who else "call"
    if result.error:
        style = "bad"
    return Block(
        f"{who}→ {named} = {brief(result.content or '(nothing)')}",
        style,
        body,
        is_folded=True,
        kind="call",
    )


def _arguments(call: ToolCall) -> list[Line]:
    lines: list[Line] = [
        (f"{one_line(name)}: {shown(value)}", "") for name, value in call.arguments.items()
    ]
    return lines or [("no arguments", "dim")]


def shown(value: Any) -> str:
    """Return a value as JSON, capped."""
    return capped(json.dumps(value, ensure_ascii=False, default=str))


def pretty(text: str) -> Line:
    """Return JSON indented, and other text as it is; either capped."""
    if len(text) <= MOST_CHARACTERS and text[:1] in {"{", "["}:
        with suppress(ValueError, RecursionError):  # it only looked like JSON
            return capped(json.dumps(json.loads(text), indent=2, ensure_ascii=False)), ""
    return capped(text), ""


def diff_block(diff: TurnDiff) -> Block:
    """Return what one call changed in the databases."""
    number = len(diff.changes) + diff.left_out
    body: list[Line] = [line for change in diff.changes for line in _change_lines(change)]
    body += [(f"… and {_records(diff.left_out, 'more ')}", "dim")] if diff.left_out else []
    body += [(capped(diff.problem), "warn")] if diff.problem else []
    head = f"database: {_records(number)}" if number else "database: not known"
    return Block(head, "change", body, kind="diff")


def _records(number: int, more: str = "") -> str:
    return plural(number, f"{more}record")


def _change_lines(change: RecordChange) -> Iterator[Line]:
    sign, style = _SIGNS[change.kind]
    whose = "the user's " if change.side == "user" else ""
    name = change.table if not change.record else f"{change.table}[{change.record}]"
    yield f"{sign} {whose}{one_line(name, 200)} {change.kind}", style
    for one in change.fields:
        yield f"    {_field_line(one)}", style


def _field_line(one: FieldChange) -> str:
    name = f"{one_line(one.field, 200)}: " if one.field else ""
    if one.old is Missing.VALUE:
        return f"{name}{shown(one.new)}"
    if one.new is Missing.VALUE:
        return f"{name}{shown(one.old)}"
    return f"{name}{shown(one.old)} → {shown(one.new)}"


def grading_block(run: SimulationRun) -> Block:
    """Return every check with its reason."""
    info = run.reward_info
    if info is None:
        return Block(
            f"grading: not scored: {one_line(why_unscored(run), 2000)}", "warn", kind="grading"
        )
    basis = ", ".join(part.value for part in info.reward_basis or ())
    rests = f", which rests on {basis}" if basis else ""
    body: list[Line] = [
        (f"{'✓' if met else '✗'} {name:<13} {one_line(text, 2000)}", "good" if met else "bad")
        for met, name, text in check_lines(info)
    ]
    body += [(one_line(note, 2000), "warn") for note in grading_notes(info)]
    verdict = blame_note(run)
    if verdict is not None:
        body.append((one_line(verdict, 2000), "warn"))
    head = f"grading: reward {info.reward:.2f}{rests}"
    return Block(head, _outcome_style(run), body, kind="grading")
