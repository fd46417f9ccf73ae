"""Layer 2: from names and configurations to objects."""

from __future__ import annotations

import inspect
from typing import Any, NoReturn

from tau2.data_model.persona import PersonaConfig
from tau2.data_model.run_config import UserPrompt
from tau2.data_model.simulation import RunConfig, TextRunConfig, VoiceRunConfig
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.errors import ConfigError
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.participant.protocols import AgentProtocol, UserProtocol
from tau2.registry import call_with_known
from tau2.runner.resolve import (
    ABSENT_USER,
    NO_VOICE,
    AgentFactory,
    ResolvedRun,
    UserFactory,
    agent_factory,
    environment_factory,
    resolve,
    user_factory,
)
from tau2.user.monitor import monitor_setup
from tau2.utils.json_types import JsonMapping


def build_environment(
    domain: str, *, solo_mode: bool = False, env_kwargs: JsonMapping | None = None
) -> Environment:
    """Return a fresh environment of a domain. Raise UnknownName for another one."""
    return environment_factory(domain)(solo_mode=solo_mode, **(env_kwargs or {}))


def build_agent(
    agent_name: str,
    environment: Environment,
    *,
    llm: str | None = None,
    llm_args: JsonMapping | None = None,
    task: Task | None = None,
    audio_native_config: Any = None,
    solo_mode: bool = False,
    seed: int | None = None,
    completion_fn: Any = None,
) -> Any:
    """Return an agent for an environment; in solo mode it also holds the user's tools.

    Raise UnknownName.
    """
    options = {"seed": seed, "completion_fn": completion_fn}
    if audio_native_config is not None:
        options["audio_native_config"] = audio_native_config
    model = {"llm": llm, "llm_args": dict(llm_args or {})}
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
    """Return an agent with the tools and the policy of an environment.

    `options` go to the factory if it knows them.
    """
    tools = environment.get_tools()
    if solo and environment.user_tools is not None:
        tools += environment.get_user_tools(include=task.user_tools if task else None)
    known = {"tools": tools, "domain_policy": environment.get_policy(), "task": task, **options}
    return call_with_known(factory, known)


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
    tools = None
    if environment.user_tools is not None and not solo:
        tools = environment.get_user_tools(include=task.user_tools) or None
    known = {"tools": tools, "instructions": str(task.user_scenario), "task": task, **options}
    if "environment" in inspect.signature(factory).parameters:
        known["environment"] = environment
    return call_with_known(factory, known)


def build_voice_user(*_args: Any, **_kwargs: Any) -> NoReturn:
    """Raise ConfigError: this version has no voice engine."""
    raise ConfigError(NO_VOICE)


def build_voice_orchestrator(*_args: Any, **_kwargs: Any) -> NoReturn:
    """Raise ConfigError: this version has no voice engine."""
    raise ConfigError(NO_VOICE)


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
) -> Orchestrator:
    """Return one half-duplex episode of a run."""
    config, solo = run.config, run.is_solo
    environment = run.environment()
    if persona is None and config.user_persona is not None:
        persona = PersonaConfig.from_dict(config.user_persona, seed=seed or 0)
    agent = make_agent(
        run.make_agent,
        environment,
        task,
        solo=solo,
        llm=config.llm_agent,
        llm_args=dict(config.llm_args_agent),
        seed=seed,
        completion_fn=None,
    )
    user = make_user(
        run.make_user,
        environment,
        task,
        solo=solo,
        llm=config.llm_user,
        llm_args=dict(config.llm_args_user),
        persona_config=persona,
        prompt_form=config.user_prompt,
        seed=seed,
        completion_fn=None,
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
        user_monitor=None if solo else monitor_setup(environment, task, config.user_monitor),
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
    """Return one episode. Raise UnknownName, or ConfigError for a voice run."""
    if isinstance(config, VoiceRunConfig) or user_voice_settings is not None:
        raise ConfigError(NO_VOICE)
    return build_text_orchestrator(
        config,
        task,
        seed=seed,
        simulation_id=simulation_id,
        user_persona_config=user_persona_config,
    )
