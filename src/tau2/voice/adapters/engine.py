"""From a provider's events to ticks.

`Engine` is what all kinds of providers share, `TickEngine` that of providers whose speech comes in
items (utterances); for streams without items see `tau2.voice.adapters.continuous`.

Pure: no I/O, no clock. Providers send speech faster than it is played; what is more than a tick is
kept for the next ones. Of each item a ledger says how much was received, played and dropped, so
that a provider can be told exactly where the user cut it off: a byte counts as played when it is in
the audio of a tick.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, field

from tau2.errors import VoiceSessionFailed
from tau2.utils.sizes import MOST_CALLS_OF_A_MESSAGE
from tau2.voice.adapters.events import (
    AdapterEvent,
    AgentAudio,
    AgentTranscript,
    SessionEvent,
    ToolRequest,
    Usage,
    UserActivity,
)
from tau2.voice.adapters.protocol import TickResult, Truncation
from tau2.voice.audio.formats import AudioFormat

_CHARACTERS_PER_SECOND = 15.0
"""Of speech, until the session's own pace is known."""

_MOST_BUFFERED_MS = 20 * 60 * 1000.0
"""Of audio that waits to be played, of all utterances together."""

_LONGEST_UTTERANCE = 100_000  # characters; nobody speaks for two hours without a pause
_MOST_ITEMS = 100_000
_MOST_REMARKS = 100  # of each kind, in one tick
_LONGEST_WORD = 40  # characters; texts without spaces are cut anywhere


@dataclass(slots=True)
class ItemLedger:
    """What became of the audio of one item, in bytes."""

    received: int = 0
    played: int = 0
    dropped: int = 0
    """Received, and never to be played: the user cut it off, or it came after that."""
    is_done: bool = False
    """Whether the provider has sent all of it."""
    is_cancelled: bool = False
    """Whether it was cut off."""

    @property
    def waiting(self) -> int:
        """How many bytes are still to be played."""
        return self.received - self.played - self.dropped


@dataclass(slots=True)
class _Item:
    id: str
    ledger: ItemLedger = field(default_factory=ItemLedger)
    text: str = ""
    shown: int = 0
    """Characters of the text that are in the transcripts of ticks."""
    partial: bytes = b""
    """The beginning of a sample whose rest has not arrived."""


class Engine(ABC):
    """Takes the events of a session in their order, and gives one tick after another."""

    def __init__(self, tick_ms: int, audio_format: AudioFormat) -> None:
        """Make ticks of so many milliseconds in that format."""
        self.tick_ms = tick_ms
        self.audio_format = audio_format
        self.refused: list[ToolRequest] = []
        """Calls that cannot be made, for the adapter to answer and to clear."""
        self._silence = audio_format.silence(tick_ms)
        self._calls_seen: set[str] = set()
        self._next = TickResult(b"")

    def apply(self, event: AdapterEvent) -> None:
        """Take the next event. Raise VoiceSessionFailed for one that ends the session."""
        match event:
            case AgentAudio():
                self._receive(event)
            case AgentTranscript():
                self._receive_text(event)
            case UserActivity():
                if len(event.text) > _LONGEST_UTTERANCE:
                    raise VoiceSessionFailed("the provider heard more text than can be said")
                if len(self._next.activity) < _MOST_REMARKS:
                    self._next.activity.append(event)
                self._hear_user(event)
            case ToolRequest():
                self._request(event)
            case Usage():
                self._next.usage.append(event)
            case SessionEvent():
                self._session_event(event)

    def warn(self, text: str) -> None:
        """Add a warning to the next tick."""
        if len(self._next.warnings) < _MOST_REMARKS:
            self._next.warnings.append(text)

    def tick(self) -> TickResult:
        """Return the next tick: as much audio as there is, then silence."""
        result = self._next
        self._next = TickResult(b"")
        self._fill(result)
        return result

    @abstractmethod
    def _receive(self, event: AgentAudio) -> None:
        """Take audio of the agent."""

    @abstractmethod
    def _receive_text(self, event: AgentTranscript) -> None:
        """Take words of the agent."""

    def _hear_user(self, event: UserActivity) -> None:  # noqa: B027  -- most need not act
        """Act on what the provider hears of the user."""

    def _end_item(self, event: SessionEvent) -> None:  # noqa: B027  -- not all have items
        """Act on the end of an item, or of all items."""

    @abstractmethod
    def _fill(self, result: TickResult) -> None:
        """Give a tick its audio and words."""

    def _request(self, event: ToolRequest) -> None:
        if event.call.id in self._calls_seen:
            return  # some providers announce a call twice
        self._calls_seen.add(event.call.id)
        if event.problem is not None:
            self.refused.append(event)
            self.warn(f"a call of {event.call.name!r} could not be read: {event.problem}")
        elif len(self._next.tool_calls) < MOST_CALLS_OF_A_MESSAGE:
            self._next.tool_calls.append(event.call)
        else:
            raise VoiceSessionFailed("the provider called more tools at once than a turn can have")

    def _session_event(self, event: SessionEvent) -> None:
        match event.kind:
            case "item_done" | "cancelled":
                self._end_item(event)
            case "warning":
                self.warn(event.text)
            case "error":
                error = VoiceSessionFailed(f"the provider reported an error: {event.text}")
                error.is_retryable = event.is_retryable
                raise error
            case "closed":
                raise VoiceSessionFailed(f"the provider closed the session: {event.text}")

    def _checked_buffer(self, size: int) -> None:
        """Raise VoiceSessionFailed if so many bytes of audio cannot wait."""
        if self.audio_format.milliseconds_of(size) > _MOST_BUFFERED_MS:
            raise VoiceSessionFailed("the provider sent more audio than a call can hold")


class TickEngine(Engine):
    """The engine of providers whose speech comes in items."""

    def __init__(
        self, tick_ms: int, audio_format: AudioFormat, *, is_cut_by_speech: bool = True
    ) -> None:
        """Make ticks of so many milliseconds in that format.

        With `is_cut_by_speech` the user's speech cuts the agent off; otherwise only `cancelled`
        events do, for providers that decide whether to go on.
        """
        super().__init__(tick_ms, audio_format)
        self._is_cut_by_speech = is_cut_by_speech
        self._items: dict[str, _Item] = {}
        self._talking: dict[str, _Item] = {}
        """The items of which something is still to be played or said."""
        self._waiting: deque[tuple[_Item, memoryview]] = deque()
        self._waiting_bytes = 0
        self._unnamed = 0
        # Characters and bytes of whole items: the session's pace.
        self._said = 0
        self._heard = 0

    def ledger(self, item_id: str | None = None) -> ItemLedger:
        """Return what became of an item; None names the current one on streams without ids."""
        return self._item(item_id).ledger

    @property
    def ledgers(self) -> dict[str, ItemLedger]:
        """The ledgers of all items of the session."""
        return {item.id: item.ledger for item in self._items.values()}

    def _fill(self, result: TickResult) -> None:
        heard = self._play(result)
        result.contains_speech = bool(heard)
        result.item_ids = list(dict.fromkeys(heard))
        result.transcript = self._words()

    def _hear_user(self, event: UserActivity) -> None:
        if self._is_cut_by_speech and event.kind == "speech_started":
            self._interrupt(list(self._talking.values()))

    # -- what is received -----------------------------------------------------------------------

    def _item(self, item_id: str | None) -> _Item:
        """Return an item, made if it is new."""
        name = f"item_{self._unnamed}" if item_id is None else item_id
        item = self._items.get(name)
        if item is None:
            if len(self._items) >= _MOST_ITEMS:
                raise VoiceSessionFailed("the provider began more utterances than a call can have")
            item = _Item(name)
            self._items[name] = item
            self._talking[name] = item
        return item

    def _receive(self, event: AgentAudio) -> None:
        if not event.data:
            return
        item = self._item(event.item_id)
        item.ledger.received += len(event.data)
        if item.ledger.is_cancelled:
            item.ledger.dropped += len(event.data)
            return
        self._talking[item.id] = item
        data = item.partial + event.data
        whole = len(data) - len(data) % self.audio_format.bytes_per_sample
        item.partial = data[whole:]
        if whole:
            self._waiting.append((item, memoryview(data)[:whole]))
            self._waiting_bytes += whole
        self._checked_buffer(self._waiting_bytes)

    def _receive_text(self, event: AgentTranscript) -> None:
        item = self._item(event.item_id)
        if item.ledger.is_cancelled or not event.text:
            return
        if len(item.text) + len(event.text) > _LONGEST_UTTERANCE:
            raise VoiceSessionFailed("the provider sent more text than an utterance can have")
        self._talking[item.id] = item
        item.text += event.text

    def _end_item(self, event: SessionEvent) -> None:
        if event.kind == "item_done":
            self._finish(self._item(event.item_id))
            self._unnamed += event.item_id is None
        elif event.item_id is None:
            self._interrupt(list(self._talking.values()))
        elif event.item_id in self._items:
            self._interrupt([self._items[event.item_id]])

    def _finish(self, item: _Item) -> None:
        ledger = item.ledger
        if ledger.is_done or ledger.is_cancelled:
            return
        ledger.is_done = True
        ledger.dropped += len(item.partial)
        item.partial = b""
        self._said += len(item.text)
        self._heard += ledger.received

    def _interrupt(self, items: list[_Item]) -> None:
        """Cut items off where they have been played to; what was played whole stays whole."""
        cut: set[str] = set()
        for item in items:
            ledger = item.ledger
            is_over = ledger.is_done and not ledger.waiting
            if ledger.is_cancelled or is_over:
                continue
            cut.add(item.id)
            dropped = ledger.waiting
            ledger.is_cancelled = True
            ledger.dropped += dropped
            item.partial = b""
            item.text = item.text[: item.shown]
            self._talking.pop(item.id, None)
            if ledger.received:
                truncation = Truncation(
                    item_id=item.id,
                    played_ms=self.audio_format.milliseconds_of(ledger.played),
                    dropped_ms=self.audio_format.milliseconds_of(dropped),
                )
                self._next.truncations.append(truncation)
        if cut:
            self._waiting = deque(entry for entry in self._waiting if entry[0].id not in cut)
            self._waiting_bytes = sum(len(data) for _, data in self._waiting)
            self._unnamed += 1

    # -- what is played -------------------------------------------------------------------------

    def _play(self, result: TickResult) -> list[str]:
        """Fill the tick with audio. Return the items that were heard, in order."""
        missing = len(self._silence)
        parts: list[bytes] = []
        heard: list[str] = []
        while missing and self._waiting:
            item, data = self._waiting.popleft()
            part = data[:missing]
            if len(data) > len(part):
                self._waiting.appendleft((item, data[len(part) :]))
            item.ledger.played += len(part)
            missing -= len(part)
            self._waiting_bytes -= len(part)
            parts.append(bytes(part))
            heard.append(item.id)
        result.audio = b"".join([*parts, self._silence[:missing]])
        return heard

    def _words(self) -> str:
        """Return the words that belong to what was played so far and were not said yet."""
        said = ""
        for item in list(self._talking.values()):
            end = self._shown_until(item)
            words = item.text[item.shown : end]
            if said and words and not (said[-1].isspace() or words[0].isspace()):
                said += " "  # the next utterance begins in the same tick
            said += words
            item.shown = max(item.shown, end)
            ledger = item.ledger
            if ledger.is_done and not ledger.waiting and item.shown == len(item.text):
                del self._talking[item.id]
        return said

    def _shown_until(self, item: _Item) -> int:
        """Return how many characters of an item have been said.

        Of a whole item, the share of its audio that was played. Before its length is known, as many
        as are said in that time at the session's pace: text arrives before its audio, so that the
        share of what was received would run ahead.
        """
        ledger = item.ledger
        if ledger.is_done and not ledger.waiting:
            return len(item.text)
        if ledger.is_done:
            reached = int(len(item.text) * ledger.played / ledger.received)
        else:
            reached = min(int(ledger.played * self._pace()), len(item.text))
        return _end_of_word(item.text, item.shown, reached)

    def _pace(self) -> float:
        """Return the characters of one byte."""
        if self._said and self._heard >= self.audio_format.bytes_per_second:
            return self._said / self._heard
        return _CHARACTERS_PER_SECOND / self.audio_format.bytes_per_second


def _end_of_word(text: str, begin: int, end: int) -> int:
    """Return the last end of a word in `text[begin:end]`; `begin` if no word ends there."""
    for place in range(end, begin, -1):
        if place < len(text) and text[place].isspace():
            return place
        if end - place > _LONGEST_WORD:
            return end
    return end if end - begin > _LONGEST_WORD else begin
