"""A2A (Agent2Agent): a conversation as its messages, in versions 0.3 and 1.

Over JSON-RPC or HTTP+JSON; what differs in the latter is in `a2a_http`.

Sources: the public specifications of both versions. An episode is one context. Every message of
ours has a text part, for programs that read prose, and a data part, for programs that read JSON:

    {"messages": [{"role": "user", "content": "..."}]}

`messages` are those that are new, in OpenAI's form; results of calls are among them, with role
`tool`. The first message also has `policy` and `tools`. An answer is a text for the customer, or
one JSON value, as a data part or as text:

    {"name": "get_user", "arguments": {"user_id": "u1"}}      a tool call, or a list of them
    {"name": "respond", "arguments": {"content": "Hello"}}    a text for the customer
    {"content": "Hello", "tool_calls": [...]}                 a message of OpenAI's API
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from tau2.actions.parse import TAGGED, read_calls, unfenced
from tau2.actions.tool_calls import MalformedAction
from tau2.llm.agent_program import FAILED
from tau2.llm.failure import CallFailed, unreachable
from tau2.llm.protocols.history import listed, text_of
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.plain_data import clean

FIELD = "a2a"
"""The field of a chat message that holds the context and the task of an answer."""
RESPOND = "respond"
"""The name of the action that speaks to the customer."""

Version: TypeAlias = Literal["0.3", "1.0"]

_CARDS = ("/.well-known/agent-card.json", "/.well-known/agent.json")
JSON_RPC = "JSONRPC"
HTTP_JSON = "HTTP+JSON"
_BINDINGS = (HTTP_JSON, JSON_RPC)
"""Those that are spoken; the last one is preferred."""
_METHODS = {
    "send": {"0.3": "message/send", "1.0": "SendMessage"},
    "get": {"0.3": "tasks/get", "1.0": "GetTask"},
}
_REFUSALS = frozenset({-32600, -32602, -32004})
"""Codes of JSON-RPC and A2A: an invalid request, invalid parameters, an unsupported operation."""
_UNDER_WAY = frozenset({"submitted", "working"})
_WAITING = frozenset({"input-required"})
_ENDED = frozenset({"completed"})
_WRAPPERS = ("action", "tool_call", "message")
"""Names under which programs put an action into an object of their own."""
_LONGEST_JSON = 1_000_000  # characters of a text that is read as JSON
_DEEPEST_WRAPPER = 3
_LARGEST_WHOLE = 2**53  # beyond it, a float is not exact


# --- the agent card ------------------------------------------------------------------------------


class Interface(NamedTuple):
    """Where and how a program is asked."""

    url: str
    version: Version
    binding: str = JSON_RPC


def card_urls(base: str) -> list[str]:
    """Return where the card of a program at `base` may be, the likeliest first."""
    parts = urlsplit(base)
    path = parts.path.rstrip("/")
    if path.endswith(".json"):
        paths = [path]
    else:
        paths = [path + card for card in _CARDS]
        paths += [card for card in _CARDS if path]
    return [parts._replace(path=one, query="").geturl() for one in paths]


def interface_of(card: JsonValue, base: str) -> Interface:
    """Return where the program that a card describes is asked.

    Only paths are taken from a card: messages, and the key with them, go to the host of `base`.

    Raises:
        CallFailed: it is no agent card, or the program speaks neither JSON-RPC nor HTTP+JSON.
    """
    if not isinstance(card, Mapping) or not isinstance(card.get("name"), str):
        raise unreachable(f"the answer is not an agent card: {repr(card)[:200]}")
    found: list[tuple[str, JsonValue, JsonValue]] = [
        (str(one.get("protocolBinding", "")), one.get("protocolVersion"), one.get("url"))
        for one in listed(card.get("supportedInterfaces"))
    ]
    if isinstance(card.get("url"), str):
        version = card.get("protocolVersion", "0.3")
        found.append((str(card.get("preferredTransport") or JSON_RPC), version, card["url"]))
    found += [
        (str(one.get("transport", "")), "0.3", one.get("url"))
        for one in listed(card.get("additionalInterfaces"))
    ]
    known = [(one[0].upper(), one[1], one[2]) for one in found if one[0].upper() in _BINDINGS]
    if not known:
        offered = ", ".join(sorted({one[0] for one in found})) or "nothing"
        raise unreachable(
            f"the answer is not a card of a program that is asked over {JSON_RPC} or {HTTP_JSON}; "
            f"it offers {offered}"
        )
    binding, number, url = max(
        known, key=lambda one: (_BINDINGS.index(one[0]), _is_version_1(one[1]))
    )
    version_: Version = "1.0" if _is_version_1(number) else "0.3"
    return Interface(_on_host_of(base, url), version_, binding)


def _is_version_1(version: JsonValue) -> bool:
    return str(version).startswith("1")


def _on_host_of(base: str, url: JsonValue) -> str:
    parts = urlsplit(base)
    try:
        given = urlsplit(str(url))
    except ValueError:  # brackets that do not match
        return base
    return parts._replace(path=given.path or "/", query=given.query or parts.query).geturl()


# --- our messages --------------------------------------------------------------------------------


class Contact(NamedTuple):
    """Where a conversation with a program stands."""

    context: str | None
    """None: nothing has been answered yet."""
    task: str | None
    """A task that waits for more, and is continued."""
    new: Sequence[JsonMapping]
    """The messages that the program has not seen."""
    tool_names: Mapping[str, str]
    """The names of the tools that were called, by the ids of the calls."""


def contact_of(messages: Sequence[JsonMapping]) -> Contact:
    """Return where a conversation stands, by what is kept with the program's last message."""
    for at in range(len(messages) - 1, -1, -1):
        kept = messages[at].get(FIELD)
        if messages[at].get("role") == "assistant" and isinstance(kept, Mapping):
            context, task = kept.get("context_id"), kept.get("task_id")
            if isinstance(context, str):
                task = task if isinstance(task, str) else None
                return Contact(context, task, messages[at + 1 :], _names_of_calls(messages))
    return Contact(None, None, messages, _names_of_calls(messages))


def call_body(
    method: Literal["send", "get"], version: Version, params: JsonMapping, id_: str
) -> JsonObject:
    """Return the body of a JSON-RPC call."""
    name = _METHODS[method][version]
    return {"jsonrpc": "2.0", "id": id_, "method": name, "params": dict(params)}


def send_params(
    contact: Contact,
    tools: Sequence[JsonMapping],
    version: Version,
    message_id: str,
    context: str | None,
) -> JsonObject:
    """Return the parameters of the call that sends what is new."""
    text, data = _content(contact, tools)
    message: JsonObject = {"messageId": message_id}
    if context is not None:
        message["contextId"] = context
    if contact.task is not None:
        message["taskId"] = contact.task
    if version == "1.0":
        return {
            "message": {**message, "role": "ROLE_USER", "parts": [{"text": text}, {"data": data}]}
        }
    parts = [{"kind": "text", "text": text}, {"kind": "data", "data": data}]
    return {
        "message": {**message, "kind": "message", "role": "user", "parts": parts},
        "configuration": {"blocking": True},
    }


def _content(contact: Contact, tools: Sequence[JsonMapping]) -> tuple[str, JsonObject]:
    """Return what is new as text and as data."""
    policy = [text_of(message) for message in contact.new if message.get("role") == "system"]
    rest = [
        {name: value for name, value in message.items() if name != FIELD}
        for message in contact.new
        if message.get("role") != "system"
    ]
    lines = (_line(message, contact.tool_names) for message in rest)
    said = "\n\n".join(filter(None, lines))
    if contact.context is not None:
        return said, {"messages": rest}
    whole = "\n\n".join(policy)
    data: JsonObject = {"policy": whole, "tools": list(tools), "messages": rest}
    return _FIRST.format(
        policy=whole, tools=json.dumps(list(tools), indent=1), respond=RESPOND, said=said
    ), data


_FIRST = """\
{policy}

You talk to a customer and can call these tools:

{tools}

Answer every message with one JSON object. To call a tool:
{{"name": "<the tool's name>", "arguments": {{...}}}}
To speak to the customer:
{{"name": "{respond}", "arguments": {{"content": "<what you say>"}}}}
Do one of the two at a time. The result of a tool call comes with the next message.

This is the conversation so far:

{said}"""


def _line(message: JsonMapping, names: Mapping[str, str]) -> str:
    match message.get("role"):
        case "tool":
            name = names.get(str(message.get("tool_call_id")), "")
            return f"Result of the tool call{f' {name}' if name else ''}: {text_of(message)}"
        case "assistant":
            return f"You said: {text_of(message)}" if text_of(message) else ""
    return text_of(message)


def _names_of_calls(messages: Sequence[JsonMapping]) -> dict[str, str]:
    """Return the names of the tools that were called, by the ids of the calls."""
    return {
        str(call.get("id")): str(function.get("name"))
        for message in messages
        for call in listed(message.get("tool_calls"))
        if isinstance(function := call.get("function"), Mapping)
    }


# --- the program's answers -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program answered."""

    context: str | None
    task: str | None
    """The task that is under way or waits for more."""
    is_under_way: bool = False
    """Whether the program is still at work."""
    parts: Sequence[JsonMapping] = field(default_factory=tuple)


def answer_of(response: JsonValue) -> Answer:
    """Return what a JSON-RPC response says.

    Raises:
        CallFailed: it reports an error, a task that failed, or is no answer of A2A.
    """
    result = _result_of(response)
    wrapped = next((result[name] for name in ("task", "message") if name in result), result)
    answer = wrapped if isinstance(wrapped, Mapping) else {}
    status = answer.get("status")
    context = _text_or_none(answer.get("contextId"))
    if not isinstance(status, Mapping):
        if not isinstance(answer.get("parts"), list):
            raise unreachable(f"the answer is not a message or a task: {repr(result)[:200]}")
        return Answer(context, None, parts=listed(answer["parts"]))
    return _answer_of_task(answer, status, context)


def _answer_of_task(task: JsonMapping, status: JsonMapping, context: str | None) -> Answer:
    state = str(status.get("state")).lower().removeprefix("task_state_").replace("_", "-")
    id_ = _text_or_none(task.get("id"))
    said = _parts_in(status.get("message"))
    artifacts = [listed(one.get("parts")) for one in listed(task.get("artifacts"))]
    if state in _UNDER_WAY:
        if id_ is None:
            raise unreachable("the answer is not a task that can be asked for: it has no id")
        return Answer(context, id_, is_under_way=True)
    if state in _WAITING:
        # Artifacts stay with a task: the last one may be of an earlier turn, a question is not.
        return Answer(context, id_, parts=said or (artifacts[-1] if artifacts else ()))
    if state in _ENDED:
        made = [part for parts in artifacts for part in parts]
        return Answer(context, None, parts=made or said or _last_said(task))
    reason = " ".join(text for part in said if (text := _text_or_none(part.get("text"))))
    raise _failed(f"its task ended as {state!r}" + (f": {reason[:500]}" if reason else ""))


def _last_said(task: JsonMapping) -> Sequence[JsonMapping]:
    """Return the parts of the program's last message in the history of a task."""
    ours = [one for one in listed(task.get("history")) if "agent" in str(one.get("role")).lower()]
    return _parts_in(ours[-1]) if ours else ()


def _parts_in(message: JsonValue) -> list[JsonMapping]:
    return listed(message.get("parts")) if isinstance(message, Mapping) else []


def _result_of(response: JsonValue) -> JsonMapping:
    if not isinstance(response, Mapping):
        raise unreachable(f"the answer is not JSON-RPC: {repr(response)[:200]}")
    error = response.get("error")
    if isinstance(error, Mapping):
        raise _failed(f"{error.get('message')} (error {error.get('code')})")
    result = response.get("result")
    if not isinstance(result, Mapping):
        raise unreachable(f"the answer is not JSON-RPC: {repr(response)[:200]}")
    return result


def is_json_rpc(response: JsonValue) -> bool:
    """Return whether a response is one of JSON-RPC, be it an error."""
    return isinstance(response, Mapping) and ("result" in response or "error" in response)


def is_refused(response: JsonValue) -> bool:
    """Return whether a call was refused for its parameters, so that nothing was done."""
    error = response.get("error") if isinstance(response, Mapping) else None
    return isinstance(error, Mapping) and error.get("code") in _REFUSALS


def _failed(text: str) -> CallFailed:
    """Return the failure of a program that got what it was sent."""
    return unreachable(f"{FAILED}{text}")


def _text_or_none(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None


def message_of(answer: Answer, context: str, tools: Collection[str]) -> JsonObject:
    """Return an answer as a chat message; it keeps where the conversation stands.

    Args:
        answer: What the program answered.
        context: The context of the conversation.
        tools: The names of the tools that were offered: `respond` may be one of them.
    """
    said: list[str] = []
    calls: list[JsonValue] = []
    datas = [
        _with_whole_numbers(clean(part["data"]))
        for part in answer.parts
        if isinstance(part.get("data"), Mapping | list)
    ]
    actions = [found for data in datas if (found := _action(data, tools)) is not None]
    for part in answer.parts:
        text = part.get("text")
        if not isinstance(text, str) or not text.strip():
            continue
        found = _written_action(text, tools)
        if found is None:
            said.append(text.strip())
        elif not datas or not any(one.calls or one.said for one in actions):
            actions.append(found)  # the same action may stand in both kinds of parts
    if not actions and not said:
        said = [json.dumps(data) for data in datas if data]
    for action in actions:
        said += [action.said] if action.said else []
        calls += action.calls
    return {
        "role": "assistant",
        "content": "\n\n".join(said) or None,
        "tool_calls": calls or None,
        FIELD: {"context_id": answer.context or context, "task_id": answer.task},
    }


def _with_whole_numbers(value: JsonValue) -> JsonValue:
    """Return data in which 3.0 is 3: version 1 knows no integers."""
    if isinstance(value, Mapping):
        return {name: _with_whole_numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(inner) for inner in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_WHOLE:
        return int(value)
    return value


class _Action(NamedTuple):
    said: str | None = None
    calls: Sequence[JsonValue] = ()


def _written_action(text: str, tools: Collection[str]) -> _Action | None:
    """Return the action that a text spells; None for a text that is meant for the customer."""
    _, tag, rest = text.partition("<json>")
    inside, end, _ = rest.partition("</json>")
    body = inside.strip() if tag and end else unfenced(text)
    if body.startswith(("{", "[")) and len(body) <= _LONGEST_JSON:
        try:
            return _action(json.loads(body), tools)
        except (ValueError, RecursionError):
            return None
    try:
        found = read_calls(text, TAGGED)
    except MalformedAction:
        return None
    if not found.calls:
        return None
    return _Action(found.words, [_call(one.name, one.arguments) for one in found.calls])


def _action(value: JsonValue, tools: Collection[str], depth: int = 0) -> _Action | None:
    """Return the action that a JSON value is; None for any other value."""
    if isinstance(value, list):
        actions = [_action(one, tools, depth) for one in value]
        found = [one for one in actions if one is not None]
        if not found or len(found) < len(actions):
            return None
        said = "\n\n".join(one.said for one in found if one.said)
        return _Action(said or None, [call for one in found for call in one.calls])
    if not isinstance(value, Mapping):
        return None
    name = value.get("name")
    if isinstance(name, str) and name and _arguments_of(value) is not None:
        arguments = _arguments_of(value)
        if name == RESPOND and RESPOND not in tools:
            return _Action(_respond_text(arguments))
        return _Action(None, [_call(name, arguments, value.get("id"))])
    if isinstance(value.get("function"), Mapping):
        return _action(value["function"], tools, depth)
    calls = [call for one in listed(value.get("tool_calls")) for call in _calls_of(one, tools)]
    content = _text_or_none(value.get("content"))
    if calls or (content is not None and value.keys() <= {"role", "content", "tool_calls"}):
        return _Action(content, calls)
    inner = next((value[name] for name in _WRAPPERS if name in value), None)
    return _action(inner, tools, depth + 1) if depth < _DEEPEST_WRAPPER else None


def _calls_of(entry: JsonMapping, tools: Collection[str]) -> Sequence[JsonValue]:
    function = entry.get("function")
    given = {**function, "id": entry.get("id")} if isinstance(function, Mapping) else entry
    found = _action(given, tools)
    return found.calls if found is not None else ()


def _arguments_of(value: JsonMapping) -> JsonValue:
    return next(
        (value[name] for name in ("arguments", "parameters", "input", "args") if name in value),
        None,
    )


def _respond_text(arguments: JsonValue) -> str | None:
    given = _text_or_none(arguments)
    if given is not None:
        try:
            arguments = json.loads(given)
        except (ValueError, RecursionError):
            return given
    if not isinstance(arguments, Mapping):
        return given
    named = [_text_or_none(arguments.get(name)) for name in ("content", "message", "text")]
    return next((text for text in named if text is not None), None)


def _call(name: str, arguments: JsonValue, id_: JsonValue = None) -> JsonObject:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
