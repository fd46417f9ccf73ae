"""A caller from the settings of a run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tau2.data_model.audio import AudioNativeConfig, VoiceChoice, VoiceSettings
from tau2.participant.protocols import UserProtocol
from tau2.seeds import derive_seed
from tau2.voice.caller.effects import effect_settings
from tau2.voice.caller.hearing import Ear, TranscriptEar
from tau2.voice.complexity import SampledVoiceConfig, SpeechEnvironment, sample_voice_config
from tau2.voice.speech.protocols import Synthesizer, Voice
from tau2.voice.speech.registry import (
    BEST_DETECTORS,
    BEST_RECOGNIZERS,
    BEST_SYNTHESIZERS,
    DETECTORS,
    RECOGNIZERS,
    SYNTHESIZERS,
)
from tau2.voice.turn_taking.decisions import (
    Decider,
    ModelDecider,
    RuleDecider,
    SplitDecider,
    asked_model,
)
from tau2.voice.turn_taking.language import LanguagePack, load_pack
from tau2.voice.turn_taking.policy import Thresholds, TurnTakingPolicy
from tau2.voice.user import VoiceStreamingUser

if TYPE_CHECKING:
    from tau2.voice.effects.channel import Channel, Taps

_MS_PER_SECOND = 1000
_TONE = "tone"


def make_voice_user(
    text_user: UserProtocol,
    config: AudioNativeConfig | None = None,
    *,
    settings: VoiceSettings | None = None,
    sampled: SampledVoiceConfig | None = None,
    seed: int = 0,
    language: str | None = None,
    taps: Taps | None = None,
) -> VoiceStreamingUser:
    """Put a text user on the telephone.

    Args:
        text_user: Any half-duplex user; it should have been given `sampled.persona_config`.
        config: Thresholds of turn taking, the length of a tick, and who decides.
        settings: Its synthesizer and voice, and how it hears; default: the best that is installed.
        sampled: Who calls, from where; default: drawn from the seed at the level `regular`.
        seed: Of everything that is drawn.
        language: Of what it says besides; default: that of the settings' transcription.
        taps: Keeps the audio of each stage.

    Raises:
        UnknownName: No engine has the name, or no language pack the language.
        MissingExtra: An engine is not installed.
    """
    config = config or AudioNativeConfig()
    settings = settings or VoiceSettings()
    speech = settings.synthesis_config
    sampled = sampled or sample_voice_config(seed, speech)
    name = speech.provider or SYNTHESIZERS.first_usable(BEST_SYNTHESIZERS) or _TONE
    synthesizer = SYNTHESIZERS.get(name, **speech.provider_config)
    environment = sampled.model_copy(
        update={"synthesizer": synthesizer.name}
    ).to_speech_environment(seed)
    pack = load_pack(language or settings.transcription_config.language)
    decider = decider_of(config, pack, derive_seed(seed, "decisions"))
    return VoiceStreamingUser(
        text_user,
        synthesizer,
        channel_factory(environment, config, synthesizer, taps),
        policy=policy_of(config, environment, decider),
        environment=environment,
        voice=_chosen(speech.voice),
        decider=decider,
        make_ear=ear_factory(settings),
        pack=pack,
        background=ThreadPoolExecutor(max_workers=1) if _thinks_meanwhile(config) else None,
        silence_annotation_seconds=config.silence_annotation_threshold_seconds,
        seed=seed,
    )


def _thinks_meanwhile(config: AudioNativeConfig) -> bool:
    """Return whether ticks go on while the text user thinks. On a virtual clock they need not."""
    return config.generates_in_real_time and not config.has_virtual_clock


def policy_of(
    config: AudioNativeConfig, environment: SpeechEnvironment, decider: SplitDecider
) -> TurnTakingPolicy:
    """Return when a caller of that environment takes, keeps and yields the turn."""
    return TurnTakingPolicy(
        Thresholds.of(config),
        interrupts=environment.enable_interruptions,
        backchannels=environment.backchannel_min_threshold is not None,
        asks_each_tick=not decider.backchannel.is_model,
    )


def decider_of(config: AudioNativeConfig, pack: LanguagePack, seed: int) -> SplitDecider:
    """Return who decides on interruptions and backchannels: the decision model, or a rule."""
    rule = RuleDecider(
        seed,
        backchannel_rate=config.backchannel_poisson_rate,
        backchannel_max=config.backchannel_max_threshold_seconds,
        interval=config.interruption_check_interval_seconds,
    )
    if config.decision_model is None:
        return SplitDecider(rule, rule)
    model: Decider = ModelDecider(
        asked_model(config.decision_model, config.decision_model_args), pack
    )
    return SplitDecider(model, model if config.use_llm_backchannel else rule)


def ear_factory(settings: VoiceSettings) -> Callable[[], Ear]:
    """Return what makes the ear of a call: of transcripts, or of what is recognized."""
    if settings.user_hears == "transcript":
        return TranscriptEar
    hearing = settings.transcription_config
    options = dict(hearing.provider_config)
    if hearing.model is not None:
        options["model"] = hearing.model
    name = hearing.provider or RECOGNIZERS.first_usable(BEST_RECOGNIZERS) or _TONE
    recognizer = RECOGNIZERS.get(name, **options)
    detector = DETECTORS.get("energy" if name == _TONE else _detector())

    def make() -> Ear:
        from tau2.voice.caller.recognition import RecognitionEar  # noqa: PLC0415  -- needs numpy

        return RecognitionEar(recognizer, detector)

    return make


def _detector() -> str:
    return DETECTORS.first_usable(BEST_DETECTORS) or "energy"


def channel_factory(
    environment: SpeechEnvironment,
    config: AudioNativeConfig,
    synthesizer: Synthesizer | None = None,
    taps: Taps | None = None,
) -> Callable[[int], Channel]:
    """Return what makes a line from its seed; `synthesizer` speaks in the background."""

    def make(seed: int) -> Channel:
        from tau2.voice.effects.channel import Channel  # noqa: PLC0415  -- needs numpy

        return Channel(
            effect_settings(environment),
            seed=seed,
            sample_rate=config.pcm_sample_rate,
            tick_ms=round(config.tick_duration_seconds * _MS_PER_SECOND),
            synthesizer=synthesizer,
            taps=taps,
        )

    return make


def _chosen(choice: VoiceChoice | None) -> Voice | None:
    return None if choice is None else Voice(choice.name, choice.speed, choice.pitch)
