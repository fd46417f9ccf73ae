"""Settings of audio runs; the engine that uses them is the voice half."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

AUDIO_PROVIDERS = ("openai", "gemini", "xai", "nova", "qwen", "livekit")


class AudioNativeConfig(BaseModel):
    """How a full-duplex run talks to a speech model. Durations in seconds, rates in Hz."""

    model_config = ConfigDict(extra="forbid")

    provider: str = "openai"
    """A results file may name one that this version cannot use; a run must not."""
    cascaded_config_name: str | None = None
    model: str = "gpt-realtime-1.5"
    reasoning_effort: str | None = None
    tick_duration_seconds: float = 0.2
    max_steps_seconds: float = 1200
    pcm_sample_rate: int = 16000
    telephony_rate: int = 8000
    wait_to_respond_threshold_other_seconds: float = 1.0
    wait_to_respond_threshold_self_seconds: float = 5.0
    yield_threshold_when_interrupted_seconds: float = 1.0
    yield_threshold_when_interrupting_seconds: float = 5.0
    interruption_check_interval_seconds: float = 2.0
    integration_duration_seconds: float = 0.5
    silence_annotation_threshold_seconds: float = 4.0
    backchannel_min_threshold_seconds: float = 3.0
    backchannel_max_threshold_seconds: float = 12.0
    backchannel_poisson_rate: float = 0.1
    use_llm_backchannel: bool = True
    use_xml_prompt: bool = False
    send_audio_instant: bool = False

    def ticks(self, seconds: float) -> int:
        """Return how many whole ticks `seconds` last."""
        return int(seconds / self.tick_duration_seconds)

    @property
    def max_steps_ticks(self) -> int:
        """The length of the longest conversation, in ticks."""
        return self.ticks(self.max_steps_seconds)
