"""Layer 2: from names and configurations to objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import ValidationError

from tau2.data_model.persona import PersonaConfig
from tau2.data_model.simulation import RunConfig, TextRunConfig, VoiceRunConfig
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.errors import ConfigError, UnknownName
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.registry import call_with_known, registry
from tau2.runner.episode_resume import Participants


def build_environment(
    domain: str, *, solo_mode: bool = False, env_kwargs: Mapping[str, Any] | None = None
) -> Environment:
    """Return a fresh environment of a domain. Raise UnknownName for another one."""
    environment: Environment = registry.get_env_constructor(domain)(
        solo_mode=solo_mode, **(env_kwargs or {})
    )
    return environment


def build_agent(
    agent_name: str,
    environment: Environment,
    *,
    llm: str | None = None,
    llm_args: Mapping[str, Any] | None = None,
    task: Task | None = None,
    audio_native_config: Any = None,
    solo_mode: bool = False,
    seed: int | None = None,
    completion_fn: Any = None,
) -> Any:
    """Return an agent for an environment; in solo mode it also holds the user's tools. Raise UnknownName."""
    factory = registry.get_agent_factory(agent_name)
    if factory is None:
        raise UnknownName("agent", agent_name, registry.get_agents())
    tools = environment.get_tools()
    if solo_mode and environment.user_tools is not None:
        tools += environment.get_user_tools(include=task.user_tools if task else None)
    options = {
        "tools": tools,
        "domain_policy": environment.get_policy(),
        "llm": llm,
        "llm_args": dict(llm_args or {}),
        "task": task,
        "seed": seed,
        "completion_fn": completion_fn,
    }
    if audio_native_config is not None:
        options["audio_native_config"] = audio_native_config
    return call_with_known(factory, options)


def build_user(
    user_name: str,
    environment: Environment,
    task: Task,
    *,
    llm: str | None = None,
    llm_args: Mapping[str, Any] | None = None,
    persona_config: PersonaConfig | None = None,
    solo_mode: bool = False,
    seed: int | None = None,
    completion_fn: Any = None,
) -> Any:
    """Return a simulated user for a task; in solo mode the stand-in for an absent one. Raise UnknownName."""
    constructor = registry.get_user_constructor("dummy_user" if solo_mode else user_name)
    has_tools = environment.user_tools is not None and not solo_mode
    options = {
        "tools": environment.get_user_tools(include=task.user_tools) or None if has_tools else None,
        "instructions": str(task.user_scenario),
        "llm": llm,
        "llm_args": dict(llm_args or {}),
        "persona_config": persona_config,
        "task": task,
        "seed": seed,
        "completion_fn": completion_fn,
    }
    return call_with_known(constructor, options)


def _no_voice() -> NoReturn:
    raise ConfigError(
        "this version plays text; voice runs need the voice engine, which it does not contain yet"
    )


def build_voice_user(*_args: Any, **_kwargs: Any) -> NoReturn:
    """Raise ConfigError: this version has no voice engine."""
    _no_voice()


def build_voice_orchestrator(*_args: Any, **_kwargs: Any) -> NoReturn:
    """Raise ConfigError: this version has no voice engine."""
    _no_voice()


def is_solo(config: TextRunConfig) -> bool:
    """Return whether the configured agent works without a user."""
    return bool(registry.get_agent_metadata(config.agent, "solo_mode", default=False))


def cast_of(config: TextRunConfig) -> Participants | None:
    """Return how the participants of an interrupted episode are brought back; None when one of them cannot be."""
    user = "dummy_user" if is_solo(config) else config.user
    if config.agent not in registry.agents or user not in registry.users:
        return None
    agent_continues, user_continues = (
        registry.agents.get(config.agent).continues,
        registry.users.get(user).continues,
    )
    return (
        Participants(agent_continues, user_continues)
        if agent_continues and user_continues
        else None
    )


def check_task(config: TextRunConfig, task: Task) -> None:
    """Raise ConfigError when the configured agent cannot play a task."""
    accepts = registry.get_agent_task_filter(config.agent)
    if accepts is not None and not accepts(task):
        raise ConfigError(
            f"agent {config.agent!r} cannot play task {task.id!r}: the task lacks what it needs"
        )


def check_persona(choices: Mapping[str, Any] | None) -> None:
    """Raise ConfigError when a persona, or any value it may be drawn from, does not exist."""
    for key, value in (choices or {}).items():
        for option in value if isinstance(value, Mapping) else (value,):
            try:
                PersonaConfig.model_validate({key: option})
            except ValidationError as error:
                problem = error.errors(include_url=False)[0]["msg"]
                raise ConfigError(f"user_persona: {key}={option!r}: {problem}") from error


def build_text_orchestrator(
    config: TextRunConfig,
    task: Task,
    *,
    seed: int | None = None,
    simulation_id: str | None = None,
    user_persona_config: PersonaConfig | None = None,
) -> Orchestrator:
    """Wire one half-duplex episode. Raise UnknownName or ConfigError."""
    solo = is_solo(config)
    environment = build_environment(config.domain, solo_mode=solo)
    persona = user_persona_config
    if persona is None and config.user_persona is not None:
        persona = PersonaConfig.from_dict(config.user_persona, seed=seed or 0)
    agent = build_agent(
        config.agent,
        environment,
        llm=config.llm_agent,
        llm_args=config.llm_args_agent,
        task=task,
        solo_mode=solo,
        seed=seed,
    )
    user = build_user(
        config.user,
        environment,
        task,
        llm=config.llm_user,
        llm_args=config.llm_args_user,
        persona_config=persona,
        solo_mode=solo,
        seed=seed,
    )
    return Orchestrator(
        domain=config.domain,
        agent=agent,
        user=user,
        environment=environment,
        task=task,
        max_steps=config.max_steps,
        max_errors=config.max_errors,
        seed=seed,
        solo_mode=solo,
        simulation_id=simulation_id,
        validate_communication=config.enforce_communication_protocol,
        timeout=config.timeout,
    )


def build_orchestrator(
    config: RunConfig,
    task: Task,
    *,
    seed: int | None = None,
    simulation_id: str | None = None,
    user_voice_settings: Any = None,
    user_persona_config: PersonaConfig | None = None,
) -> Orchestrator:
    """Wire one episode of either kind. Raise ConfigError for a voice run."""
    if isinstance(config, VoiceRunConfig) or user_voice_settings is not None:
        _no_voice()
    return build_text_orchestrator(
        config,
        task,
        seed=seed,
        simulation_id=simulation_id,
        user_persona_config=user_persona_config,
    )
