"""G.711: telephone samples of 8 bits, as look-up tables.

The tables are computed from the rules of ITU-T G.711 (11/1988): mu-law compresses 14 bits, A-law
13. 16-bit samples lose their lowest 2 (mu-law) or 4 (A-law) bits towards zero first, as in
libsndfile, with which both directions agree for every sample.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tau2.errors import needs_extra

with needs_extra("voice", "numpy"):
    import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIGN = 0x80
_MULAW_BIAS = 33  # of 14-bit magnitudes: moves the segments' borders to powers of two
_MULAW_LARGEST = 8158  # the largest 14-bit magnitude that the last segment holds
_ALAW_TOGGLED = 0x55  # A-law inverts every second bit on the line
_STEP_BITS = 4


def encode_mulaw(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Return 16-bit samples as mu-law bytes, same shape."""
    return _mulaw_encoding()[samples.view(np.uint16)]


def decode_mulaw(data: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Return mu-law bytes as 16-bit samples, same shape."""
    return _mulaw_decoding()[data]


def encode_alaw(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Return 16-bit samples as A-law bytes, same shape."""
    return _alaw_encoding()[samples.view(np.uint16)]


def decode_alaw(data: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Return A-law bytes as 16-bit samples, same shape."""
    return _alaw_decoding()[data]


def _every_sample() -> NDArray[np.int64]:
    """Return all 16-bit samples in the order of their bits, as an encoding table is indexed."""
    return np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int64)


def _highest_bit(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of the highest set bit of positive numbers."""
    return np.frexp(numbers.astype(np.float64))[1].astype(np.int64) - 1


@cache
def _mulaw_encoding() -> NDArray[np.uint8]:
    samples = _every_sample()
    magnitude = np.minimum(np.abs(samples) >> 2, _MULAW_LARGEST) + _MULAW_BIAS
    segment = _highest_bit(magnitude) - 5
    step = (magnitude >> (segment + 1)) & 0xF
    sign = np.where(samples < 0, _SIGN, 0)
    # All bits are inverted on the line, so that silence has many ones.
    code = ~(sign | (segment << _STEP_BITS) | step) & 0xFF
    return np.asarray(code, np.uint8)


@cache
def _mulaw_decoding() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int64) & 0xFF
    segment = (code >> _STEP_BITS) & 7
    magnitude = (((((code & 0xF) << 1) + _MULAW_BIAS) << segment) - _MULAW_BIAS) << 2
    return np.where(code & _SIGN, -magnitude, magnitude).astype(np.int16)


@cache
def _alaw_encoding() -> NDArray[np.uint8]:
    samples = _every_sample()
    magnitude = np.minimum(np.abs(samples) >> 4, (1 << 11) - 1)
    # Segments 0 and 1 have the same step, so that a magnitude below 32 is its own code.
    segment = np.maximum(_highest_bit(np.maximum(magnitude, 1)) - 3, 1)
    compressed = ((segment - 1) << _STEP_BITS) + (magnitude >> (segment - 1))
    sign = np.where(samples < 0, 0, _SIGN)
    return np.asarray((sign | compressed) ^ _ALAW_TOGGLED, np.uint8)


@cache
def _alaw_decoding() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.int64) ^ _ALAW_TOGGLED
    segment = (code >> _STEP_BITS) & 7
    step = ((code & 0xF) << 1) + 1  # the middle of the step
    magnitude = np.where(segment == 0, step, (step + 32) << np.maximum(segment - 1, 0)) << 3
    return np.where(code & _SIGN, magnitude, -magnitude).astype(np.int16)
