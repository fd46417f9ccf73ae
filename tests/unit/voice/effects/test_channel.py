"""A call through the line: what was asked for is what is measured at the other end."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from tau2.voice.audio.codec import decode
from tau2.voice.audio.files import read_audio
from tau2.voice.audio.formats import TELEPHONE
from tau2.voice.audio.levels import active_speech_level, decibels, level, rms
from tau2.voice.audio.recording import AudioTaps
from tau2.voice.effects.channel import Channel
from tau2.voice.effects.settings import EffectSettings
from tau2.voice.effects.speech import in_band_level
from tau2.voice.effects.talkers import talker
from tau2.voice.effects.timeline import EffectEvent, EffectTimeline

RATE = 16000
TICK = RATE // 5
VOICE = talker(24 * RATE, RATE, 7)
NOISY = EffectSettings(
    background="busy_street",
    bursts=("car_horn", "engine_idling", "siren"),
    bursts_per_minute=6.0,
    loss_rate=0.05,
    muffling_probability=0.5,
)


def called(channel, speech, ticks=120):
    """Return all that is heard of a call."""
    heard = []
    for tick in range(ticks):
        said = None if speech is None else speech[tick * TICK : (tick + 1) * TICK]
        heard.append(channel.process(said).audio)
    return decode(b"".join(heard), TELEPHONE)


def test_every_tick_is_whole():
    channel = Channel(NOISY, seed=1)
    for speech in (None, VOICE[:TICK], VOICE[:100], VOICE[:0]):
        assert len(channel.process(speech).audio) == 1600
    with pytest.raises(ValueError, match="3201 samples; a tick has 3200"):
        channel.process(VOICE[: TICK + 1])


def test_silence_through_a_clean_line_is_silence():
    assert Channel(EffectSettings(), seed=1).process(None).audio == TELEPHONE.silence(200)


def test_the_same_seed_is_the_same_call():
    def call(seed):
        channel = Channel(NOISY, seed=seed)
        said = channel.utterance(VOICE[: 30 * TICK], utterance=0).samples
        return called(channel, said, 40).tobytes(), channel.timeline.model_dump_json()

    assert call(1) == call(1)
    assert call(1) != call(2)


@pytest.mark.parametrize("background", ["people_talking", "tv_news", "street_and_metro", "white"])
@pytest.mark.parametrize("ratio", [15.0, 5.0])
def test_the_noise_is_as_far_below_the_speech_as_asked(background, ratio):
    clean = Channel(EffectSettings(), seed=1)
    said = clean.utterance(VOICE, utterance=0).samples
    speech = active_speech_level(called(clean, said), 8000).level
    noisy = Channel(EffectSettings(background=background, background_snr=ratio), seed=1)
    assert speech - level(called(noisy, None)) == pytest.approx(ratio, abs=1)


def test_the_background_gets_louder_and_softer_within_its_drift():
    def levels(drift):
        settings = EffectSettings(
            background="white", background_drift=drift, background_drift_speed=4.0
        )
        heard = called(Channel(settings, seed=3), None)
        return np.array([level(part) for part in heard.reshape(-1, 1600)])[1:]

    spread = np.ptp(levels(3.0))
    assert 3 < spread < 7
    assert np.ptp(levels(0.0)) < 1.5


@pytest.mark.parametrize("gain", [3.0, 0.05])
def test_every_voice_is_as_loud(gain):
    channel = Channel(EffectSettings(speech_level=-24.0), seed=1)
    said = channel.utterance(VOICE * np.float32(gain), utterance=0).samples
    assert in_band_level(said, RATE, (300.0, 3400.0)) == pytest.approx(-24, abs=0.1)
    heard = active_speech_level(called(channel, said), 8000).level
    # A headroom of 0.9 takes 0.9 dB.
    assert heard == pytest.approx(-24.9, abs=0.5)


def test_silence_may_be_an_utterance():
    channel = Channel(NOISY, seed=1)
    for silence in (VOICE[:0], np.zeros(TICK, np.float32)):
        for direction in ("directed", "non_directed"):
            said = channel.utterance(silence, utterance=1, direction=direction)
            assert (said.samples == silence).all()


def test_a_fifth_of_the_utterances_is_muffled_for_half_a_second():
    channel = Channel(EffectSettings(muffling_probability=0.2), seed=1)
    speech = VOICE[: 5 * TICK]
    plain = Channel(EffectSettings(), seed=1).utterance(speech, utterance=0).samples
    muffled = 0
    for number in range(200):
        said, events = channel.utterance(speech, utterance=number, start_ms=5000.0)
        if not events:
            assert (said == plain).all()
            continue
        muffled += 1
        (event,) = events
        assert event.effect_type == "muffling"
        assert event.end_ms - event.start_ms == pytest.approx(500)
        assert event.start_ms >= 5000
        assert event.end_ms <= 6000 + 1e-6
        changed = np.flatnonzero(said != plain) / RATE * 1000 + 5000
        assert event.start_ms - 1 <= changed[0]
        assert changed[-1] <= event.end_ms + 1
    assert 23 <= muffled <= 57  # 40, and three standard errors of 5.7


def test_an_utterance_may_be_muffled_several_times():
    channel = Channel(EffectSettings(muffling_probability=1.0, muffling_segments=3), seed=1)
    _, events = channel.utterance(VOICE, utterance=0)
    assert [event.effect_type for event in events] == ["muffling"] * 3
    assert len({event.start_ms for event in events}) == 3


def test_a_line_that_is_no_telephone_carries_low_tones():
    hum = (0.1 * np.sin(2 * np.pi * 100 * np.arange(10 * TICK) / RATE)).astype(np.float32)

    def heard(**settings):
        channel = Channel(EffectSettings(**settings), seed=1)
        return rms(called(channel, hum, 10)[4000:]), channel.timeline.events

    loud, nothing = heard(telephony_enabled=False)
    soft, (event,) = heard()
    assert loud == pytest.approx(0.9 * rms(hum), rel=0.02)
    assert soft < 0.03 * loud
    assert event.effect_type == "telephony"
    assert nothing == []


def test_what_is_said_to_others_is_softer_and_muffled_as_a_whole():
    channel = Channel(EffectSettings(), seed=1)
    said, (event,) = channel.utterance(VOICE, utterance=0, start_ms=100.0, direction="non_directed")
    assert event.effect_type == "constant_muffling"
    assert (event.start_ms, event.end_ms) == (100.0, 24_100.0)
    assert in_band_level(said, RATE, (300.0, 3400.0)) == pytest.approx(-32, abs=0.1)
    above = np.abs(np.fft.rfft(said))[24 * 2000 : 24 * 3400]
    before = np.abs(np.fft.rfft(VOICE))[24 * 2000 : 24 * 3400]
    assert decibels(rms(above) / rms(before)) < -15


def test_what_is_said_beside_the_telephone_is_mixed_in():
    channel = Channel(EffectSettings(), seed=1)
    beside = channel.utterance(VOICE[:TICK], utterance=0, direction="non_directed").samples
    channel.process(None)
    tick = channel.process(None, beside[:1600])
    (event,) = tick.events
    assert event.effect_type == "out_of_turn_speech"
    assert (event.start_ms, event.end_ms) == (200.0, 300.0)
    assert level(decode(tick.audio, TELEPHONE)) > -50


def test_bursts_come_at_their_rate_with_their_ratio():
    settings = EffectSettings(bursts=("car_horn", "siren"), bursts_per_minute=60.0)
    channel = Channel(settings, seed=1, sample_rate=8000)
    for _ in range(400):
        channel.process(None)
    events = channel.timeline.of_type("burst_noise")
    assert abs(len(events) - 80) < 3 * 80**0.5
    assert {event.params["kind"] for event in events} == {"car_horn", "siren"}
    ratios = [event.params["snr_db"] for event in events]
    assert -5 <= min(ratios) < -4
    assert 9 < max(ratios) <= 10
    assert sum(ratios) / len(ratios) == pytest.approx(2.5, abs=3 * 15 / 960**0.5)


def test_a_burst_is_heard_when_and_as_loud_as_it_says():
    settings = EffectSettings(bursts=("car_horn",), bursts_per_minute=3.0, burst_snr=(0.0, 0.0))
    channel = Channel(settings, seed=2)
    heard = called(channel, None, 300)
    first, second = channel.timeline.of_type("burst_noise")[:2]
    assert first.end_ms < second.start_ms, "the seed has two that do not overlap"
    for event in (first, second):
        late = event.start_ms + channel.latency_ms
        begin = int(late * 8)
        end = int((late + event.end_ms - event.start_ms) * 8)
        assert not np.abs(heard[begin - 800 : begin - 20]).max() > 1e-3
        loud = active_speech_level(heard[begin : end + 800], 8000).level
        assert loud == pytest.approx(-26.9, abs=0.6)


def test_losses_are_events_and_silence():
    channel = Channel(EffectSettings(loss_rate=0.05), seed=1)
    said = channel.utterance(VOICE, utterance=0).samples
    heard = called(channel, said)
    lost = channel.timeline.of_type("frame_drop")
    assert lost
    for event in lost:
        assert not np.abs(heard[int(event.start_ms * 8) : int(event.end_ms * 8)]).any()
    total = sum(min(event.end_ms, 24_000) - event.start_ms for event in lost)
    assert channel.lost_share == pytest.approx(total / 24_000)


def test_a_cough_is_as_loud_as_speech():
    channel = Channel(EffectSettings(), seed=1)
    channel.process(None)
    sound, (event,) = channel.vocal_tic("cough", utterance=3)
    assert event.effect_type == "vocal_tic"
    assert event.start_ms == 200
    assert event.params == {"kind": "cough"}
    padded = np.concatenate((sound, np.zeros(1600, np.float32)))
    assert in_band_level(padded, RATE, (300.0, 3400.0)) == pytest.approx(-26, abs=0.1)


def test_a_call_through_taps_has_a_file_of_each_stage(tmp_path):
    with AudioTaps(tmp_path) as taps:
        channel = Channel(NOISY, seed=1, taps=taps)
        said = channel.utterance(VOICE, utterance=0).samples
        heard = called(channel, said, 20)
    stages = {path.stem: read_audio(path)[0][0] for path in tmp_path.iterdir()}
    assert (stages["user_output"] == heard).all()
    parts = ("speech_only", "background_noise_only", "burst_noise_only", "out_of_turn_speech_only")
    total = sum(stages[part] for part in parts)
    assert np.abs(stages["post_noise"] - total).max() < 1e-3
    assert len(stages["post_telephony"]) == len(heard)
    assert set(stages) == {*parts, "tts_output", "post_noise", "post_telephony", "user_output"}
    assert np.abs(stages["tts_output"] - np.clip(VOICE, -1, 1)).max() < 1e-4


def test_the_line_delivers_as_late_as_it_says():
    channel = Channel(EffectSettings(), seed=1)
    said = channel.utterance(VOICE, utterance=0).samples
    heard = called(channel, said)
    sent = said[::2][: len(heard)]
    agreement = np.correlate(heard, sent[: len(heard) - 4000], "valid")
    late = int(np.argmax(np.abs(agreement))) / 8
    assert late == pytest.approx(channel.latency_ms, abs=1)


@pytest.mark.parametrize(
    "settings",
    [
        {"loss_rate": 0.9, "loss_burst_ms": 20.0},
        {"bursts_per_minute": 1.0},
        {"burst_snr": (10.0, -5.0)},
        {"telephone_band": (3400.0, 300.0)},
        {"muffling_probability": 1.5},
        {"background": "opera"},
        {"snr": 3.0},
    ],
)
def test_settings_without_a_sense_are_refused(settings):
    with pytest.raises(ValidationError):
        EffectSettings(**settings)


def test_a_timeline_is_ordered_and_finds_what_is_heard():
    timeline = EffectTimeline()
    timeline.add([EffectEvent(effect_type="burst_noise", start_ms=500, end_ms=900)])
    timeline.add([EffectEvent(effect_type="background_noise", start_ms=0)])
    timeline.add([EffectEvent(effect_type="frame_drop", start_ms=600, end_ms=620)])
    assert all(one.start_ms <= other.start_ms for one, other in pairwise(timeline.events))
    kinds = [event.effect_type for event in timeline.between(610, 640)]
    assert kinds == ["background_noise", "burst_noise", "frame_drop"]
    assert [event.effect_type for event in timeline.between(900, 1000)] == ["background_noise"]
    assert EffectTimeline.model_validate_json(timeline.model_dump_json()) == timeline
