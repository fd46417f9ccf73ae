"""Settings of voice runs: who speaks, how time passes, and how hard the audio is to understand.

Durations are in seconds and rates in Hz, unless a name says otherwise. A results file may hold
what this version cannot use; `VoiceRunConfig` refuses it for a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tau2.utils.json_types import JsonObject

MS_PER_SECOND = 1000

SpeechComplexity = Literal[
    "control",
    "regular",
    "control_audio",
    "control_accents",
    "control_behavior",
    "control_audio_accents",
    "control_audio_behavior",
    "control_accents_behavior",
]
"""How hard the audio is to understand; see `tau2.voice.complexity`."""

SpeechCondition = Literal["regular", "noise", "speech"]
"""An environment of the elicitation track; see `tau2.voice.conditions`."""

ClockName = Literal["auto", "virtual", "wall"]
UserHears = Literal["transcript", "recognition"]


class ProviderDefaults(NamedTuple):
    """What a provider of speaking agents is asked for when nothing is said."""

    model: str
    reasoning_effort: str | None = None
    kind: Literal["audio_native", "cascaded"] = "audio_native"


PROVIDERS: Mapping[str, ProviderDefaults] = {
    "openai": ProviderDefaults("gpt-realtime-1.5"),
    "openai_live": ProviderDefaults("gpt-live-1"),
    "gemini": ProviderDefaults("gemini-3.1-flash-live-preview", "high"),
    "xai": ProviderDefaults("grok-voice-think-fast-2.0", "high"),
    "nova": ProviderDefaults("amazon.nova-2-sonic-v1:0"),
    "qwen": ProviderDefaults("qwen3.5-omni-plus-realtime"),
    "livekit": ProviderDefaults("dummy", kind="cascaded"),
    "local": ProviderDefaults("cascade", kind="cascaded"),
}
"""The built-in providers; `dummy` is how the public results name the model of a LiveKit cascade."""

AUDIO_PROVIDERS = tuple(PROVIDERS)

ADAPTERS_GROUP = "tau2.voice_adapters"
"""Entry points of installed providers."""

registered_providers: set[str] = set()
"""Providers that were registered in this process, beside the built-in and the installed ones."""


def known_providers() -> list[str]:
    """Return the names of all providers that a run may use; none is imported."""
    installed = [entry.name for entry in entry_points(group=ADAPTERS_GROUP)]
    return list(dict.fromkeys([*PROVIDERS, *installed, *sorted(registered_providers)]))


class _Settings(BaseModel):
    """A misspelt field is an error; what does not validate may hold a key, and is not repeated."""

    model_config = ConfigDict(
        extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True
    )


class LiveConfig(_Settings):
    """How a session of OpenAI's Live protocol is set up: a speaking front end and a back end."""

    backend_model: str
    """Model that decides and calls tools."""
    voice: str = "marin"
    append_system_prompt: bool = True
    """Give the front end the policy of the domain too."""
    frontend_prompt: str | None = None
    backend_prompt: str | None = None
    delegation: Literal["responses", "client"] = "responses"
    """Who is the back end: a model in the session, or a text agent of this process (local_config).
    """


class VoiceChoice(_Settings):
    """Which voice speaks, and how."""

    name: str = ""
    """One of the synthesizer's voices; empty for its default."""
    speed: float = Field(default=1.0, gt=0)
    """Above 1 is faster."""
    pitch: float = 0.0
    """In semitones; positive is higher."""


class LocalConfig(_Settings):
    """The agent of provider `local`: recognition, any text agent, speech."""

    agent: str | None = None
    """The text agent, by name; default: llm_agent if `llm` is given, else hearing_oracle."""
    llm: str | None = None
    """Model of the text agent."""
    llm_args: JsonObject = Field(default_factory=dict)
    recognizer: str | None = None
    """Speech to text: moonshine, pocketsphinx, tone ...; default: the best one installed."""
    synthesizer: str | None = None
    """Text to speech: hibari, flite, espeak, tone ...; default: the best one installed."""
    detector: str | None = None
    """Finds speech in a stream: silero, energy ...; default: the best one installed."""
    voice: VoiceChoice = Field(default_factory=VoiceChoice)
    latency_seconds: float = Field(default=0.5, ge=0)
    """Median time from the end of the customer's turn to the agent's first sound."""
    latency_spread: float = Field(default=0.25, ge=0)
    """Standard deviation of the logarithm of that time; 0 for a constant one."""
    end_of_turn_seconds: float = Field(default=0.7, gt=0)
    """Silence after which the customer's turn is over."""


class SynthesisConfig(_Settings):
    """How a participant's words become speech."""

    provider: str | None = None
    """A synthesizer by name: hibari, flite, tone, elevenlabs, openai ...; default: the best one
    installed."""
    voice: VoiceChoice | None = None
    """Default: the voice of the persona."""
    provider_config: JsonObject = Field(default_factory=dict)
    """Settings of the synthesizer, such as `model_id` or `api_base`."""


class TranscriptionConfig(_Settings):
    """How speech becomes text."""

    provider: str | None = None
    """A recognizer by name; default: the best one installed."""
    model: str | None = None
    language: str = "en"
    provider_config: JsonObject = Field(default_factory=dict)


class VoiceSettings(_Settings):
    """How one participant speaks and hears."""

    synthesis_config: SynthesisConfig = Field(default_factory=SynthesisConfig)
    transcription_config: TranscriptionConfig = Field(default_factory=TranscriptionConfig)
    user_hears: UserHears = "transcript"
    """What the simulated user is told of the agent's speech: the agent's own words, or what is
    recognized in its audio."""


class AudioNativeConfig(BaseModel):
    """How a full-duplex run talks to a speech model."""

    model_config = ConfigDict(
        extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True
    )

    provider: str = "openai"
    """Who speaks for the agent: openai, openai_live, gemini, xai, nova, qwen, livekit, local or a
    plug-in."""
    cascaded_config_name: str | None = None
    """Preset of a LiveKit cascade: default or openai-thinking."""
    model: str = ""
    """Speech model; default: the provider's."""
    base_url: str | None = None
    """Address of a server that speaks the provider's protocol; default: the provider's own."""
    reasoning_effort: str | None = None
    """Reasoning effort of the speech model: minimal, low, medium, high or xhigh."""
    tick_duration_seconds: float = Field(default=0.2, gt=0)
    """Length of one tick, in seconds."""
    max_steps_seconds: float = Field(default=1200.0, gt=0)
    """Length of the longest call, in simulated seconds."""
    pcm_sample_rate: int = 16000
    """Sample rate of synthesized speech, in Hz."""
    telephony_rate: int = 8000
    """Sample rate of the telephone line, in Hz."""
    wait_to_respond_threshold_other_seconds: float = Field(default=1.0, ge=0)
    """Silence of the agent after which the user speaks."""
    wait_to_respond_threshold_self_seconds: float = Field(default=5.0, ge=0)
    """Seconds since the user itself spoke after which it speaks again."""
    yield_threshold_when_interrupted_seconds: float = Field(default=1.0, ge=0)
    """Seconds of overlap after which an interrupted user stops."""
    yield_threshold_when_interrupting_seconds: float = Field(default=5.0, ge=0)
    """Seconds of overlap after which an interrupting user stops."""
    interruption_check_interval_seconds: float = Field(default=2.0, gt=0)
    """How often the user considers interrupting the agent, in seconds."""
    integration_duration_seconds: float = Field(default=0.5, ge=0)
    """How much speech counts as talking, in seconds."""
    silence_annotation_threshold_seconds: float = Field(default=4.0, ge=0)
    """Silence that is mentioned to the user's model, in seconds."""
    backchannel_min_threshold_seconds: float = Field(default=3.0, ge=0)
    """Seconds of the agent's talking before which the user gives no backchannel."""
    backchannel_max_threshold_seconds: float = Field(default=12.0, ge=0)
    """Seconds of the agent's talking after which the user always gives one."""
    backchannel_poisson_rate: float = Field(default=0.1, ge=0)
    """Backchannels per second in between."""
    use_llm_backchannel: bool = True
    """Let the decision model decide on backchannels too, if there is one."""
    use_xml_prompt: bool = False
    """Mark the parts of the agent's prompt with XML tags."""
    send_audio_instant: bool = False
    """Send a tick's audio at once instead of in packets of 20 ms."""
    realtime_generation: bool | None = None
    """Let the user's model and speech take time without holding up the call; default: for
    openai_live only."""
    live_config: LiveConfig | None = None
    """Front end and back end of openai_live, as JSON."""
    local_config: LocalConfig | None = None
    """Text agent and speech engines of local, as JSON."""
    decision_model: str | None = None
    """Model that decides when the user interrupts; default: a rule."""
    decision_model_args: JsonObject = Field(default_factory=dict)
    """Arguments of its calls, as JSON."""
    clock: ClockName = "auto"
    """How time passes: wall (as for people), virtual (as fast as this machine), or auto: virtual
    for local, wall for the others."""

    @model_validator(mode="before")
    @classmethod
    def _model_follows_provider(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("model"):
            return data
        defaults = PROVIDERS.get(data.get("provider", "openai"))
        return {**data, "model": defaults.model if defaults else ""}

    def ticks(self, seconds: float) -> int:
        """Return how many whole ticks `seconds` last."""
        # 0.6 / 0.2 is a little less than 3 in floating point.
        return int(seconds / self.tick_duration_seconds + 1e-9)

    @property
    def tick_duration_ms(self) -> int:
        """The length of a tick in whole milliseconds."""
        return round(self.tick_duration_seconds * MS_PER_SECOND)

    @property
    def user_chunk_size(self) -> int:
        """The samples of one tick on the telephone line."""
        return round(self.tick_duration_seconds * self.telephony_rate)

    @property
    def max_steps_ticks(self) -> int:
        """The length of the longest conversation, in ticks."""
        return self.ticks(self.max_steps_seconds)

    @property
    def integration_ticks(self) -> int:
        """How many ticks of speech count as talking; at least one."""
        return max(1, self.ticks(self.integration_duration_seconds))

    @property
    def wait_to_respond_threshold_other_ticks(self) -> int:
        """The threshold in ticks."""
        return self.ticks(self.wait_to_respond_threshold_other_seconds)

    @property
    def wait_to_respond_threshold_self_ticks(self) -> int:
        """The threshold in ticks."""
        return self.ticks(self.wait_to_respond_threshold_self_seconds)

    @property
    def yield_threshold_when_interrupted_ticks(self) -> int:
        """The threshold in ticks."""
        return self.ticks(self.yield_threshold_when_interrupted_seconds)

    @property
    def yield_threshold_when_interrupting_ticks(self) -> int:
        """The threshold in ticks."""
        return self.ticks(self.yield_threshold_when_interrupting_seconds)

    @property
    def interruption_check_interval_ticks(self) -> int:
        """The interval in ticks; at least one."""
        return max(1, self.ticks(self.interruption_check_interval_seconds))

    @property
    def silence_annotation_threshold_ticks(self) -> int:
        """The threshold in ticks."""
        return self.ticks(self.silence_annotation_threshold_seconds)

    @property
    def backchannel_min_threshold_ticks(self) -> int:
        """The threshold in ticks."""
        return self.ticks(self.backchannel_min_threshold_seconds)

    @property
    def backchannel_max_threshold_ticks(self) -> int:
        """The threshold in ticks."""
        return self.ticks(self.backchannel_max_threshold_seconds)

    @property
    def effective_reasoning_effort(self) -> str | None:
        """The reasoning effort that is asked for: the given one, or the provider's default."""
        defaults = PROVIDERS.get(self.provider)
        return self.reasoning_effort or (defaults.reasoning_effort if defaults else None)

    @property
    def has_virtual_clock(self) -> bool:
        """Whether a call takes no longer than it must."""
        return self.clock == "virtual" or (self.clock == "auto" and self.provider == "local")

    @property
    def generates_in_real_time(self) -> bool:
        """Whether the user's model and speech take time without holding up the call."""
        if self.realtime_generation is None:
            return self.provider == "openai_live"
        return self.realtime_generation

    def checked(self) -> Self:
        """Return this configuration if a run can use it.

        Raise ValueError for an unknown provider, or settings that do not belong together.
        """
        known = known_providers()
        if self.provider not in known:
            raise ValueError(f"provider {self.provider!r} is not known; known: {', '.join(known)}")
        if self.provider == "openai_live" and self.live_config is None:
            raise ValueError(
                'provider openai_live needs live_config, for example {"backend_model": "gpt-4.1"}'
            )
        if self.provider != "openai_live" and self.live_config is not None:
            raise ValueError(f"live_config is for openai_live, not for {self.provider}")
        if self.telephony_rate != _TELEPHONE_RATE:
            raise ValueError(
                f"telephony_rate must be {_TELEPHONE_RATE}: a telephone line carries no other"
            )
        tick = self.tick_duration_seconds * MS_PER_SECOND
        if not _SHORTEST_TICK_MS <= tick <= MS_PER_SECOND or abs(tick - round(tick)) > _ROUNDING:
            raise ValueError(
                f"tick_duration_seconds must be whole milliseconds from "
                f"{_SHORTEST_TICK_MS / MS_PER_SECOND} to 1 second, not {self.tick_duration_seconds}"
            )
        if self.max_steps_ticks < 1:
            raise ValueError("max_steps_seconds must be at least one tick")
        return self


_TELEPHONE_RATE = 8000
_SHORTEST_TICK_MS = 20  # one packet of a telephone line
_ROUNDING = 1e-6  # of decimal fractions, in milliseconds
