"""A caller that hears the agent by recognition: what it understands is what was audible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tau2.data_model.message import AssistantMessage
from tau2.voice.audio.codec import decode
from tau2.voice.audio.formats import TELEPHONE, AudioFormat
from tau2.voice.caller.hearing import HeardTurn, TranscriptEar, as_heard
from tau2.voice.cascade.listener import Listener, SpeechStopped
from tau2.voice.cascade.settings import SpeechDetection
from tau2.voice.speech.accuracy import word_errors
from tau2.voice.speech.protocols import Recognizer, VoiceActivityDetector

if TYPE_CHECKING:
    from tau2.voice.cascade.listener import SpeechEvent

_GOES_ON = "—"
"""Stands for words that are being said and were not recognized yet."""


class RecognitionEar:
    """Finds speech in the agent's audio and has each stretch of it recognized, once it is over.

    The agent's own transcript is kept beside it, so that it can be said how well it was understood.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        detector: VoiceActivityDetector,
        *,
        audio_format: AudioFormat = TELEPHONE,
        detection: SpeechDetection | None = None,
    ) -> None:
        """Prepare to listen to one call.

        Args:
            recognizer: Understands a stretch of speech.
            detector: Finds it.
            audio_format: Of the agent's chunks.
            detection: When speech begins and ends.
        """
        self._recognizer = recognizer
        self._format = audio_format
        self._listener = Listener(
            detector, audio_format.sample_rate, detection or SpeechDetection()
        )
        self._told = TranscriptEar()
        self._recognized: list[str] = []
        self._start_tick: int | None = None
        self._end_tick = 0

    def hear(self, chunk: AssistantMessage | None, tick: int) -> bool:
        """Hear the audio of a chunk. Raise SpeechFailed."""
        self._told.hear(chunk, tick)
        data = None if chunk is None else chunk.get_audio_bytes()
        if not data:
            return False
        before = self._listener.speech_seconds
        events = self._listener.push(decode(data, self._format))
        self._understand(events)
        # A pause of speech that is not over is silence, too.
        speaks = self._listener.is_speaking and self._listener.speech_seconds != before
        if speaks:
            if self._start_tick is None:
                self._start_tick = tick
            self._end_tick = tick + 1
        return speaks

    def _understand(self, events: list[SpeechEvent]) -> None:
        for event in events:
            if isinstance(event, SpeechStopped):
                heard = self._recognizer.transcribe(event.samples, self._format.sample_rate)
                self._recognized.append(heard.text.strip())

    @property
    def has_heard(self) -> bool:
        """Whether there was speech, understood or not."""
        return bool(self._recognized) or self._listener.is_speaking

    def so_far(self) -> str:
        """Return what was understood; a dash stands for what is being said."""
        text = as_heard(" ".join(self._recognized))
        return f"{text} {_GOES_ON}".strip() if self._listener.is_speaking else text

    def take(self) -> HeardTurn:
        """Return what was understood and forget it. Raise SpeechFailed."""
        self._understand(self._listener.finish())
        text = as_heard(" ".join(self._recognized))
        transcript = self._told.take().transcript
        start = self._end_tick if self._start_tick is None else self._start_tick
        turn = HeardTurn(
            text=text,
            transcript=transcript,
            start_tick=start,
            end_tick=self._end_tick,
            is_recognized=True,
            word_error_rate=word_errors(transcript, text).rate,
        )
        self._recognized = []
        self._start_tick = None
        return turn

    def put_back(self, turn: HeardTurn) -> None:
        """Put what was understood before what was heard since."""
        self._told.put_back(turn)
        self._recognized.insert(0, turn.text)
        self._start_tick = turn.start_tick
        self._end_tick = max(self._end_tick, turn.end_tick)
