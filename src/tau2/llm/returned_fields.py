"""What of a model's earlier messages goes back to it, as far as refusals have taught it.

Some servers refuse a conversation whose assistant messages lack the reasoning that they sent
(`reasoning_content`), and some refuse fields that they sent themselves. Either is learnt from the
first refusal, once per model and endpoint.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tau2.actions.provider_data import REASONING_FIELDS
from tau2.llm.failure import CallFailed
from tau2.llm.unsupported_params import BAD_REQUEST, REFUSAL, endpoint_key
from tau2.utils.json_types import JsonMapping

_WANTED = re.compile(
    r"pass(?:ed|ing)? back|sent? back|return(?:ed)?\b|must|missing|require|expected|need|preserve"
    r"|provided|include|absent|omitted|not found",
    re.IGNORECASE,
)
_REASONING = re.compile(
    r"(reasoning_content|reasoning_text|reasoning_details)|\b(reasoning)\b"
    r"|thinking[ _-]?(?:block|content|mode)",
    re.IGNORECASE,
)
_ALWAYS_SENT = frozenset({"role", "content", "tool_calls", "tool_call_id", "name"})
_MOST_MODELS = 256  # models of which something is remembered; more than one run ever uses


@dataclass(frozen=True, slots=True)
class Returned:
    """What goes back to one model."""

    keep_reasoning: bool = False
    empty_reasoning: str | None = None
    """The field that every assistant message must have, also one without reasoning."""
    refused: frozenset[str] = frozenset()
    """Fields of messages that the server does not want back."""


class ReturnedFields:
    """Remembers what goes back to which model. Safe to share between threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Returned] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, model: str, args: JsonMapping, *, keep_reasoning: bool = False) -> Returned:
        """Return what goes back to `model`; `keep_reasoning` is what the caller asked for."""
        known = self._known.get(endpoint_key(model, args)) or self._known.get(
            endpoint_key(model, {}), Returned()
        )
        return replace(known, keep_reasoning=known.keep_reasoning or keep_reasoning)

    def learn(
        self,
        model: str,
        args: JsonMapping,
        messages: Sequence[JsonMapping],
        failure: CallFailed,
    ) -> None:
        """Remember what `failure` says of the messages."""
        if failure.status not in BAD_REQUEST:
            return
        key = endpoint_key(model, args)
        with self._lock:
            known = self._known.get(key, Returned())
            self._known[key] = _learnt(known, messages, failure)
            self._known.move_to_end(key)
            while len(self._known) > _MOST_MODELS:
                self._known.popitem(last=False)

    def forget(self) -> None:
        """Forget everything learnt."""
        with self._lock:
            self._known.clear()


LEARNT_OF_MESSAGES = "messages"
"""What a recording says was learnt when a failure was about what goes back."""


def is_about_messages(messages: Sequence[JsonMapping], failure: CallFailed) -> bool:
    """Return whether `failure` says something of what goes back."""
    return failure.status in BAD_REQUEST and _learnt(_NOTHING, messages, failure) != _NOTHING


_NOTHING = Returned()


def _learnt(known: Returned, messages: Sequence[JsonMapping], failure: CallFailed) -> Returned:
    """Return what is known after a refusal."""
    assistant = [message for message in messages if message.get("role") == "assistant"]
    text = f"{failure.parameter or ''} {failure.text}"
    if REFUSAL.search(text):
        sent = {name for message in assistant for name in message} - _ALWAYS_SENT
        named = {name for name in sent if re.search(rf"\b{re.escape(name)}\b", text)}
        if named:
            return replace(known, refused=known.refused | named)
    reasoning = _REASONING.search(text)
    if not assistant or reasoning is None or not _WANTED.search(text):
        return known
    if known.empty_reasoning is not None:
        return known
    name = (reasoning[1] or reasoning[2] or "").lower()
    field = name if name in REASONING_FIELDS else REASONING_FIELDS[0]
    return replace(known, keep_reasoning=True, empty_reasoning=field)


RETURNED_FIELDS = ReturnedFields()
"""Process-wide, because what a server wants back does not depend on the episode.

Tests call `forget`.
"""
