"""Speech to text by moonshine-voice: Moonshine tiny, English, whose weights the package carries."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tau2.errors import SpeechFailed, needs_extra
from tau2.voice.audio.formats import Samples
from tau2.voice.audio.resample import resample
from tau2.voice.speech.heard import heard
from tau2.voice.speech.limits import checked_seconds
from tau2.voice.speech.loops import LOOP, without_loops
from tau2.voice.speech.protocols import Transcript
from tau2.voice.speech.weights import EXTRA, check_weights, package_version

with needs_extra("voice", "numpy"):
    import numpy as np

_RATE = 16000  # Hz, what the model hears
_FOLDER = "tiny-en"
_DIGESTS = {
    "encoder_model.ort": "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
    "decoder_model_merged.ort": "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
    "tokenizer.bin": "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
}
# The package cuts audio by its own voice activity detector unless told not to. An utterance has
# been cut already, and one that is whole is recognized better.
_OPTIONS = {"vad_threshold": "0.0", "identify_speakers": "false"}
_ONE_THREAD = "MOONSHINE_ORT_SINGLE_THREAD"

_LONGEST_PIECE = 14  # s; of longer ones the model invents repetitions
_SHORTEST_PIECE = 7
_WINDOW = 0.1  # s in which the quietest place to cut is looked for
_QUIETEST = 1e-3  # root mean square; below it nobody speaks, and the model would say "You"


class MoonshineRecognizer:
    """moonshine-voice on one thread."""

    name = "moonshine"

    def __init__(self) -> None:
        """Load the weights, which takes about half a second."""
        with needs_extra(EXTRA, "moonshine_voice"):
            import moonshine_voice  # noqa: PLC0415  -- of an extra
            from moonshine_voice.transcriber import Transcriber  # noqa: PLC0415  -- likewise
        self.version = package_version("moonshine-voice")
        folder = Path(moonshine_voice.__file__).parent / "assets" / _FOLDER
        check_weights("moonshine-voice", folder, _DIGESTS)
        with _variable(_ONE_THREAD, "1"):
            self._engine: Any = Transcriber(
                folder, moonshine_voice.ModelArch.TINY, options=_OPTIONS
            )
        self._lock = threading.Lock()

    def transcribe(self, samples: Samples, sample_rate: int) -> Transcript:
        """Return what is said, in written form and without word times.

        It is flagged "loop" where the model repeated itself.

        Long audio is cut at the quietest places, and recognized piece by piece.
        """
        checked_seconds(samples, sample_rate)
        texts = []
        has_looped = False
        for piece in _pieces(resample(samples.astype(np.float32), sample_rate, _RATE)):
            text, looped = without_loops(self._text(piece), len(piece) / _RATE)
            has_looped = has_looped or looped
            texts.append(text)
        said = " ".join(text for text in texts if text)
        return Transcript(heard(said), flags=(LOOP,) if has_looped else ())

    def _text(self, samples: Samples) -> str:
        if len(samples) == 0 or np.sqrt(np.mean(np.square(samples))) < _QUIETEST:
            return ""
        try:
            with self._lock:
                found = self._engine.transcribe_without_streaming(samples.tolist(), _RATE)
        except Exception as error:  # the package raises classes of its own, and plain ones
            raise SpeechFailed(f"moonshine could not recognize an utterance: {error}") from error
        return " ".join(line.text.strip() for line in found.lines)


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    """Set an environment variable for the duration of a block; a native library reads it."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _pieces(samples: Samples) -> Iterator[Samples]:
    """Yield `samples` in pieces that the model can hold, cut at the quietest places."""
    window = round(_WINDOW * _RATE)
    rest = samples
    while len(rest) > _LONGEST_PIECE * _RATE:
        first = _SHORTEST_PIECE * _RATE
        last = _LONGEST_PIECE * _RATE
        count = (last - first) // window
        powers = np.mean(np.square(rest[first:last]).reshape(count, window), axis=1)
        cut = first + window * int(np.argmin(powers)) + window // 2
        yield rest[:cut]
        rest = rest[cut:]
    yield rest
