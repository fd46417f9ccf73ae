"""The programs of examples/agent_programs, with their SDKs, on models that are scripts."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.agent_programs.test_serve_domain import VENVS, Served, folder
from tests.stub import StubServer, by_turn

__all__ = ["folder"]

pytest.importorskip("mcp", reason="make test-agents has environments with it")

PROGRAMS = Path(__file__).parents[2] / "examples" / "agent_programs"
TURNS = [
    {"name": "wait_for_user", "arguments": {}},
    {"name": "create_task", "arguments": {"user_id": "user_1", "title": "Important Meeting"}},
    {"name": "send_message_to_user", "arguments": {"message": "It is on your list."}},
    {"name": "end_conversation", "arguments": {"message": "Goodbye."}},
]
LAST = "The customer is served."


def ran(sdk, program, served, **environment):
    python = VENVS / sdk / "bin" / "python"
    if not python.is_file():
        pytest.skip(f"there is no environment {sdk}; make test-agents makes it")
    given = {"TAU2_MCP_URL": served.url, "TAU2_MCP_TOKEN": served.token, **environment}
    done = subprocess.run(
        [str(python), str(PROGRAMS / program), "scripted"],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def check(run):
    calls = [call.name for message in run.messages for call in message.calls]
    assert calls == ["create_task"]
    said = [message.content for message in run.messages if message.role == "assistant"]
    assert said[-2:] == ["It is on your list.", "Goodbye. ###STOP###"]
    assert (run.termination_reason, run.reward_info.reward) == ("agent_stop", 1)


@pytest.mark.parametrize(
    ("sdk", "program"),
    [("openai-agents", "openai_agents_sdk.py"), ("langgraph", "langgraph_agent.py")],
)
def test_an_sdk_of_openai_s_form(sdk, program):
    with Served("--task-ids", "create_task_1") as served, StubServer(by_turn(TURNS, LAST)) as model:
        settings = {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": "key"}
        assert ran(sdk, program, served, **settings) == LAST
        (run,) = served.ended()
        system = model.bodies[0]["messages"][0]
        tools = {tool["function"]["name"] for tool in model.bodies[0]["tools"]}
    check(run)
    assert "<policy>" in str(system["content"])
    assert {"send_message_to_user", "create_task"} <= tools


class Messages(BaseHTTPRequestHandler):
    """Anthropic's Messages API: the script's next turn."""

    seen: list

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append(body)
        turn = sum(message["role"] == "assistant" for message in body["messages"])
        content, reason = [{"type": "text", "text": LAST}], "end_turn"
        if turn < len(TURNS):
            made = TURNS[turn]
            use = {"type": "tool_use", "id": f"toolu_{turn}", "name": made["name"]}
            content, reason = [{**use, "input": made["arguments"]}], "tool_use"
        answer = {
            "id": f"msg_{turn}",
            "type": "message",
            "role": "assistant",
            "model": "scripted",
            "content": content,
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Stay quiet."""


def test_a_loop_over_anthropic_s_messages():
    handler = type("Scripted", (Messages,), {"seen": []})
    model = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=model.serve_forever, daemon=True).start()
    settings = {
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{model.server_port}",
        "ANTHROPIC_API_KEY": "key",
    }
    with Served("--task-ids", "create_task_1") as served:
        assert ran("anthropic", "anthropic_loop.py", served, **settings) == LAST
        (run,) = served.ended()
    model.shutdown()
    model.server_close()
    check(run)
    assert "<policy>" in handler.seen[0]["system"]
