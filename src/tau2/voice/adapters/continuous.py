"""From a provider's events to ticks: for streams without items, such as OpenAI's Live sessions.

Such a provider sends one stream of audio, decides itself when to speak, and tells of neither
utterances nor interruptions: where the user breaks in, the stream simply changes. What was sent is
played in order and nothing is cut off. Whether a tick contains speech follows from its level;
utterances are runs of speech between pauses, and get ids of our own. Pure: no I/O, no clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from tau2.errors import VoiceSessionFailed
from tau2.utils.sizes import LONGEST_MESSAGE
from tau2.voice.adapters.engine import Engine
from tau2.voice.adapters.events import AgentAudio, AgentTranscript
from tau2.voice.adapters.protocol import TickResult
from tau2.voice.audio.formats import AudioFormat, Encoding

SPEECH_PEAK = 0.01
"""A tick contains speech if its loudest sample is at least this (full scale is 1): -40 dB."""

_PAUSE_MS = 600
"""A new utterance begins after so much silence."""

_IDLE_TICKS = 3
"""After so many ticks without audio, words that are still held back are said."""

_NEAR_MS = 3000.0
"""A time of a transcript is believed if it is this close to the audio that was received."""


def peak(data: bytes, audio_format: AudioFormat) -> float:
    """Return the loudest sample of encoded audio; full scale is 1."""
    if not data:
        return 0.0
    match audio_format.encoding:
        case Encoding.MULAW:
            return _MULAW_MAGNITUDES[max(data.translate(_MULAW_ORDER))]
        case Encoding.ALAW:
            return _ALAW_MAGNITUDES[max(data.translate(_ALAW_ORDER))]
        case Encoding.PCM16:
            whole = memoryview(data[: len(data) - len(data) % 2]).cast("h")
            return max((abs(sample) for sample in whole), default=0) / 2**15


def _mulaw_magnitude(code: int) -> float:
    """Return the magnitude of a mu-law code without its sign (0 to 127, by loudness)."""
    exponent, mantissa = divmod(code, 16)
    return ((((mantissa << 3) + 0x84) << exponent) - 0x84) / 2**15


def _alaw_magnitude(code: int) -> float:
    """Return the magnitude of an A-law code without its sign (0 to 127, by loudness)."""
    exponent, mantissa = divmod(code, 16)
    base = (mantissa << 4) + 8
    return (base if exponent == 0 else (base + 0x100) << (exponent - 1)) / 2**15


# Codes without their sign are ordered by loudness, in both laws of G.711.
_MULAW_ORDER = bytes(~code & 0x7F for code in range(256))
_MULAW_MAGNITUDES = [_mulaw_magnitude(code) for code in range(128)]
_ALAW_ORDER = bytes((code ^ 0x55) & 0x7F for code in range(256))
_ALAW_MAGNITUDES = [_alaw_magnitude(code) for code in range(128)]


@dataclass(slots=True)
class _Words:
    text: str
    due_ms: float
    """When they have been said, on the time line of the stream."""


class ContinuousEngine(Engine):
    """The engine of providers that send one stream without items."""

    def __init__(
        self, tick_ms: int, audio_format: AudioFormat, *, speech_peak: float = SPEECH_PEAK
    ) -> None:
        """Make ticks of so many milliseconds in that format."""
        super().__init__(tick_ms, audio_format)
        self._speech_peak = speech_peak
        self._stream = bytearray()
        self._received_ms = 0.0
        self._played_ms = 0.0
        self._words: deque[_Words] = deque()
        self._characters = 0
        self._quiet_ms = float(_PAUSE_MS)
        self._idle_ticks = 0
        self._utterances = 0

    @property
    def buffered_ms(self) -> float:
        """How much was received and is still to be played."""
        return self.audio_format.milliseconds_of(len(self._stream))

    def _fill(self, result: TickResult) -> None:
        whole = len(self._stream) - len(self._stream) % self.audio_format.bytes_per_sample
        audio = bytes(self._stream[: min(whole, len(self._silence))])
        del self._stream[: len(audio)]
        self._played_ms += self.audio_format.milliseconds_of(audio)
        self._idle_ticks = 0 if audio else self._idle_ticks + 1
        result.audio = audio + self._silence[len(audio) :]
        result.contains_speech = peak(audio, self.audio_format) >= self._speech_peak
        if result.contains_speech:
            if self._quiet_ms >= _PAUSE_MS:
                self._utterances += 1
            self._quiet_ms = 0.0
            result.item_ids = [f"utterance_{self._utterances}"]
        else:
            self._quiet_ms += self.tick_ms
        result.transcript = self._said()

    def _receive(self, event: AgentAudio) -> None:
        self._stream += event.data
        self._received_ms += self.audio_format.milliseconds_of(event.data)
        self._checked_buffer(len(self._stream))

    def _receive_text(self, event: AgentTranscript) -> None:
        self._characters += len(event.text)
        if self._characters > LONGEST_MESSAGE:
            raise VoiceSessionFailed("the provider sent more text than a call can hold")
        if event.text:
            self._words.append(_Words(event.text, self._due(event.end_ms)))

    def _due(self, end_ms: float | None) -> float:
        """Return when words have been said, on the time line of the audio.

        Times of a transcript count from the beginning of the session. Where the provider sends no
        audio while it is silent, the stream is behind that, and words belong to what has arrived.
        """
        last = self._words[-1].due_ms if self._words else 0.0
        is_near = end_ms is not None and abs(end_ms - self._received_ms) <= _NEAR_MS
        due = end_ms if end_ms is not None and is_near else self._received_ms
        return max(due, last)

    def _said(self) -> str:
        is_idle = self._idle_ticks >= _IDLE_TICKS
        said: list[str] = []
        while self._words and (is_idle or self._words[0].due_ms <= self._played_ms):
            said.append(self._words.popleft().text)
        return "".join(said)
