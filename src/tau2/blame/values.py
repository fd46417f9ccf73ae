"""Where a value comes from: what names it, and what the scenario says of it.

An id is also named by what its record says: "the black one in size M" names the variant whose
record holds these words, as far as they tell it from the other candidate.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from tau2.blame.conversation import Conversation
from tau2.data_model.tasks import Task
from tau2.environment.history import decoded
from tau2.evaluator.evaluator_communicate import mentions
from tau2.utils.json_types import JsonValue

_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})\Z")
_MONTHS = tuple(calendar.month_name)[1:]
_LONGEST_LEAF = 60  # characters; a longer text is prose, not a property
_DEEPEST = 8
_MOST_PROPERTIES = 16  # of two records; larger ones have words in common with any text


def scenario_text(task: Task) -> str:
    """Return everything that is settled before the conversation begins, as one text."""
    scenario = task.user_scenario
    parts = [scenario.persona, scenario.instructions, task.ticket]
    parts += [getattr(message, "content", None) for message in task.history]
    return "\n".join(str(part) for part in parts if part)


def names(text: str, value: JsonValue) -> bool:
    """Return whether a text names a value: literally, or as people write a date or a code."""
    if value is None or isinstance(value, bool):
        return False
    return any(mentions(text, form) for form in _forms(str(value)))


def _forms(value: str) -> Iterator[str]:
    value = value.strip()
    if not value:
        return
    yield value
    if value.startswith("#"):
        yield value[1:]
    if "_" in value:
        yield value.replace("_", " ")
    parsed = _ISO_DATE.match(value)
    if parsed is not None and 1 <= int(parsed[2]) <= len(_MONTHS):
        day = int(parsed[3])
        month = _MONTHS[int(parsed[2]) - 1]
        for name in (month, month[:3]):
            for number in (str(day), f"{day}{_ordinal(day)}"):
                yield from (f"{name} {number}", f"{number} {name}", f"{number} of {name}")


def _ordinal(day: int) -> str:
    if day in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def leaves(value: JsonValue, depth: int = 0) -> Iterator[JsonValue]:
    """Yield the scalars of a JSON value."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item, depth + 1)
    else:
        yield value


class Records:
    """The records that tool results showed, by the values that identify them."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    @cached_property
    def _by_id(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for done in self._conversation.calls:
            content = done.replayed.content
            _collect(decoded(content), found)
        return found

    def properties(self, value: JsonValue) -> set[str]:
        """Return the short texts in the smallest record that a value identifies."""
        return self._by_id.get(str(value), set())


def _collect(value: JsonValue, found: dict[str, set[str]], key: str = "", depth: int = 0) -> None:
    """Add every record of a tool result under its key and under its fields that end in `id`."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for item in value:
            _collect(item, found, depth=depth + 1)
    if not isinstance(value, Mapping):
        return
    properties = {
        str(leaf)
        for leaf in leaves({k: v for k, v in value.items() if not isinstance(v, list)})
        if isinstance(leaf, str | int | float)
        and not isinstance(leaf, bool)
        and len(str(leaf)) <= _LONGEST_LEAF
    }
    identities = [key] if key else []
    identities += [
        str(item)
        for name, item in value.items()
        if isinstance(item, str | int) and (name.endswith(("id", "_number")) or name == "code")
    ]
    for identity in identities:
        known = found.get(identity)
        if known is None or len(properties) < len(known):
            found[identity] = properties - {identity}
    for name, item in value.items():
        _collect(item, found, str(name), depth + 1)


class Sources:
    """What the scenario and the customer say of the values in question."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.scenario = scenario_text(conversation.setup.task)
        self.records = Records(conversation)

    def supports(self, value: JsonValue, other: JsonValue) -> bool:
        """Return whether the scenario asks for `value` rather than for `other`."""
        return self._asks_for(self.scenario, value, other, properties=1)

    def _asks_for(self, text: str, value: JsonValue, other: JsonValue, *, properties: int) -> bool:
        """Return whether a text names a value, or `properties` of what tells it from `other`."""
        if names(text, value):
            return True
        mine, theirs = self.records.properties(value), self.records.properties(other)
        if not mine or not theirs or len(mine | theirs) > _MOST_PROPERTIES:
            return False
        named = sum(names(text, one) for one in mine - theirs)
        return named >= properties and not any(names(text, one) for one in theirs - mine)

    def last_said(self, value: JsonValue, other: JsonValue, before: int) -> int | None:
        """Return the last message before `before` in which the customer asks for `value`."""
        turns = [
            said.turn
            for said in self.conversation.user
            if said.turn < before and self._asks_for(said.text, value, other, properties=2)
        ]
        return turns[-1] if turns else None

    def first_named(self, value: JsonValue, before: int) -> int | None:
        """Return the first message before `before` in which the customer names a value."""
        for said in self.conversation.user:
            if said.turn < before and names(said.text, value):
                return said.turn
        return None

    def first_shown(self, value: JsonValue, before: int) -> int | None:
        """Return the first tool result before `before` that holds a value."""
        for turn, text in self.conversation.results_text(before):
            if names(text, value):
                return turn
        return None

    def unsaid(self, values: Iterable[JsonValue]) -> list[JsonValue]:
        """Return the values that the scenario names and nobody has said in the conversation."""
        said = "\n".join(one.text for one in (*self.conversation.user, *self.conversation.agent))
        return [value for value in values if names(self.scenario, value) and not names(said, value)]


_WORD = re.compile(r"[a-z0-9#]{3,}")
_COMMON = frozenset(
    """
    the and you your want wants need with for from that this have has
    are was were will would not but all any can cannot one out about
    its into they them their there than then when what which who agent customer
    service help please like know get make sure call ask asks tell says say
    only also just more most other some such been being does did done yes
    """.split()  # noqa: SIM905  -- a list of these would take a line per word
)


def content_words(text: str) -> set[str]:
    """Return the words of a text that carry its subject, cut to their stems."""
    words = _WORD.findall(text.lower())
    return {word[:6] for word in words if word not in _COMMON}


def overlap(text: str, words: set[str]) -> float:
    """Return the share of `words` whose stems are in a text."""
    if not words:
        return 1.0
    return len(words & content_words(text)) / len(words)


def differing(got: JsonValue, wanted: JsonValue) -> Iterator[tuple[JsonValue, JsonValue]]:
    """Yield the innermost values of two arguments that differ, in pairs; None for nothing."""
    if isinstance(got, Mapping) and isinstance(wanted, Mapping):
        for key in dict.fromkeys([*got, *wanted]):
            yield from differing(got.get(key), wanted.get(key))
    elif _is_list(got) and _is_list(wanted):
        yield from _differing_items(list(got), list(wanted))
    elif got != wanted:
        yield got, wanted


def _is_list(value: JsonValue) -> bool:
    return isinstance(value, list | tuple)


def _differing_items(
    got: Sequence[JsonValue], wanted: Sequence[JsonValue]
) -> Iterator[tuple[JsonValue, JsonValue]]:
    extra = [item for item in got if item not in wanted]
    missing = [item for item in wanted if item not in got]
    for place in range(max(len(extra), len(missing))):
        mine = extra[place] if place < len(extra) else None
        theirs = missing[place] if place < len(missing) else None
        yield from differing(mine, theirs)
