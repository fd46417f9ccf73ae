"""Values that a conversation has shown, and which of them an argument may have.

An id is never made up: it stands in a tool result, or a customer wrote it. Which ids an argument
may have follows from names (`order_id` takes what stood under `order_id`, `orders` or `order_ids`)
and from shape (`#W1234567`), so that it holds for any domain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import NamedTuple

from tau2.llm.local.conversation import Conversation, PastCall
from tau2.llm.local.string_roles import name_words
from tau2.utils.json_types import JsonMapping, JsonValue

SHAPES = {
    "email": re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,24}){1,4}"),
    "zip": re.compile(r"(?<![\w#-])\d{5}(?![\w-])"),
    "phone": re.compile(r"(?<![\w#-])\+?\d[\d-]{5,16}\d(?![\w-])"),
}
_ID = re.compile(r"#?[A-Za-z0-9](?:[\w#-]{0,62}[A-Za-z0-9])?")
_CAPITAL_CODE = re.compile(r"[A-Z]{4,12}")
_RUN = re.compile(r"\d+|[A-Za-z]+")
_NAME = re.compile(r"[A-Z][\w'’-]{1,40}")
_FIELD_NAME = re.compile(r"[a-z][A-Za-z0-9_]*")
_NAMED_ID = re.compile(r"\b(\w{2,40})[ _]ids?\b\W{1,4}([#\w-]{2,64})", re.IGNORECASE)
_NO_ID = re.compile(r"\d{1,2}|\d{5}|\d{4}-\d\d-\d\d|\d{1,3}(?:st|nd|rd|th|am|pm|GB|gb|MB)")
_QUOTED = re.compile(r'"([^"\s]{1,64})"')
_SENTENCE_END = re.compile(r"[.!?;\n]\s")
_NEGATION = re.compile(r"\b(?:not?|none|never|without|nothing)\b|n[’']t\b", re.IGNORECASE)
_LEAD = re.compile(r"[A-Za-z]{1,32}[_-]")
_BEGINS = re.compile(r"\b(?:start|begin|lead|prefix)")
_ID_WORDS = frozenset({"id", "ids", "uuid", "guid"})
_SOFT_ID_WORDS = frozenset({"number", "ref", "reference"})
_LONG_NUMBER = 5  # digits of what may be a house, a year or a zip code
_DEEPEST = 12
_MOST_FACTS = 4_000  # of one tool result
_LONGEST_TEXT = 200_000  # characters of one message that are looked at


class Fact(NamedTuple):
    """A value of a tool result, and what it is called there."""

    value: str | int
    words: frozenset[str]
    """The words of its key without "id"."""
    is_id: bool
    """Whether its key says that it is an id, or it is listed under a plural such as `orders`."""
    is_own: bool
    """Whether it is the first id of its record: the record is its own."""


def id_stem(name: str) -> frozenset[str] | None:
    """Return the words of an argument's name without "id"; None when it is no id."""
    words = name_words(name)
    if not words or words[-1] not in _ID_WORDS | _SOFT_ID_WORDS:
        return None
    return frozenset(words) - _ID_WORDS


def is_strict_id(name: str) -> bool:
    """Return whether an argument takes nothing but ids that were seen."""
    words = name_words(name)
    return bool(words) and words[-1] in _ID_WORDS


def looks_like_id(text: str) -> bool:
    """Return whether a text has the form of an id: no blanks, and digits or capitals."""
    if not _ID.fullmatch(text) or len(text) == 1:
        return False
    return any(map(str.isdigit, text)) or _CAPITAL_CODE.fullmatch(text) is not None


def shape(text: str) -> str:
    """Return what ids of one kind have in common: `#W1234567` and `#W89` are both `#a9`."""
    return _RUN.sub(lambda run: "9" if run[0].isdigit() else "a", text)


class Seen:
    """The values that a conversation has shown, the newest first."""

    def __init__(
        self, conversation: Conversation, arguments: Iterable[tuple[str, JsonMapping]] = ()
    ) -> None:
        """Read a conversation.

        Args:
            conversation: What was said and done.
            arguments: Names and schemas of the arguments that tools have. An id whose start one of
                them claims is not told for another.
        """
        hints = {(id_stem(name), _Hint.of(schema)) for name, schema in arguments}
        self._claims = [
            (stem, hint) for stem, hint in hints if stem is not None and (hint.start or hint.lead)
        ]
        self._calls = [call for call in reversed(conversation.calls) if call.succeeded]
        self._facts = [fact for call in self._calls for fact in _facts_of(call)]
        self._user_texts = [text[:_LONGEST_TEXT] for text in reversed(conversation.user_texts)]
        self._system_texts = [text[:_LONGEST_TEXT] for text in conversation.system_texts]

    def ids(self, name: str, schema: JsonMapping) -> list[str | int]:
        """Return the ids that an argument of this name may have."""
        stem = id_stem(name) or frozenset()
        known = [fact.value for fact in self._facts if _is_about(fact, stem)]
        from_system = [
            value for words, value in self._ids_of_system if stem <= set(name_words(words))
        ]
        shapes = {shape(str(value)) for value in known}
        hint = _Hint.of(schema)
        told = [
            hinted
            for token in self._ids_of_users
            if (hinted := hint.applied(token))
            and (not shapes or shape(hinted) in shapes)
            and not self._is_claimed(hinted, stem)
        ]
        return list(dict.fromkeys([*told[:_MOST_FACTS], *known, *from_system]))

    def in_results(self, name: str) -> set[str]:
        """Return the ids for an argument that stand in tool results."""
        stem = id_stem(name) or frozenset()
        return {str(fact.value) for fact in self._facts if _is_about(fact, stem)}

    def looked_up(self, name: str, readers: Iterable[str]) -> set[str]:
        """Return the ids whose record was looked up, by a call of a reader or as its own result."""
        stem = id_stem(name) or frozenset()
        reading = frozenset(readers)
        own = {str(fact.value) for fact in self._facts if fact.is_own and _is_about(fact, stem)}
        asked = {
            str(value)
            for call in self._calls
            if call.name in reading
            for value in call.arguments.values()
            if isinstance(value, str | int)
        }
        return own | asked

    def told(self, kind: str) -> list[str]:
        """Return the e-mail addresses, zip codes or phone numbers that were written somewhere."""
        texts = [*self._user_texts, *(call.result or "" for call in self._calls)]
        found = (match for text in texts for match in SHAPES[kind].findall(text[:_LONGEST_TEXT]))
        return list(dict.fromkeys(found))

    def names(self) -> list[str]:
        """Return the words with a capital that customers wrote."""
        found = (match for text in self._user_texts for match in _NAME.findall(text))
        return list(dict.fromkeys(found))

    def fresh_ids(self, conversation: Conversation, *, with_mail: bool = False) -> frozenset[str]:
        """Return the ids that the other side has just named, and that no call was made with.

        Args:
            conversation: What was said and done.
            with_mail: E-mail addresses, phone numbers and zip codes count as well.
        """
        if not conversation.user_texts or conversation.since_user:
            return frozenset()
        used = {
            value
            for call in conversation.calls
            for value in call.arguments.values()
            if isinstance(value, str)
        }
        newest = self._user_texts[0]
        patterns = SHAPES.values() if with_mail else ()
        mail = (found for pattern in patterns for found in pattern.findall(newest))
        return frozenset([*_told_ids(newest), *mail]) - used

    def mentions(self, words: Iterable[str]) -> bool:
        """Return whether the other side wrote one of some words, and not that it is not needed."""
        return not self._words_of_users.isdisjoint(words)

    @cached_property
    def _words_of_users(self) -> frozenset[str]:
        sentences = (part for text in self._user_texts for part in _SENTENCE_END.split(text))
        return frozenset(
            word
            for sentence in sentences
            if not _NEGATION.search(sentence)
            for word in name_words(sentence)
        )

    def under(self, name: str) -> list[str]:
        """Return the texts that stood under this very key in results."""
        words = frozenset(name_words(name))
        return list(
            dict.fromkeys(
                fact.value
                for fact in self._facts
                if isinstance(fact.value, str) and fact.words == words
            )
        )

    def _is_claimed(self, token: str, stem: frozenset[str]) -> bool:
        claims = [of for of, hint in self._claims if hint.claims(token)]
        return bool(stem and claims) and stem not in claims

    @cached_property
    def _ids_of_system(self) -> list[tuple[str, str]]:
        return [found for text in self._system_texts for found in _named_ids(text)]

    @cached_property
    def _ids_of_users(self) -> list[str]:
        return [token for text in self._user_texts for token in _told_ids(text)]


@lru_cache(maxsize=256)
def _named_ids(text: str) -> tuple[tuple[str, str], ...]:
    """Return the ids that a system prompt names, with the word before "id"."""
    return tuple(found for found in _NAMED_ID.findall(text) if looks_like_id(found[1]))


@lru_cache(maxsize=1024)
def _told_ids(text: str) -> tuple[str, ...]:
    """Return what looks like an id in a customer's text."""
    mails = {part for mail in SHAPES["email"].findall(text) for part in _ID.findall(mail)}
    return tuple(
        token
        for token in _ID.findall(text)
        if looks_like_id(token) and token not in mails and not _NO_ID.fullmatch(token)
    )


class _Hint(NamedTuple):
    """What the description of an argument says about the form of its ids."""

    start: str = ""
    shape: str = ""
    lead: str = ""
    """What an example begins with: `task_` of `task_1`."""

    @classmethod
    def of(cls, schema: JsonMapping) -> _Hint:
        description = str(schema.get("description") or "")
        quoted = _QUOTED.findall(description)
        if len(quoted) != 1:
            return cls()
        if _BEGINS.search(description):
            return cls(start=quoted[0])
        if not looks_like_id(quoted[0]):
            return cls()
        lead = _LEAD.match(quoted[0])
        return cls(shape=shape(quoted[0]), lead=lead[0] if lead else "")

    def claims(self, token: str) -> bool:
        """Return whether a token has the start of the ids, or the end of that start."""
        if self.lead:
            return token.startswith(self.lead)
        return any(token.startswith(self.start[left_out:]) for left_out in range(len(self.start)))

    def applied(self, token: str) -> str:
        """Return the id that a token spells, completed at its start; "" when it spells none."""
        if self.shape and shape(token) != self.shape:
            return ""
        if token.startswith(self.start):
            return token
        for left_out in range(1, len(self.start) + 1):
            rest = self.start[left_out:]
            digits = token[len(rest) :]
            # Without any of its start, a number is an id only when it is no number of a house.
            if token.startswith(rest) and digits.isdigit() and (rest or len(digits) > _LONG_NUMBER):
                return self.start[:left_out] + token
        return ""


def _is_about(fact: Fact, stem: frozenset[str]) -> bool:
    if not fact.is_id:
        return False
    return not stem or (bool(fact.words) and (fact.words <= stem or stem <= fact.words))


def _facts_of(call: PastCall) -> tuple[Fact, ...]:
    return _facts(call.name, call.result or "")


@lru_cache(maxsize=256)
def _facts(tool: str, result: str) -> tuple[Fact, ...]:
    """Return the values in the result of a tool."""
    text = result[:_LONGEST_TEXT]
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        value = text.strip()
    reader = _Reader(frozenset(name_words(tool)) - _ID_WORDS)
    reader.read(value, reader.tool_words, is_listed=True, depth=0)
    return tuple(reader.facts)


class _Reader:
    """Collects the facts of one result."""

    def __init__(self, tool_words: frozenset[str]) -> None:
        self.tool_words = tool_words
        self.facts: list[Fact] = []

    def read(self, value: JsonValue, words: frozenset[str], *, is_listed: bool, depth: int) -> None:
        """Collect from a value that stands under a key of these words.

        Args:
            value: What stands there.
            words: The words of the key.
            is_listed: Whether the place names things by their ids: a list, or keys of an object.
            depth: How deep the value is.
        """
        if depth > _DEEPEST or len(self.facts) >= _MOST_FACTS:
            return
        if isinstance(value, list):
            for item in value:
                self.read(item, words, is_listed=True, depth=depth + 1)
        elif isinstance(value, dict):
            self._read_record(value, words, depth)
        elif isinstance(value, str | int) and not isinstance(value, bool):
            is_id = is_listed and looks_like_id(str(value))
            self.facts.append(Fact(value, words, is_id, is_own=False))

    def _read_record(self, record: JsonMapping, words: frozenset[str], depth: int) -> None:
        has_own_id = False
        for key, value in record.items():
            key_words = name_words(key)
            is_field = _FIELD_NAME.fullmatch(key) is not None
            files_record = isinstance(value, dict) and looks_like_id(key)
            if not is_field or files_record:
                # Data, not the name of a field: an id by which a record is filed, or a title.
                if looks_like_id(key):
                    self.facts.append(Fact(key, words, is_id=True, is_own=False))
                self.read(value, words, is_listed=True, depth=depth + 1)
                continue
            stem = frozenset(key_words) - _ID_WORDS
            names_id = bool(key_words) and key_words[-1] in _ID_WORDS | _SOFT_ID_WORDS
            if names_id and isinstance(value, str | int) and not isinstance(value, bool):
                self.facts.append(Fact(value, stem or words, is_id=True, is_own=not has_own_id))
                has_own_id = True
                continue
            self.read(value, stem, is_listed=False, depth=depth + 1)
