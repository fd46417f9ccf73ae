"""Short sounds, synthesized: a telephone, a dog, a horn, an engine, a siren, a cough, a sniffle.

Each is made from oscillators and filtered noise, with a level of 0 dBov (active, in the manner of
ITU-T P.56) within the telephone band.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from tau2.errors import UnknownName, needs_extra
from tau2.voice.audio.filters import TELEPHONE_BAND, band_pass
from tau2.voice.audio.levels import active_speech_level, at_level
from tau2.voice.effects.coloured import Spectrum, Wave, between, movement, noise, pink
from tau2.voice.effects.settings import BurstKind

with needs_extra("voice", "numpy"):
    import numpy as np

if TYPE_CHECKING:
    from tau2.voice.audio.formats import Samples

TicKind = Literal["cough", "sneeze", "sniffle", "throat_clear"]
"""Sounds that a speaker makes without speaking."""

Make: TypeAlias = Callable[[int, "np.random.Generator"], Wave]
"""Rate in Hz and randomness to a sound of any level."""

_SETTLING = 0.1  # seconds after a sound in which the filter of the measurement rings out


def burst(
    kind: BurstKind,
    sample_rate: int,
    seed: int,
    *,
    band: tuple[float, float] = TELEPHONE_BAND,
) -> Samples:
    """Return a sound of the surroundings, some seconds long. Rate and band in Hz."""
    if kind not in BURSTS:
        raise UnknownName("burst", kind, BURSTS)
    return _levelled(BURSTS[kind](sample_rate, np.random.default_rng(seed)), sample_rate, band)


def vocal_tic(
    kind: TicKind,
    sample_rate: int,
    seed: int,
    *,
    band: tuple[float, float] = TELEPHONE_BAND,
) -> Samples:
    """Return a cough or another sound of a speaker, under a second long. Rate and band in Hz."""
    if kind not in TICS:
        raise UnknownName("vocal tic", kind, TICS)
    return _levelled(TICS[kind](sample_rate, np.random.default_rng(seed)), sample_rate, band)


def _levelled(sound: Wave, sample_rate: int, band: tuple[float, float]) -> Samples:
    # Soft edges, so that no sound begins or ends with a click.
    edge = max(1, int(0.004 * sample_rate))
    ramp = np.linspace(0.0, 1.0, edge)
    sound[:edge] *= ramp
    sound[-edge:] *= ramp[::-1]
    samples = sound.astype(np.float32)
    padded = np.concatenate((samples, np.zeros(int(_SETTLING * sample_rate), np.float32)))
    heard = band_pass(sample_rate, band).process(padded)
    return at_level(samples, active_speech_level(heard, sample_rate).level, 0.0)


def _seconds(length: float, rate: int) -> Wave:
    return np.arange(int(length * rate)) / rate


def _phase(frequency: Wave, rate: int) -> Wave:
    return 2 * np.pi * np.cumsum(frequency) / rate


def _harmonics(phase: Wave, amplitudes: Wave) -> Wave:
    total = np.zeros_like(phase)
    for number, share in enumerate(amplitudes, start=1):
        total += share * np.sin(number * phase)
    return total


def _noise(
    spectrum: Spectrum,
    like: Wave,
    rate: int,
    rng: np.random.Generator,
) -> Wave:
    return noise(spectrum, len(like), rate, rng).astype(np.float64)


def _ringing_phone(rate: int, rng: np.random.Generator) -> Wave:
    """Two notes that change 16 times a second, for a second, twice."""
    seconds = _seconds(rng.uniform(2.6, 3.4), rate)
    base = rng.uniform(850.0, 1150.0)
    warble = np.sign(np.sin(2 * np.pi * 16.0 * seconds))
    note = base * (1.12 + 0.12 * warble)
    is_ringing = (seconds % 1.6) < 1.0
    return _harmonics(_phase(note, rate), np.array([1.0, 0.0, 0.4, 0.0, 0.15])) * is_ringing


def _dog_bark(rate: int, rng: np.random.Generator) -> Wave:
    """Two to four barks: a voice that rises and falls, rough, with breath."""
    barks = []
    pitch = rng.uniform(350.0, 600.0)
    for _bark in range(int(rng.integers(2, 5))):
        seconds = _seconds(rng.uniform(0.14, 0.22), rate)
        place = seconds / seconds[-1]
        tone = pitch * (0.8 + 0.6 * np.sin(np.pi * place**0.7))
        voice = _harmonics(_phase(tone, rate), 0.75 ** np.arange(8))
        breath = _noise(between(500.0, 3000.0), seconds, rate, rng)
        loudness = np.minimum(place / 0.08, 1.0) * (1.0 - place) ** 0.8
        barks.append((voice + 0.8 * breath) * loudness)
        barks.append(np.zeros(int(rng.uniform(0.12, 0.45) * rate)))
    return np.concatenate(barks[:-1])


def _car_horn(rate: int, rng: np.random.Generator) -> Wave:
    """Two horns a third apart, once or twice."""
    first = rng.uniform(380.0, 450.0)
    blasts = []
    for _blast in range(int(rng.integers(1, 3))):
        seconds = _seconds(rng.uniform(0.4, 1.0), rate)
        shares = 0.8 ** np.arange(7)
        low = _harmonics(2 * np.pi * first * seconds, shares)
        high = _harmonics(2 * np.pi * first * 1.25 * seconds, shares)
        blasts.append((low + high) * np.minimum(seconds / 0.03, 1.0))
        blasts.append(np.zeros(int(0.2 * rate)))
    return np.concatenate(blasts[:-1])


def _engine_idling(rate: int, rng: np.random.Generator) -> Wave:
    """A lorry that stands beside the caller: firing strokes, uneven, and a rattle."""
    seconds = _seconds(rng.uniform(3.0, 5.0), rate)
    speed = rng.uniform(24.0, 34.0) * (1 + 0.03 * movement(len(seconds), rate, 0.5, 6.0, rng))
    phase = _phase(speed, rate)
    strokes = np.maximum(np.sin(phase), 0.0) ** 6
    knock = _noise(between(200.0, 1800.0, slope=-3.0), seconds, rate, rng) * strokes * 3.0
    hum = _harmonics(phase, 1.0 / np.arange(1, 20) ** 0.7)
    fan = 0.3 * _noise(pink, seconds, rate, rng)
    place = seconds / seconds[-1]
    return np.asarray((knock + hum + fan) * np.minimum(1.0, 6.0 * np.minimum(place, 1.0 - place)))


def _siren(rate: int, rng: np.random.Generator) -> Wave:
    """A siren that wails up and down while it passes."""
    seconds = _seconds(rng.uniform(3.5, 5.0), rate)
    wail = 0.5 - 0.5 * np.cos(2 * np.pi * rng.uniform(0.3, 0.6) * seconds)
    place = seconds / seconds[-1]
    passing = np.exp(-(((place - 0.5) * 4.0) ** 2))
    doppler = 1.0 + 0.03 * np.tanh((0.5 - place) * 6.0)
    tone = (600.0 + 800.0 * wail) * doppler
    wailing = _harmonics(_phase(tone, rate), np.array([1.0, 0.35, 0.2, 0.1]))
    return np.asarray(wailing * passing)


def _cough(rate: int, rng: np.random.Generator) -> Wave:
    """Two coughs: a burst of air, a rough voice, and air again."""
    parts = []
    for _cough_number in range(2):
        seconds = _seconds(rng.uniform(0.2, 0.3), rate)
        place = seconds / seconds[-1]
        air = _noise(between(400.0, 3200.0, slope=-2.0), seconds, rate, rng)
        tone = rng.uniform(180.0, 320.0) * (1.1 - 0.4 * place)
        voice = _harmonics(_phase(tone, rate), 0.8 ** np.arange(10))
        voiced = np.exp(-(((place - 0.45) * 5.0) ** 2))
        loudness = np.minimum(place / 0.03, 1.0) * np.exp(-3.0 * place)
        parts.append((air + 0.5 * voice * voiced) * loudness)
        parts.append(np.zeros(int(0.08 * rate)))
    return np.concatenate(parts[:-1])


def _sneeze(rate: int, rng: np.random.Generator) -> Wave:
    """A breath in, and a burst of air."""
    breath = _seconds(0.25, rate)
    drawn = _noise(between(800.0, 3000.0), breath, rate, rng) * (breath / breath[-1]) ** 2 * 0.25
    burst_time = _seconds(rng.uniform(0.3, 0.4), rate)
    place = burst_time / burst_time[-1]
    air = _noise(between(1000.0, 3400.0), burst_time, rate, rng)
    blast = air * np.minimum(place / 0.05, 1.0) * np.exp(-4.0 * place)
    return np.concatenate((drawn, blast * 2.0))


def _sniffle(rate: int, rng: np.random.Generator) -> Wave:
    """Air through the nose, twice."""
    parts = []
    for _sniff in range(2):
        seconds = _seconds(rng.uniform(0.15, 0.22), rate)
        air = _noise(between(900.0, 2600.0), seconds, rate, rng)
        parts.append(air * np.sin(np.pi * seconds / seconds[-1]) ** 2)
        parts.append(np.zeros(int(0.07 * rate)))
    return np.concatenate(parts[:-1])


def _throat_clear(rate: int, rng: np.random.Generator) -> Wave:
    """A low, rough voice, twice."""
    seconds = _seconds(rng.uniform(0.5, 0.65), rate)
    place = seconds / seconds[-1]
    tone = rng.uniform(90.0, 140.0) * (1 + 0.08 * movement(len(seconds), rate, 5.0, 40.0, rng))
    voice = _harmonics(_phase(tone, rate), 0.9 ** np.arange(18))
    air = _noise(between(300.0, 1500.0), seconds, rate, rng)
    return np.asarray((voice + air) * np.sin(2 * np.pi * place) ** 2 * (1.0 - 0.4 * place))


BURSTS: Mapping[BurstKind, Make] = {
    "ringing_phone": _ringing_phone,
    "dog_bark": _dog_bark,
    "car_horn": _car_horn,
    "engine_idling": _engine_idling,
    "siren": _siren,
}
TICS: Mapping[TicKind, Make] = {
    "cough": _cough,
    "sneeze": _sneeze,
    "sniffle": _sniffle,
    "throat_clear": _throat_clear,
}
assert set(BURSTS) == set(get_args(BurstKind))
assert set(TICS) == set(get_args(TicKind))
