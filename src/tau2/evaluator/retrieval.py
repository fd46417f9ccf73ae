"""What an agent looked up in an episode: graded beside the reward, which does not depend on it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel, Field

from tau2.data_model.message import AssistantMessage, Message, ToolCall, ToolMessage
from tau2.data_model.simulation import SimulationRun
from tau2.data_model.tasks import Task
from tau2.environment.environment import Environment
from tau2.environment.history import Waiting

KNOWLEDGE_TOOLS = frozenset({"KB_search", "KB_search_bm25", "KB_search_dense", "grep", "shell"})
"""By these tools documents are found, in every domain."""
_UNLOCK = "unlock_discoverable_agent_tool"
_CALL = "call_discoverable_agent_tool"
_TOOL_NAME = "agent_tool_name"
_PREPARES = frozenset({_UNLOCK, "log_verification", "give_discoverable_user_tool"})
"""Calls that change the state, but settle nothing the customer asks for."""

# Results of other implementations carry no metadata. An id stands in a line of its own.
_ID_LINE = re.compile(r"^ID: ([^\s]{1,200})$", re.MULTILINE)
# The files of a shell have the names of documents.
_FILE_NAME = re.compile(r"\b([A-Za-z0-9_-]{1,200})\.md\b")


class RetrievalRecord(BaseModel):
    """How the agent of one episode used the knowledge base."""

    required: int
    """Documents that the task needs."""
    found: list[str] = Field(default_factory=list)
    """Those that the agent saw, in the order in which it did."""
    missing: list[str] = Field(default_factory=list)
    """Those that it never saw."""
    searches: int = 0
    """Calls of tools that find documents."""
    documents_read: int = 0
    """Different documents that the agent saw."""
    acted_unread: bool = False
    """It changed something before it had seen any document that the task needs."""
    answered_unread: bool = False
    """It changed nothing, and ended without having seen any document that the task needs."""
    unlocked_unused: list[str] = Field(default_factory=list)
    """Discoverable tools that were unlocked and never called."""

    @property
    def recall(self) -> float:
        """The share of the required documents that the agent saw."""
        return len(self.found) / self.required


def retrieval_record(
    run: SimulationRun, task: Task, environment: Environment
) -> RetrievalRecord | None:
    """Return what the agent looked up; None for a task that names no required documents.

    Args:
        run: The finished simulation.
        task: Its task, with the ids of the required documents.
        environment: A prepared environment, for facts about tools and documents.
    """
    required = list(dict.fromkeys(task.required_documents or ()))
    if not required:
        return None
    seen: dict[str, None] = dict.fromkeys(_in_prompt(required, environment))
    searches = 0
    unlocked: dict[str, None] = {}
    acted_unread = has_acted = False
    for call, result in _agent_calls(run.get_messages()):
        if call.name in KNOWLEDGE_TOOLS:
            searches += 1
            seen.update(dict.fromkeys(documents_shown(call, result)))
        elif call.name == _UNLOCK and not result.error:
            unlocked[str(call.arguments.get(_TOOL_NAME))] = None
        elif call.name == _CALL:
            unlocked.pop(str(call.arguments.get(_TOOL_NAME)), None)
        if _acts(call, environment):
            has_acted = True
            acted_unread = acted_unread or seen.keys().isdisjoint(required)
    return RetrievalRecord(
        required=len(required),
        found=[name for name in seen if name in required],
        missing=[name for name in required if name not in seen],
        searches=searches,
        documents_read=len(seen),
        acted_unread=acted_unread,
        answered_unread=not has_acted and seen.keys().isdisjoint(required),
        unlocked_unused=list(unlocked),
    )


def _in_prompt(required: list[str], environment: Environment) -> list[str]:
    """Return the documents that stand in the agent's policy."""
    knowledge = getattr(environment.tools, "knowledge", None)
    if knowledge is None:
        return []
    placed = knowledge.variant.documents_in_prompt
    if placed == "all":
        return [document.id for document in knowledge.documents]
    return required if placed == "required" else []


def _agent_calls(messages: list[Message]) -> Iterator[tuple[ToolCall, ToolMessage]]:
    """Yield the agent's tool calls with their results, in the order of the results."""
    waiting: Waiting[ToolCall] = Waiting()
    for message in messages:
        if isinstance(message, ToolMessage):
            call = waiting.take(message.id)
            if call is not None:
                yield call, message
        elif isinstance(message, AssistantMessage):
            waiting.add((call.id, call) for call in message.calls)


def documents_shown(call: ToolCall, result: ToolMessage) -> list[str]:
    """Return the ids of the documents whose text a tool showed."""
    if result.error:
        return []
    known = (result.metadata or {}).get("documents")
    if isinstance(known, list):
        return [name for name in known if isinstance(name, str)]
    text = result.content or ""
    if call.name != "shell":
        return _ID_LINE.findall(text)
    # A listing names files without showing them; the command that shows one names it, too.
    command = call.arguments.get("command")
    return _FILE_NAME.findall(command) if isinstance(command, str) and text.strip() else []


def _acts(call: ToolCall, environment: Environment) -> bool:
    """Return whether a call may change what the customer asked about."""
    toolkit = environment.tools
    if toolkit is None or call.name in KNOWLEDGE_TOOLS or call.name in _PREPARES:
        return False
    if call.name == _CALL:
        name = str(call.arguments.get(_TOOL_NAME))
        return not toolkit.has_tool(name) or toolkit.tool_mutates_state(name)
    return toolkit.has_tool(call.name) and toolkit.tool_mutates_state(call.name)
