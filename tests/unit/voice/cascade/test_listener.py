"""Speech is found in a stream, with what came just before it, and without people farther away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tau2.voice.cascade.listener import Listener, SpeechEvent, SpeechStarted, SpeechStopped
from tau2.voice.cascade.settings import SpeechDetection
from tau2.voice.speech.engines.energy import EnergyDetector
from tau2.voice.speech.engines.tone import ToneRecognizer, ToneSynthesizer
from tau2.voice.speech.protocols import Voice

RATE = 8000
PLAIN = SpeechDetection()


class AnySound:
    """Takes every sound for speech, however soft."""

    name = version = "any"
    frame_seconds = 0.02

    def stream(self, sample_rate: int) -> AnySound:
        self.rest = np.zeros(0, np.float32)
        return self

    def push(self, samples: np.ndarray) -> list[float]:
        waiting = np.concatenate([self.rest, samples])
        frames = len(waiting) // 160
        self.rest = waiting[frames * 160 :]
        return [float(np.any(frame)) for frame in waiting[: frames * 160].reshape(frames, 160)]

    def reset(self) -> None:
        """Nothing is remembered."""


def listener(detector: object = None, **changes: float | None) -> Listener:
    detection = replace(PLAIN, **changes)  # type: ignore[arg-type]
    return Listener(detector or EnergyDetector(), RATE, detection)  # type: ignore[arg-type]


def speech(text: str, decibels: float = 0.0) -> np.ndarray:
    samples = ToneSynthesizer().synthesize(text, Voice()).samples
    return (samples * 10 ** (decibels / 20)).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


def heard(ear: Listener, *pieces: np.ndarray) -> list[SpeechEvent]:
    events: list[SpeechEvent] = []
    for piece in np.array_split(np.concatenate(pieces), max(1, sum(map(len, pieces)) // 777)):
        events += ear.push(piece)
    return events


def text_of(event: SpeechEvent) -> str:
    assert isinstance(event, SpeechStopped)
    return ToneRecognizer().transcribe(event.samples, RATE).text


def test_speech_has_a_beginning_and_an_end() -> None:
    started, stopped = heard(listener(), silence(1), speech("Hello there"), silence(1))
    assert isinstance(started, SpeechStarted)
    assert started.at == pytest.approx(1.0, abs=0.05)
    assert isinstance(stopped, SpeechStopped)
    assert stopped.end == pytest.approx(1.0 + 11 * 0.064, abs=0.08)
    assert text_of(stopped) == "Hello there"


def test_short_pause_does_not_end_it() -> None:
    events = heard(listener(), speech("Hello"), silence(0.35), speech("there"), silence(1))
    assert len(events) == 2
    assert text_of(events[1]) == "Hello there"


def test_click_is_no_speech() -> None:
    assert heard(listener(), silence(1), np.full(100, 0.5, np.float32), silence(1)) == []


def test_endless_speech_is_handed_over_in_parts() -> None:
    events = heard(listener(longest_seconds=2.0), speech("abcdefghi " * 7), silence(1))
    parts = [event for event in events if isinstance(event, SpeechStopped)]
    assert [part.goes_on for part in parts] == [True, True, False]
    assert all(len(part.samples) <= 2.5 * RATE for part in parts)


def test_speech_at_the_end_of_the_stream_is_not_lost() -> None:
    ear = listener()
    heard(ear, speech("Hello"))
    (stopped,) = ear.finish()
    assert text_of(stopped) == "Hello"
    assert ear.finish() == []


def test_people_in_the_background_are_not_the_user() -> None:
    ear = listener(AnySound())
    assert heard(ear, speech("The council voted", -20), silence(1)) == []
    _, stopped = heard(ear, speech("Hello"), silence(1))
    assert text_of(stopped) == "Hello"
    assert heard(ear, speech("to widen the bridge", -20), silence(1)) == []


def test_everybody_is_heard_where_that_is_wanted() -> None:
    ear = listener(AnySound(), nearness_db=None)
    events = heard(ear, speech("The council voted", -20), silence(1))
    assert text_of(events[1]) == "The council voted"


def test_user_on_a_quiet_line_is_heard_after_a_while() -> None:
    ear = listener(AnySound())
    events = []
    for _ in range(6):
        events += heard(ear, speech("Hello, can you hear me now?", -22), silence(1))
    assert events
    assert heard(ear, speech("Good", -22), silence(1))
