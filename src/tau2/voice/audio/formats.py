"""How audio is represented.

Inside, audio is `Samples`: one channel of float32 in [-1, 1]. On a wire and in messages it is bytes
of an `AudioFormat`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Samples: TypeAlias = "NDArray[np.float32]"
"""Shape (n,), one channel, in [-1, 1]."""

_MS_PER_SECOND = 1000


class Encoding(StrEnum):
    """How one sample is written."""

    PCM16 = "pcm_s16le"
    """Signed 16-bit integers, little-endian."""
    MULAW = "ulaw"
    """G.711 mu-law, 8 bits."""
    ALAW = "alaw"
    """G.711 A-law, 8 bits."""


_BYTES = {Encoding.PCM16: 2, Encoding.MULAW: 1, Encoding.ALAW: 1}
_SILENCE = {Encoding.PCM16: b"\x00\x00", Encoding.MULAW: b"\xff", Encoding.ALAW: b"\xd5"}


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """An encoding and a sample rate in Hz; always one channel."""

    encoding: Encoding = Encoding.MULAW
    sample_rate: int = 8000

    @property
    def bytes_per_sample(self) -> int:
        """The bytes of one sample."""
        return _BYTES[self.encoding]

    @property
    def bytes_per_second(self) -> int:
        """The bytes of one second."""
        return self.bytes_per_sample * self.sample_rate

    def bytes_of(self, milliseconds: float) -> int:
        """Return how many bytes last `milliseconds`: whole samples, rounded to the nearest."""
        samples = round(milliseconds * self.sample_rate / _MS_PER_SECOND)
        return samples * self.bytes_per_sample

    def milliseconds_of(self, data: bytes | int) -> float:
        """Return how long `data` (bytes, or a number of bytes) lasts."""
        size = data if isinstance(data, int) else len(data)
        return size * _MS_PER_SECOND / self.bytes_per_second

    def silence(self, milliseconds: float) -> bytes:
        """Return silence of that length."""
        samples = self.bytes_of(milliseconds) // self.bytes_per_sample
        return _SILENCE[self.encoding] * samples


TELEPHONE = AudioFormat(Encoding.MULAW, 8000)
"""What a telephone call carries, and what adapters exchange with the orchestrator."""
