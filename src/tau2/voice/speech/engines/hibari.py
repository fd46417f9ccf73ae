"""Text to speech by hibari-tts: one American voice whose weights the package carries.

The package has one voice; speed and pitch make others of it. A higher pitch is made by playing
faster what was spoken more slowly, so that the length stays what the speed says.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tau2.errors import SpeechFailed, needs_extra
from tau2.seeds import derive_seed
from tau2.voice.audio.formats import Samples
from tau2.voice.audio.resample import resample
from tau2.voice.speech.limits import checked_text
from tau2.voice.speech.protocols import Speech, SpokenWord, Voice
from tau2.voice.speech.weights import EXTRA, check_weights, package_version
from tau2.voice.speech.word_times import estimated_words, speech_of_written

with needs_extra("voice", "numpy"):
    import numpy as np

SAMPLE_RATE = 24000
VOICE = "heart"

_DIGESTS = {
    "hibari.onnx": "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8",
    "oov.onnx": "d3cfd8122c5f172a98c8de38268bf1213ee09f2c2ae4df6e055fc6532590fe76",
}
_SLOWEST = 0.5  # of the model's own speed
_FASTEST = 2.0
_SEMITONES = 12


class _Spoken(NamedTuple):
    """One sentence."""

    text: str
    samples: Samples


class HibariSynthesizer:
    """hibari-tts on one thread."""

    name = "hibari"

    def __init__(self) -> None:
        """Load the weights, which takes about half a second."""
        with needs_extra(EXTRA, "hibari"):
            import hibari  # noqa: PLC0415  -- of an extra
        self.version = package_version("hibari-tts")
        check_weights("hibari-tts", Path(hibari.__file__).parent / "assets", _DIGESTS)
        # More threads would add up in another order, and give other bytes.
        self._engine: Any = hibari.Hibari(voice=VOICE, threads=1)
        self._lock = threading.Lock()

    def voices(self) -> Sequence[str]:
        """Return the one voice whose weights are here."""
        return (VOICE,)

    def synthesize(self, text: str, voice: Voice, *, seed: int = 0) -> Speech:
        """Return a written text as speech at 24 kHz.

        The times of sentences are exact, those of words are estimated within.
        """
        if voice.name not in {"", VOICE}:
            raise SpeechFailed(f"hibari has no voice {voice.name!r}; it has {VOICE!r}")
        return speech_of_written(checked_text(text), lambda said: self._speech(said, voice, seed))

    def _speech(self, text: str, voice: Voice, seed: int) -> Speech:
        ratio = 2.0 ** (voice.pitch / _SEMITONES)
        speed = min(_FASTEST, max(_SLOWEST, voice.speed / ratio))
        spoken = [
            _Spoken(sentence, self._sentence(sentence, speed, derive_seed(seed, number)))
            for number, sentence in enumerate(self._engine.split_sentences(text))
        ]
        words: list[SpokenWord] = []
        at = 0.0
        for sentence in spoken:
            seconds = len(sentence.samples) / (SAMPLE_RATE * ratio)
            words += estimated_words(sentence.text, seconds, at)
            at += seconds
        parts = [sentence.samples for sentence in spoken]
        samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        # Fewer samples at the same rate: all frequencies times the ratio.
        played_faster = resample(samples, SAMPLE_RATE * ratio, SAMPLE_RATE)
        return Speech(played_faster, SAMPLE_RATE, words)

    def _sentence(self, sentence: str, speed: float, seed: int) -> Samples:
        try:
            with self._lock:
                samples: Samples = self._engine(sentence, speed=speed, seed=seed)
        except Exception as error:  # the package may fail in any way on a text it does not know
            raise SpeechFailed(f"hibari could not speak {sentence[:60]!r}: {error}") from error
        return samples
