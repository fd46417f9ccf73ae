"""Arguments of a tool call, read out of what somebody said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tau2.utils.json_types import JsonMapping, JsonObject

_PAIR = re.compile(r"(\w+)\s*=\s*(\"[^\"]*\"|'[^']*'|[^,()=]+)")
_QUOTED = re.compile(r"(?<!\w)[\"']([^\"'\n]{1,120})[\"'](?!\w)")
_IDENTIFIER = re.compile(
    r"#?\b[A-Za-z]+(?:_[A-Za-z0-9]+)*_\d+\b|#[A-Z]*\d+\b|\b(?=[A-Z0-9-]*\d)[A-Z][A-Z0-9-]{3,}\b"
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_PLAIN = re.compile(r"[^a-z0-9]+")
_ARTICLE = re.compile(r"^(?:The|An?|Our|Your|I|So|And) ")
_EMPTY = frozenset(
    {"app", "same", "new", "right", "correct", "following", "required", "necessary", "current"}
)
_LONGEST = 200  # characters of an argument that words can carry


def written_out(name: str, text: str, schema: JsonMapping) -> JsonObject | None:
    """Return the arguments of a call `name(key="value")` written out in the text, else None."""
    match = re.search(rf"{re.escape(name)}\s*\(([^()]*)\)", text)
    pairs = _PAIR.findall(match[1]) if match else []
    known = _properties(schema)
    found = {
        key: _typed(value.strip().strip("\"'"), known[key]) for key, value in pairs if key in known
    }
    return found if found and not (set(_required(schema)) - found.keys()) else None


def filled(
    schema: JsonMapping, text: str, reference: Sequence[JsonMapping]
) -> tuple[JsonObject, list[str]]:
    """Return the arguments in `text`, and the required ones in neither it nor the reference."""
    plain_text = _plain(text)
    for arguments in reference:
        if arguments and all(_plain(str(value)) in plain_text for value in arguments.values()):
            return dict(arguments), []
    found: JsonObject = {}
    for name, about in _properties(schema).items():
        value = _value(name, about, text, schema, taken=list(found.values()))
        if value is not None:
            found[name] = value
    missing = [name for name in _required(schema) if name not in found]
    if missing and len(reference) == 1:
        return {**reference[0], **found}, [name for name in missing if name not in reference[0]]
    optional = [name for name in found if name not in _required(schema)]
    # An optional argument that was only guessed from loose words does more harm than good.
    for name in optional:
        if _labelled(name, text) is None:
            del found[name]
    return found, missing


def _properties(schema: JsonMapping) -> dict[str, JsonMapping]:
    return dict(schema.get("properties") or {})


def _required(schema: JsonMapping) -> list[str]:
    return list(schema.get("required") or ())


def _plain(text: str) -> str:
    return _PLAIN.sub("", text.lower())


def _value(
    name: str, about: JsonMapping, text: str, schema: JsonMapping, *, taken: list[Any]
) -> Any:
    """Return the value of one argument as the text gives it, or None."""
    choices = _choices(about, schema)
    if choices:
        heard = _plain(text)
        said = [
            choice for choice in choices if _plain(str(choice)) and _plain(str(choice)) in heard
        ]
        return max(said, key=lambda choice: len(str(choice)), default=None)
    labelled = _labelled(name, text)
    if labelled is not None:
        return _typed(labelled, about)
    if about.get("type") in {"integer", "number"}:
        number = _NUMBER.search(text)
        return _typed(number[0], about) if number else None
    if about.get("type") != "string":
        return None
    named = _kind_by_name(name, text) or _before_noun(name, text)
    candidates = (
        [*_IDENTIFIER.findall(text), *_QUOTED.findall(text)]
        if name.endswith("id")
        else _QUOTED.findall(text)
    )
    return named or next((value for value in candidates if value not in taken), None)


def _labelled(name: str, text: str) -> str | None:
    """Return the value after "app name: ..." or "app_name=..."."""
    label = r"[ _-]".join(re.escape(part) for part in name.split("_"))
    match = re.search(
        rf"\b{label}\s*(?::|=)\s*[\"']?([^;,)\"'\n]{{1,{_LONGEST}}})", text, re.IGNORECASE
    )
    return match[1].strip().rstrip(".") if match else None


def _kind_by_name(name: str, text: str) -> str | None:
    """Return a name that ends in the noun of a kind: "Orchard Card" for `card_type`."""
    noun, _, last = name.rpartition("_")
    if last != "type" or not noun:
        return None
    match = re.search(rf"\b((?:[A-Z][\w'&-]{{0,30}} ){{1,4}}{noun.capitalize()})\b", text)
    return _ARTICLE.sub("", match[1]) if match else None


def _before_noun(name: str, text: str) -> str | None:
    """Return the word before a noun: "mail" for `app_name` in "the mail app"."""
    thing, _, last = name.rpartition("_")
    if not thing:
        thing = last
    elif last not in {"name", "id", "type"}:
        return None
    match = re.search(
        rf"\b(?:the|your)\s+[\"']?(\w+)[\"']?\s+{re.escape(thing)}\b", text, re.IGNORECASE
    )
    return match[1].lower() if match and match[1].lower() not in _EMPTY else None


def _choices(about: JsonMapping, schema: JsonMapping) -> list[Any]:
    """Return the values a schema allows, however it writes them down."""
    if "enum" in about:
        return list(about["enum"])
    if "const" in about:
        return [about["const"]]
    reference = about.get("$ref", "")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        target = (schema.get("$defs") or {}).get(reference.removeprefix("#/$defs/"), {})
        return list(target.get("enum") or ())
    return [choice for option in about.get("anyOf") or () for choice in _choices(option, schema)]


def _typed(value: str, about: JsonMapping) -> Any:
    """Return the text as the number or truth value the schema wants.

    The text itself where it is none.
    """
    kind = about.get("type")
    if kind == "boolean":
        return value.lower() in {"true", "yes", "on", "1"}
    if kind in {"integer", "number"} and _NUMBER.fullmatch(value):
        return int(value) if kind == "integer" and "." not in value else float(value)
    return value
