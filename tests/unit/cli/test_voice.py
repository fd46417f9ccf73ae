"""`tau2 voice serve`: what it says, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.stub import StubServer

from tau2.data_model.message import ToolMessage, UserMessage
from tau2.errors import ConfigError
from tau2.service.voice_agents import agents_named, agents_of_script, repeaters

TONES = ("--synthesizer", "tone", "--recognizer", "tone")


@pytest.fixture
def served(monkeypatch):
    """Have servers end as soon as they have started."""
    started = []

    def run(self, on_started):
        started.append(self)
        on_started()
        raise KeyboardInterrupt

    monkeypatch.setattr("tau2.service.voice_server.VoiceServer.run", run)
    return started


def test_it_says_how_to_reach_it(tau2, served):
    ended = tau2("voice", "serve", *TONES)
    assert ended.code == 0
    (server,) = served
    assert f"ws://127.0.0.1:{server.port}/v1/realtime" in ended.out
    assert f"ws://127.0.0.1:{server.port}/v1/live/sessions" in ended.out
    assert server.token in ended.out
    assert ended.out.rstrip().endswith("stopped")


def test_one_protocol_may_be_served_alone(tau2, served):
    ended = tau2("voice", "serve", "--protocol", "live", *TONES)
    assert "/v1/live/sessions" in ended.out
    assert "/v1/realtime" not in ended.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--port", "70000"], "--port must be between"),
        (["--synthesizer", "ton"], "'ton'"),
        (["--script", "absent.json"], "absent.json cannot be read"),
        (["--script", "a", "--agent-llm", "openai/b"], "exclude one another"),
        (["--agent", "llm_agnt"], "llm_agent"),
    ],
)
def test_options_are_checked_first(tau2, served, arguments, problem):
    ended = tau2("voice", "serve", *arguments)
    assert ended.code == 2
    assert problem in ended.err
    assert served == []


def test_action_must_be_known(tau2):
    assert tau2("voice", "listen").code == 2


def agent_of(tmp_path: Path, script: object):
    path = tmp_path / "script.json"
    path.write_text(json.dumps(script), encoding="utf-8")
    return agents_of_script(path)("Be kind.", [])


def test_script_is_said_in_its_order(tmp_path: Path):
    script = ["Hello.", {"say": "One moment.", "calls": [{"name": "get", "arguments": {"a": 1}}]}]
    agent = agent_of(tmp_path, script)
    state = agent.get_init_state([])
    first, state = agent.generate_next_message(UserMessage(content="Hi"), state)
    second, state = agent.generate_next_message(UserMessage(content="What?"), state)
    third, _ = agent.generate_next_message(UserMessage(content="And now?"), state)
    assert first.content == "Hello."
    assert (second.content, second.calls[0].arguments) == ("One moment.", {"a": 1})
    assert third == second
    again, _ = agent.generate_next_message(UserMessage(content="x"), agent.get_init_state([first]))
    assert again == second


@pytest.mark.parametrize(
    "script",
    [
        {},
        [],
        [7],
        [{"say": 7}],
        [{"wrong": ""}],
        [{}],
        [{"calls": [{}]}],
        [{"calls": [{"name": 1}]}],
    ],
)
def test_script_that_cannot_be_said_is_refused(tmp_path: Path, script: object):
    with pytest.raises(ConfigError):
        agent_of(tmp_path, script)


def test_model_gets_the_instructions_and_the_tools_of_the_session():
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    tool = {"type": "function", "function": {"name": "get", "parameters": schema}}
    with StubServer([{"name": "get", "arguments": {"a": 1}}]) as stub:
        args = {"api_base": stub.base_url, "api_key": "none"}
        agent = agents_named("llm_agent", "openai/any", args)("Be kind.", [tool])
        reply, _ = agent.generate_next_message(
            UserMessage(content="Hi"), agent.get_init_state(message_history=[])
        )
    assert reply.calls[0].arguments == {"a": 1}
    assert stub.last["tools"] == [tool]
    assert "Be kind." in stub.last["messages"][0]["content"]


def test_without_a_model_the_agent_repeats_what_it_hears():
    agent = repeaters("", [])
    state = agent.get_init_state([])
    heard, state = agent.generate_next_message(UserMessage(content="Hi"), state)
    result = ToolMessage(id="a", content="done", requestor="assistant")
    tool, state = agent.generate_next_message(result, state)
    greeting, _ = agent.generate_next_message(None, state)
    assert heard.content == "You said: Hi"
    assert tool.content == "The tool says: done"
    assert greeting.content.startswith("Hello.")
