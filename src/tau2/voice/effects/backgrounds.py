"""Background noise, synthesized: loops of people, television and streets. Nothing is recorded.

A loop has a level of 0 dBov within the telephone band, so that a gain in dB is its level there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias, get_args

from tau2.errors import UnknownName, needs_extra
from tau2.seeds import derive_seed
from tau2.voice.audio.filters import TELEPHONE_BAND, band_pass
from tau2.voice.audio.levels import at_level, level
from tau2.voice.effects import coloured
from tau2.voice.effects.coloured import add_around, between, in_a_room, movement, noise
from tau2.voice.effects.settings import BackgroundKind
from tau2.voice.effects.talkers import NEWS, babble, talker
from tau2.voice.speech.protocols import Synthesizer

with needs_extra("voice", "numpy"):
    import numpy as np

if TYPE_CHECKING:
    from tau2.voice.audio.formats import Samples

LOOP_SECONDS = 24.0
_VARIANTS = 8
"""Of each loop in a process. A call draws one of them and where it begins in it."""
_MOST_KEPT = 32  # loops of 1.5 MB

Make: TypeAlias = Callable[[int, int, int, Synthesizer | None], "Samples"]
"""Samples, rate in Hz, seed and synthesizer to a loop of any level."""


def background(
    kind: BackgroundKind,
    sample_rate: int,
    seed: int,
    *,
    synthesizer: Synthesizer | None = None,
    band: tuple[float, float] = TELEPHONE_BAND,
) -> Samples:
    """Return a loop of 24 s with a level of 0 dBov within the band.

    Loops are made once in a process; a seed picks one of eight.

    Args:
        kind: What is heard.
        sample_rate: In Hz.
        seed: Which loop.
        synthesizer: Who speaks in it, if anybody does; None: noise with the rhythm of speech.
        band: In Hz, in which the level is measured.
    """
    if kind not in BACKGROUNDS:
        raise UnknownName("background", kind, BACKGROUNDS)
    variant = derive_seed(seed, "variant") % _VARIANTS
    speaker = (synthesizer.name, synthesizer.version) if synthesizer else None
    key = (kind, sample_rate, variant, band, speaker)
    with _LOCK:
        if (kept := _KEPT.get(key)) is not None:
            _KEPT.move_to_end(key)
            return kept
    count = int(LOOP_SECONDS * sample_rate)
    made = BACKGROUNDS[kind](count, sample_rate, derive_seed(variant, kind), synthesizer)
    # Twice around: the second time the filter knows what came before.
    heard = band_pass(sample_rate, band).process(np.concatenate((made, made)))[count:]
    loop = at_level(made, level(heard), 0.0)
    loop.setflags(write=False)
    with _LOCK:
        _KEPT[key] = loop
        if len(_KEPT) > _MOST_KEPT:
            _KEPT.popitem(last=False)
    return loop


_KEPT: OrderedDict[tuple[object, ...], Samples] = OrderedDict()
_LOCK = Lock()


def _people_talking(count: int, rate: int, seed: int, synthesizer: Synthesizer | None) -> Samples:
    """Eight people at other tables."""
    people = babble(count, rate, seed, synthesizer=synthesizer)
    return in_a_room(people, rate, np.random.default_rng(seed))


def _competing_speech(count: int, rate: int, seed: int, synthesizer: Synthesizer | None) -> Samples:
    """One person who talks to somebody else."""
    return talker(count, rate, seed, synthesizer=synthesizer)


def _tv_news(count: int, rate: int, seed: int, synthesizer: Synthesizer | None) -> Samples:
    """A newsreader over soft music, through small loudspeakers across the room."""
    rng = np.random.default_rng(seed)
    reader = talker(count, rate, seed, synthesizer=synthesizer, sentences=NEWS)
    seconds = np.arange(count) / rate
    music = np.zeros(count, np.float32)
    # A chord in every bar of two seconds, whole periods in the loop.
    for bar in range(int(LOOP_SECONDS / 2)):
        root = 220.0 * 2 ** (int(rng.choice([0, 3, 5, 7])) / 12)
        swell = np.clip(1.0 - np.abs(seconds - 2 * bar - 1.0), 0.0, 1.0)
        for ratio in (1.0, 1.25, 1.5, 2.0):
            music += (swell * np.sin(2 * np.pi * root * ratio * seconds)).astype(np.float32)
    mixed = reader + at_level(music, level(music), level(reader) - 8.0)
    heard = band_pass(rate, (200.0, min(5000.0, rate * 0.45)), order=2).process(mixed)
    return in_a_room(heard, rate, rng)


def _busy_street(count: int, rate: int, seed: int, _: Synthesizer | None) -> Samples:
    """Cars that pass by, and the rumble of those far away."""
    rng = np.random.default_rng(seed)
    street = noise(between(40.0, 1200.0, slope=-3.0), count, rate, rng)
    for _car in range(10):
        length = int(rng.uniform(2.5, 5.0) * rate)
        place = np.linspace(-1.0, 1.0, length)
        passing = np.exp(-((place * 2.5) ** 2)) * rng.uniform(0.8, 2.0)
        tyres = noise(between(150.0, 2500.0, slope=-2.0), length, rate, rng)
        add_around(street, (tyres * passing).astype(np.float32), int(rng.integers(count)))
    return street


def _street_and_metro(count: int, rate: int, seed: int, synthesizer: Synthesizer | None) -> Samples:
    """A street above a railway: trains rumble, clatter over joints and squeal."""
    rng = np.random.default_rng(seed)
    street = _busy_street(count, rate, derive_seed(seed, "street"), synthesizer)
    length = int(8.0 * rate)
    seconds = np.arange(length) / rate
    arriving = np.sin(np.pi * seconds / 8.0) ** 2
    rumble = noise(between(50.0, 600.0), length, rate, rng) * 1.5
    joints = (np.maximum(np.sin(2 * np.pi * 2.5 * seconds), 0.0) ** 12).astype(np.float32)
    clatter = noise(between(300.0, 3000.0), length, rate, rng) * joints * 2.0
    glide = 1900.0 + 60.0 * movement(length, rate, 0.2, 2.0, rng)
    shrill = np.maximum(movement(length, rate, 0.2, 1.0, rng), 0.0) * 0.4
    squeal = np.sin(2 * np.pi * np.cumsum(glide) / rate) * shrill
    train = ((rumble + clatter + squeal) * arriving).astype(np.float32)
    add_around(street, train, int(rng.integers(count)))
    return street


def _of(spectrum: coloured.Spectrum) -> Make:
    def make(count: int, rate: int, seed: int, _: Synthesizer | None) -> Samples:
        return noise(spectrum, count, rate, np.random.default_rng(seed))

    return make


BACKGROUNDS: Mapping[BackgroundKind, Make] = {
    "people_talking": _people_talking,
    "competing_speech": _competing_speech,
    "tv_news": _tv_news,
    "busy_street": _busy_street,
    "street_and_metro": _street_and_metro,
    "speech_shaped": _of(coloured.speech_shaped),
    "white": _of(coloured.white),
    "pink": _of(coloured.pink),
    "brown": _of(coloured.brown),
}
assert set(BACKGROUNDS) == set(get_args(BackgroundKind))
