"""Tool calls in functional form: `create_task(title='Tea', tags=["a", "b"])`."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Mapping, Sequence
from keyword import iskeyword

from tau2.actions.tool_calls import MalformedAction, storable_arguments
from tau2.data_model.message import ToolCall, ToolRequestor
from tau2.utils.json_types import JsonValue

LONGEST_CALL = 100_000  # characters of a tool call; anything longer is text
_FUNCTIONAL = re.compile(r"[A-Za-z_]\w*\(.*\)", re.DOTALL)
_NAMES_AN_ARGUMENT = re.compile(r"[A-Za-z_]\w*\((?:[^()=]*,)?\s*[A-Za-z_]\w*\s*=(?!=)")
_JSON_NAMES = {"true": True, "false": False, "null": None}


def names_an_argument(text: str) -> bool:
    """Return whether `text` begins as a call with a named argument: then a call was meant."""
    return _NAMES_AN_ARGUMENT.match(text) is not None


def is_functional_tool_call(text: str) -> bool:
    """Return whether `text` is a tool call in functional form, as a whole."""
    try:
        parse_functional_tool_call(text)
    except MalformedAction:
        return False
    return True


def parse_functional_tool_call(text: str, requestor: ToolRequestor = "assistant") -> ToolCall:
    """Return the tool call that `name(key=value, ...)` stands for.

    Values are literals of Python or JSON; a bare word is text.

    Raises:
        MalformedAction: the text has another form, or holds another value.
    """
    text = text.strip()
    has_form = len(text) <= LONGEST_CALL and _FUNCTIONAL.fullmatch(text) is not None
    call = _parsed(text) if has_form else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise MalformedAction("a tool call has the form name(key=value, ...)")
    name = call.func.id
    if call.args or any(entry.arg is None for entry in call.keywords):
        raise MalformedAction(f"every argument of {name} needs its name: {name}(key=value, ...)")
    arguments = {str(entry.arg): _value(entry.value) for entry in call.keywords}
    if len(arguments) < len(call.keywords):
        raise MalformedAction(f"an argument of {name} is repeated")
    return ToolCall(
        id="", name=name, arguments=storable_arguments(name, arguments), requestor=requestor
    )


def functional_calls(
    text: str, offered: Mapping[str, Sequence[str]], requestor: ToolRequestor = "assistant"
) -> list[ToolCall]:
    """Return the calls of offered tools that a text in functional form consists of.

    One call, a list of them, or one a line; arguments without a name get theirs from the tool.
    Empty when the text is anything else.

    Args:
        text: At most LONGEST_CALL characters; anything longer is no call.
        offered: The names of the tools, with those of their arguments in order.
        requestor: Who wrote it.
    """
    if len(text) > LONGEST_CALL:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as above
            body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    calls: list[ToolCall] = []
    for statement in body:
        value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
        items = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
        made = [_offered_call(item, offered, requestor) for item in items]
        if not all(made):
            return []
        calls += [call for call in made if call is not None]
    return calls


def _offered_call(
    node: ast.expr | None, offered: Mapping[str, Sequence[str]], requestor: ToolRequestor
) -> ToolCall | None:
    if not isinstance(node, ast.Call):
        return None
    name = _called_name(node.func)
    if name == "print" and name not in offered and len(node.args) == 1:
        return _offered_call(node.args[0], offered, requestor)
    if name not in offered or len(node.args) > len(offered[name]):
        return None
    try:
        arguments = {key: _value(item) for key, item in zip(offered[name], node.args, strict=False)}
        arguments |= {str(entry.arg): _value(entry.value) for entry in node.keywords}
        arguments = storable_arguments(name, arguments)
    except (MalformedAction, RecursionError):
        return None
    if any(entry.arg is None for entry in node.keywords):
        return None
    return ToolCall(id="", name=name, arguments=arguments, requestor=requestor)


def _called_name(node: ast.expr) -> str:
    """Return the name of `name(...)`, `functions.name(...)` or `name.call(...)`."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id if node.attr == "call" else node.attr
    return node.id if isinstance(node, ast.Name) else ""


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


def _value(node: ast.expr) -> JsonValue:
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
            items = zip(node.keys, node.values, strict=True)
            return {_key(key): _value(item) for key, item in items}
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
    """Return a tool call as text that `parse_action_string` reads back: `name(key=value, ...)`.

    Keys are sorted. A name or key that is no identifier makes it JSON.
    """
    arguments = tool_call.arguments
    names = [tool_call.name, *arguments]
    if all(name.isidentifier() and name.isascii() and not iskeyword(name) for name in names):
        text = ", ".join(f"{key}={arguments[key]!r}" for key in sorted(arguments))
        return f"{tool_call.name}({text})"
    return json.dumps({"name": tool_call.name, "arguments": arguments}, default=str)
