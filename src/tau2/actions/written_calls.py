"""Tool calls in a model's text, in any form that models are trained to write.

Where a server has no reader for its model, calls arrive as text. What names a tool that was
offered, and stands where a call can stand, is a call; everything else stays text:

    <tool_call>{"name": "get_order", "arguments": {"order_id": "1"}}</tool_call>   Hermes, Qwen
    <tool_call><function=get_order><parameter=order_id>1</parameter></function></tool_call>
    <tool_call>get_order<arg_key>order_id</arg_key><arg_value>1</arg_value></tool_call>     GLM
    <function=get_order>{"order_id": "1"}</function>                                Llama 3.1
    <|python_tag|>{"name": "get_order", "parameters": {"order_id": "1"}}            Llama 3
    [get_order(order_id="1")]                                                       Llama 4
    [TOOL_CALLS][{"name": "get_order", "arguments": {"order_id": "1"}}]             Mistral
    [TOOL_CALLS]get_order[ARGS]{"order_id": "1"}                                    Mistral, later
    functools[{"name": "get_order", "arguments": {"order_id": "1"}}]                Phi
    <invoke name="get_order"><parameter name="order_id">1</parameter></invoke>      Claude
    to=functions.get_order <|constrain|>json<|message|>{"order_id": "1"}            gpt-oss
    <|tool_call_begin|>functions.get_order:0<|tool_call_argument_begin|>{...}       Kimi, DeepSeek
    Action: get_order  (a line)  Action Input: {"order_id": "1"}                    ReAct
    JSON, `get_order(order_id="1")`, or either in a code fence, alone or after a sentence

The time is linear in the length of the text, and nothing is raised, whatever it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tau2.actions.functional import LONGEST_CALL, functional_calls
from tau2.actions.parse import Calls
from tau2.actions.tool_calls import MOST_CALLS, MalformedAction, storable_arguments
from tau2.data_model.message import ToolCall, ToolRequestor
from tau2.utils.finite_json import refuse_constant
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue

Offered = Mapping[str, Sequence[str]]
"""The tools that were offered, and the names of their arguments in order."""

_DECODER = json.JSONDecoder(parse_constant=refuse_constant)
_MOST_TRIES = 128  # places of one text that are read as values
_NAME_FIELDS = (
    "name",
    "tool",
    "tool_name",
    "function",
    "function_name",
    "action",
    "recipient_name",
)
_ARGUMENT_FIELDS = (
    "arguments", "parameters", "args", "input", "tool_input", "action_input", "tool_arguments",
    "kwargs",
)  # fmt: skip
_SEPARATOR_TAG = r"<[|｜]tool[_▁]sep[|｜]>"
_MARKER = re.compile(
    r"(?P<tag><\|?/?(?:tool_call|function_call|tool_code|tools?|python_tag)\|?>)"
    r"|(?P<mistral>\[TOOL_CALLS\])|(?P<phi>functools(?=\[))"
    r"|<function=(?P<function>[\w.-]{1,128})>"
    r'|<(?:antml:)?invoke name="(?P<invoke>[\w.-]{1,128})">'
    r"|(?:to=functions\.|<[|｜]tool[_▁]call[_▁]begin[|｜]>|\bAction:[ \t]{0,8})"
    r"(?P<named>[\w.-]{1,128})"
    r"|(?P<fence>```[a-z_]{0,16}[ \t]{0,8}\n)"
    r"|(?P<line>^[ \t]{0,8}(?=[{\[`A-Za-z_]))",
    re.MULTILINE,
)
_SPACE = re.compile(r"\s*")
_LEAD_TO_JSON = re.compile(
    r"(?::\d{1,4})?\s{0,8}+"
    r"(?:\[ARGS\]|<\|tool_call_argument_begin\|>|<\|channel\|>commentary|Action Input:"
    rf"|{_SEPARATOR_TAG}(?:[\w.-]{{1,128}})?)?+\s{{0,8}}+"
    r"(?:<\|constrain\|>)?+(?:json)?+\s{0,8}+(?:<\|message\|>)?+\s{0,8}+"
    r"(?:```(?:json)?\s{0,8}+)?+(?=\{)"
)
_DEEPSEEK_NAME = re.compile(rf"{_SEPARATOR_TAG}([\w.-]{{1,128}})")
_MISTRAL_NAME = re.compile(r"\s{0,8}+([\w.-]{1,128})(?=\[ARGS\]|\{)")
_PARAMETER = re.compile(
    r'\s{0,8}+<(?:antml:)?parameter(?:=|\s{1,8}name=")(?P<key>[\w.-]{1,128})"?>'
    r"(?P<value>[^<]*+)</(?:antml:)?parameter>"
)
_PAIR = re.compile(
    r"\s{0,8}+<arg_key>(?P<key>[^<]{1,128})</arg_key>\s{0,8}+"
    r"<arg_value>(?P<value>[^<]*+)</arg_value>"
)
_GLM_NAME = re.compile(r"\s{0,8}+([\w.-]{1,128})\s{0,8}+(?=<arg_key>|</tool_call>)")
_CALL_LINE = re.compile(
    r"`?\[?(?:\w{1,64} ?= ?)?(?:print\()?(?:functions\.)?([A-Za-z_]\w{0,127})(?:\.call)?\("
)
_LEFT_OVER = re.compile(
    r"</?(?:tool_call|function_call|function|tools?|tool_code|(?:antml:)?invoke"
    r"|(?:antml:)?function_calls)>|<\|?/?(?:tool_call|python_tag)\|?>"
    r"|<\|(?:eom_id|eot_id|call|end|im_end|start|channel)\|>|\[/?TOOL_CALLS\]"
    r"|<[|｜]tool[_▁]calls?(?:[_▁]section)?[_▁](?:begin|end)[|｜]>|```(?:json|python|tool_code)?"
)
_CLOSING = re.compile(
    r"</(?:tool_call|function_call|function|tools?|tool_code|(?:antml:)?invoke"
    r"|(?:antml:)?function_calls)>|<\|/tool_call\|>|<\|(?:eom_id|eot_id|call|end|im_end)\|>"
    r"|\[/TOOL_CALLS\]|<[|｜]tool[_▁]calls?(?:[_▁]section)?[_▁]end[|｜]>|```(?!\w)"
)
_PUNCTUATION = re.compile(r"\s{0,8}[;,`]")


class _Found(NamedTuple):
    """Calls in a text, and where they end."""

    calls: list[ToolCall]
    end: int


def argument_names(tools: Sequence[JsonMapping]) -> dict[str, list[str]]:
    """Return tools of OpenAI's form, nested or flat, as `written_calls` takes them."""
    functions = [tool.get("function") or tool for tool in tools]
    return {
        str(one.get("name")): list((one.get("parameters") or {}).get("properties") or ())
        for one in functions
    }


def written_calls(
    text: str, offered: Offered, requestor: ToolRequestor = "assistant"
) -> Calls | None:
    """Return the calls that a text makes, and the text around them; None when it makes none.

    Args:
        text: What a model wrote, without its thoughts.
        offered: The tools; nothing else is a call.
        requestor: Who wrote it.
    """
    if len(text) > LONGEST_CALL or not offered:
        return None
    reader = _Reader(text, offered, requestor)
    calls: list[ToolCall] = []
    words: list[str] = []
    at = kept = 0
    while len(calls) < MOST_CALLS and (marker := _MARKER.search(text, at)) is not None:
        found = reader.read(marker)
        if found is None or not found.calls:
            at = max(marker.end(), at + 1)
            continue
        calls += found.calls
        words.append(text[kept : marker.start()])
        at = kept = _past_closing(text, found.end)
    if not calls:
        return None
    words.append(text[kept:])
    cleaned = (_LEFT_OVER.sub("", part).strip() for part in words)
    around = "\n".join(filter(None, cleaned))
    return Calls(calls[:MOST_CALLS], around or None)


def _past_closing(text: str, at: int) -> int:
    """Return where what closes a call ends."""
    while True:
        start = _past_space(text, at)
        closing = _CLOSING.match(text, start) or _PUNCTUATION.match(text, at)
        if closing is None:
            return at
        at = closing.end()


class _Reader:
    """Reads the calls at markers of one text."""

    def __init__(self, text: str, offered: Offered, requestor: ToolRequestor) -> None:
        self._text = text
        self._offered = offered
        self._requestor: ToolRequestor = requestor
        self._tries = _MOST_TRIES

    def read(self, marker: re.Match[str]) -> _Found | None:
        """Return the calls that a marker announces."""
        kind, at = marker.lastgroup, marker.end()
        if kind == "function":
            return self._with_parameters(marker["function"], at) or self._named(marker[kind], at)
        if kind == "invoke":
            return self._with_parameters(marker["invoke"], at)
        if kind == "named":
            return self._named(marker["named"], at)
        forms: list[Callable[[int], _Found | None]] = [self._json, self._functional]
        if kind == "mistral":
            forms.insert(0, self._mistral)
        if kind == "tag":
            forms.append(self._pairs)
        return next((found for form in forms if (found := form(at)) is not None), None)

    def _json(self, at: int) -> _Found | None:
        """Read one JSON value that is a call, a list of calls, or several values in a row."""
        calls: list[ToolCall] = []
        end = at
        for _ in range(MOST_CALLS):
            decoded = self._value(end)
            if decoded is None:
                break
            made = list(self._calls_of(decoded[0]))
            if not made:
                break
            calls += made
            end = _past_separator(self._text, decoded[1])
        return _Found(calls, end) if calls else None

    def _value(self, at: int) -> tuple[JsonValue, int] | None:
        start = _past_space(self._text, at)
        if self._text[start : start + 1] not in {"{", "["} or self._tries == 0:
            return None
        self._tries -= 1
        try:
            return _DECODER.raw_decode(self._text, start)
        except (ValueError, RecursionError):
            return None

    def _calls_of(self, value: JsonValue) -> Iterator[ToolCall]:
        if isinstance(value, list):
            for item in value[: MOST_CALLS + 1]:
                if isinstance(item, Mapping):
                    yield from self._calls_of(item)
        elif isinstance(value, Mapping):
            inner = value.get("tool_calls")
            if isinstance(inner, list):
                yield from self._calls_of(inner)
                return
            call = self._call_of(value)
            if call is not None:
                yield call

    def _call_of(self, value: JsonMapping) -> ToolCall | None:
        function = value.get("function")
        if isinstance(function, Mapping):
            value = function
        field = next((one for one in _NAME_FIELDS if isinstance(value.get(one), str)), None)
        if field is None:
            return self._keyed(value)
        given = next((value[one] for one in _ARGUMENT_FIELDS if one in value), None)
        if given is None:
            # The arguments stand beside the name.
            name = self._offered_name(value[field])
            known = self._offered[name] if name else ()
            given = {key: item for key, item in value.items() if key in known and key != field}
        return self._call(value[field], given)

    def _keyed(self, value: JsonMapping) -> ToolCall | None:
        """Read {"get_order": {"order_id": "1"}}."""
        [(name, given)] = value.items() if len(value) == 1 else [("", None)]
        return self._call(name, given) if isinstance(given, Mapping) else None

    def _call(self, name: str, given: JsonValue) -> ToolCall | None:
        offered = self._offered_name(name)
        if offered is None:
            return None
        if isinstance(given, str):
            try:
                given = json.loads(given, parse_constant=refuse_constant) if given.strip() else {}
            except (ValueError, RecursionError):
                return None
        if given is None:
            given = {}
        if not isinstance(given, Mapping):
            return None
        try:
            arguments = storable_arguments(offered, dict(given))
        except (MalformedAction, RecursionError):
            return None
        return ToolCall(id="", name=offered, arguments=arguments, requestor=self._requestor)

    def _offered_name(self, name: str) -> str | None:
        plain = name.strip().removeprefix("functions.")
        return plain if plain in self._offered else None

    def _named(self, name: str, at: int) -> _Found | None:
        """Read the JSON arguments that follow a name."""
        inner = _DEEPSEEK_NAME.match(self._text, at)
        lead = _LEAD_TO_JSON.match(self._text, at)
        if lead is None:
            return None
        decoded = self._value(lead.end())
        if decoded is None:
            return None
        call = self._call(name, decoded[0]) or (inner and self._call(inner[1], decoded[0]))
        return _Found([call], decoded[1]) if call else None

    def _mistral(self, at: int) -> _Found | None:
        name = _MISTRAL_NAME.match(self._text, at)
        return self._named(name[1], name.end()) if name is not None else None

    def _with_parameters(self, name: str, at: int) -> _Found | None:
        """Read `<parameter=key>value</parameter>`, any number of them."""
        return self._entries(name, at, _PARAMETER)

    def _pairs(self, at: int) -> _Found | None:
        """Read a name with `<arg_key>` and `<arg_value>`."""
        name = _GLM_NAME.match(self._text, at)
        return self._entries(name[1], name.end(), _PAIR) if name is not None else None

    def _entries(self, name: str, at: int, pattern: re.Pattern[str]) -> _Found | None:
        arguments: JsonObject = {}
        start = at
        while (entry := pattern.match(self._text, at)) is not None:
            arguments[entry["key"].strip()] = _plain_value(entry["value"])
            at = entry.end()
        follows = self._text[_past_space(self._text, at) :][:2]
        if at == start and follows != "</":
            return None  # JSON follows, or nothing does
        call = self._call(name, arguments)
        return _Found([call], at) if call else None

    def _functional(self, at: int) -> _Found | None:
        """Read calls in functional form: those of a fence, or of one line."""
        start = _past_space(self._text, at)
        first = _CALL_LINE.match(self._text, start)
        if first is None or (self._offered_name(first[1]) is None and first[1] != "print"):
            return None
        if self._tries == 0:
            return None
        self._tries -= 1
        fence = self._text.find("```", start)
        line = self._text.find("\n", start)
        ends = {end for end in (line, fence, len(self._text)) if end >= 0}
        for end in sorted(ends):
            body = self._text[start:end].strip().strip("`;").strip()
            made = functional_calls(body, self._offered, self._requestor)
            if made:
                return _Found(made, end)
        return None


def _past_separator(text: str, at: int) -> int:
    """Return where the next of several JSON values may begin."""
    end = _past_space(text, at)
    return end + 1 if text[end : end + 1] in {";", ","} else at


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _plain_value(text: str) -> JsonValue:
    """Return the value that the text of a parameter stands for: JSON, else the text itself."""
    stripped = text.strip()
    if stripped[:1] in {"{", "["} or stripped in {"true", "false", "null"}:
        try:
            return json.loads(stripped, parse_constant=refuse_constant)
        except (ValueError, RecursionError):
            return stripped
    return stripped
