"""Python source from texts of strangers: literals, docstrings, annotations.

Nothing of a source becomes code: names are identifiers that `names` made, and texts are literals or
lines of docstrings.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Sequence

from tau2.scaffold.interface import Shape
from tau2.utils.terminal_text import clean
from tau2.utils.text import shortened

WIDTH = 100
_LONGEST_TEXT = 400  # characters of a description
_HEADING = re.compile(r"\s*[A-Za-z ]{1,40}:\s*")
"""What a reader of docstrings takes for the beginning of a section, if it is a whole line."""
_PIECE = 70  # characters of a literal in one line
_SCALARS = {"text": "str", "integer": "int", "number": "float", "boolean": "bool", "any": "Any"}


def one_line(text: object, most: int = _LONGEST_TEXT) -> str:
    """Return a text of a source in one line, without control characters, cut to its length."""
    return shortened(" ".join(clean(str(text)[: 20 * most]).split()), most)


def literal(value: str | float | bool | list[str] | dict[str, str] | None) -> str:
    """Return a value as a literal, with the quotes that formatters choose."""
    if not isinstance(value, str):
        return repr(value)
    quote = "'" if value.count('"') > value.count("'") else '"'
    inner = "".join(f"\\{one}" if one == quote else repr(one)[1:-1] for one in value)
    return f"{quote}{inner}{quote}"


def literal_lines(text: str, indent: str) -> list[str]:
    """Return a long text as lines of literals that Python joins."""
    pieces = textwrap.wrap(text, _PIECE, drop_whitespace=False, break_on_hyphens=False)
    return [f"{indent}{literal(piece)}" for piece in pieces]


def annotation(shape: Shape, class_names: dict[object, str]) -> str:
    """Return the type of a shape; records are called as `class_names` says."""
    if shape.kind == "record":
        plain = class_names.get(shape.record, "dict[str, Any]")
    elif shape.kind == "choice":
        plain = f"Literal[{', '.join(map(literal, shape.choices))}]"
    elif shape.kind in {"list", "map"}:
        inner = annotation(shape.item, class_names) if shape.item is not None else "Any"
        plain = f"list[{inner}]" if shape.kind == "list" else f"dict[str, {inner}]"
    else:
        plain = _SCALARS[shape.kind]
    return f"{plain} | None" if shape.is_nullable and plain != "Any" else plain


def annotated_lines(name: str, shape: Shape, kind: str, tail: str, indent: str) -> list[str]:
    """Return a name with its type; the values of a long choice are one a line.

    Args:
        name: Of a field or an argument.
        shape: What the type was made from.
        kind: The type, as `annotation` returns it.
        tail: What follows the type.
        indent: Spaces before every line.
    """
    line = f"{indent}{name}: {kind}{tail}"
    inner = shape
    while inner.item is not None:
        inner = inner.item
    before, opening, after = kind.partition("Literal[")
    if len(line) <= WIDTH or not inner.choices:
        return [line]
    after = after.removeprefix(", ".join(map(literal, inner.choices)))
    values = [f"{indent}    {literal(choice)}," for choice in inner.choices]
    return [f"{indent}{name}: {before}{opening}", *values, f"{indent}{after}{tail}"]


def docstring(summary: str, rest: Sequence[str], indent: str, *, arguments: str = "") -> list[str]:
    """Return the lines of a docstring: summary, paragraphs, arguments.

    Args:
        summary: One line.
        rest: Paragraphs, each in one line.
        indent: Spaces before every line.
        arguments: The finished section of arguments.
    """
    lines = [_harmless(summary)]
    if not rest and not arguments and lines[0].endswith('"'):
        lines[0] = f"{lines[0][:-1]}'"
    for paragraph in rest:
        width = WIDTH - len(indent) - paragraph.count("\\")
        lines += ["", *map(_harmless, textwrap.wrap(paragraph, max(40, width)))]
    if arguments:
        lines += ["", *arguments.split("\n")]
    if len(lines) == 1:
        return [f'{indent}"""{lines[0]}"""']
    return [f'{indent}"""{lines[0]}', *(f"{indent}{line}".rstrip() for line in lines[1:]),
            f'{indent}"""']  # fmt: skip


def argument_lines(arguments: Sequence[tuple[str, str]], indent: str) -> str:
    """Return the section of a docstring that describes arguments."""
    lines = ["Args:"]
    for name, description in arguments:
        # A backslash is spelled with two.
        width = WIDTH - len(indent) - 8 - description.count("\\")
        wrapped = textwrap.wrap(f"{name}: {description}", max(40, width))
        lines += [f"    {_harmless(wrapped[0])}", *(f"        {_harmless(x)}" for x in wrapped[1:])]
    return "\n".join(lines)


def _harmless(line: str) -> str:
    """Return a line that neither ends a docstring nor begins a section of one."""
    line = line.replace("\\", "\\\\").replace('"""', "'''")
    return line.replace(":", ".") if _HEADING.fullmatch(line) else line


def sentence(text: str) -> str:
    """Return a text as a sentence: with a capital in front and a full stop."""
    text = text.strip()
    if not text:
        return ""
    return f"{text[0].upper()}{text[1:]}{'' if text[-1] in '.!?…' else '.'}"


def split_summary(text: str, most: int) -> tuple[str, str]:
    """Return the first sentence of a text, if it is short enough, and what follows it."""
    first, _, rest = text.partition(". ")
    return (sentence(first), rest) if first and len(first) < most else ("", text)


def call_lines(head: str, arguments: Sequence[str], tail: str, indent: str) -> list[str]:
    """Return a call or signature in one line, or with one argument a line where it is too long."""
    line = f"{indent}{head}({', '.join(arguments)}){tail}"
    if len(line) <= WIDTH:
        return [line]
    return [f"{indent}{head}(", *(f"{indent}    {one}," for one in arguments), f"{indent}){tail}"]


def formatted_call(head: str, arguments: Sequence[str], indent: str) -> list[str]:
    """Return a call as formatters have it: in one line, or its arguments in one, or one a line."""
    inner = f"{indent}    {', '.join(arguments)}"
    lines = call_lines(head, arguments, "", indent)
    return lines if len(lines) == 1 or len(inner) > WIDTH else [lines[0], inner, lines[-1]]


def names_in(source: str) -> frozenset[str]:
    """Return the names that Python source uses."""
    nodes = ast.walk(ast.parse(source))
    return frozenset(node.id for node in nodes if isinstance(node, ast.Name))
