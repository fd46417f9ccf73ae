"""What happens to the voice itself, one utterance at a time."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Literal, NamedTuple

from tau2.seeds import derive_seed
from tau2.voice.audio.filters import band_pass, muffled, muffled_between
from tau2.voice.audio.levels import active_speech_level, at_level
from tau2.voice.effects.settings import EffectSettings
from tau2.voice.effects.timeline import EffectEvent, EffectType

if TYPE_CHECKING:
    from tau2.voice.audio.formats import Samples

Direction = Literal["directed", "non_directed"]
"""Whether something is said into the telephone, or to somebody else in the room."""


class EffectedSpeech(NamedTuple):
    """An utterance as it leaves the speaker's telephone."""

    samples: Samples
    """Of the length that it had."""
    events: list[EffectEvent]


def in_band_level(samples: Samples, sample_rate: int, band: tuple[float, float]) -> float:
    """Return the active speech level of an utterance within a band, in dBov."""
    return active_speech_level(band_pass(sample_rate, band).process(samples), sample_rate).level


def with_speech_effects(
    samples: Samples,
    sample_rate: int,
    settings: EffectSettings,
    *,
    seed: int,
    utterance: str | int,
    start_ms: float,
    direction: Direction = "directed",
    participant: str = "user",
) -> EffectedSpeech:
    """Return an utterance at the settings' level, with the effects that its voice undergoes.

    Args:
        samples: The whole utterance.
        sample_rate: In Hz.
        settings: What may happen.
        seed: Of the call.
        utterance: Which utterance of the call it is; with the seed it decides what happens.
        start_ms: When it begins, since the call began.
        direction: What is not said into the telephone is muffled as a whole, and softer.
        participant: Whose utterance it is.
    """
    band = settings.telephone_band
    length_ms = len(samples) * 1000 / sample_rate

    def event(effect_type: EffectType, begin: float, end: float, cutoff: float) -> EffectEvent:
        return EffectEvent(
            effect_type=effect_type,
            start_ms=start_ms + begin,
            end_ms=start_ms + end,
            participant=participant,
            params={"cutoff_hz": cutoff},
        )

    if direction == "non_directed":
        cutoff = settings.constant_muffling_cutoff
        level = settings.speech_level - settings.non_directed_attenuation
        samples = muffled(samples, sample_rate, cutoff)
        samples = at_level(samples, in_band_level(samples, sample_rate, band), level)
        return EffectedSpeech(samples, [event("constant_muffling", 0.0, length_ms, cutoff)])
    # The level is that of the clear voice: what a muffled segment takes away is not made up for.
    present = in_band_level(samples, sample_rate, band)
    samples = at_level(samples, present, settings.speech_level)
    cutoff = settings.muffling_cutoff
    ramp = settings.muffling_ramp_ms
    events = []
    for begin, end in _muffled_segments(
        length_ms, settings, derive_seed(seed, "muffling", utterance)
    ):
        samples = muffled_between(
            samples, sample_rate, cutoff, start_ms=begin, end_ms=end, ramp_ms=ramp
        )
        events.append(event("muffling", begin, end, cutoff))
    return EffectedSpeech(samples, events)


def _muffled_segments(
    length_ms: float, settings: EffectSettings, seed: int
) -> list[tuple[float, float]]:
    """Return begin and end of the muffled parts of an utterance, in milliseconds."""
    chance = random.Random(seed)  # noqa: S311  -- a simulation, no secret
    if chance.random() >= settings.muffling_probability or not length_ms:
        return []
    long = min(settings.muffling_ms, length_ms)
    begins = [chance.uniform(0.0, length_ms - long) for _ in range(settings.muffling_segments)]
    return [(begin, begin + long) for begin in begins]
