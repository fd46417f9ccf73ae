"""Actions written as text: a tool call in JSON or in functional form, else words for the other side.

    {"name": "create_task", "arguments": {"title": "Tea"}}        create_task(title='Tea')

Only what is a tool call as a whole is one: "Sure (yes)" and "hello(world)" are words.
`parse_action` also tells a tool call that was meant but went wrong from words;
`parse_action_string` takes it for words, as the original does.
"""

from __future__ import annotations

import ast
import json
import keyword
import re
import warnings
from typing import Any

from tau2.data_model.message import AssistantMessage, ToolCall, ToolRequestor, UserMessage
from tau2.errors import ToolError
from tau2.utils.text import clean_text

_LONGEST = 100_000  # characters of a tool call; anything longer is words
_FENCE = re.compile(r"```(?:json|python|tool_call)?[ \t]*\n(.*?)\n?```", re.DOTALL)
_FUNCTIONAL = re.compile(r"[A-Za-z_]\w*\(.*\)", re.DOTALL)
_NAMES_AN_ARGUMENT = re.compile(r"[A-Za-z_]\w*\((?:[^()=]*,)?\s*[A-Za-z_]\w*\s*=(?!=)")
_LONGEST_INT = 64  # bits of what is looked at no further
_DEEPEST = 64  # levels of nested arguments; a few hundred are more than serializers take
_JSON_NAMES: dict[str, Any] = {"true": True, "false": False, "null": None}


class MalformedAction(ToolError):
    """A tool call that was meant and cannot be read; the text says what is wrong."""


def parse_action_string(
    action: str, requestor: ToolRequestor = "assistant"
) -> AssistantMessage | UserMessage:
    """Return the message an action stands for; what is no tool call is words.

    Raise ValueError for an empty one.
    """
    try:
        return parse_action(action, requestor)
    except MalformedAction:
        text = clean_text(action)
        return _message(requestor, text, content=text)


def parse_action(
    action: str, requestor: ToolRequestor = "assistant"
) -> AssistantMessage | UserMessage:
    """Return the message an action stands for.

    Raises:
        MalformedAction: a tool call was meant, but cannot be read.
        ValueError: the action is empty.
    """
    if not action.strip():
        raise ValueError("an empty action: say something, or call a tool")
    action = clean_text(action)
    calls = _tool_calls(_bare(action), requestor)
    return _message(requestor, action, content=None if calls else action, tool_calls=calls or None)


def _message(
    requestor: ToolRequestor, action: str, **fields: Any
) -> AssistantMessage | UserMessage:
    kind = UserMessage if requestor == "user" else AssistantMessage
    return kind(raw_data={"action": action}, **fields)


def _bare(action: str) -> str:
    """Return an action without the code fence it may be wrapped in."""
    text = action.strip()
    fenced = _FENCE.fullmatch(text) if len(text) <= _LONGEST else None
    return fenced.group(1).strip() if fenced else text


def _tool_calls(text: str, requestor: ToolRequestor) -> list[ToolCall]:
    """Return the tool calls that `text` is, as a whole; none when it is words."""
    if len(text) > _LONGEST:
        return []
    if text.startswith(("{", "[")):
        return _from_json(text, requestor)
    if not _FUNCTIONAL.fullmatch(text):
        return []
    try:
        return [parse_functional_tool_call(text, requestor)]
    except MalformedAction:
        if _NAMES_AN_ARGUMENT.match(text):
            raise
        return []  # "hello(world)" or "Refund(s) = 30 (USD)": brackets in a sentence


def _from_json(text: str, requestor: ToolRequestor) -> list[ToolCall]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        if '"name"' in text or '"arguments"' in text:
            raise MalformedAction(f"this is not valid JSON: {error}") from error
        return []
    entries = value if isinstance(value, list) else [value]
    if not entries or not all(isinstance(entry, dict) and _call_part(entry) for entry in entries):
        return []
    return [_json_call(entry, requestor) for entry in entries]


def _call_part(entry: dict[str, Any]) -> dict[str, Any] | None:
    """Return the part of an object that names a tool: itself, or OpenAI's `function`."""
    part = entry.get("function", entry)
    return part if isinstance(part, dict) and "name" in part else None


def _json_call(entry: dict[str, Any], requestor: ToolRequestor) -> ToolCall:
    part = _call_part(entry) or {}
    name, arguments = part["name"], part.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError) as error:
            raise MalformedAction(
                f"the arguments of {name!r} are not valid JSON: {error}"
            ) from error
    arguments = {} if arguments is None else arguments
    if not isinstance(name, str) or not name:
        raise MalformedAction("the name of a tool must be text")
    if not isinstance(arguments, dict):
        raise MalformedAction(
            f"the arguments of {name!r} must be an object, not {type(arguments).__name__}"
        )
    identifier = entry.get("id")
    return ToolCall(
        id=clean_text(identifier) if isinstance(identifier, str) else "",
        name=clean_text(name),
        arguments=_storable(name, arguments),
        requestor=requestor,
    )


def _storable(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments as any file takes them. Raise MalformedAction for what none does."""
    if all(_is_plain(value) for value in arguments.values()) and all(map(str.isascii, arguments)):
        return arguments  # as nearly always
    if not _is_shallow(arguments, _DEEPEST):
        raise MalformedAction(f"the arguments of {name!r} are nested too deeply")
    try:
        text = json.dumps(arguments, ensure_ascii=False)
    except ValueError as error:  # an integer of thousands of digits
        raise MalformedAction(f"the arguments of {name!r} cannot be stored: {error}") from error
    cleaned = clean_text(text)
    if cleaned == text:
        return arguments
    plain: dict[str, Any] = json.loads(cleaned)
    return plain


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return value.isascii()
    return (
        value is None
        or isinstance(value, float)
        or (isinstance(value, int) and value.bit_length() <= _LONGEST_INT)
    )


def _is_shallow(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(item, levels - 1) for item in inner)


def is_functional_tool_call(text: str) -> bool:
    """Return whether `text` is a tool call in functional form, as a whole."""
    try:
        parse_functional_tool_call(text)
    except MalformedAction:
        return False
    return True


def parse_functional_tool_call(text: str, requestor: ToolRequestor = "assistant") -> ToolCall:
    """Return the tool call that `name(key=value, ...)` stands for.

    Raise MalformedAction for anything else.

    Values are literals of Python or JSON; a bare word is text.
    """
    text = text.strip()
    if len(text) > _LONGEST or not _FUNCTIONAL.fullmatch(text):
        raise MalformedAction("a tool call has the form name(key=value, ...)")
    call = _parsed(text)
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise MalformedAction("a tool call has the form name(key=value, ...)")
    if call.args or any(entry.arg is None for entry in call.keywords):
        raise MalformedAction(
            f"every argument of {call.func.id} needs its name: {call.func.id}(key=value, ...)"
        )
    arguments = {str(entry.arg): _value(entry.value) for entry in call.keywords}
    if len(arguments) < len(call.keywords):
        raise MalformedAction(f"an argument of {call.func.id} is repeated")
    return ToolCall(
        id="", name=call.func.id, arguments=_storable(call.func.id, arguments), requestor=requestor
    )


def _parsed(text: str) -> ast.expr:
    problem: Exception | None = None
    for spelling in (text, text.replace("\n", "\\n")):  # models break lines inside of quotes
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an escape such as '\d' is the writer's business
                return ast.parse(spelling, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            problem = problem or error
    raise MalformedAction(f"this tool call cannot be read: {problem}") from problem


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=str() | int() | float() | None):
            return node.value
        case ast.Name():
            return _JSON_NAMES.get(node.id, node.id)
        case ast.UnaryOp(
            op=ast.USub() | ast.UAdd(), operand=ast.Constant(value=int() | float() as number)
        ):
            return -number if isinstance(node.op, ast.USub) else number
        case ast.List() | ast.Tuple():
            return [_value(item) for item in node.elts]
        case ast.Dict():
            return {
                _key(key): _value(item) for key, item in zip(node.keys, node.values, strict=True)
            }
    raise MalformedAction(
        f"a value must be text, a number, true, false, null, a list or an object: {_shown(node)}"
    )


def _key(node: ast.expr | None) -> str:
    key = _value(node) if node is not None else None
    if isinstance(key, str):
        return key
    raise MalformedAction("the keys of an object must be text")


def _shown(node: ast.expr) -> str:
    try:
        return ast.unparse(node)[:80]
    except RecursionError:  # a sum of a thousand numbers
        return type(node).__name__


def to_functional_format(tool_call: ToolCall) -> str:
    """Return a tool call as text that `parse_action_string` reads back: `name(key=value, ...)`, keys sorted.

    A name or key that is no identifier makes it JSON.
    """
    names = [tool_call.name, *tool_call.arguments]
    if all(
        name.isidentifier() and name.isascii() and not keyword.iskeyword(name) for name in names
    ):
        text = ", ".join(
            f"{key}={tool_call.arguments[key]!r}" for key in sorted(tool_call.arguments)
        )
        return f"{tool_call.name}({text})"
    return json.dumps({"name": tool_call.name, "arguments": tool_call.arguments}, default=str)
