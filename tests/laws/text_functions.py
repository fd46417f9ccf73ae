"""Every function that reads text which somebody else wrote: a model, a user, a tool, a server, a
file.

Each takes a text and does with it what the package does. To add one, add a line: the everyday test
(`test_text.py`), `python -m tests.faults.text` and `benchmarks/bench_text.py` run all of them on
every shape of `long_texts`. Every regular expression of the package is found and run by itself.
"""

from __future__ import annotations

import importlib
import io
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.errors import MessageError
from types import ModuleType
from typing import Any

from rich.console import Console

import act_prm
import tau2
from act_prm.llm_handlers.actions import get_actions
from tau2.actions.functional import is_functional_tool_call
from tau2.actions.message import as_message
from tau2.actions.parse import TAGGED, WHOLE_TEXT, parse_action_string, read_text
from tau2.actions.tool_calls import parse_arguments, parse_tool_calls
from tau2.actions.written_calls import written_calls
from tau2.agent.oracle_agent.details import arguments_of_unknown
from tau2.agent.oracle_agent.glossary import notes_in
from tau2.agent.oracle_agent.plan import PlanStep
from tau2.agent.oracle_agent.records import parsed
from tau2.agent.oracle_agent.speech import (
    asked_kind,
    is_asked_for,
    is_wanted,
    transfer_sentence,
)
from tau2.data_model.message import (
    AssistantMessage,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.simulation import SimulationRun, TerminationReason
from tau2.data_model.tasks import Task
from tau2.environment.arithmetic import calculate
from tau2.environment.discovery import parsed_arguments
from tau2.environment.history import decoded, paired_calls
from tau2.environment.json_text import decoded_by_schema
from tau2.environment.policy_rules import agrees, calls_done
from tau2.errors import Tau2Error, UnknownName
from tau2.evaluator.evaluator_communicate import mentions
from tau2.evaluator.evaluator_nl_assertions import render, verdicts
from tau2.evaluator.review import parse_review
from tau2.gym.text import read_action
from tau2.knowledge.bm25 import Bm25Retriever
from tau2.knowledge.documents import Document, DocumentSet
from tau2.knowledge.embedders.wordllama import WordLlamaEmbedder
from tau2.knowledge.grep import Grep
from tau2.knowledge.okapi import OkapiRetriever
from tau2.knowledge.printed import documents_printed
from tau2.knowledge.ranking import LONGEST_QUERY
from tau2.knowledge.rerank import score_in
from tau2.knowledge.variants import variant_named
from tau2.llm.content import parts_of_content
from tau2.llm.context_window import is_context_overflow
from tau2.llm.event_stream import completion_of_stream, is_event_stream
from tau2.llm.failure import CallFailed, from_error_body, from_exception, from_status, retry_after
from tau2.llm.middleware.request_diff import differences
from tau2.llm.parse import checked_completion, parse_completion
from tau2.llm.protocols import a2a
from tau2.llm.request import Request
from tau2.llm.returned_fields import is_about_messages
from tau2.llm.secrets import Redactor, names_field, names_setting, redact_args
from tau2.llm.unsupported_params import UnsupportedParams
from tau2.orchestrator.episode import Role
from tau2.report.cleaner import Cleaner
from tau2.report.display import MarkdownDisplay
from tau2.report.html.conversation import conversation_data
from tau2.report.safe_text import clean, one_line, shorten
from tau2.report.terminal.conversation import compact_call, conversation_view
from tau2.runner.record_diff import first_difference
from tau2.runner.task_log import TaskLog, as_name
from tau2.storage.inspection import salvaged
from tau2.user.monitor import MonitoredTools, UserMonitor
from tau2.user.scripted_user.read_back import misread
from tau2.user.user_simulator.forms import own_line, sizes_in
from tau2.utils.text import clean_text
from tau2.view.blocks import BlockVisual
from tau2.view.content.blocks import blocks_of, brief, capped, pretty
from tau2.voice.adapters.engine import TickEngine
from tau2.voice.adapters.events import AgentAudio, AgentTranscript
from tau2.voice.adapters.nova import NovaTranslator
from tau2.voice.adapters.realtime import error_event
from tau2.voice.adapters.wire import frame_of, tool_request
from tau2.voice.audio.formats import TELEPHONE
from tau2.voice.found_values import find_value
from tau2.voice.speech import spoken as speech_spoken
from tau2.voice.speech.heard import LONGEST, heard
from tau2.voice.speech.loops import without_loops

TextFunction = Callable[[str], object]

REFUSALS = (Tau2Error, CallFailed, ValueError, TypeError, RecursionError, MessageError)
"""What these functions may raise for a text that they do not take."""

_REDACTOR = Redactor(["sk-a-known-secret", "a-b-a-b-a-b-a-c", "aaaaaaaaaaaaaaab", "<think><tool"])
_STEPS = [
    PlanStep(name=name, arguments={"summary": "The SIM card is locked."})
    for name in ("book_reservation", "return_delivered_order_items", "transfer_to_human_agents")
]
_PIECE = 64  # characters of one piece of a text that comes in pieces


def pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces."""
    for start in range(0, len(text), _PIECE):
        yield text[start : start + _PIECE]


def run_of(*messages: Message) -> SimulationRun:
    """Return a simulation with these messages."""
    return SimulationRun(
        id="s",
        task_id="t",
        start_time="",
        end_time="",
        duration=0.0,
        termination_reason=TerminationReason.USER_STOP,
        messages=list(messages),
    )


def spoken(text: str) -> SimulationRun:
    """Return a simulation in which everybody says, thinks, calls and returns the text."""
    call = ToolCall(id="1", name="look", arguments={"text": text})
    return run_of(
        UserMessage(content=text),
        AssistantMessage(content=text, reasoning_content=text, tool_calls=[call]),
        ToolMessage(id="1", content=text),
    )


def many_calls(text: str) -> list[Message]:
    """Return a message with a call per piece of the text, and the results in reversed order."""
    calls = [
        ToolCall(id=str(number), name="look", arguments={"text": piece})
        for number, piece in enumerate(pieces(text))
    ]
    results = [ToolMessage(id=call.id, content=call.arguments["text"]) for call in calls[::-1]]
    return [UserMessage(content="Hi"), AssistantMessage(tool_calls=calls), *results]


def completion(content: object, **fields: object) -> dict[str, Any]:
    """Return a chat completion."""
    return {"choices": [{"message": {"role": "assistant", "content": content, **fields}}]}


def entry(number: int, text: str) -> dict[str, Any]:
    """Return a tool call of OpenAI's API."""
    return {"id": f"c{number}", "function": {"name": "look", "arguments": json.dumps({"t": text})}}


def equal_calls(text: str) -> object:
    """Read a call per piece, all under one id."""
    return parse_tool_calls([{**entry(0, piece), "id": "c"} for piece in pieces(text)])


def repeated_calls(text: str) -> object:
    """Read a completion whose choices repeat the same calls."""
    calls = [entry(number, piece) for number, piece in enumerate(pieces(text))]
    choice = {"message": {"tool_calls": calls}}
    return parse_completion({"choices": [choice, choice]})


def a2a_answer(text: str) -> object:
    """Read an answer of an A2A server in which everything is the text."""
    data = {"name": text, "arguments": text, "action": [text]}
    parts = [{"text": text}, {"data": data}, {"data": {"action": {"content": text}}}]
    return a2a.message_of(a2a.Answer(text, None, parts=parts), text, ())


def stream(deltas: Iterator[dict[str, Any]]) -> object:
    """Read a stream of these deltas."""
    events = (f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n" for delta in deltas)
    return completion_of_stream("".join(events) + "data: [DONE]\n\n")


def stream_of_calls(text: str) -> object:
    """Read a stream in which every piece is a call of its own."""
    calls = ({**entry(n, piece), "index": n} for n, piece in enumerate(pieces(text)))
    return stream({"tool_calls": [call]} for call in calls)


def stream_of_arguments(text: str) -> object:
    """Read a stream in which every piece belongs to one call."""
    functions = ({"name": piece[:1], "arguments": piece} for piece in pieces(text))
    return stream({"tool_calls": [{"index": 0, "function": each}]} for each in functions)


def request(text: str) -> Request:
    """Return a request that says the text."""
    return Request("m", [{"role": "user", "content": text}], None, None, {})


def request_difference(text: str) -> object:
    """Compare requests whose texts differ in every other line."""
    lines = list(pieces(text))
    other = [line if number % 2 else f"{line}+" for number, line in enumerate(lines)]
    return differences(request("\n".join(lines)), request("\n".join(other)))


def printed(text: str) -> None:
    """Print a conversation to a terminal."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    console.print(conversation_view(spoken(text)))


def viewed(text: str) -> object:
    """Return the lines of a conversation in `tau2 view`."""
    return [
        BlockVisual(block, "a").lines(80)
        for block in blocks_of(spoken(text), None, ())
        if not setattr(block, "is_folded", False)
    ]


def logged(text: str) -> None:
    """Write a text into the log of an episode."""
    TaskLog(io.StringIO(), _REDACTOR).note(text, text)


def recorded_difference(text: str) -> object:
    """Compare two records of a conversation."""
    run = spoken(text).model_dump(mode="json")
    return first_difference(run, spoken(text + "x").model_dump(mode="json"), cut_short=False)


def stored(text: str) -> object:
    """Write a simulation and read it."""
    return SimulationRun.model_validate_json(spoken(clean_text(text)).model_dump_json())


def refusal(text: str) -> CallFailed:
    """Return a refusal of a request."""
    return CallFailed(text, status=400)


def monitored(text: str) -> object:
    """Have the monitor hear a text of an agent, of a user and of a user's device."""
    instructions = {"domain": "x", "reason_for_call": text, "task_instructions": ""}
    task = Task.model_validate({"id": "x", "user_scenario": {"instructions": instructions}})
    tools = MonitoredTools(("toggle_data", "check_status_bar"), frozenset())
    monitor = UserMonitor(task, tools)
    call = ToolCall(id="1", name="toggle_data", arguments={}, requestor="user")
    said: list[Message] = [
        AssistantMessage(content=text),
        UserMessage(tool_calls=[call]),
        ToolMessage(id="1", content=text, requestor="user"),
        UserMessage(content=text),
        UserMessage(content=f"{text} ###OUT-OF-SCOPE###"),
    ]
    return [monitor.observe(message) for message in said]


def said_in_ticks(text: str) -> str:
    """Return the words of the ticks of an utterance, which lasts two seconds."""
    engine = TickEngine(200, TELEPHONE)
    engine.apply(AgentTranscript(text, "item"))
    engine.apply(AgentAudio(b"\x10" * TELEPHONE.bytes_of(2000), "item"))
    return "".join(engine.tick().transcript for _ in range(12))


def nova_text(text: str) -> dict[str, Any]:
    """Return a frame of Nova Sonic with a text of the agent."""
    fields = {"contentId": "a", "role": "ASSISTANT", "content": text}
    return {"event": {"textOutput": fields}}


def one_document(text: str) -> DocumentSet:
    """Return a document set of one text."""
    return DocumentSet([Document("one", text, text)])


_STEMMED = Bm25Retriever(one_document("aaaa bbbb 1234"))
_GREP = Grep(one_document("aaaa bbbb 1234"))
_OKAPI = OkapiRetriever(one_document("aaaa bbbb 1234"))
_EMBEDDER = WordLlamaEmbedder()

FUNCTIONS: dict[str, TextFunction] = {
    # what a model, or whoever plays it, says
    "actions.as_message": as_message,
    "actions.is_functional_tool_call": is_functional_tool_call,
    "actions.parse_action_string": parse_action_string,
    "actions.parse_arguments": parse_arguments,
    "actions.parse_tool_calls": lambda text: parse_tool_calls([entry(0, text) | {"id": text}]),
    "actions.parse_tool_calls, equal": equal_calls,
    "actions.written_calls": lambda text: written_calls(text, {"f": ["a"], "get_order": ["id"]}),
    "actions.read_text, tagged": lambda text: read_text(text, TAGGED),
    "actions.read_text, whole": lambda text: read_text(text, WHOLE_TEXT),
    "act_prm.get_actions": get_actions,
    "environment.parsed_arguments": parsed_arguments,
    "environment.parsed_arguments, of many names": lambda text: parsed_arguments(
        json.dumps({piece: piece for piece in pieces(text)})
    ),
    "gym.read_action": lambda text: read_action(text, Role.AGENT),
    "llm.content": lambda text: parts_of_content([{"text": piece} for piece in pieces(text)]),
    "llm.content, of thoughts": lambda text: parts_of_content(
        [{"type": "thinking", "thinking": [{"text": piece}]} for piece in pieces(text)]
    ),
    "llm.completion": lambda text: parse_completion(completion(text, reasoning_content=text)),
    "llm.completion, calls": repeated_calls,
    "llm.completion, of foreign code": lambda text: checked_completion({"choices": text}),
    "llm.event_stream": completion_of_stream,
    "llm.a2a": a2a_answer,
    "llm.a2a.json": lambda text: a2a_answer(f"<json>{text}</json>"),
    "llm.event_stream, arguments": stream_of_arguments,
    "llm.event_stream, calls": stream_of_calls,
    "llm.event_stream, text": lambda text: stream({"content": piece} for piece in pieces(text)),
    "llm.is_event_stream": is_event_stream,
    # what a server says of a failure
    "llm.context_window": lambda text: is_context_overflow(400, (), text),
    "llm.failure, body": lambda text: from_status(400, text, {}, 0.0),
    "llm.failure, code": lambda text: from_error_body({"message": text, "code": text}),
    "llm.failure, exception": lambda text: from_exception(ConnectionError(text), 0.0),
    "llm.retry_after": lambda text: retry_after({"retry-after": text}, 0.0),
    "llm.returned_fields": lambda text: is_about_messages(
        [{"role": "assistant", "reasoning": "x"}], refusal(text)
    ),
    "llm.unsupported_params": lambda text: UnsupportedParams().learn_from(
        Request("m", [], [{}], "required", {"temperature": 1}), refusal(text)
    ),
    "llm.request_diff": request_difference,
    # secrets
    "secrets.Redactor": _REDACTOR.text,
    "secrets.Redactor, data": lambda text: _REDACTOR.data({"a": text, text: 1}),
    "secrets.redact_args": lambda text: redact_args({"api_base": text, "headers": {"a": text}}),
    "secrets.names": lambda text: (names_field(text), names_setting(text)),
    # tools, rules and agents of ours
    "environment.calculate": calculate,
    "environment.calls_done": lambda text: list(calls_done(many_calls(text))),
    "environment.decoded": decoded,
    "environment.json_text": lambda text: decoded_by_schema(
        {"a": text}, {"type": "object", "properties": {"a": {"type": "array"}}}
    ),
    "environment.paired_calls": lambda text: paired_calls(many_calls(text)[:2]),
    "environment.policy_rules": agrees,
    "errors.UnknownName": lambda text: str(UnknownName("task", text, ["a" * n for n in range(99)])),
    "knowledge.bm25": lambda text: _STEMMED.search(text, 3),
    "knowledge.documents": lambda text: Bm25Retriever(one_document(text)),
    "knowledge.grep": lambda text: _GREP.search(text, 3),
    "knowledge.grep, documents": lambda text: Grep(one_document(text)).search("a+b|c", 3),
    "knowledge.printed": lambda text: documents_printed(one_document("one line of it"), text),
    "knowledge.printed, documents": lambda text: documents_printed(one_document(text), text),
    "knowledge.variants": variant_named,
    "knowledge.okapi": lambda text: _OKAPI.search(text, 3),
    "knowledge.okapi, documents": lambda text: OkapiRetriever(one_document(text)),
    "knowledge.wordllama": lambda text: _EMBEDDER.query(text[:LONGEST_QUERY]),
    "knowledge.score_in": score_in,
    "oracle_agent.notes_in": lambda text: notes_in(text, frozenset({"a"})),
    "oracle_agent.transfer_sentence": transfer_sentence,
    "oracle_agent.arguments_of_unknown": lambda text: arguments_of_unknown(
        {"text": text, "list": [text]}, {}
    ),
    "oracle_agent.parsed": parsed,
    "oracle_agent.asked_kind": asked_kind,
    "oracle_agent.is_asked_for": lambda text: is_asked_for("12.50", "", text),
    "oracle_agent.is_wanted": lambda text: [is_wanted(step, text) for step in _STEPS],
    # grading
    "evaluator.mentions, a number": lambda text: mentions(text, "10"),
    "evaluator.mentions, words": lambda text: mentions(text, "aaaaaaab 1"),
    "evaluator.mentions, anything": lambda text: mentions("You owe $5.", text),
    "evaluator.mentions, strict": lambda text: mentions(text, "aaab", strict_compat=True),
    "evaluator.render": lambda text: render(spoken(text).get_messages()),
    "evaluator.review": lambda text: parse_review(text, [], "full"),
    "evaluator.verdicts": lambda text: verdicts(["one", "two"], text),
    # what is shown, logged and stored
    "report.Cleaner": lambda text: Cleaner(["a-known-secret"])(text, 100),
    "report.clean": clean,
    "report.compact_call": lambda text: compact_call(ToolCall(name=text, arguments={"a": text})),
    "report.html": lambda text: conversation_data(spoken(text), None, (), Cleaner([])),
    "report.html, calls": lambda text: conversation_data(
        run_of(*many_calls(text)), None, (), Cleaner([])
    ),
    "report.markdown": lambda text: MarkdownDisplay.display_simulation(spoken(text)),
    "report.one_line": one_line,
    "report.shorten": lambda text: shorten(text, 100),
    "report.terminal": printed,
    "runner.as_name": as_name,
    "runner.record_diff": recorded_difference,
    "runner.task_log": logged,
    "storage.salvaged": lambda text: salvaged(clean_text(text).encode()),
    "storage.simulation": stored,
    "user.monitor": monitored,
    "user.prompt_forms": lambda text: (own_line(text), sizes_in(text)),
    "utils.clean_text": clean_text,
    "voice.frame_of": frame_of,
    "voice.tool_request": lambda text: tool_request("id", "name", text),
    "voice.error_event": lambda text: error_event({"type": text, "code": text, "message": text}),
    "voice.words_of_ticks": lambda text: said_in_ticks(text),
    "voice.nova": lambda text: NovaTranslator("").receive(nova_text(text)),
    "voice.spoken": lambda text: speech_spoken.spoken(text),
    "voice.find_value": lambda text: [find_value(text, one) for one in ("AB-12", "a@b.example")],
    "voice.read_back": lambda text: misread(text, {"serial": ("AB12",), "name": ("Ann Lee",)}),
    "voice.heard": lambda text: heard(text[:LONGEST], masks=["W999"], known=["ab_1"]),
    "voice.without_loops": lambda text: without_loops(text, 1e9),
    "view.blocks": viewed,
    "view.blocks, calls": lambda text: blocks_of(run_of(*many_calls(text)), None, ()),
    "view.texts": lambda text: (capped(text), brief(text), pretty(text)),
}
"""By name."""


# --- the regular expressions of the package --------------------------------------------------

_NOT_IMPORTED = ("__main__", "tau2.utils.display")
"""Programs."""
_READS_A_BEGINNING = "tau2.user.scripted_user."
"""Its patterns see at most 20,000 characters of a message; `bench_limits.py` times them."""
_ONLY_AT_THE_BEGINNING = {
    "tau2.actions.functional._FUNCTIONAL",
    "tau2.actions.parse._FENCE",
    "tau2.actions.parse._FUNCTIONAL",
}
"""Patterns that are never searched for: only the whole text is compared with them."""


def _modules() -> Iterator[ModuleType]:
    """Yield every module of both packages that can be imported here."""
    for package in (tau2, act_prm):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith(_NOT_IMPORTED):
                # Some need optional packages, which are not installed everywhere.
                with suppress(ImportError):
                    yield importlib.import_module(found.name)


def _patterns_in(value: object) -> Iterator[re.Pattern[Any]]:
    """Yield a pattern, or those in a collection."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _patterns_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _patterns_in(inner)


def _search(pattern: re.Pattern[Any], name: str) -> TextFunction:
    """Return what finds every occurrence of a pattern in a text."""

    def search(text: str) -> object:
        given = clean_text(text).encode() if isinstance(pattern.pattern, bytes) else text
        if name in _ONLY_AT_THE_BEGINNING:
            return pattern.fullmatch(given)
        return sum(1 for _ in pattern.finditer(given))

    return search


def _patterns() -> dict[str, TextFunction]:
    found: dict[str, TextFunction] = {}
    seen: set[int] = set()
    for module in _modules():
        if module.__name__.startswith(_READS_A_BEGINNING):
            continue
        for name, value in vars(module).items():
            for number, pattern in enumerate(_patterns_in(value)):
                if id(pattern) not in seen:
                    seen.add(id(pattern))
                    full = f"{module.__name__}.{name}"
                    found[f"{full}[{number}]" if number else full] = _search(pattern, full)
    return found


PATTERNS = _patterns()
"""By name: searches of every compiled pattern that a module of the packages holds."""
