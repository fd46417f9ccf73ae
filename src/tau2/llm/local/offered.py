"""Which tools may be called now, and with which ids: rules that hold for any domain.

* A tool is offered once every id that it needs was seen.
* A tool that changes something is offered for records that were looked up.
* Handing over and calculating come after a look-up, where there is anything to look up.
* A call is not made again before something happened that may change its result.
* What was changed is reported before anything else is done.
* Lists of everything come after a look-up of something, where look-ups take ids.
* An id that the other side has just named for the first time is first of all looked at; so is an
  e-mail address, a phone number or a zip code, until somebody was found by it.

What a tool does is read from its name, since the schema of OpenAI's API does not say it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from tau2.llm.local.conversation import Conversation, PastCall
from tau2.llm.local.seen import Seen, id_stem, is_strict_id
from tau2.llm.local.string_roles import Kind, Role, name_words, role_of
from tau2.utils.json_types import JsonMapping, JsonObject

_MANY_LOOK_UPS = 3  # after so many, it is known whom the conversation is about
_LOOKS = frozenset(
    [
        "get",
        "find",
        "list",
        "search",
        "check",
        "look",
        "lookup",
        "show",
        "fetch",
        "read",
        "query",
        "describe",
        "count",
        "view",
        "can",
        "is",
        "has",
        "test",
        "verify",
    ]
)
_ENDS = frozenset(["transfer", "escalate", "hand", "handoff", "handover"])
_REASONS = frozenset(["calculate", "compute", "calc", "think"])


class Effect(Enum):
    """What a tool does."""

    LOOK_UP = "look up"
    CHANGE = "change"
    HAND_OVER = "hand over"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class OfferOptions:
    """How far the rules go."""

    most_choices: int = 96
    """Ids that an argument may have, the newest ones."""
    most_calls_in_a_row: int = 12
    """Calls before the other side has to be written to."""
    most_identical: int = 4
    """How often the same call is made in a conversation."""
    reports_changes: bool = True
    """Whether a successful change is followed by text; small models otherwise go on changing."""
    leaves_early: bool = False
    """Whether handing over and calculating need no look-up before: a trained model knows when."""
    patience: int = 6
    """After this many messages of the other side a hand-over needs no look-up."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool that may be called now."""

    name: str
    parameters: JsonMapping
    excluded: Sequence[JsonObject] = ()
    """Arguments that it may not be called with."""

    @property
    def arguments(self) -> list[tuple[str, JsonMapping]]:
        """The names and schemas of its arguments."""
        fields = (self.parameters.get("properties") or {}).items()
        return [(name, schema if isinstance(schema, Mapping) else {}) for name, schema in fields]


def effect_of(name: str) -> Effect:
    """Return what a tool of this name does; a verb that is not known changes something."""
    words = name_words(name)
    verb = words[0] if words else ""
    if verb in _LOOKS:
        return Effect.LOOK_UP
    if verb in _ENDS:
        return Effect.HAND_OVER
    return Effect.REASON if verb in _REASONS else Effect.CHANGE


def as_offers(tools: Sequence[JsonMapping]) -> list[Offer]:
    """Return tools of OpenAI's form, nested or flat, as offers without further conditions."""
    functions = (tool.get("function") or tool for tool in tools)
    return [Offer(str(one["name"]), one.get("parameters") or {}) for one in functions]


class Rules:
    """The rules, applied to one conversation."""

    def __init__(
        self, conversation: Conversation, offers: Sequence[Offer], options: OfferOptions
    ) -> None:
        self._conversation = conversation
        self._offers = offers
        self._options = options
        self._effects = {offer.name: effect_of(offer.name) for offer in offers}
        arguments = [entry for offer in offers for entry in offer.arguments]
        self._seen = Seen(conversation, arguments)
        self.names_fresh_id = False
        """Whether a tool takes an id that was just named; known once all tools were written."""
        self._readers = [offer for offer in offers if self._effects[offer.name] is Effect.LOOK_UP]
        self._fresh_ids = self._seen.fresh_ids(conversation, with_mail=not self._knows_customer())

    def offers(self) -> Iterator[Offer]:
        """Return the tools that may be called now, as far as their arguments are not looked at."""
        conversation = self._conversation
        if conversation.calls_in_a_row >= self._options.most_calls_in_a_row:
            return
        if self._options.reports_changes and self._has_to_report():
            return
        counts = Counter(call.key for call in conversation.calls)
        for offer in self._offers:
            effect = self._effects[offer.name]
            leaves = effect in {Effect.HAND_OVER, Effect.REASON}
            if leaves and not (self._options.leaves_early or self._may_leave()):
                continue
            if effect is Effect.LOOK_UP and not offer.arguments and self._has_to_look_closer():
                continue
            excluded = {
                call.key: call.arguments
                for call in conversation.calls
                if call.name == offer.name and counts[call.key] >= self._options.most_identical
            }
            excluded |= {
                call.key: call.arguments for call in self._fresh() if call.name == offer.name
            }
            changed = self._last_change(offer.name)
            if changed is not None and changed.arguments:
                excluded[changed.key] = changed.arguments
            yield Offer(offer.name, offer.parameters, tuple(excluded.values()))

    def known(self, offer: Offer) -> _Known:
        """Return what the arguments of a tool may be."""
        is_change = self._effects[offer.name] is Effect.CHANGE

        def note(values: Sequence[str | int]) -> None:
            if not self._fresh_ids.isdisjoint(map(str, values)):
                self.names_fresh_id = True

        change = offer if is_change else None
        return _Known(self._seen, self._options, self._readers, change, note)

    def _last_change(self, name: str) -> PastCall | None:
        """Return the last successful call of a tool that changes something."""
        if self._effects[name] is not Effect.CHANGE:
            return None
        calls = reversed(self._conversation.calls)
        return next((call for call in calls if call.name == name and call.succeeded), None)

    def _has_to_report(self) -> bool:
        """Return whether the last call was a successful change, or handed the conversation over."""
        last = next(reversed(self._conversation.since_user), None)
        effects = {Effect.CHANGE, Effect.HAND_OVER}
        return last is not None and last.succeeded and self._effects.get(last.name) in effects

    def _has_to_look_closer(self) -> bool:
        """Return whether look-ups take ids or addresses, and none of them found anything."""
        closer = {
            offer.name
            for offer in self._readers
            for name, schema in offer.arguments
            if is_strict_id(name) or role_of(name, schema).kind is Kind.TOLD
        }
        found = {call.name for call in self._conversation.calls if call.succeeded}
        return bool(closer) and closer.isdisjoint(found)

    def _knows_customer(self) -> bool:
        """Return whether a look-up by something like an e-mail address found somebody."""
        finders = {
            offer.name
            for offer in self._readers
            for name, schema in offer.arguments
            if role_of(name, schema).kind is Kind.TOLD
        }
        found = [call.name for call in self._conversation.calls if call.succeeded]
        return not finders.isdisjoint(found) or len(found) >= _MANY_LOOK_UPS

    def _may_leave(self) -> bool:
        conversation = self._conversation
        return (
            not self._readers
            or any(self._effects.get(call.name) is Effect.LOOK_UP for call in conversation.calls)
            or len(conversation.user_texts) >= self._options.patience
        )

    def _fresh(self) -> Iterator[PastCall]:
        """Return the calls that would have the same result again."""
        for call in reversed(self._conversation.since_user):
            if self._effects.get(call.name) is Effect.CHANGE and call.succeeded:
                yield call
                return
            yield call


class _Known:
    """What strings may be, by what the conversation has shown; see `schema_grammar.Known`."""

    def __init__(
        self,
        seen: Seen,
        options: OfferOptions,
        readers: Sequence[Offer],
        change: Offer | None,
        note: Callable[[Sequence[str | int]], None],
    ) -> None:
        self._note = note
        self._seen = seen
        self._options = options
        self._readers = readers
        self._change = change
        self._record = _record_argument(change.parameters) if change is not None else None

    def values(self, name: str, schema: JsonMapping, role: Role) -> Sequence[str | int] | None:
        """Return the values that an argument may have; None when it may have any."""
        most = self._options.most_choices
        if is_strict_id(name):
            found = self._ids(name, schema)[:most]
            self._note(found)
            return found
        if role.kind is Kind.TOLD:
            told = self._seen.told(role.told_as)[:most]
            self._note(told)
            return told
        if id_stem(name) is not None:
            return self._seen.ids(name, schema)[:most] or None
        if role.kind is Kind.PERSON:
            known = [*self._seen.under(name), *self._seen.names()]
            return list(dict.fromkeys(known))[:most] or None
        return None

    def is_asked_for(self, name: str) -> bool:
        """Return whether the other side named an optional argument: a description, say."""
        return self._seen.mentions(name_words(name))

    def _ids(self, name: str, schema: JsonMapping) -> list[str | int]:
        found = self._seen.ids(name, schema)
        if self._change is None:
            return found
        readers = [reader.name for reader in self._readers if _reads(reader, name)]
        if name == self._record:
            if not readers:  # no tool shows such a record by its id
                return found
            permitted = self._seen.looked_up(name, readers)
        elif self._readers:
            permitted = self._seen.in_results(name)
        else:
            return found
        return [one for one in found if str(one) in permitted]


def _record_argument(parameters: JsonMapping) -> str | None:
    """Return the argument that says which record a tool changes: its first id."""
    required = parameters.get("required") or ()
    return next((name for name in required if is_strict_id(name)), None)


def _reads(reader: Offer, name: str) -> bool:
    """Return whether a look-up takes the id of such a record."""
    stem = id_stem(name) or frozenset()
    stems = [id_stem(key) for key, _ in reader.arguments]
    return any(one is not None and (not one or one <= stem or stem <= one) for one in stems)
