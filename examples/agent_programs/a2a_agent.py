"""An agent that is an A2A server, with the package a2a-sdk (0.3 or 1.x).

    pip install 'a2a-sdk[http-server]' uvicorn
    python examples/agent_programs/a2a_agent.py
    tau2 run --domain mock --user scripted_user \
        --agent-url http://127.0.0.1:8002 --agent-protocol a2a

It follows a script in place of a model: it creates the task that the customer asks for. A context
is a conversation; the server keeps what was said in it.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
from collections import defaultdict
from typing import Any

import uvicorn
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.tasks import InMemoryTaskStore
from a2a.types import AgentCapabilities, AgentCard, AgentSkill, Message, Part, Role

try:
    from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
    from a2a.types import AgentInterface
    from google.protobuf.json_format import MessageToDict
    from starlette.applications import Starlette

    IS_VERSION_1 = True
except ImportError:
    from a2a.server.apps import A2AStarletteApplication
    from a2a.types import TextPart

    IS_VERSION_1 = False

TITLE = re.compile(r"title '([^']+)'")
PERSON = re.compile(r"\b(user_\d+)\b")


def next_action(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the agent does next: your model, your framework, your rules."""
    last = messages[-1]
    if last["role"] == "tool":
        return {"name": "respond", "arguments": {"content": "It is done. Goodbye! ###STOP###"}}
    title, person = TITLE.search(last["content"]), PERSON.search(last["content"])
    if title is None or person is None:
        sorry = "I can only create tasks. Goodbye! ###STOP###"
        return {"name": "respond", "arguments": {"content": sorry}}
    return {
        "name": "create_task",
        "arguments": {"user_id": person.group(1), "title": title.group(1)},
    }


def data_of(message: Any) -> dict[str, Any]:
    """Return the data part of a message: `messages`, and first also `policy` and `tools`."""
    for part in message.parts:
        if IS_VERSION_1 and part.HasField("data"):
            return dict(MessageToDict(part.data))
        if not IS_VERSION_1 and part.root.kind == "data":
            return dict(part.root.data)
    raise ValueError("a message of tau2 has a data part")


class Desk(AgentExecutor):
    """Answers one message at a time."""

    def __init__(self) -> None:
        self.conversations: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Remember what is new, and answer with one action as JSON text."""
        messages = self.conversations[str(context.context_id)]
        messages += data_of(context.message)["messages"]
        action = next_action(messages)
        messages.append({"role": "assistant", "content": json.dumps(action)})
        about = {"message_id": f"answer-{len(messages)}", "context_id": context.context_id}
        if IS_VERSION_1:
            part = Part(text=json.dumps(action))
            answer = Message(**about, role=Role.ROLE_AGENT, parts=[part])
        else:
            part = Part(root=TextPart(text=json.dumps(action)))
            answer = Message(**about, role=Role.agent, parts=[part])
        await event_queue.enqueue_event(answer)

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """There is nothing to cancel: every answer comes at once."""


def application(url: str) -> Any:
    """Return the server's application, with the card that says where it is."""
    skill = AgentSkill(id="desk", name="Task desk", description="Creates tasks", tags=["tasks"])
    about = {
        "name": "Task desk",
        "description": "Creates tasks",
        "version": "1.0.0",
        "capabilities": AgentCapabilities(streaming=False),
        "default_input_modes": ["text/plain", "application/json"],
        "default_output_modes": ["text/plain"],
        "skills": [skill],
    }
    if not IS_VERSION_1:
        handler = DefaultRequestHandler(agent_executor=Desk(), task_store=InMemoryTaskStore())
        card = AgentCard(**about, url=url)
        return A2AStarletteApplication(agent_card=card, http_handler=handler).build()
    place = AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0")
    card = AgentCard(**about, supported_interfaces=[place])
    handler = DefaultRequestHandler(
        agent_executor=Desk(), task_store=InMemoryTaskStore(), agent_card=card
    )
    return Starlette(routes=[*create_agent_card_routes(card), *create_jsonrpc_routes(handler, "/")])


def main() -> None:
    """Serve on the loopback interface until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8002)
    listener = socket.create_server(("127.0.0.1", parser.parse_args().port))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(url, flush=True)
    config = uvicorn.Config(application(f"{url}/"), log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
