"""Whether a user has said what its scenario wants."""

from __future__ import annotations

from collections.abc import Iterable

from tau2.data_model.tasks import StructuredUserInstructions, Task
from tau2.user.monitor.words import content_stems, plain, sentences, stem, word_set, words

PATIENCE = 6
"""Messages of a user within which it has to say what it wants."""

_SAID = 0.4
_LEAST_WORDS = 2

_FEW = 3
"""Up to so many words, one of them says the wish; otherwise two do."""

_NOT_A_WISH = frozenset(
    stem(word)
    for word in word_set(
        "address number name email phone user account details detail info information customer "
        "agent company service order orders reservation message please question issue problem "
        "today day days time first last good new two three four five one assistance assist "
        "support contact talk speak chat moment thing matter situation request"
    )
)
_INTENTS = frozenset(
    stem(word)
    for word in word_set(
        "cancel cancellation refund return exchange swap replace change modify move book upgrade "
        "downgrade remove add insurance baggage bags suitcase compensation complain voucher track "
        "certificate mms picture internet signal roaming suspend resume bill delayed delay damaged "
        "broken lost stolen balance price cost total plan data coverage service send"
    )
)
"""Words that name a wish by themselves."""

_SAME = {
    "cancel": "call off drop void scrap",
    "exchange": "swap trade replace switch",
    "return": "send back",
    "modify": "change alter edit adjust update switch correct fix amend move",
    "update": "change alter edit adjust modify switch correct fix upgrade add complete mark",
    "book": "reserve buy fly flight ticket",
    "send": "compensation voucher certificate compensate",
    "refuel": "data internet slow",
    "create": "add new make put",
    "suspend": "pause hold stop",
    "resume": "reactivate restore unpause",
    "transfer": "human person representative",
    "enable": "turn activate roaming data internet",
}
"""Verbs of tools, and what customers say for them."""


class Wish:
    """What a scenario wants, and whether the user has said it."""

    def __init__(self, task: Task) -> None:
        """Take the wish from the scenario and from the reference actions."""
        reason = task.user_scenario.instructions
        if isinstance(reason, StructuredUserInstructions):
            reason = reason.reason_for_call
        self._stems = content_stems(_without_names(plain(reason))) - _NOT_A_WISH
        self._verbs: set[str] = set()
        for action in task.reference_actions:
            verb, _, rest = action.name.partition("_")
            if verb in _SAME and action.requestor == "assistant":
                self._verbs.update(content_stems(f"{verb} {_SAME[verb]} {rest}") - _NOT_A_WISH)
        self._needed = 1 if len(self._stems) <= _FEW else 2
        self._said: set[str] = set()
        self.is_said = not self._stems
        """Whether it was said, or there is nothing to say."""

    def hear(self, text: str) -> None:
        """Add a message of the user."""
        if not self.is_said:
            self.is_said = self.would_be_said(text)
            self._said |= content_stems(text) & self._stems

    def would_be_said(self, text: str) -> bool:
        """Return whether the wish was said once the user has said `text`, too."""
        own = content_stems(text)
        said = self._said | (own & self._stems)
        return (
            self.is_said
            or len(said) >= self._needed
            or not said.isdisjoint(_INTENTS)
            or not own.isdisjoint(self._verbs)
        )


def stated_share(task: Task, texts: Iterable[str]) -> float:
    """Return which share of the sentences that tell the wish a user has said, in any words.

    A sentence counts as said when two fifths of its words with a meaning were. 1 where the
    scenario tells no wish.
    """
    reason = task.user_scenario.instructions
    if isinstance(reason, StructuredUserInstructions):
        reason = reason.reason_for_call
    parts = [content_stems(part) - _NOT_A_WISH for part in sentences(plain(reason))]
    parts = [part for part in parts if len(part) >= _LEAST_WORDS]
    said: set[str] = set()
    for text in texts:
        said |= content_stems(plain(text))
    met = [len(part & said) >= _SAID * len(part) for part in parts]
    return sum(met) / len(met) if met else 1.0


def _without_names(text: str) -> str:
    """Return a text in lower case without words that are capitalised inside sentences."""
    said = text.split()
    kept = [
        word
        for number, word in enumerate(said)
        if not number or not word[:1].isupper() or said[number - 1][-1:] in ".!?:\n"
    ]
    return " ".join(words(" ".join(kept)))
