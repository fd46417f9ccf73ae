"""Secrets: what counts as one, and how texts, arguments and data are shown or stored without them.

There are two ways to recognise a secret. A *known* secret is a value from the arguments of a model
or from the environment: it stands under a name that says so (`names_setting`), or is a password in
an address. It is found wherever it is repeated, also quoted or URL-encoded. In text of models,
tools and servers nothing is known; there only fields whose name ends in an unmistakable word
(`names_field`), credentials in addresses, and the usual forms of keys are recognised.

Every pattern takes linear time: it begins where no earlier match can begin, or is bounded.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.text import clean_text

REDACTED = "[redacted]"

# --- names ------------------------------------------------------------------------------------

PRIVATE_ARGS = frozenset(
    {
        "api_key",
        "api_base",
        "base_url",
        "extra_headers",
        "headers",
        "default_headers",
        "extra_query",
        "default_query",
        "organization",
        "project",
        "rpm",
        "tpm",
        "azure_ad_token",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "vertex_credentials",
        "ssl_verify",
    }
)
"""Arguments that say where, as whom and how fast, not what: no part of a request's identity."""

_SECRET_ARGS = PRIVATE_ARGS - {
    "api_base",
    "base_url",
    "ssl_verify",
    "organization",
    "project",
    "rpm",
    "tpm",
}
_HEADERS = frozenset({"headers", "extra_headers", "default_headers"})
_PLAIN_HEADERS = frozenset({"accept", "content-type", "user-agent"})

_WORDS = (
    r"(?:(?:api|access|secret|private|subscription)[-_]?key(?:[-_]id)?"
    r"|secret|password|passwd|passphrase|token|credentials?|authorization|cookies?)"
)
_FIELD_NAME = rf"(?:[\w-]*[_-])?{_WORDS}"
_IS_FIELD_NAME = re.compile(rf"(?i){_FIELD_NAME}\Z")
_IS_SETTING_NAME = re.compile(
    rf"(?i){_WORDS}(?![a-z])"
    r"|(?:\A|[-_.])(?:(?<!cache[-_])keys?|auth|pwd|signature)(?:\Z|[-_.])"
    r"|passw|secret"
)
_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def names_field(name: str) -> bool:
    """Return whether a field of this name, in any data, holds a secret."""
    return _IS_FIELD_NAME.match(name) is not None


def names_setting(name: str) -> bool:
    """Return whether an argument or a variable of this name is meant to hold a secret.

    Wider than `names_field`: "key" alone is a secret among the arguments of a model, and a primary
    key in a database.
    """
    return name in _SECRET_ARGS or bool(_IS_SETTING_NAME.search(_CAMEL_CASE.sub("_", name)))


# --- known secrets ----------------------------------------------------------------------------

_SHORTEST = 4  # characters; taking a shorter text out would damage ordinary words
_SHORTEST_GUESSED = 8  # of a value that only its name makes a secret: it may be a setting
_PLACEHOLDERS = frozenset(
    {"empty", "none", "null", "dummy", "test", "local", "fake", "token-abc123"}
)


def secrets_in_args(args: JsonMapping) -> frozenset[str]:
    """Return the secrets in a model's arguments, at any depth.

    These are keys, headers and their parts, values under names of secrets, and what addresses
    hold: passwords, and parameters with names of secrets.
    """
    found = set(_secrets_in(args, "", is_header=False))
    return frozenset(text for text in found if text.lower() not in _PLACEHOLDERS)


def _secrets_in(value: JsonValue, name: str, *, is_header: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _secrets_in(inner, str(key), is_header=name in _HEADERS)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets_in(inner, name, is_header=is_header)
    elif isinstance(value, str):
        yield from _secrets_in_address(value)
        if name in _SECRET_ARGS or (is_header and name.lower() not in _PLAIN_HEADERS):
            parts = [part for part in value.split() if len(part) >= _SHORTEST_GUESSED]
            yield from [value, *parts] if len(value) >= _SHORTEST else []  # "Bearer KEY"
        elif len(value) >= _SHORTEST_GUESSED and names_setting(name):
            yield value


def _secrets_in_address(text: str) -> Iterator[str]:
    """Yield the password and the secret parameters of an address."""
    if "://" not in text:
        return
    try:
        parts = urlsplit(text)
        password = parts.password
        user = parts.username
    except ValueError:  # not an address after all
        return
    found = [password, user if password is None else None]
    found += [
        value
        for name, value in parse_qsl(parts.query)
        if name in {"key", "sig"} or names_field(name)
    ]
    for secret in found:
        if secret and len(secret) >= _SHORTEST:
            yield secret
            yield unquote(secret)


def secrets_in_environment(environment: Mapping[str, str] | None = None) -> frozenset[str]:
    """Return the values of variables named like secrets, and the passwords in addresses."""
    found: set[str] = set()
    for name, value in (os.environ if environment is None else environment).items():
        found |= set(_secrets_in_address(value))
        if len(value) >= _SHORTEST_GUESSED and names_setting(name) and not _is_plain_setting(value):
            found.add(value)
    return frozenset(found)


def _is_plain_setting(text: str) -> bool:
    """Return whether a variable holds a word or a path: redacting it would only spoil texts."""
    is_word = text.isalpha() and text.islower() and len(text) <= 2 * _SHORTEST_GUESSED
    return is_word or text.startswith("/")


# --- redaction --------------------------------------------------------------------------------

_FIELD = re.compile(
    rf'(?i)(?P<before>(?<!\\)(?P<q>\\*")(?:{_FIELD_NAME})(?P=q)\s*:\s*(?P=q))(?:(?!(?P=q)).){{4,}}'
)
"""A field of JSON, also of JSON within JSON, whose name says that it holds a secret."""

_ADDRESS = re.compile(
    r"(?P<before>://)[^/@\s\"'\\]{1,512}@"
    r"|(?P<name>[?&](?:key|sig|[\w-]*(?:api[-_]?key|token|secret|password))=)[^&\s#\"'\\]+"
)
_FORMS = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|AIza)[-_][\w*.\-]{6,}|(?i:bearer)\s+[\w.~+/=*\-]{6,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{20,}|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}"
    r"|\bhf_[A-Za-z0-9]{20,}|\bxox[abprs]-[\w-]{10,}"
    r"|(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[\s\S]{0,8192}?-----END [A-Z ]{0,20}PRIVATE KEY-----"
)
_MOST_REDACTORS = 64  # sets of secrets whose patterns are kept


class Redactor:
    """Takes a set of known secrets, and whatever looks like a secret, out of texts and data.

    Args:
        secrets: Known secrets; those of fewer than 4 characters are ignored.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = frozenset(text for text in secrets if len(text) >= _SHORTEST)
        spellings: set[str] = set()
        for secret in self.secrets:
            spellings.update(_spellings(secret))
        self.spellings = tuple(sorted(spellings, key=lambda text: (-len(text), text)))
        """Every spelling of the known secrets, longest first."""
        joined = "|".join(map(re.escape, self.spellings))
        self._known = re.compile(joined) if joined else None

    def with_secrets_of(self, args: JsonMapping) -> Redactor:
        """Return a redactor that also knows the secrets in a model's arguments."""
        more = secrets_in_args(args)
        return self if more <= self.secrets else redactor_of(self.secrets | more)

    def text(self, text: str, *, fields: bool = True) -> str:
        """Return text without secrets; with `fields`, also without values of secret fields."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        text = _FORMS.sub(REDACTED, text)
        text = _ADDRESS.sub(_without_credentials, text)
        return _FIELD.sub(rf"\g<before>{REDACTED}", text) if fields else text

    def data(self, value: JsonValue) -> JsonValue:
        """Return JSON data without secrets: in texts, in keys, and under names that say so."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {self.text(str(name)): self._field(name, value[name]) for name in value}
            case list() | tuple():
                return [self.data(inner) for inner in value]
            case _:
                return value

    def _field(self, name: object, value: JsonValue) -> JsonValue:
        if isinstance(value, str) and value and names_field(str(name)):
            return REDACTED
        return self.data(value)


@lru_cache(maxsize=_MOST_REDACTORS)
def redactor_of(secrets: frozenset[str]) -> Redactor:
    """Return the redactor of a set of known secrets; the last ones are kept."""
    return Redactor(secrets)


def _spellings(secret: str) -> Iterator[str]:
    """Yield a secret as it stands in text, JSON, JSON within JSON, URLs and reprs."""
    yield secret
    once = json.dumps(secret)[1:-1]
    yield once
    yield json.dumps(once)[1:-1]
    yield quote(secret, safe="")
    yield repr(secret)[1:-1]


def _without_credentials(found: re.Match[str]) -> str:
    return f"://{REDACTED}@" if found["before"] else f"{found['name']}{REDACTED}"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without these secrets, and without anything that has the form of one."""
    return redactor_of(frozenset(secrets)).text(text, fields=False)


def redact_args(args: JsonMapping) -> JsonObject:
    """Return a model's arguments as they may be stored or shown, without secrets at any depth."""
    redactor = redactor_of(secrets_in_args(args))
    return {name: _redacted_arg(str(name), value, redactor) for name, value in args.items()}


def _redacted_arg(name: str, value: JsonValue, redactor: Redactor) -> JsonValue:
    if name in _SECRET_ARGS:
        return REDACTED
    if isinstance(value, Mapping):
        return {key: _redacted_arg(str(key), inner, redactor) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted_arg(name, inner, redactor) for inner in value]
    if not isinstance(value, str):
        return value
    return REDACTED if names_setting(name) else redactor.text(value, fields=False)


def text_redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that cleans a text and takes `secrets`, and nothing else, out of it."""
    longest_first = sorted(secrets, key=len, reverse=True)

    def redacted(text: str) -> str:
        text = clean_text(text)
        for secret in longest_first:
            text = text.replace(secret, REDACTED)
        return text

    return redacted
