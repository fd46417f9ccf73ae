"""What a trainer's agent is given in a domain: the tools, `respond_user` among them, the instructions, the tasks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tau2.agent.llm_agent import AGENT_INSTRUCTION, SYSTEM_PROMPT
from tau2.environment.tool import Tool, as_tool
from tau2.llm.wire import tools_to_wire
from tau2.rollout import Cast
from tau2.runner.tasks import get_tasks

RESPOND_USER = "respond_user"
"""Name of the tool whose text the customer hears, for trainers in which a reply without a call ends the episode."""

SPEAK_BY_TOOL = (
    "The customer hears only the text that you pass to the tool `respond_user`, and answers as its result. "
    "Speak to the customer with this tool every time; a reply without a tool call ends the conversation."
)


def respond_user(text: str) -> str:
    """Say something to the customer and wait for the answer.

    Args:
        text: What the customer hears.

    Returns:
        What the customer answers.
    """
    return text


def respond_user_tool() -> Tool:
    """Return `respond_user` as a description; an `Episode` carries it out."""
    return as_tool(respond_user)


def domain_tools(cast: Cast) -> list[Tool]:
    """Return the agent's tools in a domain, `respond_user` last, bound to a world that nobody plays."""
    return [*cast.environment().get_tools(), respond_user_tool()]


def schemas(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """Return tools in the form of OpenAI's API."""
    return tools_to_wire(list(tools)) or []


def instructions(cast: Cast, *, by_tool: bool) -> str:
    """Return the agent's system prompt; `by_tool`: it speaks through `respond_user`."""
    agent_instruction = f"{AGENT_INSTRUCTION}\n\n{SPEAK_BY_TOOL}" if by_tool else AGENT_INSTRUCTION
    return SYSTEM_PROMPT.format(
        agent_instruction=agent_instruction, domain_policy=cast.environment().get_policy()
    )


@lru_cache(maxsize=64)
def task_ids(domain: str, split: str | None = None, count: int | None = None) -> tuple[str, ...]:
    """Return the ids of a domain's tasks, of a split, cut to the first `count`. Raise UnknownName."""
    return tuple(task.id for task in get_tasks(domain, split, num_tasks=count))
