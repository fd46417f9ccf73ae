"""The eight levels of `speech_complexity`, and what a seed makes of one.

A level says what is switched on: accents, audio effects, behaviour. `sample_voice_config` draws the
rest: who calls, from where, with which noise. What is drawn depends on the seed alone and not on
the level, so that two levels of one task differ only in what the levels differ in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field

from tau2.data_model.audio import SpeechComplexity
from tau2.data_model.persona import InterruptTendency, PersonaConfig, Verbosity
from tau2.errors import UnknownName
from tau2.seeds import derive_seed
from tau2.voice.personas import DEFAULT_PERSONA_NAME, persona_named, personas_of

LEVELS: tuple[SpeechComplexity, ...] = get_args(SpeechComplexity)


class _Effects(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceEffectsConfig(_Effects):
    """What is heard around the caller. Ratios in dB to the level of speech."""

    enable_background_noise: bool = True
    noise_snr_db: float = 15.0
    noise_snr_drift_db: float = 3.0
    """How far the ratio rises and falls around its mean."""
    noise_variation_speed: float = 0.5
    enable_burst_noise: bool = True
    burst_noise_events_per_minute: float = Field(default=1.0, ge=0)
    burst_snr_range_db: tuple[float, float] = (-5.0, 10.0)


class SpeechEffectsConfig(_Effects):
    """What the caller does beside speaking, and how clearly it speaks."""

    enable_dynamic_muffling: bool = True
    muffle_probability: float = Field(default=0.2, ge=0, le=1)
    """Of each utterance."""
    muffle_segment_count: int = 1
    muffle_segment_duration_ms: int = 500
    muffle_cutoff_freq: float = 1500.0
    muffle_transition_ms: int = 100
    enable_vocal_tics: bool = True
    enable_non_directed_phrases: bool = True
    speech_insert_events_per_minute: float = Field(default=0.7, ge=0)
    """Vocal tics and non-directed phrases together."""


class ChannelEffectsConfig(_Effects):
    """What the line does: loss of packets in bursts (Gilbert-Elliott)."""

    enable_frame_drops: bool = True
    frame_drop_rate: float = Field(default=0.02, ge=0, lt=0.2)
    frame_drop_burst_duration_ms: float = Field(default=100.0, gt=0)
    """Mean length of a burst."""


class EffectsConfig(_Effects):
    """All effects. A level switches off what does not belong to it."""

    source: SourceEffectsConfig = SourceEffectsConfig()
    speech: SpeechEffectsConfig = SpeechEffectsConfig()
    channel: ChannelEffectsConfig = ChannelEffectsConfig()


@dataclass(frozen=True, slots=True)
class Level:
    """What a level switches on."""

    accents: bool = False
    audio: bool = False
    behavior: bool = False
    frame_drop_rate: float = 0.0


_LOSS_ALONE = 0.005  # of the levels that have audio effects without everything else
_LOSS_REGULAR = 0.02

LEVEL_SETTINGS: Mapping[SpeechComplexity, Level] = {
    "control": Level(),
    "regular": Level(accents=True, audio=True, behavior=True, frame_drop_rate=_LOSS_REGULAR),
    "control_audio": Level(audio=True, frame_drop_rate=_LOSS_ALONE),
    "control_accents": Level(accents=True),
    "control_behavior": Level(behavior=True),
    "control_audio_accents": Level(accents=True, audio=True, frame_drop_rate=_LOSS_ALONE),
    "control_audio_behavior": Level(audio=True, behavior=True, frame_drop_rate=_LOSS_ALONE),
    "control_accents_behavior": Level(accents=True, behavior=True),
}

_BACKCHANNEL_MIN_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where a caller is. Noises are names of what `voice.effects` synthesises."""

    name: Literal["indoor", "outdoor"]
    background: tuple[str, ...]
    bursts: tuple[str, ...]


PLACES = (
    Place("indoor", ("people_talking", "tv_news"), ("ringing_phone", "dog_bark")),
    Place("outdoor", ("busy_street", "street_and_metro"), ("car_horn", "engine_idling", "siren")),
)


class _Sampled(BaseModel):
    """What both records of a sampled voice hold. The names are those of the public format."""

    model_config = ConfigDict(extra="ignore")

    persona_name: str = DEFAULT_PERSONA_NAME
    background_noise_file: str | None = None
    """The name of the noise; None for none."""
    burst_noise_files: list[str] = Field(default_factory=list)
    environment: str | None = None
    """indoor or outdoor; None without noise."""
    backchannel_min_threshold: int | None = None
    """Seconds of the agent's talk before a backchannel; None: there are none."""
    use_llm_backchannel: bool = True
    enable_interruptions: bool = False
    telephony_enabled: bool = True
    complexity: SpeechComplexity = "regular"


class SpeechEnvironment(_Sampled):
    """In which voice, from where and over which line a simulation's caller spoke.

    Stored as `SimulationRun.speech_environment`.
    """

    voice_seed: int = 0
    voice_id: str | None = None
    """The voice of the synthesizer that was used."""
    is_official_voice: bool = False
    """Whether the voice was named by TAU2_VOICE_ID_<NAME>, and is not a stand-in of ours."""
    synthesizer: str | None = None
    source_effects_config: SourceEffectsConfig | None = None
    speech_effects_config: SpeechEffectsConfig | None = None
    channel_effects_config: ChannelEffectsConfig | None = None


class SampledVoiceConfig(_Sampled):
    """What was drawn for one task at one level, with everything that the level switches off off."""

    synthesizer: str | None = None
    source_effects_config: SourceEffectsConfig
    speech_effects_config: SpeechEffectsConfig
    channel_effects_config: ChannelEffectsConfig
    persona_config: PersonaConfig

    def to_speech_environment(self, seed: int) -> SpeechEnvironment:
        """Return the record of this configuration, played with `seed`."""
        persona = persona_named(self.persona_name)
        engine = self.synthesizer or ""
        shared = {name: getattr(self, name) for name in _Sampled.model_fields}
        return SpeechEnvironment(
            **shared,
            voice_seed=seed,
            voice_id=persona.voice(engine).name or persona.voice_id,
            is_official_voice=persona.is_official(engine),
            synthesizer=self.synthesizer,
            source_effects_config=self.source_effects_config,
            speech_effects_config=self.speech_effects_config,
            channel_effects_config=self.channel_effects_config,
        )


def sample_voice_config(
    seed: int,
    synthesis_config: object = None,
    complexity: SpeechComplexity = "regular",
    *,
    effects: EffectsConfig | None = None,
) -> SampledVoiceConfig:
    """Draw who calls, from where and with which noise.

    Args:
        seed: The same seed draws the same; at each level the same place, noise and (of levels with
            accents, and of those without) persona.
        synthesis_config: Its `provider` names the synthesizer; None: not chosen yet.
        complexity: The level. Raise UnknownName for another.
        effects: How strong effects are that the level switches on; the rate of loss is the level's.
    """
    if complexity not in LEVEL_SETTINGS:
        raise UnknownName("speech complexity", complexity, LEVELS)
    level = LEVEL_SETTINGS[complexity]
    base = effects or EffectsConfig()
    place = _drawn(PLACES, seed, "place")
    persona = _drawn(personas_of("regular" if level.accents else "control"), seed, "persona")
    provider = getattr(synthesis_config, "provider", None)
    return SampledVoiceConfig(
        persona_name=persona.name,
        background_noise_file=_drawn(place.background, seed, "noise") if level.audio else None,
        burst_noise_files=list(place.bursts) if level.audio else [],
        environment=place.name if level.audio else None,
        backchannel_min_threshold=_BACKCHANNEL_MIN_SECONDS if level.behavior else None,
        use_llm_backchannel=level.behavior,
        enable_interruptions=level.behavior,
        complexity=complexity,
        synthesizer=provider if isinstance(provider, str) else None,
        persona_config=PersonaConfig(
            verbosity=Verbosity.MINIMAL,
            interrupt_tendency=(
                InterruptTendency.INTERRUPTS if level.behavior else InterruptTendency.WAITS
            ),
        ),
        source_effects_config=_only_if(
            base.source, level.audio, "enable_background_noise", "enable_burst_noise"
        ),
        speech_effects_config=_speech_effects(base.speech, level),
        channel_effects_config=base.channel.model_copy(
            update={
                "enable_frame_drops": base.channel.enable_frame_drops and level.audio,
                "frame_drop_rate": level.frame_drop_rate,
            }
        ),
    )


def _speech_effects(base: SpeechEffectsConfig, level: Level) -> SpeechEffectsConfig:
    switched = _only_if(base, level.audio, "enable_dynamic_muffling")
    switched = _only_if(
        switched, level.behavior, "enable_vocal_tics", "enable_non_directed_phrases"
    )
    if level.behavior:
        return switched
    return switched.model_copy(update={"speech_insert_events_per_minute": 0.0})


_ChosenT = TypeVar("_ChosenT")
_EffectsT = TypeVar("_EffectsT", bound=_Effects)


def _only_if(config: _EffectsT, is_on: bool, *switches: str) -> _EffectsT:
    """Return the effects with `switches` off unless the level has them."""
    if is_on:
        return config
    return config.model_copy(update=dict.fromkeys(switches, False))


def _drawn(options: Sequence[_ChosenT], seed: int, what: str) -> _ChosenT:
    return options[derive_seed(seed, "voice", what) % len(options)]
