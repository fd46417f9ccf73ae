"""Synthesized sounds: their levels, their loops, and who speaks in them."""

from __future__ import annotations

import numpy as np
import pytest

from tau2.errors import UnknownName
from tau2.voice.audio.filters import band_pass
from tau2.voice.audio.levels import active_speech_level, level
from tau2.voice.effects import backgrounds, talkers
from tau2.voice.effects.backgrounds import BACKGROUNDS, background
from tau2.voice.effects.coloured import brown, in_a_room, noise, pink, speech_shaped, white
from tau2.voice.effects.sounds import BURSTS, TICS, burst, vocal_tic
from tau2.voice.effects.talkers import NEWS, SENTENCES, babble
from tau2.voice.speech.protocols import Speech

RATE = 8000


class Humming:
    """A synthesizer that hums a note for each letter."""

    name = "humming"
    version = "1"

    def __init__(self):
        self.said = []

    def voices(self):
        return ["low", "high"]

    def synthesize(self, text, voice, *, seed=0):
        self.said.append((text, voice))
        seconds = np.arange(len(text) * 800) / 16000
        note = 300 if voice.name == "low" else 600
        return Speech(np.sin(2 * np.pi * note * seconds).astype(np.float32), 16000)


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_a_background_has_a_level_of_0_in_the_telephone_band(kind):
    loop = background(kind, RATE, 1)
    assert len(loop) == 24 * RATE
    assert np.isfinite(loop).all()
    heard = band_pass(RATE).process(np.concatenate((loop, loop)))[len(loop) :]
    assert level(heard) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_a_loop_has_no_seam(kind):
    loop = background(kind, RATE, 1).astype(float)
    steps = np.abs(np.diff(loop))
    assert abs(loop[0] - loop[-1]) <= steps.max()


def test_a_room_echoes_for_half_a_second():
    click = np.zeros(RATE, np.float32)
    click[7000] = 1.0
    heard = in_a_room(click, RATE, np.random.default_rng(0))
    power = np.cumsum(np.roll(heard, -7000)[::-1] ** 2)[::-1]
    falls = 10 * np.log10(power[[400, 800, 1600, 2800]] / power[0])
    # 60 dB in 0.5 s: 6 dB every 50 ms, also around the end of the loop.
    assert np.diff(falls) == pytest.approx([-6, -12, -18], abs=1.5)
    assert np.abs(np.roll(heard, -7000)[4100:]).max() < 1e-6


def test_a_seed_picks_one_of_eight_loops():
    loops = {id(background("white", RATE, seed)) for seed in range(60)}
    assert len(loops) == 8


def test_loops_are_made_anew_with_the_same_bytes():
    first = background("busy_street", RATE, 5).tobytes()
    backgrounds._KEPT.clear()
    assert background("busy_street", RATE, 5).tobytes() == first


def test_what_is_shared_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        background("white", RATE, 1)[0] = 1.0


def test_a_name_that_is_not_known_is_an_error():
    with pytest.raises(UnknownName, match="did you mean 'tv_news'"):
        background("tv_new", RATE, 1)
    with pytest.raises(UnknownName, match="did you mean 'siren'"):
        burst("sirens", RATE, 1)
    with pytest.raises(UnknownName, match="did you mean 'cough'"):
        vocal_tic("couhg", RATE, 1)


@pytest.mark.parametrize(("spectrum", "slope"), [(white, 0), (pink, -3), (brown, -6)])
def test_coloured_noise_falls_as_its_colour_says(spectrum, slope):
    samples = noise(spectrum, 16 * RATE, RATE, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(samples)) ** 2
    octaves = [10 * np.log10(power[16 * low : 32 * low].mean()) for low in (125, 250, 500, 1000)]
    assert np.diff(octaves) == pytest.approx([slope] * 3, abs=0.5)


def test_speech_shaped_noise_is_strongest_below_500_hz():
    samples = noise(speech_shaped, 16 * RATE, RATE, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(samples)) ** 2
    assert power[16 * 150 : 16 * 500].mean() > 20 * power[16 * 1500 : 16 * 3000].mean()


@pytest.fixture(autouse=True)
def _nothing_said_yet():
    talkers._SPOKEN._kept.clear()


def test_people_talk_in_the_voices_of_the_synthesizer():
    engine = Humming()
    loop = babble(8 * RATE, RATE, 1, synthesizer=engine, talkers=3)
    assert {voice.name for _, voice in engine.said} == {"low", "high"}
    assert {text for text, _ in engine.said} <= set(SENTENCES)
    assert len(engine.said) == len(set(engine.said)), "a sentence is synthesized once"
    spectrum = np.abs(np.fft.rfft(loop))
    assert spectrum[8 * 250 : 8 * 650].sum() > 3 * spectrum[8 * 700 :].sum()
    again = babble(8 * RATE, RATE, 1, synthesizer=Humming(), talkers=3)
    assert (again == loop).all()


def test_the_news_are_read_by_one_voice():
    engine = Humming()
    background("tv_news", RATE, 1, synthesizer=engine)
    assert {text for text, _ in engine.said} <= set(NEWS)
    assert len({voice for _, voice in engine.said}) == 1


def test_a_loop_with_a_synthesizer_is_not_the_one_without():
    loop = background("competing_speech", RATE, 1, synthesizer=Humming())
    assert not np.array_equal(loop, background("competing_speech", RATE, 1))


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize(
    ("make", "kind"),
    [*((burst, kind) for kind in BURSTS), *((vocal_tic, kind) for kind in TICS)],
)
def test_a_sound_has_a_level_of_0_and_begins_and_ends_softly(make, kind, rate):
    lengths = set()
    for seed in range(3):
        sound = make(kind, rate, seed)
        lengths.add(len(sound))
        assert sound[0] == sound[-1] == 0
        padded = np.concatenate((sound, np.zeros(rate // 10, np.float32)))
        heard = band_pass(rate).process(padded)
        assert active_speech_level(heard, rate).level == pytest.approx(0, abs=0.05)
        assert (make(kind, rate, seed) == sound).all()
        assert 0.3 < len(sound) / rate < (6 if make is burst else 1)
    assert len(lengths) == 3, "each seed makes another one"
