"""What a voice run is made of: who speaks for the agent, who for the user, with which engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tau2.config import DEFAULT_FIRST_AGENT_MESSAGE_TEXT
from tau2.data_model.audio import LocalConfig, VoiceSettings
from tau2.data_model.run_config import VoiceRunConfig
from tau2.errors import ConfigError, MissingExtra, install_hint
from tau2.voice.adapters.registry import AdapterContext, providers
from tau2.voice.agent import create_voice_agent, voice_prompt
from tau2.voice.complexity import SampledVoiceConfig, sample_voice_config
from tau2.voice.conditions import condition_named, under_condition
from tau2.voice.speech.registry import (
    BEST_DETECTORS,
    BEST_RECOGNIZERS,
    BEST_SYNTHESIZERS,
    DETECTORS,
    RECOGNIZERS,
    SYNTHESIZERS,
    EngineCatalog,
)

TONE = "tone"
"""The channel of tests: both sides speak and hear in tones."""


AgentFactory = Callable[..., Any]
UserFactory = Callable[..., Any]


def completed(config: VoiceRunConfig) -> VoiceRunConfig:
    """Return a configuration that leaves nothing open of what is played.

    Its text agent and its engines are named, so that a stored run says what spoke and what heard.
    Raise MissingExtra when no engine of a kind that is needed is installed.
    """
    audio = config.audio_native_config
    local = audio.local_config
    if local is None and config.text_agent is not None:
        local = LocalConfig()
    if local is not None and config.agent_voice_settings is not None:
        local = _with_voice(local, config.agent_voice_settings)
    settings = config.user_voice_settings or VoiceSettings()
    has_tones = _has_tones(local, settings)
    if local is not None:
        changes: dict[str, Any] = {"agent": config.text_agent}
        if audio.provider == "local":
            changes["synthesizer"] = local.synthesizer or _synthesizer(tones=has_tones)
            changes["recognizer"] = local.recognizer or _recognizer(tones=has_tones)
            changes["detector"] = local.detector or _detector(tones=has_tones)
        audio = audio.model_copy(update={"local_config": local.model_copy(update=changes)})
    return config.model_copy(
        update={
            "audio_native_config": audio,
            "user_voice_settings": _with_engines(settings, tones=has_tones),
        }
    )


def check_provider(config: VoiceRunConfig) -> None:
    """Raise UnknownName or ConfigError when there is no such provider, or its key is not set."""
    audio = config.audio_native_config
    provider = providers.get(audio.provider)
    missing = provider.missing_key(base_url=audio.base_url)
    if missing is not None:
        raise ConfigError(
            f"the speech model of provider {provider.name!r} needs a key: set {missing}, or play "
            'without one, with provider "local" (--audio-native-provider local)'
        )


def _with_voice(local: LocalConfig, settings: VoiceSettings) -> LocalConfig:
    """Return the settings of a local agent with those of its voice, where it names no own ones."""
    speech = settings.synthesis_config
    changes: dict[str, Any] = {
        "synthesizer": local.synthesizer or speech.provider,
        "recognizer": local.recognizer or settings.transcription_config.provider,
    }
    if speech.voice is not None and "voice" not in local.model_fields_set:
        changes["voice"] = speech.voice
    return local.model_copy(update=changes)


def _has_tones(local: LocalConfig | None, settings: VoiceSettings) -> bool:
    """Return whether the tone channel is asked for anywhere: then all speak it."""
    named = [settings.synthesis_config.provider, settings.transcription_config.provider]
    if local is not None:
        named += [local.synthesizer, local.recognizer]
    return TONE in named


def _with_engines(settings: VoiceSettings, *, tones: bool) -> VoiceSettings:
    speech = settings.synthesis_config
    hearing = settings.transcription_config
    provider = speech.provider or _synthesizer(tones=tones)
    changes: dict[str, Any] = {"synthesis_config": speech.model_copy(update={"provider": provider})}
    if settings.user_hears == "recognition":
        recognizer = hearing.provider or _recognizer(tones=tones)
        changes["transcription_config"] = hearing.model_copy(update={"provider": recognizer})
    return settings.model_copy(update=changes)


def _synthesizer(*, tones: bool) -> str:
    if tones:
        return TONE
    return _best(SYNTHESIZERS, BEST_SYNTHESIZERS, "synthesizer")


def _recognizer(*, tones: bool) -> str:
    if tones:
        return TONE
    return _best(RECOGNIZERS, BEST_RECOGNIZERS, "recognizer")


def _detector(*, tones: bool) -> str:
    if tones:
        return "energy"
    return _best(DETECTORS, BEST_DETECTORS, "detector")


def _best(catalog: EngineCatalog[Any], names: Sequence[str], setting: str) -> str:
    """Return the best engine that is installed. Raise MissingExtra when there is none."""
    found = catalog.first_usable(names)
    if found is None:
        raise MissingExtra(
            f"no {catalog.kind} is installed; {install_hint('voice-local')}, or name another one "
            f"({', '.join(catalog.names())}) as {setting!r}"
        )
    return found


def agent_factory(config: VoiceRunConfig, make_text_agent: AgentFactory | None) -> AgentFactory:
    """Return what makes the speaking agent of a voice run.

    `make_text_agent` makes the text agent behind it, if any, and takes any options.
    """
    audio = config.audio_native_config

    def make(tools: Any, domain_policy: str, *, seed: int | None = None, **options: Any) -> Any:
        def behind() -> Any:
            assert make_text_agent is not None, "the provider asks for it only if there is one"
            prompt = voice_prompt(domain_policy, use_xml=audio.use_xml_prompt)
            return make_text_agent(tools=tools, domain_policy=prompt, seed=seed, **options)

        context = AdapterContext(
            config=audio,
            seed=seed or 0,
            make_text_agent=behind if make_text_agent is not None else None,
        )
        return create_voice_agent(
            tools, domain_policy, context, greeting=DEFAULT_FIRST_AGENT_MESSAGE_TEXT
        )

    return make


def _sampled(config: VoiceRunConfig, settings: VoiceSettings, seed: int) -> SampledVoiceConfig:
    """Return who calls, from where, and what is heard beside the caller."""
    condition = None
    complexity = config.speech_complexity
    if config.speech_condition is not None:
        condition = condition_named(config.speech_condition)
        complexity = condition.speech_complexity
    sampled = sample_voice_config(seed, settings.synthesis_config, complexity)
    return sampled if condition is None else under_condition(sampled, condition)


def user_factory(config: VoiceRunConfig, make_text_user: UserFactory) -> UserFactory:
    """Return what makes the speaking user of a voice run: a text user on the telephone.

    `make_text_user` makes the text user and takes any options. Who calls, and from where, is drawn
    from the seed.
    """
    settings = config.user_voice_settings or VoiceSettings()

    def make(
        *,
        seed: int | None = None,
        persona_config: Any = None,
        environment: Any = None,
        taps: Any = None,
        **options: Any,
    ) -> Any:
        from tau2.voice.caller.build import make_voice_user  # noqa: PLC0415  -- needs the extra

        seed = seed or 0
        sampled = _sampled(config, settings, seed)
        text_user = make_text_user(
            seed=seed,
            persona_config=persona_config or sampled.persona_config,
            environment=environment,
            **options,
        )
        return make_voice_user(
            text_user,
            config.audio_native_config,
            settings=settings,
            sampled=sampled,
            seed=seed,
            taps=taps,
        )

    return make
