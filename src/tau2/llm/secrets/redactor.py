"""Redaction: texts, arguments and data without known secrets, and without what looks like one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from tau2.llm.secrets.names import SECRET_ARGS, NameRank, names_headers, rank_of
from tau2.llm.secrets.text import REDACTED, without_addresses, without_fields, without_forms
from tau2.llm.secrets.values import SHORTEST, looks_generated, secrets_in_args, spellings_of
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.text import clean_text

_DEEPEST = 150  # levels of nesting; real data has about ten
_MOST_REDACTORS = 64  # sets of secrets whose spellings are kept
_SHORTEST_SAID = 12  # characters of a secret that is taken out of conversations
_SMALLEST_CODE = 10_000_000  # a smaller number is a quantity
_SHORTEST_HEAD = 6  # characters of a known secret that are recognised where a text was cut
_MOST_KEPT = 2_000_000  # characters of texts of data whose redaction is kept
_LONGEST_CUT = 4096  # characters of a spelling that are looked for where a text was cut


class Redactor:
    """Takes a set of known secrets, and whatever looks like a secret, out of texts and data.

    Args:
        secrets: Known secrets; those of fewer than 4 characters are ignored.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = frozenset(text for text in secrets if len(text) >= SHORTEST)
        spellings: set[str] = set()
        for secret in self.secrets:
            spellings.update(spellings_of(secret))
        # A secret that is part of the mark itself would be taken out of the mark for ever.
        found = (text for text in spellings if text not in REDACTED)
        self.spellings = tuple(sorted(found, key=lambda text: (-len(text), text)))
        """Every spelling of the known secrets, longest first."""
        self._long_spellings = tuple(
            spelling for spelling in self.spellings if len(spelling) >= _SHORTEST_SAID
        )
        self._take_out = text_redactor(self._long_spellings)
        self._shortest = len(self.spellings[-1]) if self.spellings else 0
        self._kept: dict[str, str] = {}
        self._kept_size = 0

    def with_secrets_of(self, args: JsonMapping) -> Redactor:
        """Return a redactor that also knows the secrets in a model's arguments."""
        more = secrets_in_args(args)
        return self if more <= self.secrets else redactor_of(self.secrets | more)

    def text(self, text: str, *, fields: bool = True) -> str:
        """Return text without secrets; with `fields`, also without values of secret fields."""
        text = self.known(text)
        text = without_forms(text)
        text = without_addresses(text)
        return without_fields(text) if fields else text

    def known(self, text: str) -> str:
        """Return text without known secrets."""
        if not self._shortest or len(text) < self._shortest:
            return text
        # One search per spelling: each is far faster than a pattern of all of them.
        for spelling in self.spellings:
            if spelling in text:
                text = text.replace(spelling, REDACTED)
        return text

    def in_conversation(self, text: str) -> bool:
        """Return whether `conversation` would change a text, or JSON that holds it."""
        return any(spelling in text for spelling in self._long_spellings)

    def conversation(self, text: str) -> str:
        """Return what is said in a conversation without known secrets, clean, and else as it is.

        A short secret is left alone: it may be a word or a number that the conversation needs. So
        is what merely looks like a key: it may be part of a task, and changing it would change what
        is measured.
        """
        return self._take_out(text)

    def cut_text(self, text: str, *, fields: bool = True) -> str:
        """Return a text that may have been cut without secrets, also without a half one at its end.

        What cuts a text for a message cannot know where a secret ends.
        """
        text = self.text(text, fields=fields)
        for spelling in self.spellings:
            tail = text[-min(len(spelling), _LONGEST_CUT) - 4 :]
            at = tail.find(spelling[:_SHORTEST_HEAD])
            if at >= 0 and spelling.startswith(tail[at:].rstrip("….'\"")):
                text = f"{text[: len(text) - len(tail) + at]}{REDACTED}"
        return text

    def data(self, value: JsonValue, depth: int = _DEEPEST) -> JsonValue:
        """Return JSON data without secrets: in texts, in keys, and under names that say so.

        What lies deeper than data ever does is taken out as a whole.
        """
        if isinstance(value, str):
            return self._kept_text(value)
        if not isinstance(value, Mapping | list | tuple):
            return value
        if depth <= 0:
            return REDACTED
        if isinstance(value, Mapping):
            return {
                self._kept_text(str(name)): self._field(name, inner, depth - 1)
                for name, inner in value.items()
            }
        return [self.data(inner, depth - 1) for inner in value]

    def _kept_text(self, text: str) -> str:
        """Return a text without secrets, from what is kept if it was there before.

        In documents of one kind most texts are there again and again: names, policies, tools.
        """
        found = self._kept.get(text)
        if found is None:
            found = self.text(text)
            self._kept_size += len(text)
            if self._kept_size > _MOST_KEPT:
                self._kept.clear()
                self._kept_size = len(text)
            self._kept[text] = found
        return found

    def _field(self, name: object, value: JsonValue, depth: int) -> JsonValue:
        rank = rank_of(str(name))
        if rank is NameRank.SURE:
            return _hidden(value, depth)
        if rank is NameRank.LIKELY and isinstance(value, str) and looks_generated(value):
            return REDACTED
        return self.data(value, depth)


def _hidden(value: JsonValue, depth: int) -> JsonValue:
    """Return a value of a secret field: its texts and long numbers are hidden, not its form."""
    if isinstance(value, str):
        return REDACTED if value else value
    if not isinstance(value, Mapping | list | tuple):
        return REDACTED if _is_long_number(value) else value
    if depth <= 0:
        return REDACTED
    if isinstance(value, Mapping):
        return {str(name): _hidden(inner, depth - 1) for name, inner in value.items()}
    return [_hidden(inner, depth - 1) for inner in value]


@lru_cache(maxsize=_MOST_REDACTORS)
def redactor_of(secrets: frozenset[str]) -> Redactor:
    """Return the redactor of a set of known secrets; the last ones are kept."""
    return Redactor(secrets)


def redact(text: str, secrets: Iterable[str] = (), *, fields: bool = False) -> str:
    """Return `text` without these secrets, and without anything that has the form of one.

    With `fields`, also without values of secret fields.
    """
    return redactor_of(frozenset(secrets)).cut_text(text, fields=fields)


def redact_args(args: JsonMapping) -> JsonObject:
    """Return a model's arguments as they may be stored or shown, without secrets at any depth."""
    redactor = redactor_of(secrets_in_args(args))
    return {name: _redacted_arg(str(name), value, redactor) for name, value in args.items()}


def _redacted_arg(
    name: str, value: JsonValue, redactor: Redactor, depth: int = _DEEPEST
) -> JsonValue:
    if depth <= 0 or name in SECRET_ARGS or names_headers(name):
        return REDACTED
    rank = rank_of(name)
    if isinstance(value, Mapping):
        if rank is not NameRank.PLAIN:
            return _hidden(value, depth)
        return {
            key: _redacted_arg(str(key), inner, redactor, depth - 1) for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_redacted_arg(name, inner, redactor, depth - 1) for inner in value]
    if isinstance(value, str):
        return REDACTED if rank is not NameRank.PLAIN else redactor.text(value)
    return REDACTED if rank is NameRank.SURE and _is_long_number(value) else value


def _is_long_number(value: JsonValue) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) >= _SMALLEST_CODE
    )


def text_redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that cleans a text and takes `secrets`, and nothing else, out of it."""
    longest_first = sorted(secrets, key=len, reverse=True)

    def redacted(text: str) -> str:
        text = clean_text(text)
        for secret in longest_first:
            text = text.replace(secret, REDACTED)
        return text

    return redacted
