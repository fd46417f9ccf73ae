"""One simulation as a conversation: messages, tool calls, and how it was graded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from tau2.data_model.message import (
    CUT_SHORT_WORDS,
    AssistantMessage,
    Message,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.simulation import FINISHED, RewardInfo, SimulationRun
from tau2.data_model.tasks import Task
from tau2.metrics.endings import why_ended
from tau2.metrics.outcomes import RAISED_AT, Simulation, blame_note, run_passed, why_unscored
from tau2.report.safe_text import clean, one_line, plain, shorten
from tau2.report.terminal.boxes import Box
from tau2.report.terminal.review import review_panels
from tau2.report.terminal.tables import Listing
from tau2.report.terminal.timeline import SpokenMessages, TimelineView, readable
from tau2.utils.output import passed_mark
from tau2.utils.text import clock_text, plural

MAX_TOOL_RESULT_CHARS = 500
_MOST_ENDING = 500  # characters of the error that ended an episode
_MOST_CHARS = 100_000  # of one other text; to lay out megabytes takes minutes

_STYLES = {"assistant": "cyan", "user": "green", "tool": "yellow", "system": "magenta"}
_TITLES = {"assistant": "agent", "user": "user", "tool": "tool", "system": "system"}


def conversation_view(
    run: SimulationRun,
    task: Task | None = None,
    *,
    max_tool_result_chars: int | None = MAX_TOOL_RESULT_CHARS,
) -> RenderableType:
    """Return a whole simulation: what it was, the conversation, the checks, the reviews."""
    run = readable(run)
    parts: list[RenderableType] = [head_view(run)]
    if task is not None:
        parts.append(task_view(task))
    spoken = SpokenMessages(run)
    if run.ticks:
        parts.append(TimelineView(spoken.timeline))
    parts += [
        message_view(message, max_tool_result_chars, spoken=spoken)
        for message in run.get_messages()
    ]
    if run.reward_info is not None:  # else the head says why there is none
        parts.append(grading_view(run))
    parts += review_panels(run)
    return Group(*parts)


def head_view(run: SimulationRun) -> Box:
    """Return which simulation it is, how it was graded, and why it ended."""
    reward = run.reward_info.reward if run.reward_info is not None else None
    messages = plural(len(run.get_messages()), "message")
    ended = f"{run.termination_reason.value} after {messages}, {run.duration:.1f} s"
    if run.termination_reason not in FINISHED:
        ended += f"; {one_line(why_ended(run), _MOST_ENDING)}"
    facts = [
        f"task {one_line(run.task_id, 200)}, trial {run.unit.trial}, seed {run.seed}",
        f"ended: {ended}",
        f"reward: {reward:.2f}" if run.is_scored and reward is not None else _not_scored(run),
    ]
    return Box(plain("\n".join(facts)), one_line(run.id, 200), style=style_of(run))


def _not_scored(run: SimulationRun) -> str:
    """Return that a simulation has no score, and why, unless its end says that already."""
    why = clean(why_unscored(run))
    is_said = run.termination_reason not in FINISHED and why in clean(why_ended(run))
    return "not scored" if is_said else f"not scored: {why}"


def style_of(run: Simulation) -> str:
    """Return the colour of a simulation: passed, lost, or not scored."""
    if run_passed(run):
        return "green"
    return "red" if run.is_scored else "yellow"


def task_view(task: Task) -> Box:
    """Return what the user was told, and what the reference does."""
    parts = [_beginning(str(task.user_scenario).replace("\t", "  "))]
    criteria = task.evaluation_criteria
    if criteria is not None:
        parts += _listed(
            "reference actions",
            [f"{a.requestor}: {a.get_func_format()}" for a in task.reference_actions],
        )
        parts += _listed("to communicate", criteria.communicate_info or ())
        parts += _listed("statements for the judge", criteria.nl_assertions or ())
        parts.append(
            plain(f"graded on: {', '.join(basis.value for basis in criteria.reward_basis)}")
        )
    return Box(Group(*parts), "task", style="blue")


def _listed(title: str, items: Iterable[str]) -> list[Text]:
    lines = [f"  {one_line(item, 2000)}" for item in items]
    return [plain("\n".join([f"{title}:", *lines]))] if lines else []


def message_view(
    message: Message,
    max_tool_result_chars: int | None = MAX_TOOL_RESULT_CHARS,
    *,
    spoken: SpokenMessages | None = None,
) -> RenderableType:
    """Return one message as a panel.

    Tool results are cut to `max_tool_result_chars`, None cuts nothing. `spoken` knows when a
    message of a call was said, and what was heard of it.
    """
    if isinstance(message, MultiToolMessage):
        return Group(*(message_view(part, max_tool_result_chars) for part in message.tool_messages))
    if isinstance(message, ToolMessage):
        return _tool_result(message, max_tool_result_chars)
    title = _TITLES.get(message.role, message.role)
    if message.turn_idx is not None:
        title = f"{message.turn_idx}. {title}"
    if isinstance(message, AssistantMessage | UserMessage) and message.cut_short:
        title += f", {CUT_SHORT_WORDS.get(message.cut_short, message.cut_short)}"
    body = list(_body(message))
    at = spoken.at(message) if spoken is not None else None
    if at is not None:
        title += f", {clock_text(at)}"
    heard = spoken.misheard(message) if spoken is not None else None
    if heard is not None:
        body.append(plain(f"(the agent heard: {heard})", style="dim"))
    return Box(Group(*body), title, style=_STYLES.get(message.role, ""))


def _body(message: Message) -> Iterator[Text]:
    if message.role in {"assistant", "user"}:
        assert isinstance(message, AssistantMessage | UserMessage)
        if message.reasoning_content:
            yield _beginning(f"(thinks) {message.reasoning_content}", style="dim italic")
        if message.content or not message.tool_calls:
            yield _beginning(message.content or "(nothing)")
        for call in message.calls:
            yield plain(f"→ {compact_call(call)}", style="bold")
    elif not isinstance(message, MultiToolMessage):
        yield _beginning(message.content or "")


def _beginning(text: str, style: str = "") -> Text:
    """Return a text, or as much of it as can be shown in a moment and how much is left out."""
    left_out = len(text) - _MOST_CHARS
    note = f"… (+{plural(left_out, 'character')})" if left_out > 0 else ""
    return plain(f"{text[:_MOST_CHARS]}{note}", style=style)


def compact_call(call: ToolCall) -> str:
    """Return a tool call on one line: `name(key=value, ...)`."""
    arguments = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False, default=str)}"
        for name, value in call.arguments.items()
    )
    return one_line(f"{call.name}({arguments})", 2000)


def _tool_result(message: ToolMessage, most: int | None) -> Box:
    title = f"result for the {_TITLES[message.requestor]}" + (", an error" if message.error else "")
    if message.turn_idx is not None:
        title = f"{message.turn_idx}. {title}"
    style = "red" if message.error else _STYLES["tool"]
    body = plain(shorten(message.content or "", most))
    place = (message.metadata or {}).get(RAISED_AT)
    if isinstance(place, str):
        body.append(f"\n(raised at {one_line(place, 500)})", style="dim")
    return Box(body, title, style=style)


def grading_view(run: SimulationRun) -> RenderableType:
    """Return every check with its reason."""
    info = run.reward_info
    if info is None:
        return Text(f"not scored: {clean(why_unscored(run))}", style="yellow")
    checks = list(check_lines(info))
    table = Listing(("met", "check", "what"), fold=("what",), has_header=False, gap=1)
    for met, kind, text in checks:
        mark = Text(passed_mark(met), style="green" if met else "red")
        table.add_row(mark, Text(kind, style="bold"), _beginning(text))
    basis = ", ".join(b.value for b in info.reward_basis or ())
    rests = f", which rests on {basis}" if basis else ""
    total = Text(f"reward {info.reward:.2f}{rests}", style="bold")
    body = Group(*([table] if checks else []), total, *map(_beginning, _notes(run, info)))
    return Box(body, "grading")


def _notes(run: SimulationRun, info: RewardInfo) -> Iterator[str]:
    yield from grading_notes(info)
    note = blame_note(run)
    if note is not None:
        yield note


def check_lines(info: RewardInfo) -> Iterator[tuple[bool, str, str]]:
    """Yield whether each check is met, its kind, and what it says."""
    if info.db_check is not None:
        same = info.db_check.db_match
        how = "as" if same else "not as"
        yield same, "DB", f"the databases end {how} the reference actions leave them"
    for assertion in info.env_assertions or ():
        call = assertion.env_assertion
        text = f"{call.func_name}({_pairs(call.arguments)}) is {call.assert_value}"
        yield assertion.met, "ENV_ASSERTION", _with_reason(text, assertion.justification)
    for action in info.action_checks or ():
        text = f"{action.action.requestor}: {action.action.get_func_format()}"
        yield action.action_match, "ACTION", text
    for communicated in info.communicate_checks or ():
        text = _with_reason(communicated.info, communicated.justification)
        yield communicated.met, "COMMUNICATE", text
    for judged in info.nl_assertions or ():
        text = _with_reason(judged.nl_assertion, judged.justification)
        yield judged.met, "NL_ASSERTION", text


def _pairs(arguments: dict[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _with_reason(text: str, reason: str | None) -> str:
    return f"{text}: {reason}" if reason else text


def grading_notes(info: RewardInfo) -> Iterator[str]:
    """Yield what the grading noted besides its checks: errors and why nothing was checked."""
    parts = info.info or {}
    for note in (parts, *(part for part in parts.values() if isinstance(part, dict))):
        for key in ("note", "error"):
            if isinstance(note.get(key), str):
                yield f"{key}: {note[key]}"
        for problem in note.get("gold_errors") or ():
            yield f"a reference action failed: {problem}"
