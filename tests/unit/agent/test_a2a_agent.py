"""An agent that is an A2A server, against a loopback one that is scripted, in both versions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.cast import mock_task
from tests.stub import Raw, StubServer, failing

from tau2 import TextRunConfig
from tau2.data_model.simulation import SimulationRun
from tau2.errors import ConfigError
from tau2.llm.protocols import a2a
from tau2.runner import run_tasks

CREATE = {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}}
BYE = {"name": "respond", "arguments": {"content": "It is done. ###STOP###"}}
OLD, NEW = "0.3", "1.0"
JSON = {"Content-Type": "application/json"}


def card(version: str) -> dict[str, Any]:
    """Return an agent card; the host in it is one that nobody reaches."""
    about = {"name": "Desk", "description": "A desk", "version": "1", "skills": []}
    place = "http://0.0.0.0:1/rpc"
    if version == OLD:
        return {**about, "protocolVersion": "0.3.0", "url": place, "preferredTransport": "JSONRPC"}
    grpc = {"url": "http://0.0.0.0:2", "protocolBinding": "GRPC", "protocolVersion": "1.0"}
    rpc = {"url": place, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
    return {**about, "supportedInterfaces": [grpc, rpc]}


def said(value: Any, version: str) -> list[dict[str, Any]]:
    """Return an action as parts: a text as a text part, anything else as a data part."""
    part = {"text": value} if isinstance(value, str) else {"data": value}
    kind = {"kind": "text" if isinstance(value, str) else "data"} if version == OLD else {}
    return [{**kind, **part}]


class Desk:
    """An A2A server with a script: what it answers when it is sent something."""

    def __init__(self, version: str, replies: list[Any], as_task: str | None = None) -> None:
        self.version = version
        self.replies = list(replies)
        self.as_task = as_task
        self.sent: list[dict[str, Any]] = []
        """The messages that were sent to it."""
        self.stub: Any = None

    def __call__(self, body: Any) -> Raw:
        if body is None:
            target = self.stub.seen[-1].target
            is_card = target == "/.well-known/agent-card.json"
            return Raw(200, card(self.version), JSON) if is_card else failing(404, "not here")
        if body["method"] in {"tasks/get", "GetTask"}:
            if body["params"]["id"] == "tau2-probe":
                return Raw(200, {"jsonrpc": "2.0", "error": {"code": -32001, "message": "none"}})
            return self._answered(self._task(self.replies.pop(0), "completed"))
        message = body["params"]["message"]
        self.sent.append(message)
        reply = self.replies.pop(0) if self.replies else BYE
        if isinstance(reply, Raw):
            return reply
        if self.as_task is not None:
            return self._answered(self._task(reply, self.as_task))
        answer = {"messageId": "m", "parts": said(reply, self.version), "role": "agent"}
        return self._answered(
            {"kind": "message", **answer} if self.version == OLD else {"message": answer}
        )

    def _task(self, reply: Any, state: str) -> dict[str, Any]:
        context = self.sent[-1]["contextId"]
        name = state if self.version == OLD else f"TASK_STATE_{state.upper().replace('-', '_')}"
        status: dict[str, Any] = {"state": name}
        task = {"id": "task-1", "contextId": context, "status": status}
        if state == "completed":
            task["artifacts"] = [{"artifactId": "a", "parts": said(reply, self.version)}]
        elif state != "working":
            status["message"] = {"messageId": "m", "parts": said(reply, self.version)}
        else:
            self.replies.insert(0, reply)
        return {"kind": "task", **task} if self.version == OLD else {"task": task}

    def _answered(self, result: Any) -> Raw:
        return Raw(200, {"jsonrpc": "2.0", "id": "1", "result": result})


def played(desk: Desk) -> SimulationRun:
    """Play one task with an A2A server."""
    with StubServer(desk) as stub:
        return played_at(stub, desk)


def played_at(stub: StubServer, desk: Desk, **options: Any) -> SimulationRun:
    """Play one task with an A2A server that runs."""
    desk.stub = stub
    config = TextRunConfig(
        domain="mock",
        user="scripted_user",
        agent_url=stub.base_url.removesuffix("/v1"),
        agent_protocol="a2a",
        llm_args_agent={"num_retries": 0},
        max_retries=0,
        retry_delay=0.0,
        **options,
    )
    results = run_tasks(config, [mock_task("create_task_1")], console_display=False)
    return results.simulations[0]


def test_an_episode_is_one_context_and_each_message_holds_what_is_new():
    desk = Desk(OLD, [CREATE, BYE])
    run = played(desk)
    assert run.reward_info.reward == 1
    assert run.termination_reason == "agent_stop"
    first, second = desk.sent
    assert first["contextId"] == second["contextId"]
    assert first["messageId"] != second["messageId"]
    text, data = (part.get("text") or part.get("data") for part in first["parts"])
    assert data["policy"].startswith("# Task desk")
    assert "create_task" in [tool["function"]["name"] for tool in data["tools"]]
    assert [message["role"] for message in data["messages"]] == ["assistant", "user"]
    # A program that reads prose is told the same, and how to answer.
    assert "# Task desk" in text
    assert '"create_task"' in text
    assert '{"name": "respond", "arguments": {"content": "<what you say>"}}' in text
    text, data = (part.get("text") or part.get("data") for part in second["parts"])
    (result,) = data["messages"]
    assert result["role"] == "tool"
    assert text == f"Result of the tool call create_task: {result['content']}"


@pytest.mark.parametrize("version", [OLD, NEW])
@pytest.mark.parametrize("state", [None, "completed", "input-required", "working"])
def test_both_versions_and_every_kind_of_answer_are_understood(version, state):
    desk = Desk(version, [CREATE, BYE], as_task=state)
    assert played(desk).reward_info.reward == 1
    roles = {message["role"] for message in desk.sent}
    assert roles == {"user" if version == OLD else "ROLE_USER"}
    # A task that waits is continued; one that is over is not.
    assert desk.sent[1].get("taskId") == ("task-1" if state == "input-required" else None)
    headers = desk.stub.seen[-1].headers
    assert headers.get("a2a-version") == (None if version == OLD else "1.0")


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps(CREATE),
        f"I call a tool.\n<json>{json.dumps(CREATE)}</json>",
        f"```json\n{json.dumps(CREATE)}\n```",
        f"<tool_call>{json.dumps(CREATE)}</tool_call>",
        CREATE,
        [CREATE],
        {"action": CREATE},
        {"content": None, "tool_calls": [{"id": "c", "type": "function", "function": CREATE}]},
        {"name": "create_task", "arguments": json.dumps(CREATE["arguments"])},
    ],
)
def test_a_call_is_understood_as_data_and_as_text(answer):
    assert played(Desk(NEW, [answer, BYE])).reward_info.reward == 1


@pytest.mark.parametrize(
    ("parts", "content", "names"),
    [
        ([{"text": "Hello"}], "Hello", []),
        ([{"data": BYE}], "It is done. ###STOP###", []),
        ([{"text": json.dumps(BYE)}, {"data": BYE}], "It is done. ###STOP###", []),
        ([{"text": "One moment."}, {"data": CREATE}], "One moment.", ["create_task"]),
        ([{"data": [CREATE, CREATE]}], None, ["create_task", "create_task"]),
        ([{"text": "{not json"}], "{not json", []),
        ([{"text": '{"price": 3}'}], '{"price": 3}', []),
        ([{"data": {"price": 3.0}}], '{"price": 3}', []),
        ([{"text": 7}, {"data": "x"}, {}], None, []),
    ],
)
def test_any_answer_is_one_message(parts, content, names):
    message = a2a.message_of(a2a.Answer("c", None, parts=parts), "c", {"create_task"})
    assert message["content"] == content
    calls = message["tool_calls"] or []
    assert [call["function"]["name"] for call in calls] == names


def test_a_domain_may_have_a_tool_called_respond():
    message = a2a.message_of(a2a.Answer("c", None, parts=[{"data": BYE}]), "c", {"respond"})
    assert message["tool_calls"][0]["function"]["name"] == "respond"


def test_a_program_that_says_nothing_is_asked_once_and_fails_as_an_agent():
    desk = Desk(OLD, ["", CREATE])
    run = played(desk)
    assert run.termination_reason == "agent_error"
    assert len(desk.sent) == 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (failing(500, "a bug"), "failed (HTTP 500: a bug)"),
        (
            Raw(200, {"error": {"code": -32603, "message": "boom"}}),
            "asked and failed: boom (error -32603)",
        ),
        (
            Raw(200, {"result": {"status": {"state": "failed"}}}),
            "asked and failed: its task ended as 'failed'",
        ),
        (Raw(200, {"result": {"kind": "other"}}), "does not speak the protocol 'a2a'"),
        (Raw(200, "<html>"), "does not speak the protocol 'a2a': the answer is not JSON"),
    ],
)
def test_a_server_that_fails_is_infrastructure_and_is_sent_nothing_twice(reply, words):
    desk = Desk(OLD, [CREATE, reply, BYE])
    run = played(desk)
    assert run.termination_reason == "infrastructure_error"
    assert run.reward_info is None
    assert words in run.info["error"]
    assert len(desk.sent) == 2


def test_a_context_that_we_may_not_begin_is_begun_by_the_program():
    refusal = Raw(200, {"error": {"code": -32602, "message": "unknown context"}})
    desk = Desk(OLD, [refusal, CREATE, BYE])
    assert played(desk).reward_info.reward == 1
    assert ["contextId" in message for message in desk.sent] == [True, False, True]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (failing(404, "no"), "'a2a' at /.well-known/agent-card.json, /.well-known/agent.json"),
        (failing(401, "no"), "refuses a request without a key; set TAU2_AGENT_KEY"),
        (Raw(200, "<html>"), "does not speak the protocol 'a2a'"),
        (Raw(200, {"hello": 1}), "the answer is not an agent card"),
        (Raw(200, {"name": "x", "url": "/", "preferredTransport": "GRPC"}), "it offers GRPC"),
    ],
)
def test_a_server_without_a_card_is_named_before_anything_is_played(reply, words):
    tasks = [mock_task("create_task_1"), mock_task("update_task_1")]
    with StubServer(reply) as stub:
        config = TextRunConfig(
            domain="mock",
            user="scripted_user",
            agent_url=stub.base_url.removesuffix("/v1"),
            agent_protocol="a2a",
            llm_args_agent={"num_retries": 0},
        )
        with pytest.raises(ConfigError) as caught:
            run_tasks(config, tasks, console_display=False)
    assert str(caught.value).startswith("nothing was played: the agent at http://127.0.0.1")
    assert words in str(caught.value)


def test_a_card_takes_neither_messages_nor_the_key_to_another_host():
    elsewhere = {"name": "x", "url": "https://elsewhere.example/rpc?v=1"}
    found = a2a.interface_of(elsewhere, "http://127.0.0.1:9/agents/x")
    assert found == ("http://127.0.0.1:9/rpc?v=1", "0.3", "JSONRPC")


class HttpDesk(Desk):
    """An A2A server that is asked over HTTP+JSON alone."""

    def __call__(self, body: Any) -> Raw:
        target = self.stub.seen[-1].target
        if target.endswith(".json"):
            place = {"protocolBinding": "HTTP+JSON", "url": "http://0.0.0.0:1/a2a/"}
            places = [{**place, "protocolVersion": self.version}, {"protocolBinding": "GRPC"}]
            return Raw(200, {"name": "Desk", "supportedInterfaces": places}, JSON)
        below = "/a2a" if self.version == NEW else "/a2a/v1"
        if target == f"{below}/tasks/tau2-probe":
            return failing(404, "no such task")
        if target == f"{below}/tasks/task-1":
            return Raw(200, self._task(self.replies.pop(0), "completed")["task"])
        assert target == f"{below}/message:send"
        message = dict(body["message"])
        assert message["role"] == "ROLE_USER"
        self.sent.append(message)
        return Raw(200, self._task(self.replies.pop(0), self.as_task or "completed"))

    def _task(self, reply: Any, state: str) -> dict[str, Any]:
        task: dict[str, Any] = {"id": "task-1", "contextId": self.sent[-1]["contextId"]}
        task["status"] = {"state": f"TASK_STATE_{state.upper().replace('-', '_')}"}
        if state == "working":
            self.replies.insert(0, reply)
            return {"task": task}
        data = {"data": reply if self.version == NEW else {"data": reply}}
        parts = "parts" if self.version == NEW else "content"
        if state == "completed":
            task["artifacts"] = [{"artifactId": "a", "parts": [data]}]
        else:
            task["status"]["message"] = {"messageId": "m", parts: [data]}
        return {"task": task}


@pytest.mark.parametrize("version", [OLD, NEW])
@pytest.mark.parametrize("state", ["completed", "input-required", "working"])
def test_a_server_may_be_asked_over_http_alone(version, state):
    desk = HttpDesk(version, [CREATE, BYE], as_task=state)
    assert played(desk).reward_info.reward == 1
    parts = desk.sent[0]["parts" if version == NEW else "content"]
    data = parts[1]["data"] if version == NEW else parts[1]["data"]["data"]
    assert data["policy"].startswith("# Task desk")
    assert desk.sent[1].get("taskId") == ("task-1" if state == "input-required" else None)


def test_a_server_over_http_is_asked_for_a_task_before_a_run():
    desk = HttpDesk(NEW, [CREATE, BYE, CREATE, BYE])
    with StubServer(desk) as stub:
        run = played_at(stub, desk, num_trials=2, max_concurrency=1)
        assert run.reward_info.reward == 1
        assert "/a2a/tasks/tau2-probe" in [seen.target for seen in stub.seen]


def test_json_rpc_is_preferred():
    places = [
        {"protocolBinding": "JSONRPC", "protocolVersion": "0.3", "url": "/rpc"},
        {"protocolBinding": "HTTP+JSON", "protocolVersion": "1.0", "url": "/rest"},
    ]
    card = {"name": "x", "supportedInterfaces": places}
    assert a2a.interface_of(card, "http://h").binding == "JSONRPC"


def test_a_program_that_keeps_the_conversation_is_not_cached(tmp_path):
    desk = Desk(OLD, [CREATE, BYE, CREATE, BYE])
    with StubServer(desk) as stub:
        for _ in range(2):
            assert played_at(stub, desk, cache=str(tmp_path)).reward_info.reward == 1
    assert len(desk.sent) == 4


def test_a_user_and_a_password_in_the_address_are_sent_as_a_header():
    desk = Desk(OLD, [BYE])
    with StubServer(desk) as stub:
        desk.stub = stub
        config = TextRunConfig(
            domain="mock",
            user="scripted_user",
            agent_url=stub.base_url.removesuffix("/v1").replace("http://", "http://me:pass-word@"),
            agent_protocol="a2a",
            max_retries=0,
        )
        (run,) = run_tasks(config, [mock_task("create_task_1")], console_display=False).simulations
        assert run.termination_reason == "agent_stop"
        authorizations = {request.headers.get("authorization") for request in stub.seen}
    assert authorizations == {"Basic bWU6cGFzcy13b3Jk"}
