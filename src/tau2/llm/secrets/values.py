"""Known secrets: values that stand in arguments, settings and variables, and their spellings."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from tau2.llm.secrets.names import (
    PLAIN_HEADERS,
    SECRET_ARGS,
    names_field,
    names_headers,
    names_setting,
)
from tau2.utils.json_types import JsonMapping, JsonValue

SHORTEST = 4  # characters; taking a shorter text out would damage ordinary words
_LONGEST_NUMBER = 1_000  # bits of an integer that may be a secret
_SHORTEST_GUESSED = 8  # of a value that only its name makes a secret: it may be a setting
_SHORTEST_GENERATED = 12  # of a value that looks like a key
_SHORTEST_PATH_PART = 24  # of a part of a path in an address that looks generated
_SHORTEST_LINE = 16  # of a line of a secret of several lines
_SHORTEST_BASE64 = 8  # of a secret that is also looked for in base64
_LONGEST_NESTED = 65_536  # characters of a text that is read for settings inside it
_DEEPEST = 32  # levels of nesting in which secrets are looked for
_PLACEHOLDERS = frozenset(
    {"empty", "none", "null", "dummy", "test", "local", "fake", "token-abc123", "not-needed"}
)
_COOKIE_ATTRIBUTES = frozenset({"httponly", "samesite", "max-age", "expires", "secure"})

_PAIR = re.compile(r"""(?<![\w.-])([\w.-]{1,64})\s{0,8}([=:])\s{0,8}["']?([^\s;,&"']+)""")
_ADDRESS = re.compile(r"[A-Za-z][\w+.-]{0,31}://[^\s\"'<>]+")
_SEPARATORS = re.compile(r"[\s;,&]+")
_WORD = re.compile(r"[A-Z]?[a-z]{1,15}")
_IDENTIFIER = re.compile(r"[A-Za-z]+(?:[_.:/ -][A-Za-z]*\d{0,8})*")
_PATH = re.compile(r"(?:~|\.{1,2}|[A-Za-z]:)?(?:[\\/][\w .@+-]*)+")
_HEAD_OF_JSON = ("{", "[")


def looks_generated(text: str) -> bool:
    """Return whether a value looks like a key: long, without spaces, no word and no identifier."""
    if not _SHORTEST_GENERATED <= len(text) <= _LONGEST_NESTED or any(map(str.isspace, text)):
        return False
    has_digit = any(map(str.isdigit, text))
    has_letter = any(map(str.isalpha, text))
    return has_digit and has_letter and not _IDENTIFIER.fullmatch(text)


def secrets_in_args(args: JsonMapping) -> frozenset[str]:
    """Return the secrets in a model's arguments, at any depth.

    These are keys, headers and their parts, values under names of secrets, and what addresses
    hold: passwords, and parameters with names of secrets. A text that holds settings itself (JSON,
    or `name=value`) is read as well.
    """
    given = flat_items(args)
    if given is not None:
        return _in_flat_args(given)
    return _worthy(_secrets_in(args, "", is_header=False, depth=_DEEPEST))


FlatItems: TypeAlias = tuple[tuple[str, type, JsonValue], ...]
"""Arguments as the key of a cache. The types tell 1 from 1.0 and True, which are equal."""
_FLAT = frozenset({str, int, float, bool, type(None)})


def flat_items(args: JsonMapping) -> FlatItems | None:
    """Return the arguments of a model that all its calls in a run share; None for nested ones.

    They are hardly ever nested. Only the seed differs, from episode to episode; it is no part of
    where a model is served, and no secret.
    """
    items = tuple(
        (name, type(value), value)
        for name, value in args.items()
        if name != "seed" or type(value) is not int
    )
    return items if all(kind in _FLAT for _, kind, _ in items) else None


@lru_cache(maxsize=16)
def _in_flat_args(args: FlatItems) -> frozenset[str]:
    """Do what `secrets_in_args` does."""
    flat = {name: value for name, _type, value in args}
    return _worthy(_secrets_in(flat, "", is_header=False, depth=_DEEPEST))


def secrets_in_environment(environment: Mapping[str, str] | None = None) -> frozenset[str]:
    """Return the values of variables named like secrets, and the secrets within other values."""
    variables = os.environ if environment is None else environment
    return _in_variables(tuple(variables.items()))


@lru_cache(maxsize=8)
def _in_variables(variables: tuple[tuple[str, str], ...]) -> frozenset[str]:
    found: set[str] = set()
    for name, value in variables:
        found.update(_secrets_within(value, _DEEPEST))
        if names_headers(name):
            found.update(_parts(value))
        if len(value) < _SHORTEST_GUESSED or not names_setting(name) or _is_plain_setting(value):
            continue
        found.add(value)
        found.update(_parts(value))
    return _worthy(found)


def _worthy(found: Iterator[str] | set[str]) -> frozenset[str]:
    return frozenset(
        text for text in found if len(text) >= SHORTEST and text.lower() not in _PLACEHOLDERS
    )


def _secrets_in(value: JsonValue, name: str, *, is_header: bool, depth: int) -> Iterator[str]:
    if depth <= 0:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            # What lies below the name of a secret is one, whatever its own name is.
            headers = names_headers(name)
            own = name if names_setting(name) and not headers else str(key)
            yield from _secrets_in(inner, own, is_header=headers, depth=depth - 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets_in(inner, name, is_header=is_header, depth=depth - 1)
    elif isinstance(value, str):
        yield from _secrets_within(value, depth - 1)
        is_given = name in SECRET_ARGS or (is_header and name.lower() not in PLAIN_HEADERS)
        if is_given or (len(value) >= _SHORTEST_GUESSED and names_setting(name)):
            yield value
            yield from _parts(value)
    elif isinstance(value, int) and names_field(name):
        # Python writes no integer of thousands of digits, and no such one is a secret.
        text = str(value) if value.bit_length() < _LONGEST_NUMBER else ""
        if len(text) >= _SHORTEST_GUESSED:
            yield text


def _secrets_within(text: str, depth: int) -> Iterator[str]:
    """Yield the secrets of a text that holds settings: an address, JSON, `name=value`."""
    if len(text) > _LONGEST_NESTED:
        return
    if "://" in text:
        for address in {text.strip(), *_ADDRESS.findall(text)}:
            yield from _secrets_in_address(address)
    if text.lstrip().startswith(_HEAD_OF_JSON):
        try:
            nested = json.loads(text)
        except (ValueError, RecursionError):
            nested = None  # no JSON; it may still hold pairs
        if nested is not None:
            yield from _secrets_in(nested, "", is_header=False, depth=depth)
            return
    if "=" in text or ":" in text:
        for name, sign, value in _PAIR.findall(text):
            # After a colon there may be ordinary words.
            is_sure = sign == "=" and names_field(name)
            if is_sure or (names_setting(name) and looks_generated(value)):
                yield from _unless_word(value)


def _parts(secret: str) -> Iterator[str]:
    """Yield what of a secret is one by itself: of a header, a cookie, a key of several lines."""
    for part in _SEPARATORS.split(secret):
        yield from _unless_word(part)
        _, equals, value = part.partition("=")
        if equals:
            yield from _unless_word(value.strip("\"'"))
        _, colon, value = part.partition(":")
        if colon:
            yield from _unless_word(value.strip("\"'"))
    scheme, _, encoded = secret.strip().partition(" ")
    if scheme.lower() == "basic":
        _, _, password = _decoded(encoded.strip()).partition(":")
        yield password
    if "\n" in secret:
        lines = map(str.strip, secret.splitlines())
        yield from (line for line in lines if len(line) >= _SHORTEST_LINE and line[0] != "-")


def _unless_word(part: str) -> Iterator[str]:
    is_attribute = part.partition("=")[0].lower() in _COOKIE_ATTRIBUTES
    if len(part) >= _SHORTEST_GUESSED and not is_attribute and not _WORD.fullmatch(part):
        yield part
        if "%" in part:
            yield unquote(part)


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _secrets_in_address(text: str) -> Iterator[str]:
    """Yield an address's password, secret parameters, and generated parts of its path."""
    try:
        parts = urlsplit(text)
        password = parts.password
        user = parts.username
    except ValueError:  # not an address after all
        return
    found = [password, user if password is None else None]
    pairs = [*parse_qsl(parts.query), *parse_qsl(parts.fragment)]
    found += [value for name, value in pairs if names_setting(name)]
    found += [part for part in parts.path.split("/") if _is_generated_path(part)]
    for secret in found:
        if secret and len(secret) >= SHORTEST:
            yield secret
            yield unquote(secret)


def _is_generated_path(part: str) -> bool:
    has_cases = part.lower() != part and part.upper() != part
    return len(part) >= _SHORTEST_PATH_PART and has_cases and part.isalnum() and not part.isalpha()


def _is_plain_setting(text: str) -> bool:
    """Return whether a variable holds a word or a path: redacting it would only spoil texts."""
    is_word = text.isalpha() and text.islower() and len(text) <= 2 * _SHORTEST_GUESSED
    return is_word or _is_path(text) or text.isspace()


def _is_path(text: str) -> bool:
    """Return whether a text is the path of a file; a key in base64 may begin with a slash too."""
    if not _PATH.fullmatch(text):
        return False
    longest = max(map(len, re.split(r"[\\/._ -]", text)))
    return longest < _SHORTEST_PATH_PART or text.islower() or Path(text).exists()


def spellings_of(secret: str) -> Iterator[str]:
    """Yield a secret as it stands in text, JSON, JSON within JSON, URLs, reprs and base64."""
    yield secret
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield once.replace("/", r"\/")
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
    for safe in ("", "/"):
        encoded = quote(secret, safe=safe, errors="replace")
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), encoded)
    yield quote_plus(secret, errors="replace")
    yield repr(secret)[1:-1]
    yield from _in_base64(secret)


def _in_base64(secret: str) -> Iterator[str]:
    """Yield what base64 makes of a secret, by itself and at each place within a longer text."""
    if len(secret) < _SHORTEST_BASE64:
        return
    content = secret.encode("utf-8", "replace")
    for lead in range(3):
        # The first and the last character also depend on what stands beside the secret.
        first = (0, 2, 3)[lead]
        last = (lead + len(content)) * 8 // 6
        core = base64.b64encode(bytes(lead) + content).decode()[first:last]
        yield core
        yield core.translate(_URL_SAFE)


_URL_SAFE = str.maketrans("+/", "-_")
