"""Secrets: what counts as one, and how text, arguments and settings are shown or stored without them.

Known secrets are the keys, headers and passwords in a model's arguments and in the environment; they are also
found where a server repeats them, quoted or URL-encoded. In text of models and worlds nothing is known; only the usual
forms of keys, named fields and credentials in addresses are recognised there.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tau2.utils.text import clean_text

REDACTED = "[redacted]"

PRIVATE_ARGS = frozenset(
    {
        "api_key",
        "api_base",
        "base_url",
        "extra_headers",
        "headers",
        "azure_ad_token",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "vertex_credentials",
    }
)
"""Arguments that say where and as whom, not what: no part of a request's identity."""

_PUBLIC_ARGS = frozenset({"api_base", "base_url"})
_SHORTEST_SECRET = 4  # hiding every "x" of a text because the key is "x" helps nobody
_PLACEHOLDERS = frozenset(
    {"empty", "none", "null", "dummy", "test", "local", "fake", "token-abc123"}
)
_LOOKS_SECRET = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|AIza)[-_][\w*.\-]{6,}|(?i:bearer)\s+[\w.~+/=*\-]{6,}"
)
_PLAIN_HEADERS = frozenset({"accept", "content-type", "user-agent"})

_NAME = (
    r"(?:[\w-]*[_-])?(?:api[-_]?key|access[-_]?key(?:[-_]id)?|secret[-_]?key|private[-_]?key|subscription[-_]?key|"
    r"secret|password|passwd|passphrase|token|credentials?|authorization|cookie|client[-_]?secret)"
)
_IS_NAME = re.compile(rf"(?i){_NAME}\Z")
_IN_ARGS = re.compile(r"(?i)key|token|secret|passw|credential|auth|cookie|signature")
_ENVIRONMENT = re.compile(
    r"(?i)(?:(?:_|^)(?:key|token|secret|pwd|credentials?|auth)|password|passwd|passphrase)(?:_id)?\Z|api_?key"
)
_MEMBER = re.compile(
    rf'(?i)(?P<before>(?P<q>\\*")(?:{_NAME})(?P=q)\s*:\s*(?P=q))(?:(?!(?P=q)).){{4,}}'
)
_ADDRESS = re.compile(
    r"(?P<before>://)[^/@\s\"'\\]{1,512}@|(?P<name>[?&](?:key|sig|[\w-]*(?:api[-_]?key|token|secret|password))=)[^&\s#\"'\\]+"
)
_FORMS = re.compile(
    r"\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{20,}|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bhf_[A-Za-z0-9]{20,}"
    r"|\bxox[abprs]-[\w-]{10,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[\s\S]{0,8192}?-----END [A-Z ]{0,20}PRIVATE KEY-----"
)
_SHORTEST = 4  # characters; hiding a shorter text would damage ordinary words
_SHORTEST_OF_ENVIRONMENT = 8  # a variable may be named like a key and hold a word
_MOST_REDACTORS = 64  # sets of secrets whose patterns are kept


class Redactor:
    """Hides a set of secrets, and whatever looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = frozenset(text for text in secrets if len(text) >= _SHORTEST)
        spellings = {text for secret in self.secrets for text in _spellings(secret)}
        self.spellings = tuple(sorted(spellings, key=lambda text: (-len(text), text)))
        """Every spelling of the secrets, longest first."""
        joined = "|".join(map(re.escape, self.spellings))
        self._known = re.compile(joined) if joined else None

    def with_secrets_of(self, args: Mapping[str, Any]) -> Redactor:
        """Return a redactor that also knows the secrets in a call's arguments."""
        more = secrets_in_args(args)
        return self if more <= self.secrets else _redactor(self.secrets | more)

    def text(self, text: str) -> str:
        """Return text without secrets."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        text = _ADDRESS.sub(_emptied, redact(text))
        return _FORMS.sub(REDACTED, _MEMBER.sub(_member_emptied, text))

    def data(self, value: Any) -> Any:
        """Return JSON data without secrets: in texts, in keys, and under names that say so."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {
                    self.text(str(name)): self._entry(str(name), inner)
                    for name, inner in value.items()
                }
            case list() | tuple():
                return [self.data(inner) for inner in value]
            case _:
                return value

    def _entry(self, name: str, value: Any) -> Any:
        return (
            REDACTED
            if isinstance(value, str) and value and _IS_NAME.match(name)
            else self.data(value)
        )


def _emptied(found: re.Match[str]) -> str:
    return f"://{REDACTED}@" if found["before"] else f"{found['name']}{REDACTED}"


def _member_emptied(found: re.Match[str]) -> str:
    return f"{found['before']}{REDACTED}"


@lru_cache(maxsize=_MOST_REDACTORS)
def _redactor(secrets: frozenset[str]) -> Redactor:
    return Redactor(secrets)


def _spellings(secret: str) -> Iterator[str]:
    """Yield a secret as it stands in plain text, in JSON, in JSON inside JSON, in an address, and in a repr."""
    yield secret
    once = json.dumps(secret)[1:-1]
    yield once
    yield json.dumps(once)[1:-1]
    yield quote(secret, safe="")
    yield repr(secret)[1:-1]


def secrets_in_args(args: Mapping[str, Any]) -> frozenset[str]:
    """Return the secrets in a call's arguments, at any depth: keys, headers and their parts, passwords in URLs."""
    found = set(secrets_of(args))
    found |= {
        part
        for value in secrets_of(args)
        for part in value.split()
        if len(part) >= _SHORTEST_OF_ENVIRONMENT
    }
    found |= set(_nested(args))
    return frozenset(found)


def _nested(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _nested(inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _nested(inner, name)
    elif isinstance(value, str) and value:
        if _IN_ARGS.search(name) and len(value) >= _SHORTEST_OF_ENVIRONMENT:
            yield value
        yield from _in_address(value)


def _in_address(text: str) -> Iterator[str]:
    """Yield the password and the secret parameters of an address."""
    if "://" not in text:
        return
    try:
        parts = urlsplit(text)
        password, user = parts.password, parts.username
    except ValueError:  # not an address after all
        return
    named = [
        value
        for name, value in parse_qsl(parts.query)
        if name in {"key", "sig"} or _IS_NAME.match(name)
    ]
    for secret in (password, user if password is None else None, *named):
        if secret and len(secret) >= _SHORTEST:
            yield secret
            yield unquote(secret)


def secrets_in_environment(environment: Mapping[str, str] | None = None) -> frozenset[str]:
    """Return the values of variables that are named like keys, and the passwords in addresses."""
    found: set[str] = set()
    for name, value in (os.environ if environment is None else environment).items():
        if (
            _ENVIRONMENT.search(name)
            and len(value) >= _SHORTEST_OF_ENVIRONMENT
            and not _is_word(value)
        ):
            found.add(value)
        found |= set(_in_address(value))
    return frozenset(found)


def _is_word(text: str) -> bool:
    """Return whether a value is rather a setting or a path: hiding it would only make texts unreadable."""
    return (
        text.isalpha() and text.islower() and len(text) <= _SHORTEST_OF_ENVIRONMENT * 2
    ) or text.startswith("/")


def secrets_of(args: Mapping[str, Any], *more: str | None) -> tuple[str, ...]:
    """Return the texts of `args` (and `more`) that must never be shown, longest first."""
    found = [
        value
        for key, value in args.items()
        if key in PRIVATE_ARGS - _PUBLIC_ARGS and isinstance(value, str)
    ]
    for name in ("extra_headers", "headers"):
        headers = args.get(name)
        if isinstance(headers, Mapping):
            found += [
                str(value)
                for key, value in headers.items()
                if str(key).lower() not in _PLAIN_HEADERS
            ]
    found += [value for value in more if value]
    return tuple(sorted({text for text in found if _is_secret(text)}, key=len, reverse=True))


def _is_secret(text: str) -> bool:
    return len(text) >= _SHORTEST_SECRET and text.lower() not in _PLACEHOLDERS


def text_redactor(secrets: Sequence[str]) -> Callable[[str], str]:
    """Return a function that cleans a text and takes `secrets`, and nothing else, out of it."""

    def redacted(text: str) -> str:
        text = clean_text(text)
        for secret in secrets:
            text = text.replace(secret, REDACTED)
        return text

    return redacted


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without the secrets and without anything that looks like a key."""
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return _LOOKS_SECRET.sub(REDACTED, text)


def redact_args(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return `llm_args` as they may be stored or shown: keys and headers hidden, the rest as it is."""
    return {
        key: REDACTED if key in PRIVATE_ARGS - _PUBLIC_ARGS else value
        for key, value in args.items()
    }
