"""Conditions of the elicitation track: one call, heard in three different environments.

A condition is data: the level of `speech_complexity`, and what is different from it. pass^3 over
the three (`tau2.metrics.robustness.pass_in_all`) says whether an agent hears wherever the customer
is.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from tau2.data_model.audio import SpeechComplexity
from tau2.errors import UnknownName
from tau2.voice.complexity import SampledVoiceConfig

_COMPETING_NOISE = "tv_news"
_COMPETING_SNR_DB = 8.0
_ASIDES_PER_MINUTE = 2.0


class Condition(BaseModel):
    """What is heard beside the customer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    speech_complexity: SpeechComplexity = "regular"
    noise_snr_db: float | None = None
    """Ratio of speech to background noise; None: that of the level."""
    competing_speech: bool = False
    """Whether somebody else speaks in the background all the time, and the customer to them."""


CONDITIONS: Mapping[str, Condition] = {
    "regular": Condition(),
    "noise": Condition(noise_snr_db=10.0),
    "speech": Condition(competing_speech=True),
}


def condition_named(name: str) -> Condition:
    """Return a condition. Raise UnknownName."""
    if name not in CONDITIONS:
        raise UnknownName("condition", name, CONDITIONS)
    return CONDITIONS[name]


def under_condition(sampled: SampledVoiceConfig, condition: Condition) -> SampledVoiceConfig:
    """Return what was drawn for a caller, changed to what a condition says."""
    source = sampled.source_effects_config
    speech = sampled.speech_effects_config
    changes: dict[str, object] = {}
    if condition.noise_snr_db is not None:
        source = source.model_copy(update={"noise_snr_db": condition.noise_snr_db})
    if condition.competing_speech:
        source = source.model_copy(update={"noise_snr_db": _COMPETING_SNR_DB})
        speech = speech.model_copy(update={"speech_insert_events_per_minute": _ASIDES_PER_MINUTE})
        changes["background_noise_file"] = _COMPETING_NOISE
    changes |= {"source_effects_config": source, "speech_effects_config": speech}
    return sampled.model_copy(update=changes)
