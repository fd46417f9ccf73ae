"""An agent that is a program at a URL: chat completions and Responses, against a loopback server.

The programs are scripted: they follow the protocol, or break it in one way each.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.cast import mock_task
from tests.native_servers import gpt, gpt_says
from tests.stub import Drop, Raw, StubServer, failing

from tau2 import TextRunConfig
from tau2.data_model.simulation import SimulationRun
from tau2.errors import ConfigError
from tau2.llm.backends.agent import candidates
from tau2.llm.failure import CallFailed
from tau2.llm.protocols.responses_stream import response_of_stream
from tau2.runner import run_tasks
from tau2.runner.foreign_settings import foreign_settings
from tau2.runner.resolve import resolve

CREATE = {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}}
KEY = "agent-key-0123456789"


def chat_program(body: dict[str, Any]) -> Any:
    """Do what the customer of `create_task_1` wants, then hang up."""
    last = body["messages"][-1]
    return "It is done. ###STOP###" if last["role"] == "tool" else CREATE


def responses_program(body: dict[str, Any]) -> Raw:
    """Do the same, in the Responses protocol."""
    if body["input"][-1]["type"] == "function_call_output":
        return gpt_says("It is done. ###STOP###")
    call = {"type": "function_call", "call_id": "c1", "name": CREATE["name"]}
    return gpt({**call, "arguments": json.dumps(CREATE["arguments"])})


def play(url: str, **options: Any) -> SimulationRun:
    """Play one task with the program at `url`."""
    given = {"max_retries": 0, "retry_delay": 0.0, "llm_args_agent": {"num_retries": 0}, **options}
    config = TextRunConfig(domain="mock", user="scripted_user", agent_url=url, **given)
    results = run_tasks(config, [mock_task("create_task_1")], console_display=False)
    (run,) = results.simulations
    return run


def test_a_chat_program_gets_the_policy_the_conversation_and_the_tools(monkeypatch):
    monkeypatch.setenv("TAU2_AGENT_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-company")
    with StubServer(chat_program) as stub:
        run = play(stub.base_url)
    assert run.reward_info.reward == 1
    assert run.termination_reason == "agent_stop"
    first = stub.seen[0]
    assert first.target == "/v1/chat/completions"
    assert first.headers["authorization"] == f"Bearer {KEY}"
    body = first.body
    assert [message["role"] for message in body["messages"]] == ["system", "assistant", "user"]
    assert body["messages"][0]["content"].startswith("# Task desk")
    assert "create_task" in [tool["function"]["name"] for tool in body["tools"]]
    # A program samples as it likes, and a name is sent only because most servers require one.
    assert body.keys() == {"model", "messages", "tools", "tool_choice", "stream"}
    assert body["model"] == "agent"


def test_a_responses_program_is_asked_without_state():
    with StubServer(responses_program) as stub:
        run = play(stub.base_url, agent_protocol="responses", llm_agent="support-bot")
    assert run.reward_info.reward == 1
    assert {seen.target for seen in stub.seen} == {"/v1/responses"}
    first, second = stub.bodies
    assert first["instructions"].startswith("# Task desk")
    assert first["model"] == "support-bot"
    assert first["store"] is False
    assert "include" not in first
    assert [item["type"] for item in second["input"][-2:]] == [
        "function_call",
        "function_call_output",
    ]


def streamed(response: dict[str, Any], *, is_in_items: bool = False) -> Raw:
    """Return a response as the events of a stream."""
    items = [
        {"type": "response.output_item.done", "output_index": at, "item": item}
        for at, item in enumerate(response["output"])
    ]
    last = {**response, "output": []} if is_in_items else response
    kind = f"response.{response['status']}"
    events = [
        {"type": "response.created", "response": {}},
        *items,
        {"type": kind, "response": last},
    ]
    lines = [
        f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}" for event in events
    ]
    return Raw(200, "\n\n".join(lines) + "\n\n", {"Content-Type": "text/event-stream"})


@pytest.mark.parametrize("is_in_items", [False, True])
def test_a_responses_program_may_stream(is_in_items):
    def program(body: dict[str, Any]) -> Raw:
        whole = responses_program(body).body
        assert isinstance(whole, dict)
        return streamed(whole, is_in_items=is_in_items)

    with StubServer(program) as stub:
        assert play(stub.base_url, agent_protocol="responses").reward_info.reward == 1


def test_a_stream_may_hold_any_character_and_report_an_error():
    said = gpt_says("one\u2028two\x85three").body
    assert isinstance(said, dict)
    found = response_of_stream(streamed(said).encoded().decode())
    assert found["output"] == said["output"]
    with pytest.raises(CallFailed, match="too busy"):
        response_of_stream('data: {"type": "error", "code": "x", "message": "too busy"}\n\n')
    with pytest.raises(CallFailed, match="ended too early"):
        response_of_stream('data: {"type": "response.created", "response": {}}\n\n')
    assert response_of_stream("{}") is None


def test_reasoning_calls_at_once_and_endings_of_a_responses_program():
    thought = {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "c2VjcmV0"}
    calls = [
        {"type": "function_call", "call_id": id_, "name": "get_users", "arguments": "{}"}
        for id_ in ("first", "second")
    ]

    def program(body: dict[str, Any]) -> Raw:
        if body["input"][-1]["type"] != "function_call_output":
            return gpt(thought, *calls)
        return gpt_says("It is done. ###STOP###")

    with StubServer(program) as stub:
        run = play(stub.base_url, agent_protocol="responses")
    assert run.termination_reason == "agent_stop"
    sent = stub.bodies[-1]["input"]
    kinds = [item["type"] for item in sent[-5:]]
    assert kinds == ["reasoning", *["function_call"] * 2, *["function_call_output"] * 2]
    assert sent[-5]["encrypted_content"] == "c2VjcmV0"
    ids = [item["call_id"] for item in sent[-4:]]
    assert ids == ["first", "second"] * 2


def test_arguments_that_are_given_are_sent():
    with StubServer(chat_program) as stub:
        play(stub.base_url, llm_args_agent={"temperature": 0.7, "num_retries": 0})
    assert stub.last["temperature"] == 0.7
    assert "seed" not in stub.last


@pytest.mark.parametrize(
    ("served", "given"),
    [
        ("/v1/chat/completions", ""),
        ("/v1/chat/completions", "/"),
        ("/v1/chat/completions", "/v1"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/chat/completions", ""),
        ("/", ""),
        ("/agents/one/chat/completions", "/agents/one"),
        ("/agents/one/v1/chat/completions", "/agents/one/"),
        ("/agents/one", "/agents/one"),
    ],
)
def test_an_address_is_understood_as_people_write_it(served, given):
    def here(body: dict[str, Any]) -> Any:
        return chat_program(body) if stub.seen[-1].target == served else failing(404, "not here")

    with StubServer(here) as stub:
        run = play(stub.base_url.removesuffix("/v1") + given)
        assert run.reward_info.reward == 1
        # Once it is found, nothing else is tried.
        assert stub.seen[-1].target == stub.seen[-2].target == served


def test_parameters_of_an_address_stay():
    assert candidates("https://h:1/a?tenant=x", "/responses") == [
        "https://h:1/a/responses?tenant=x",
        "https://h:1/a?tenant=x",
        "https://h:1/a/v1/responses?tenant=x",
    ]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (failing(401, "who are you"), "refuses a request without a key; set TAU2_AGENT_KEY"),
        (failing(404, "not here"), "does not speak the protocol 'chat' at /v1/chat/completions"),
        (Raw(200, "<html>Welcome</html>"), "does not speak the protocol 'chat': the answer is not"),
        (Raw(200, {"answer": "Hello"}), "does not speak the protocol 'chat': the answer is not"),
        (failing(500, "KeyError: 'name'"), "failed (HTTP 500: KeyError: 'name')"),
        (Raw(502, "<html>\n<h1>Bad\n gateway</h1></html>"), "failed (HTTP 502: a web page)"),
        (Raw(200, {"jsonrpc": "2.0", "error": {"code": -32600}}), "as A2A servers speak it"),
        (failing(422, "field required"), "refuses the request (HTTP 422: field required)"),
    ],
)
def test_a_program_that_cannot_be_used_is_named_before_anything_is_played(reply, words):
    tasks = [mock_task("create_task_1"), mock_task("update_task_1")]
    with StubServer(reply) as stub:
        config = TextRunConfig(
            domain="mock",
            user="scripted_user",
            agent_url=stub.base_url,
            llm_args_agent={"num_retries": 0},
        )
        with pytest.raises(ConfigError) as caught:
            run_tasks(config, tasks, console_display=False)
    said = str(caught.value)
    assert said.startswith(f"nothing was played: the agent at {stub.base_url} ")
    assert words in said


def test_nothing_that_listens_is_said_with_what_to_do():
    with StubServer() as stub:
        url = stub.base_url
    run = play(url)
    assert run.termination_reason == "infrastructure_error"
    assert "cannot be reached" in run.info["error"]
    assert "start the program, or correct --agent-url" in run.info["error"]


@pytest.mark.parametrize("reply", [failing(500, "a bug"), Raw(200, "no JSON"), failing(403, "no")])
def test_an_endpoint_that_fails_is_never_the_agents_score(reply):
    with StubServer(reply) as stub:
        run = play(stub.base_url)
    assert run.termination_reason == "infrastructure_error"
    assert run.reward_info is None


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 0, "completion_tokens": 0}])
def test_a_program_that_says_nothing_fails_as_an_agent(usage):
    message = {"role": "assistant", "content": ""}
    with StubServer(Raw(200, {"choices": [{"message": message}], "usage": usage})) as stub:
        run = play(stub.base_url)
    assert run.termination_reason == "agent_error"
    assert run.reward_info.reward == 0


@pytest.mark.parametrize(
    "arguments", ['["user_1"]', '"user_1"', "{not json", "null", '{"user_id": "\\ud800"}']
)
def test_arguments_that_are_no_object_are_the_agents_error_and_told_to_it(arguments):
    function = {"name": "create_task", "arguments": arguments}
    calls = [
        {"id": "same", "type": "function", "function": function},
        {"id": "same", "type": "function", "function": {**function, "name": "nonsense"}},
    ]

    def program(body: dict[str, Any]) -> Any:
        if body["messages"][-1]["role"] == "tool":
            return "Goodbye. ###STOP###"
        message = {"role": "assistant", "content": None, "tool_calls": calls}
        return Raw(200, {"choices": [{"index": 0, "message": message}]})

    with StubServer(program) as stub:
        run = play(stub.base_url)
    assert run.termination_reason == "agent_stop", run.info
    assert run.reward_info.reward == 0
    results = [message for message in run.messages if message.role == "tool"]
    assert [result.error for result in results] == [True, True]
    ids = [message["tool_call_id"] for message in stub.last["messages"][-2:]]
    assert len(set(ids)) == 2, "every result has a call of its own"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Drop(), "infrastructure_error"),
        (Drop(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), "infrastructure_error"),
        (Raw(200, b'{"choices": [{"message": {"content": "\xff\xfe"}}]}'), "max_steps"),
        (Raw(200, b'{"choices": [{"message": {"content": "\xc3"}}]}'), "max_steps"),
        (Raw(200, b"[" * 100_000), "infrastructure_error"),
        (failing(429, "slow down", retry_after=0), "infrastructure_error"),
    ],
)
def test_broken_answers_end_an_episode_and_nothing_else(reply, reason):
    with StubServer(reply) as stub:
        run = play(stub.base_url, max_steps=6)
    assert run.termination_reason == reason, run.info


def test_an_unknown_tool_is_answered_with_an_error_and_counts():
    with StubServer({"name": "make_coffee", "arguments": {}}) as stub:
        run = play(stub.base_url, max_errors=2)
    assert run.termination_reason == "too_many_errors"
    assert run.reward_info.reward == 0


def test_what_is_stored_names_the_program_without_secrets(tmp_path):
    with StubServer(chat_program) as stub:
        place = stub.base_url.removeprefix("http://")
        config = TextRunConfig(
            domain="mock",
            user="scripted_user",
            agent_url=f"http://me:pass-w0rd-1@{place}?token=t0ken-123456789",
        )
        folder = tmp_path / "mine"
        run_tasks(config, [mock_task("create_task_1")], save_path=folder, console_display=False)
    written = "".join(file.read_text() for file in folder.rglob("*.json*"))
    assert "pass-w0rd-1" not in written
    assert "t0ken-123456789" not in written
    info = json.loads((folder / "results.json").read_text())["info"]["agent_info"]
    assert info["implementation"] == "url_agent"
    assert info["llm"] == "agent/chat"
    assert place in info["llm_args"]["api_base"]


def test_a_strangers_address_is_asked_about_before_it_is_used():
    stored = {"domain": "mock", "agent_url": "http://elsewhere.example"}
    assert [setting.name for setting in foreign_settings(stored, {})] == ["agent_url"]
    assert foreign_settings(stored, {"agent_url": "http://elsewhere.example/"}) == []
    command = {"domain": "mock", "agent_command": "python take_all.py"}
    assert [setting.name for setting in foreign_settings(command, {})] == ["agent_command"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"agent_url": "localhost:8000"}, "begins with http"),
        ({"agent_url": "http://"}, "begins with http"),
        ({"agent_protocol": "chat"}, "program at agent_url"),
        ({"agent_url": "http://a.example", "agent": "lazy_agent"}, "leave out agent 'lazy_agent'"),
        ({"agent_protocol": "mcp"}, "give the command that is started for every episode"),
        ({"agent_command": "x", "agent_url": "http://a.example"}, "give one of them"),
        ({"agent_command": "x", "agent_protocol": "chat"}, "plays over MCP: leave out"),
        ({"agent_command": "x", "agent": "lazy_agent"}, "leave out agent 'lazy_agent'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(values, words):
    with pytest.raises(ConfigError, match=words):
        resolve(TextRunConfig(domain="mock", **values))


def test_a_configuration_that_was_sent_to_a_worker_is_the_same():
    config = TextRunConfig(agent_url="http://a.example", agent_protocol="responses")
    again = TextRunConfig.model_validate(config.model_dump(mode="json"))
    assert again.effective_agent_model == config.effective_agent_model == "agent/responses"
    assert again.effective_agent_args == {"api_base": "http://a.example"}
