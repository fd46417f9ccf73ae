"""Audio of voice calls: aliases, signal-to-noise ratios, packet loss, and what a channel costs.

Each figure is measured at the far end of the line, on audio that the package makes itself. Aliases
are in dB relative to the tone, the errors of ratios in dB, those of loss relative to its rate.

  python benchmarks/bench_audio.py [--seconds 120]
"""

from __future__ import annotations

import argparse
import time
from typing import get_args

import numpy as np
from common import report, rounded

from tau2.voice.audio.codec import decode
from tau2.voice.audio.formats import TELEPHONE, Samples
from tau2.voice.audio.levels import active_speech_level, decibels, level, rms
from tau2.voice.audio.resample import Resampler, resample
from tau2.voice.effects.channel import Channel
from tau2.voice.effects.loss import Loss, PacketLoss
from tau2.voice.effects.settings import SURROUNDINGS, BackgroundKind, EffectSettings
from tau2.voice.effects.talkers import talker

RATE = 16_000
SYNTHESIS_RATE = 24_000
TICK = RATE // 5
LOOP_TICKS = 120  # a background's loop is as long
TONES = (5_000, 7_000)
RATIOS = (15.0, 5.0)
LOSSES = (0.005, 0.02)
PACKETS = 1_000_000

TARGETS = {
    "alias_whole_db": -80.0,
    "alias_stream_db": -80.0,
    "snr_error_db": 1.0,
    "loss_error": 0.1,
    "cpu_seconds_per_audio_second": 0.005,
    "cpu_seconds_per_quiet_second": 0.005,
}


def alias_db(frequency: int, *, is_streamed: bool) -> float:
    """Return how much of a tone above 4 kHz is left at 8 kHz."""
    seconds = np.arange(3 * SYNTHESIS_RATE) / SYNTHESIS_RATE
    tone = np.sin(2 * np.pi * frequency * seconds).astype(np.float32)
    if is_streamed:
        resampler = Resampler(SYNTHESIS_RATE, 8_000)
        step = SYNTHESIS_RATE // 5
        parts = [
            resampler.process(tone[start : start + step]) for start in range(0, len(tone), step)
        ]
        left = np.concatenate(parts)
    else:
        left = resample(tone, SYNTHESIS_RATE, 8_000)
    return decibels(rms(left[4_000:20_000]) / rms(tone))


def heard(settings: EffectSettings, speech: Samples | None, ticks: int = LOOP_TICKS) -> Samples:
    """Return what the line delivers."""
    channel = Channel(settings, seed=1)
    said = None if speech is None else channel.utterance(speech, utterance=0).samples
    audio = [
        channel.process(None if said is None else said[tick * TICK : (tick + 1) * TICK]).audio
        for tick in range(ticks)
    ]
    return decode(b"".join(audio), TELEPHONE)


def snr_achieved(speech: Samples) -> dict[str, float]:
    """Return the ratio at the far end for each background and each ratio asked for."""
    clean = active_speech_level(heard(EffectSettings(), speech), 8_000).level
    return {
        f"{kind} {ratio:g}": rounded(
            clean - level(heard(EffectSettings(background=kind, background_snr=ratio), None))
        )
        for kind in get_args(BackgroundKind)
        for ratio in RATIOS
    }


def loss_achieved() -> dict[str, float]:
    """Return the share of packets that did not arrive, for each rate."""
    shares = {}
    for rate in LOSSES:
        line = PacketLoss(Loss(rate), seed=1)
        line.process(bytes(160 * PACKETS))
        shares[f"{rate:g}"] = rounded(line.lost_share)
    return shares


def cpu_per_second(settings: EffectSettings, speech: Samples, seconds: int) -> float:
    """Return the CPU seconds of a channel for a second of audio, its making included."""
    began = time.process_time()
    channel = Channel(settings, seed=1)
    said = channel.utterance(speech, utterance=0).samples
    for tick in range(seconds * 5):
        place = tick * TICK % (len(said) - TICK)
        channel.process(said[place : place + TICK])
    return rounded((time.process_time() - began) / seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=300, help="of the call that is timed")
    seconds = parser.parse_args().seconds
    speech = talker(LOOP_TICKS * TICK, RATE, 7)
    ratios = snr_achieved(speech)
    shares = loss_achieved()
    noisy = EffectSettings(
        background="people_talking",
        bursts=SURROUNDINGS["indoor"].bursts,
        bursts_per_minute=1.0,
        loss_rate=0.02,
        muffling_probability=0.2,
    )
    figures = {
        "alias_whole_db": rounded(max(alias_db(tone, is_streamed=False) for tone in TONES)),
        "alias_stream_db": rounded(max(alias_db(tone, is_streamed=True) for tone in TONES)),
        "snr_error_db": rounded(
            max(abs(found - float(name.split()[1])) for name, found in ratios.items())
        ),
        "loss_error": rounded(max(abs(found / float(rate) - 1) for rate, found in shares.items())),
        "cpu_seconds_per_audio_second": cpu_per_second(noisy, speech, seconds),
        "cpu_seconds_per_quiet_second": cpu_per_second(EffectSettings(), speech, seconds),
    }
    report(
        "audio",
        figures,
        TARGETS,
        snr_achieved_db=ratios,
        loss_achieved=shares,
        latency_ms=Channel(EffectSettings(), seed=1).latency_ms,
    )


if __name__ == "__main__":
    main()
