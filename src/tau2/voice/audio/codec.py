"""Samples to the bytes of an audio format, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tau2.errors import needs_extra
from tau2.voice.audio import g711
from tau2.voice.audio.formats import AudioFormat, Encoding
from tau2.voice.audio.resample import Resampler

with needs_extra("voice", "numpy"):
    import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tau2.voice.audio.formats import Samples

_FULL_SCALE = 32768  # of 16-bit samples


def encode(samples: Samples, audio_format: AudioFormat) -> bytes:
    """Return samples as bytes of the format, at the format's rate; what exceeds [-1, 1] clips."""
    whole = to_int16(samples)
    match audio_format.encoding:
        case Encoding.PCM16:
            return whole.astype("<i2").tobytes()
        case Encoding.MULAW:
            return g711.encode_mulaw(whole).tobytes()
        case Encoding.ALAW:
            return g711.encode_alaw(whole).tobytes()


def decode(data: bytes, audio_format: AudioFormat) -> Samples:
    """Return bytes of the format as samples, at the format's rate.

    Raise ValueError if the last sample is incomplete.
    """
    match audio_format.encoding:
        case Encoding.PCM16:
            whole = np.frombuffer(data, "<i2")
        case Encoding.MULAW:
            whole = g711.decode_mulaw(np.frombuffer(data, np.uint8))
        case Encoding.ALAW:
            whole = g711.decode_alaw(np.frombuffer(data, np.uint8))
    return from_int16(whole)


def to_int16(samples: Samples) -> NDArray[np.int16]:
    """Return samples as 16-bit integers, rounded and clipped."""
    scaled = np.rint(np.asarray(samples, np.float32) * _FULL_SCALE)
    return np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)


def from_int16(whole: NDArray[np.int16]) -> Samples:
    """Return 16-bit integers as samples."""
    return whole.astype(np.float32) / np.float32(_FULL_SCALE)


class AudioConverter:
    """Converts a stream of bytes from one format to another.

    What comes in may be cut anywhere, also within a sample. Nothing is added: the first output is
    shorter by the resampler's latency, and `flush` returns the rest.
    """

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self.source = source
        self.target = target
        self._resampler = Resampler(source.sample_rate, target.sample_rate, is_padded=False)
        self._incomplete = b""

    def process(self, data: bytes) -> bytes:
        """Return what further bytes are in the target format, as far as it is known."""
        if self.source == self.target:
            return data
        data = self._incomplete + data
        size = len(data) - len(data) % self.source.bytes_per_sample
        self._incomplete = data[size:]
        samples = self._resampler.process(decode(data[:size], self.source))
        return encode(samples, self.target)

    def flush(self) -> bytes:
        """Return the rest of the stream; the next input begins another one."""
        self._incomplete = b""
        return encode(self._resampler.flush(), self.target)
