"""From names to objects: what is asked for is built, and what cannot be is named."""

from __future__ import annotations

import pytest
from tests.cast import Agent, User, mock_task, says
from tests.unit.runner.conftest import a_config

from tau2.data_model.audio import AudioNativeConfig, VoiceSettings
from tau2.data_model.persona import PersonaConfig
from tau2.data_model.simulation import VoiceRunConfig
from tau2.environment.environment import Environment
from tau2.errors import ConfigError, UnknownName
from tau2.orchestrator.full_duplex_orchestrator import FullDuplexOrchestrator
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
from tau2.runner.resolve import resolve

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


def test_an_environment_is_prepared_before_its_agent_is_made(cast, monkeypatch):
    def prepare(self, task):
        self.policy = f"The policy of {task.id}."

    seen = {}

    def maker(domain_policy, **options):
        seen["policy"] = domain_policy
        return Agent()

    monkeypatch.setattr(Environment, "prepare", prepare)
    cast(agent=maker)
    build_agent("cast_agent", build_environment("mock"), task=TASK)
    assert seen.pop("policy") == "The policy of create_task_1."
    build_orchestrator(a_config(), TASK)
    assert seen["policy"] == "The policy of create_task_1."


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


TONES = {
    "provider": "local",
    "local_config": {"recognizer": "tone"},
}
"""A provider whose speech is the tone channel: no model, no voice."""


def test_a_call_from_a_configuration():
    config = VoiceRunConfig(
        domain="mock",
        audio_native_config={**TONES, "max_steps_seconds": 30, "tick_duration_seconds": 0.1},
        user="scripted_user",
        max_errors=3,
        timeout=9.0,
    )
    for build in (build_orchestrator, build_voice_orchestrator):
        call = build(config, TASK, seed=5, simulation_id="mine")
        assert isinstance(call, FullDuplexOrchestrator)
        assert (call.max_steps, call.max_errors, call.timeout, call.seed) == (300, 3, 9.0, 5)
        assert (call.simulation_id, call.tick_duration_seconds) == ("mine", 0.1)
        assert call.clock.is_virtual


def test_a_speaking_user_is_a_text_user_on_the_telephone():
    audio = AudioNativeConfig.model_validate(TONES)
    user = build_voice_user(
        build_environment("mock"),
        TASK,
        audio,
        user_name="scripted_user",
        speech_complexity="control",
        seed=3,
    )
    assert type(user.text_user).__name__ == "ScriptedUser"
    assert user.synthesizer.name == "tone"
    assert user.speech_environment.complexity == "control"
    assert [tool.name for tool in user.tools] == ["check_notifications", "dismiss_notification"]


def test_the_settings_of_the_users_voice_may_come_last():
    config = VoiceRunConfig(domain="mock", audio_native_config=TONES, user="scripted_user")
    slow = VoiceSettings(synthesis_config={"voice": {"speed": 0.5}})
    for build in (build_orchestrator, build_voice_orchestrator):
        call = build(config, TASK, seed=5, user_voice_settings=slow)
        assert call.user.voice.speed == 0.5
    with pytest.raises(ConfigError, match="this is a text run"):
        build_orchestrator(a_config(), TASK, user_voice_settings=slow)


def test_the_settings_of_the_agents_voice():
    voice = {"synthesis_config": {"provider": "tone", "voice": {"speed": 2.0}}}
    config = VoiceRunConfig(
        domain="mock",
        audio_native_config={"provider": "local"},
        user="scripted_user",
        agent_voice_settings=voice,
    )
    local = resolve(config).config.audio_native_config.local_config
    assert (local.synthesizer, local.recognizer, local.voice.speed) == ("tone", "tone", 2.0)


def test_a_condition_says_what_is_heard_beside_the_user():
    config = VoiceRunConfig(
        domain="mock", audio_native_config=TONES, user="scripted_user", speech_condition="noise"
    )
    noisy = build_orchestrator(config, TASK, seed=5).user.speech_environment
    assert noisy.source_effects_config.noise_snr_db == 10.0
    assert noisy.complexity == "regular"


def test_an_agent_that_speaks_has_its_public_name():
    agent = build_agent(
        "discrete_time_audio_native_agent",
        build_environment("mock"),
        task=TASK,
        audio_native_config=AudioNativeConfig.model_validate(TONES),
    )
    assert hasattr(agent, "get_next_chunk")
    assert len(agent.tools) == 4


def test_the_text_agent_behind_the_voice_is_given_what_text_agents_are_given(cast):
    seen = {}

    def maker(**options):
        seen.update(options)
        return Agent()

    cast(agent=maker)
    local = {"agent": "cast_agent", "recognizer": "tone", "llm": "m", "llm_args": {"a": 1}}
    config = VoiceRunConfig(
        domain="mock",
        audio_native_config={"provider": "local", "local_config": local},
        user="scripted_user",
    )
    build_orchestrator(config, TASK, seed=5).agent.get_init_state()
    assert (seen["task"], seen["seed"], len(seen["tools"])) == (TASK, 5, 4)
    assert "on the telephone" in seen["domain_policy"]
    assert build_environment("mock").get_policy() in seen["domain_policy"]


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
