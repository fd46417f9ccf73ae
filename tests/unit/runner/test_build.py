"""From names to objects: what is asked for is built, and what cannot be is named."""

from __future__ import annotations

import pytest
from tests.cast import Agent, User, mock_task, says
from tests.unit.runner.conftest import a_config

from tau2.data_model.persona import PersonaConfig
from tau2.data_model.simulation import VoiceRunConfig
from tau2.errors import ConfigError, UnknownName
from tau2.orchestrator.orchestrator import Orchestrator
from tau2.registry import registry
from tau2.runner import (
    build_agent,
    build_environment,
    build_orchestrator,
    build_text_orchestrator,
    build_user,
    build_voice_orchestrator,
    build_voice_user,
)

TASK = mock_task("create_task_1")


def test_environments():
    assert build_environment("mock").get_domain_name() == "mock"
    assert build_environment("mock", solo_mode=True).solo_mode
    with pytest.raises(UnknownName, match="did you mean 'mock'"):
        build_environment("mok")


def test_agents_get_what_they_ask_for(cast):
    seen = {}

    def maker(**options):
        seen.update(options)
        return Agent()

    cast(agent=maker)
    env = build_environment("mock")
    build_agent("cast_agent", env, llm="m", llm_args={"a": 1}, task=TASK, seed=5)
    assert (seen["llm"], seen["llm_args"], seen["task"], seen["seed"]) == ("m", {"a": 1}, TASK, 5)
    assert len(seen["tools"]) == 4
    assert seen["domain_policy"] == env.get_policy()
    with pytest.raises(UnknownName, match="no agent named 'cast_agnt'; did you mean 'cast_agent'"):
        build_agent("cast_agnt", env)


def test_a_factory_gets_only_what_it_takes(cast):
    registry.register_agent_factory(lambda tools, domain_policy: Agent(), "narrow")
    try:
        assert isinstance(build_agent("narrow", build_environment("mock"), llm="m"), Agent)
    finally:
        del registry._agent_factories.own["narrow"]


def test_alone_the_agent_gets_both_sides_tools(cast):
    tools = []

    def maker(**options):
        tools.extend(tool.name for tool in options["tools"])
        return Agent()

    cast(agent=maker)
    build_agent("cast_agent", build_environment("mock", solo_mode=True), solo_mode=True)
    assert "check_notifications" in tools


@pytest.mark.parametrize(
    ("permitted", "given"),
    [(None, 2), ([], None), (["check_notifications"], 1)],
    ids=["all", "none", "one"],
)
def test_users_get_the_tools_of_the_task(cast, permitted, given):
    seen = {}

    def maker(**options):
        seen.update(options)
        return User()

    cast(user=maker)
    task = TASK.model_copy(update={"user_tools": permitted})
    build_user("cast_user", build_environment("mock"), task, persona_config=PersonaConfig())
    assert (len(seen["tools"]) if seen["tools"] is not None else None) == given
    assert seen["instructions"] == str(task.user_scenario)


def test_a_tool_that_the_task_misspells_is_named():
    task = TASK.model_copy(update={"user_tools": ["check_notification"]})
    with pytest.raises(UnknownName, match="did you mean 'check_notifications'"):
        build_user("dummy_user", build_environment("mock"), task)


def test_an_episode_from_a_configuration(cast):
    config = a_config(max_steps=7, max_errors=3, timeout=9.0, enforce_communication_protocol=True)
    for build in (build_orchestrator, build_text_orchestrator):
        episode = build(config, TASK, seed=5, simulation_id="mine")
        assert isinstance(episode, Orchestrator)
        assert (episode.max_steps, episode.max_errors, episode.timeout, episode.seed) == (
            7,
            3,
            9.0,
            5,
        )
        assert (episode.simulation_id, episode.validate_communication) == ("mine", True)


def test_a_persona_of_the_configuration_reaches_the_user(cast):
    personas = []

    def maker(persona_config, **_):
        personas.append(persona_config.verbosity.value)
        return User()

    cast(user=maker)
    weights = {"verbosity": {"minimal": 1, "talkative": 1}}
    for seed in (1, 1, 2, 3, 4):
        build_orchestrator(a_config(user_persona=weights), TASK, seed=seed)
    assert personas[0] == personas[1]
    assert set(personas) == {"minimal", "talkative"}


def test_a_task_that_an_agent_cannot_play_is_refused(cast):
    from tau2.runner.preflight import check_task
    from tau2.runner.resolve import resolve

    registry.register_agent_factory(lambda **_: Agent(), "picky", task_filter=lambda task: False)
    try:
        with pytest.raises(ConfigError, match="'picky' cannot play task 'create_task_1'"):
            check_task(resolve(a_config(agent="picky")), TASK)
    finally:
        del registry._agent_factories.own["picky"]
        del registry._agent_filters["picky"]


def test_voice_says_that_it_is_not_there():
    voice = VoiceRunConfig(domain="mock", audio_native_config={})
    for build in (
        lambda: build_orchestrator(voice, TASK),
        lambda: build_voice_orchestrator(voice, TASK),
        lambda: build_voice_user(None, TASK, None),
    ):
        with pytest.raises(ConfigError, match="voice engine"):
            build()


def test_a_solo_episode_has_nobody_for_a_user():
    from tau2.participant.spec import AgentSpec

    spec = AgentSpec(
        "alone", make=lambda **_: Agent(says("###STOP###")), solo=True, needs_model=False
    )
    with registry.agents.adding(spec):
        episode = build_orchestrator(a_config(agent="alone"), TASK)
        assert episode.solo_mode
        assert type(episode.user).__name__ == "DummyUser"
        assert episode.run().termination_reason == "agent_stop"
