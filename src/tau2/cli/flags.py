"""Flags made from a configuration model: one flag per field, so that none is parsed and dropped.

The name is the field's in kebab case, or the public one where that differs; the help is the field's
docstring; the type is the field's annotation.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from tau2.cli.parsing import CommandParser, escaped
from tau2.errors import ConfigError

COMPATIBILITY = "accepted for compatibility; without effect, or refused when given"
"""The group of fields that no other group names."""

PUBLIC_NAMES: Mapping[str, tuple[str, ...]] = {
    "domain": ("-d", "--domain"),
    "llm_agent": ("--agent-llm",),
    "llm_args_agent": ("--agent-llm-args",),
    "llm_user": ("--user-llm",),
    "llm_args_user": ("--user-llm-args",),
    "llm_judge": ("--llm-judge", "--judge-llm"),
    "llm_args_judge": ("--llm-args-judge", "--judge-llm-args"),
    "provider_limits": ("--provider-limit", "--provider-limits"),
}

_WIDEST_CHOICES = 50
_METAVARS = {
    "agent_command": "COMMAND",
    "agent_url": "URL",
    "cache": "DIR",
    "llm_agent": "MODEL",
    "llm_judge": "MODEL",
    "llm_user": "MODEL",
    "log_level": "LEVEL",
    "max_cost": "USD",
    "retry_delay": "SECONDS",
    "session_timeout": "SECONDS",
    "review_model": "MODEL",
    "task_ids": "ID",
    "tasks_file": "FILE",
    "timeout": "SECONDS",
}
_REQUIRED = frozenset({"domain"})  # a default domain would be a surprise on the command line
_JSON_KINDS = {
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "true or false",
    NoneType: "null",
}
_EXAMPLE = ('{"temperature": 0}', "temperature=0")
_EXAMPLES = {
    "provider_limits": ('{"openai": 40}', "openai=40"),
    "user_persona": ('{"verbosity": "minimal"}', "verbosity=minimal"),
}
"""Of values that are JSON, in both forms that are read."""
NONE = "none"
"""How a field whose default is not None is set to None on the command line."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One field as a flag."""

    field: str
    names: tuple[str, ...]
    kind: type
    """bool, int, float, str, list or dict."""
    choices: tuple[str, ...]
    may_be_none: bool
    default: Any
    help: str

    @property
    def help_text(self) -> str:
        """The help with the default, in a form that argparse takes."""
        shown = f": {', '.join(self.choices)}" if self.has_many_choices else ""
        if self.field in _REQUIRED:
            shown += " (required)"
        elif self.kind is dict and self.default:
            shown += f" (default: {json.dumps(self.default)})"
        elif self.kind is not bool and self.default not in (None, {}):
            shown += f" (default: {self.default}" + (f"; or {NONE})" if self.takes_none else ")")
        return escaped(self.help + shown)

    @property
    def has_many_choices(self) -> bool:
        """Whether the choices are more than a line of names holds."""
        return len(",".join(self.choices)) > _WIDEST_CHOICES

    @property
    def takes_none(self) -> bool:
        """Whether the word "none" unsets it."""
        return self.may_be_none and self.default is not None

    def add_to(self, group: argparse._ArgumentGroup) -> None:
        """Add the flag to a group of a parser."""
        options: dict[str, Any] = {
            "dest": self.field,
            "help": self.help_text,
            "default": argparse.SUPPRESS,
        }
        if self.kind is bool:
            # Both forms: a flag wins over a configuration file also where it turns something off.
            group.add_argument(*self.names, action=argparse.BooleanOptionalAction, **options)
            return
        options["type"] = self._reader()
        options["metavar"] = _METAVARS.get(
            self.field, {int: "N", float: "X", dict: "JSON"}.get(self.kind, "NAME")
        )
        if self.kind is list:
            options["nargs"] = "+"
        if self.choices:
            options["choices"] = self.choices
            # Too many for the column of names: they stand in the help.
            options["metavar"] = "NAME" if self.has_many_choices else None
        group.add_argument(*self.names, **options)

    def _reader(self) -> Callable[[str], Any]:
        if self.kind is dict:
            return partial(read_json_object, example=_EXAMPLES.get(self.field, _EXAMPLE))
        if self.takes_none:
            return lambda text: None if text.lower() == NONE else text
        return self.kind if self.kind in {int, float} else str


def read_json_object(text: str, example: tuple[str, str] = _EXAMPLE) -> dict[str, Any]:
    """Return a JSON object, also written as `name=value,name=value`.

    Raise ArgumentTypeError for anything else, with the example in both forms.
    """
    pairs = [pair.split("=") for pair in text.split(",")]
    is_json = text.lstrip().startswith(("{", "[", '"'))
    if not is_json and all(len(pair) == 2 for pair in pairs):  # noqa: PLR2004  -- name and value
        return {name.strip(): _value(value.strip()) for name, value in pairs}
    try:
        value = json.loads(text)
    except json.JSONDecodeError as problem:
        where = f"{problem.msg} at character {problem.pos + 1}"
    except (ValueError, RecursionError) as problem:
        where = type(problem).__name__
    else:
        if isinstance(value, dict):
            return value
        where = f"it is {_JSON_KINDS[type(value)]}"
    # The text is not repeated: it may hold a key.
    raise argparse.ArgumentTypeError(
        f"not a JSON object ({where}); "
        f"write it in single quotes, for example '{example[0]}', or as {example[1]}"
    )


def _value(text: str) -> Any:
    """Return the number, true, false or null (as in JSON) that a text stands for, else the text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def flags_of(model: type[BaseModel], skipped: Collection[str] = ()) -> list[Flag]:
    """Return one flag per field that is not skipped."""
    return [_flag(name, field) for name, field in model.model_fields.items() if name not in skipped]


def _flag(name: str, field: FieldInfo) -> Flag:
    inner = [part for part in _alternatives(field.annotation) if part is not NoneType]
    kind, choices = _kind(name, inner)
    # A field's docstring becomes a help text like the others: on one line, in lower case.
    text = " ".join((field.description or "").split()).rstrip(".")
    if text[1:2].islower():
        text = text[:1].lower() + text[1:]
    return Flag(
        field=name,
        names=PUBLIC_NAMES.get(name, (f"--{name.replace('_', '-')}",)),
        kind=kind,
        choices=choices,
        may_be_none=NoneType in _alternatives(field.annotation),
        default=field.get_default(call_default_factory=True),
        help=text,
    )


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)


def _kind(name: str, inner: Sequence[Any]) -> tuple[type, tuple[str, ...]]:
    if len(inner) == 1:
        origin = get_origin(inner[0]) or inner[0]
        if origin is Literal:
            return str, tuple(str(value) for value in get_args(inner[0]))
        if origin in {bool, int, float, str, list, dict}:
            return origin, ()
        if isinstance(origin, type) and issubclass(origin, BaseModel):
            return dict, ()  # written as JSON
    raise ConfigError(f"field {name!r} has a type that no flag can give: {inner}")


def add_flags(
    parser: CommandParser, flags: Sequence[Flag], groups: Mapping[str, Sequence[str]]
) -> None:
    """Add flags in named groups of fields.

    Fields that no group names come last, in their own order; the help does not list them.
    """
    parser.hide(COMPATIBILITY)
    by_field = {flag.field: flag for flag in flags}
    for title, fields in _with_rest(groups, by_field):
        group = parser.group(title)
        for field in fields:
            by_field[field].add_to(group)


def _with_rest(
    groups: Mapping[str, Sequence[str]], by_field: Mapping[str, Flag]
) -> Iterator[tuple[str, Sequence[str]]]:
    named = {field for fields in groups.values() for field in fields}
    yield from groups.items()
    rest = [field for field in by_field if field not in named]
    if rest:
        yield COMPATIBILITY, rest


def given_values(options: argparse.Namespace, flags: Sequence[Flag]) -> dict[str, Any]:
    """Return the fields that were given on the command line."""
    given = vars(options)
    return {flag.field: given[flag.field] for flag in flags if flag.field in given}


def build_config(
    model: type[BaseModel],
    values: Mapping[str, Any],
    flags: Sequence[Flag],
    places: Mapping[str, str] | None = None,
) -> Any:
    """Return the configuration. Raise ConfigError saying where every value that does not fit is.

    Args:
        model: What is configured.
        values: The fields that are set.
        flags: The flags of the model: a value belongs to the flag of its field.
        places: Fields whose value was not given by a flag, each with how it is called instead.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        names = {flag.field: flag.names[-1] for flag in flags} | dict(places or {})
        problems = [
            ": ".join(filter(None, (_place(problem["loc"], names), _said(problem["msg"]))))
            for problem in error.errors(include_url=False)
        ]
        raise ConfigError("; ".join(problems)) from error


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")


def _place(path: Sequence[int | str], names: Mapping[str, str]) -> str:
    """Return how the value at a path of fields is called: by the flag of its longest part.

    Below a flag that takes a whole model as JSON, the path goes on. Empty for what several fields
    say together.
    """
    if not path:
        return ""
    parts = [str(part) for part in path]
    for length in range(len(parts), 1, -1):
        name = names.get(".".join(parts[:length]))
        if name is not None:
            return ".".join([name, *parts[length:]])
    return names.get(parts[0], parts[0])
