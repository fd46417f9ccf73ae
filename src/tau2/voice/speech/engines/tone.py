"""The tone channel: text as audible tones, for tests and for runs without speech packages.

A character lasts 64 ms, which is about as fast as people speak. Each byte of the text sounds as a
pair of sines, one of 16 low and one of 16 high frequencies, all within the band of a telephone
(300 to 3,400 Hz). A clean line, also through mu-law, band-pass filter and resampling, is decoded
exactly, and upper and lower case, digits and punctuation survive.

Pure tones would survive any noise. So that a noisy street is as hard for this channel as it is for
a recognizer of speech, a character is misread the more likely the less of the power that is heard
is in its tones: a letter as another letter, a digit as another digit. The noise itself decides
which. At 10 dB 1 word in 40 is wrong, at 5 dB 1 in 6. What a lost packet held is missing.

The channel has one voice, and ignores speed, pitch and seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from tau2.errors import needs_extra
from tau2.voice.audio.formats import Samples
from tau2.voice.speech.protocols import Speech, SpokenWord, Transcript, Voice

with needs_extra("voice", "numpy"):
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_RATE = 8000
PERIOD = 0.064
"""Seconds of one character, with the gap behind its tones."""

_TONES = 0.052  # seconds of a character in which its tones sound
_EDGE = 0.002  # seconds in which they fade in and out
_AMPLITUDE = 0.14  # of each of the two sines; together about -17 dBFS
_LOW = tuple(400 + 75 * step for step in range(16))  # Hz
_HIGH = tuple(1700 + 90 * step for step in range(16))
_HOP = 0.004  # seconds between the places where tones are looked for
_STEPS = round(PERIOD / _HOP)
_SLACK = 2

_QUIETEST = 1e-6  # mean square below which nothing is heard: -60 dBFS
_PRESENT = 0.3  # share of the power in the two strongest tones from which a character is there
_BALANCE = 0.08  # share that the weaker of the two must have
_CLEAR = 0.93  # share from which the character is always read as it was sent
_FAINT = 0.8  # how far below that a character is hardly ever read as it was sent
_PAUSE = 4 * PERIOD  # a longer silence separates words


class ToneSynthesizer:
    """Text to tones."""

    name = "tone"
    version = "1"

    def voices(self) -> Sequence[str]:
        """Return the one voice."""
        return ("tone",)

    def synthesize(self, text: str, voice: Voice, *, seed: int = 0) -> Speech:
        """Return `text` as tones; surrounding white space is silent and left out."""
        said = " ".join(text.split())
        symbols = said.encode("utf-8", "replace")
        sounds = _sounds()
        parts = [sounds[symbol] for symbol in symbols]
        samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        return Speech(samples, SAMPLE_RATE, _word_times(said))


class ToneRecognizer:
    """Tones to text."""

    name = "tone"
    version = "1"

    def transcribe(self, samples: Samples, sample_rate: int) -> Transcript:
        """Return the characters that were heard, and when each word was."""
        return _read(list(_heard(samples, sample_rate)))


def _word_times(text: str) -> list[SpokenWord]:
    words = []
    at = 0
    for word in text.split():
        length = len(word.encode("utf-8", "replace"))
        words.append(SpokenWord(word, at * PERIOD, (at + length) * PERIOD))
        at += length + 1
    return words


@lru_cache(maxsize=1)
def _sounds() -> list[Samples]:
    """Return the samples of each byte."""
    seconds = np.arange(round(PERIOD * SAMPLE_RATE)) / SAMPLE_RATE
    fade = np.clip(np.minimum(seconds, _TONES - seconds) / _EDGE, 0.0, 1.0)
    shape = _AMPLITUDE * np.sin(np.pi / 2 * fade) ** 2
    low = [np.sin(2 * np.pi * frequency * seconds) for frequency in _LOW]
    high = [np.sin(2 * np.pi * frequency * seconds) for frequency in _HIGH]
    return [(shape * (low[byte // 16] + high[byte % 16])).astype(np.float32) for byte in range(256)]


class _Heard(NamedTuple):
    """One character as it was heard."""

    byte: int
    share: float
    """Of its tones in the power that is heard."""
    chance: int
    """16 bits that the noise decided."""
    start: float
    """In seconds."""


class _Tones(NamedTuple):
    """Which tones sound at each place where they were looked for."""

    power: NDArray[np.float32]
    """Of the strongest low and the strongest high tone together; 0 where no character is."""
    share: NDArray[np.float32]
    """Of all power that is heard."""
    low: NDArray[np.intp]
    high: NDArray[np.intp]
    chance: NDArray[np.intp]
    """16 bits: which low tones come after the strongest."""


@lru_cache(maxsize=8)
def _basis(sample_rate: int) -> NDArray[np.float32]:
    """Return cosines, then sines, of all tones; shape (samples of a character, 64)."""
    seconds = np.arange(round(_TONES * sample_rate)) / sample_rate
    phases = 2 * np.pi * np.outer(seconds, (*_LOW, *_HIGH))
    return np.hstack([np.cos(phases), np.sin(phases)]).astype(np.float32)


def _tones(samples: Samples, sample_rate: int) -> _Tones:
    """Look for tones at every `_HOP` seconds of `samples`."""
    basis = _basis(sample_rate)
    length = len(basis)
    count = max(0, int((len(samples) - length) / (_HOP * sample_rate)) + 1)
    starts = np.rint(np.arange(count) * _HOP * sample_rate).astype(np.intp)
    starts = starts[starts + length <= len(samples)]
    squares = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    heard = (squares[starts + length] - squares[starts]) / length
    loud = np.flatnonzero(heard > _QUIETEST)
    power = np.zeros(len(starts), np.float32)
    share = np.zeros(len(starts), np.float32)
    low = np.zeros(len(starts), np.intp)
    high = np.zeros(len(starts), np.intp)
    chance = np.zeros(len(starts), np.intp)
    if len(loud) == 0:
        return _Tones(power, share, low, high, chance)
    windows = np.lib.stride_tricks.sliding_window_view(samples, length)[starts[loud]]
    parts = windows @ basis
    powers = 2 * (np.square(parts[:, :32]) + np.square(parts[:, 32:])) / length**2
    order = np.argsort(powers[:, :16], axis=1)
    low[loud] = order[:, -1]
    chance[loud] = order[:, -5:-1] @ np.array([1, 16, 256, 4096])
    high[loud] = np.argmax(powers[:, 16:], axis=1)
    low_power = np.max(powers[:, :16], axis=1)
    high_power = np.max(powers[:, 16:], axis=1)
    total = heard[loud]
    both = low_power + high_power
    is_there = (both > _PRESENT * total) & (np.minimum(low_power, high_power) > _BALANCE * total)
    share[loud] = np.where(is_there, both / total, 0.0)
    power[loud] = np.where(is_there, both, 0.0)
    return _Tones(power, share, low, high, chance)


def _heard(samples: Samples, sample_rate: int) -> Iterator[_Heard]:
    """Yield the characters in order.

    The first character of an utterance is looked for; each further one is expected one period
    later, give or take 8 ms.
    """
    tones = _tones(np.ascontiguousarray(samples, dtype=np.float32), sample_rate)
    at = _first(tones, 0)
    while at is not None:
        yield _Heard(
            byte=int(tones.low[at]) * 16 + int(tones.high[at]),
            share=float(tones.share[at]),
            chance=int(tones.chance[at]),
            start=at * _HOP,
        )
        expected = at + _STEPS
        near = tones.power[expected - _SLACK : expected + _SLACK + 1]
        is_near = bool(np.any(near))
        at = expected - _SLACK + int(np.argmax(near)) if is_near else _first(tones, expected)


def _first(tones: _Tones, start: int) -> int | None:
    """Return the first place from `start` on where a character is heard best; None at the end."""
    there = np.flatnonzero(tones.power[start:])
    if len(there) == 0:
        return None
    begin = start + int(there[0])
    return begin + int(np.argmax(tones.power[begin : begin + _STEPS]))


_CLASSES = (
    bytes(range(ord("0"), ord("9") + 1)),
    bytes(range(ord("a"), ord("z") + 1)),
    bytes(range(ord("A"), ord("Z") + 1)),
)


def _as_read(character: _Heard) -> int:
    """Return the byte that is understood: another of its kind where it was misread."""
    drawn = (character.chance * 40503) % 2**16 / 2**16  # an odd factor spreads similar patterns
    missing = max(0.0, _CLEAR - character.share) / _FAINT
    if drawn >= missing**2:
        return character.byte
    kind = next((kind for kind in _CLASSES if character.byte in kind), None)
    if kind is None:
        return max(character.byte, ord(" "))
    shift = 1 + character.chance % (len(kind) - 1)
    return kind[(kind.index(character.byte) + shift) % len(kind)]


def _read(characters: Sequence[_Heard]) -> Transcript:
    """Return the text of characters; words are separated by spaces and long silences."""
    words: list[SpokenWord] = []
    letters = bytearray()
    start = 0.0
    end = 0.0

    def finish() -> None:
        text = "".join(c for c in letters.decode("utf-8", "replace") if c.isprintable())
        if text:
            words.append(SpokenWord(text, start, end))
        letters.clear()

    for character in characters:
        byte = _as_read(character)
        if byte == ord(" ") or character.start - end > _PAUSE:
            finish()
        if byte != ord(" "):
            if not letters:
                start = character.start
            letters.append(byte)
        end = character.start + PERIOD
    finish()
    return Transcript(" ".join(word.text for word in words), words)
