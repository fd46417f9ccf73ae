"""Speech to text by pocketsphinx: an older recognizer, for machines without moonshine's wheel."""

from __future__ import annotations

import threading
from typing import Any

from tau2.errors import MissingExtra, SpeechFailed, needs_extra
from tau2.voice.audio.codec import encode
from tau2.voice.audio.formats import AudioFormat, Encoding, Samples
from tau2.voice.audio.resample import resample
from tau2.voice.speech.heard import heard
from tau2.voice.speech.limits import checked_seconds
from tau2.voice.speech.protocols import SpokenWord, Transcript
from tau2.voice.speech.weights import package_version

with needs_extra("voice", "numpy"):
    import numpy as np

_RATE = 16000  # Hz
_FRAMES_PER_SECOND = 100
_FILLERS = ("<", "[", "+")
"""What is recognized and no word begins with one of these."""


class PocketsphinxRecognizer:
    """pocketsphinx with its American English model. It knows no capital letters."""

    name = "pocketsphinx"

    def __init__(self) -> None:
        """Load the model. Raise MissingExtra where the package is not installed."""
        try:
            import pocketsphinx  # noqa: PLC0415  -- of no extra of ours
        except ModuleNotFoundError as error:
            raise MissingExtra("pocketsphinx is not installed; pip install pocketsphinx") from error
        self.version = package_version("pocketsphinx")
        self._engine: Any = pocketsphinx.Decoder(samprate=_RATE, loglevel="FATAL")
        self._lock = threading.Lock()

    def transcribe(self, samples: Samples, sample_rate: int) -> Transcript:
        """Return what is said, in written form, and when each recognized word is said."""
        checked_seconds(samples, sample_rate)
        if len(samples) == 0:
            return Transcript("")
        samples = resample(samples.astype(np.float32), sample_rate, _RATE)
        pcm = encode(samples, AudioFormat(Encoding.PCM16, _RATE))
        try:
            with self._lock:
                words = self._words(pcm)
        except RuntimeError as error:
            raise SpeechFailed(f"pocketsphinx could not recognize an utterance: {error}") from error
        return Transcript(heard(" ".join(word.text for word in words)), words)

    def _words(self, pcm: bytes) -> list[SpokenWord]:
        self._engine.start_utt()
        self._engine.process_raw(pcm, full_utt=True)
        self._engine.end_utt()
        return [
            SpokenWord(
                segment.word.partition("(")[0],
                segment.start_frame / _FRAMES_PER_SECOND,
                (segment.end_frame + 1) / _FRAMES_PER_SECOND,
            )
            for segment in self._engine.seg() or ()
            if not segment.word.startswith(_FILLERS)
        ]
