"""Layer 2: from names and configurations to objects."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from tau2 import config as defaults
from tau2.data_model.audio import AudioNativeConfig, SpeechComplexity, VoiceSettings
from tau2.data_model.persona import PersonaConfig
from tau2.data_model.run_config import UserPrompt
from tau2.data_model.simulation import Info, RunConfig, TextRunConfig, VoiceRunConfig
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.errors import ConfigError
from tau2.orchestrator.full_duplex_orchestrator import AnyOrchestrator, FullDuplexOrchestrator
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.participant.full_duplex import FullDuplexProtocol
from tau2.participant.protocols import AgentProtocol, UserProtocol
from tau2.registry import call_with_known
from tau2.runner.resolve import (
    ABSENT_USER,
    AgentFactory,
    ResolvedRun,
    RoleModel,
    UserFactory,
    agent_factory,
    call_factory,
    environment_factory,
    environment_of_record,
    resolve,
    user_factory,
)
from tau2.user.monitor import monitor_setup
from tau2.utils.json_types import JsonMapping
from tau2.voice.clock import VirtualClock, WallClock

if TYPE_CHECKING:
    from tau2.voice.audio.recording import AudioTaps

VOICE_AGENT = "discrete_time_audio_native_agent"
"""The public name of the agent of voice runs."""


def build_environment(
    domain: str, *, solo_mode: bool = False, env_kwargs: JsonMapping | None = None
) -> Environment:
    """Return a fresh environment of a domain.

    `env_kwargs` go to its constructor; of a domain with retrieval variants, that may be
    `retrieval_variant` and `retrieval_kwargs`.

    Raises:
        UnknownName: there is no such domain, or no such variant.
        ConfigError: the domain has no retrieval variants and one is named.
    """
    options = dict(env_kwargs or {})
    variant = options.pop("retrieval_variant", None)
    arguments = options.pop("retrieval_kwargs", None)
    return environment_factory(domain, variant, arguments)(solo_mode=solo_mode, **options)


def rebuild_environment(info: Info) -> Environment:
    """Return a fresh environment as a stored run was played in, with its retrieval variant.

    Raise UnknownName for a domain that is not registered.
    """
    return environment_of_record(info)()


def build_agent(
    agent_name: str,
    environment: Environment,
    *,
    llm: str | None = None,
    llm_args: JsonMapping | None = None,
    task: Task | None = None,
    audio_native_config: AudioNativeConfig | None = None,
    solo_mode: bool = False,
    seed: int | None = None,
    completion_fn: Any = None,
) -> Any:
    """Return an agent for an environment; in solo mode it also holds the user's tools.

    Raise UnknownName.
    """
    options: dict[str, Any] = {"seed": seed, "completion_fn": completion_fn}
    model = {"llm": llm, "llm_args": dict(llm_args or {})}
    if agent_name == VOICE_AGENT:
        run = resolve(
            VoiceRunConfig(
                domain=environment.get_domain_name(),
                audio_native_config=audio_native_config or AudioNativeConfig(),
            )
        )
        return make_agent(run.make_agent, environment, task, solo=False, **model, **options)
    factory = agent_factory(agent_name)
    return make_agent(factory, environment, task, solo=solo_mode, **model, **options)


def make_agent(
    factory: AgentFactory,
    environment: Environment,
    task: Task | None,
    *,
    solo: bool,
    **options: Any,
) -> AgentProtocol:
    """Return an agent with the tools and the policy of an environment, prepared for the task.

    `options` go to the factory if it knows them.
    """
    return call_with_known(factory, {**_means_of(environment, task, solo=solo), **options})


def _means_of(environment: Environment, task: Task | None, *, solo: bool) -> dict[str, Any]:
    """Return the tools and the policy that an agent has in an environment, which is prepared."""
    if task is not None:
        environment.prepare(task)
    tools = environment.get_tools()
    if solo and environment.user_tools is not None:
        tools += environment.get_user_tools(include=task.user_tools if task else None)
    return {"tools": tools, "domain_policy": environment.get_policy(), "task": task}


def open_session(
    run: ResolvedRun, task: Task, *, trial: int, seed: int
) -> AbstractAsyncContextManager[Any]:
    """Return what opens, for one episode, what the agent of a run needs; it may need nothing."""
    if run.agent_session is None:
        return nullcontext()
    environment = run.environment()
    means = _means_of(environment, task, solo=run.is_solo)
    options = {**means, "trial": trial, "seed": seed, "environment": environment}
    options["config"] = run.config
    return call_with_known(run.agent_session, options)


def build_user(
    user_name: str,
    environment: Environment,
    task: Task,
    *,
    llm: str | None = None,
    llm_args: JsonMapping | None = None,
    persona_config: PersonaConfig | None = None,
    prompt_form: UserPrompt = "auto",
    solo_mode: bool = False,
    seed: int | None = None,
    completion_fn: Any = None,
) -> Any:
    """Return a simulated user for a task; in solo mode the one that stands for an absent user.

    Raise UnknownName.
    """
    return make_user(
        user_factory(ABSENT_USER if solo_mode else user_name),
        environment,
        task,
        solo=solo_mode,
        llm=llm,
        llm_args=dict(llm_args or {}),
        persona_config=persona_config,
        prompt_form=prompt_form,
        seed=seed,
        completion_fn=completion_fn,
    )


def make_user(
    factory: UserFactory, environment: Environment, task: Task, *, solo: bool, **options: Any
) -> UserProtocol:
    """Return a user with the tools and the instructions of a task.

    `options` go to the factory if it knows them; `environment` goes to one that names it among its
    parameters.
    """
    environment.prepare(task)
    tools = None
    if environment.user_tools is not None and not solo:
        tools = environment.get_user_tools(include=task.user_tools) or None
    known = {
        "tools": tools,
        "instructions": str(task.user_scenario),
        "task": task,
        "environment": environment,
        **options,
    }
    user: UserProtocol = call_factory(factory, known)
    return user


def build_voice_user(
    environment: Environment,
    task: Task,
    audio_native_config: AudioNativeConfig | None = None,
    *,
    llm: str | None = None,
    llm_args: JsonMapping | None = None,
    voice_settings: VoiceSettings | None = None,
    persona_config: PersonaConfig | None = None,
    speech_complexity: SpeechComplexity = "regular",
    seed: int | None = None,
    domain: str | None = None,
    user_name: str = defaults.DEFAULT_USER_IMPLEMENTATION,
    prompt_form: UserPrompt = "auto",
) -> FullDuplexProtocol:
    """Return a simulated user who speaks and hears: a text user on the telephone.

    Raise UnknownName, or MissingExtra when a speech engine is not installed.
    """
    config = VoiceRunConfig(
        domain=domain or environment.get_domain_name(),
        audio_native_config=audio_native_config or AudioNativeConfig(provider="local"),
        speech_complexity=speech_complexity,
        user_voice_settings=voice_settings,
        llm_user=llm or defaults.DEFAULT_LLM_USER,
        llm_args_user=dict(llm_args or {}),
        user=user_name,
        user_prompt=prompt_form,
    )
    user: FullDuplexProtocol = _user_of(resolve(config), environment, task, persona_config, seed)
    return user


def _agent_of(
    run: ResolvedRun,
    environment: Environment,
    task: Task,
    llm: str | None,
    llm_args: JsonMapping,
    seed: int | None,
    **options: Any,
) -> Any:
    """Return what plays the agent of a run: a text agent or, in a voice run, one that speaks.

    `options` go to the factory if it knows them.
    """
    return make_agent(
        run.make_agent,
        environment,
        task,
        solo=run.is_solo,
        llm=llm,
        llm_args=dict(llm_args),
        seed=seed,
        completion_fn=None,
        **options,
    )


def _user_of(
    run: ResolvedRun,
    environment: Environment,
    task: Task,
    persona: PersonaConfig | None,
    seed: int | None,
    **options: Any,
) -> Any:
    """Return what plays the user of a run: a text user or, in a voice run, one on the telephone.

    `persona` goes before the persona of the configuration. `options` go to the factory if it knows
    them.
    """
    config = run.config
    if persona is None and config.user_persona is not None:
        persona = PersonaConfig.from_dict(config.user_persona, seed=seed or 0)
    return make_user(
        run.make_user,
        environment,
        task,
        solo=run.is_solo,
        llm=config.llm_user,
        llm_args=dict(config.llm_args_user),
        persona_config=persona,
        prompt_form=config.user_prompt,
        seed=seed,
        completion_fn=None,
        **options,
    )


def build_voice_orchestrator(
    config: VoiceRunConfig,
    task: Task,
    *,
    seed: int | None = None,
    simulation_id: str | None = None,
    user_voice_settings: VoiceSettings | None = None,
    user_persona_config: PersonaConfig | None = None,
) -> FullDuplexOrchestrator:
    """Return one call. Raise UnknownName, ConfigError or MissingExtra."""
    if user_voice_settings is not None:
        config = config.model_copy(update={"user_voice_settings": user_voice_settings})
    return make_call(
        resolve(config),
        task,
        seed=seed,
        simulation_id=simulation_id,
        persona=user_persona_config,
    )


def make_call(
    run: ResolvedRun,
    task: Task,
    *,
    seed: int | None = None,
    simulation_id: str | None = None,
    persona: PersonaConfig | None = None,
    taps: AudioTaps | None = None,
) -> FullDuplexOrchestrator:
    """Return one call of a voice run; `taps` keeps the audio of each stage."""
    config = run.config
    assert isinstance(config, VoiceRunConfig), "text runs have episodes"
    audio = config.audio_native_config
    environment = run.environment()
    seed = config.seed if seed is None else seed
    model = run.agent_model or RoleModel("", {})
    call = FullDuplexOrchestrator(
        domain=config.domain,
        agent=_agent_of(run, environment, task, model.model or None, model.args, seed),
        user=_user_of(run, environment, task, persona, seed, taps=taps),
        environment=environment,
        task=task,
        max_steps=audio.max_steps_ticks,
        max_errors=config.max_errors,
        seed=seed,
        simulation_id=simulation_id,
        tick_duration_seconds=audio.tick_duration_seconds,
        timeout=config.timeout,
        clock=VirtualClock() if audio.has_virtual_clock else WallClock(),
        user_monitor=monitor_setup(environment, task, "report") if run.user_model else None,
    )
    call.on_close = taps.close if taps is not None else None
    return call


def build_text_orchestrator(
    config: TextRunConfig,
    task: Task,
    *,
    seed: int | None = None,
    simulation_id: str | None = None,
    user_persona_config: PersonaConfig | None = None,
) -> Orchestrator:
    """Return one half-duplex episode. Raise UnknownName or ConfigError."""
    return make_episode(
        resolve(config),
        task,
        seed=seed,
        simulation_id=simulation_id,
        persona=user_persona_config,
    )


def make_episode(
    run: ResolvedRun,
    task: Task,
    *,
    seed: int | None = None,
    simulation_id: str | None = None,
    persona: PersonaConfig | None = None,
    session: object | None = None,
) -> Orchestrator:
    """Return one half-duplex episode of a run; `session` is what `open_session` gave."""
    config = run.config
    assert isinstance(config, TextRunConfig), "voice runs have calls"
    solo = run.is_solo
    environment = run.environment()
    model = RoleModel(config.effective_agent_model, config.effective_agent_args)
    options = {} if session is None else {"session": session}
    return Orchestrator(
        domain=config.domain,
        agent=_agent_of(run, environment, task, model.model, model.args, seed, **options),
        user=_user_of(run, environment, task, persona, seed),
        environment=environment,
        task=task,
        max_steps=config.max_steps,
        max_errors=config.max_errors,
        seed=seed,
        solo_mode=solo,
        simulation_id=simulation_id,
        validate_communication=config.enforce_communication_protocol,
        timeout=config.timeout,
        user_monitor=None if solo else monitor_setup(environment, task, config.user_monitor),
    )


def build_orchestrator(
    config: RunConfig,
    task: Task,
    *,
    seed: int | None = None,
    simulation_id: str | None = None,
    user_voice_settings: VoiceSettings | None = None,
    user_persona_config: PersonaConfig | None = None,
) -> AnyOrchestrator:
    """Return one episode or, for a voice run, one call.

    Raise UnknownName, ConfigError or MissingExtra.
    """
    if isinstance(config, VoiceRunConfig):
        return build_voice_orchestrator(
            config,
            task,
            seed=seed,
            simulation_id=simulation_id,
            user_voice_settings=user_voice_settings,
            user_persona_config=user_persona_config,
        )
    if user_voice_settings is not None:
        raise ConfigError("user_voice_settings is for voice runs; this is a text run")
    return build_text_orchestrator(
        config,
        task,
        seed=seed,
        simulation_id=simulation_id,
        user_persona_config=user_persona_config,
    )
