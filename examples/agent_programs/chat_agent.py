"""An agent that is a program at a URL: OpenAI's chat completions API, with the standard library.

    python examples/agent_programs/chat_agent.py
    tau2 run --domain mock --user scripted_user --agent-url http://127.0.0.1:8001

It follows a script in place of a model: it creates the task that the customer asks for. Whatever
framework you use, this is all that it has to answer.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = os.environ.get("MY_AGENT_KEY")
"""What requests must show as a bearer token; the caller sets TAU2_AGENT_KEY to it."""

TITLE = re.compile(r"title '([^']+)'")
PERSON = re.compile(r"\b(user_\d+)\b")


def next_message(messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the agent does next: your model, your framework, your rules."""
    last = messages[-1]
    names = [tool["function"]["name"] for tool in tools]
    if last["role"] == "tool":
        return {"role": "assistant", "content": "It is done. Goodbye! ###STOP###"}
    title, person = TITLE.search(last["content"]), PERSON.search(last["content"])
    if title is None or person is None or "create_task" not in names:
        return {"role": "assistant", "content": "I can only create tasks. Goodbye! ###STOP###"}
    arguments = {"user_id": person.group(1), "title": title.group(1)}
    function = {"name": "create_task", "arguments": json.dumps(arguments)}
    call = {"id": f"call_{len(messages)}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


class ChatCompletions(BaseHTTPRequestHandler):
    """Answers POST /v1/chat/completions."""

    def do_POST(self) -> None:
        """Answer one turn; the request holds the whole conversation."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if KEY is not None and self.headers.get("Authorization") != f"Bearer {KEY}":
            self.answer(401, {"error": {"message": "wrong key"}})
        elif self.path != "/v1/chat/completions":
            self.answer(404, {"error": {"message": "POST to /v1/chat/completions"}})
        else:
            message = next_message(request["messages"], request.get("tools", []))
            self.answer(200, {"choices": [{"index": 0, "message": message}]})

    def answer(self, status: int, content: dict[str, Any]) -> None:
        """Send a response."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve on the loopback interface until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8001)
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), ChatCompletions)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
