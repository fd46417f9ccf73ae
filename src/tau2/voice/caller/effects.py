"""The line of a caller: what its environment does to its audio, and how that is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tau2.utils.json_types import JsonObject
from tau2.voice.complexity import SpeechEnvironment
from tau2.voice.effects.timeline import (
    CHANNEL_EFFECTS,
    SOURCE_EFFECTS,
    SPEECH_EFFECTS,
    EffectEvent,
    EffectTimeline,
)

if TYPE_CHECKING:
    from tau2.voice.effects.settings import EffectSettings

_ASIDE = "out_of_turn_speech"
"""What the channel calls all that is said beside the telephone; the caller knows its words."""


def effect_settings(environment: SpeechEnvironment) -> EffectSettings:
    """Return what a caller's audio goes through, in the numbers of the line."""
    from tau2.voice.effects.settings import EffectSettings  # noqa: PLC0415  -- needs numpy

    source = environment.source_effects_config
    speech = environment.speech_effects_config
    channel = environment.channel_effects_config
    settings: dict[str, Any] = {"telephony_enabled": environment.telephony_enabled}
    if speech is not None and speech.enable_dynamic_muffling:
        settings |= {
            "muffling_probability": speech.muffle_probability,
            "muffling_segments": speech.muffle_segment_count,
            "muffling_ms": speech.muffle_segment_duration_ms,
            "muffling_cutoff": speech.muffle_cutoff_freq,
            "muffling_ramp_ms": speech.muffle_transition_ms,
        }
    if source is not None and source.enable_background_noise and environment.background_noise_file:
        settings |= {
            "background": environment.background_noise_file,
            "background_snr": source.noise_snr_db,
            "background_drift": source.noise_snr_drift_db,
            "background_drift_speed": source.noise_variation_speed,
        }
    if source is not None and source.enable_burst_noise and environment.burst_noise_files:
        settings |= {
            "bursts": tuple(environment.burst_noise_files),
            "bursts_per_minute": source.burst_noise_events_per_minute,
            "burst_snr": source.burst_snr_range_db,
        }
    if channel is not None and channel.enable_frame_drops:
        settings |= {
            "loss_rate": channel.frame_drop_rate,
            "loss_burst_ms": channel.frame_drop_burst_duration_ms,
        }
    return EffectSettings.model_validate(settings)


def without_unnamed(timeline: EffectTimeline) -> EffectTimeline:
    """Return a timeline in which words to someone else stand once, as what was said.

    The line itself adds an event for every tick in which it is given such words.
    """
    return timeline.model_copy(
        update={"events": [event for event in timeline.events if not _is_unnamed(event)]}
    )


def _is_unnamed(event: EffectEvent) -> bool:
    return event.effect_type == _ASIDE and "text" not in event.params


def effects_between(timeline: EffectTimeline, start_ms: float, end_ms: float) -> JsonObject:
    """Return the effects that are heard between two times, as the fields of a chunk.

    Effects that last as long as the call stand in its first tick only.
    """
    heard = [
        event
        for event in timeline.between(start_ms, end_ms)
        if (event.end_ms is not None or event.start_ms >= start_ms) and not _is_unnamed(event)
    ]
    kinds = {
        "speech_effects": SPEECH_EFFECTS,
        "source_effects": SOURCE_EFFECTS,
        "channel_effects": CHANNEL_EFFECTS,
    }
    fields: JsonObject = {}
    for name, types in kinds.items():
        events = [event for event in heard if event.effect_type in types]
        if events:
            fields[name] = [event.model_dump() for event in events]
    return fields


def insert_event(effect_type: str, text: str, start_ms: float, length_ms: float) -> EffectEvent:
    """Return the event of words that a caller utters besides."""
    return EffectEvent(
        effect_type=effect_type,
        start_ms=start_ms,
        end_ms=start_ms + length_ms,
        params={"text": text},
    )
