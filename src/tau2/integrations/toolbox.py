"""What a trainer gives its agent in a domain: tools with `respond_user`, instructions, task ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from tau2.agent.llm_agent import standard_prompt
from tau2.environment.environment import Environment
from tau2.environment.tool import Tool, as_tool
from tau2.llm.wire import tools_to_wire
from tau2.rollout import RolloutSetup
from tau2.runner.tasks import get_tasks
from tau2.utils.json_types import JsonMapping, JsonObject

RESPOND_USER = "respond_user"
"""Name of the tool that speaks to the user.

In several trainers a reply without a tool call ends the episode.
"""

SPEAK_BY_TOOL = (
    "The customer hears only the text that you pass to the tool `respond_user`, and answers as its "
    "result. Speak to the customer with this tool every time; a reply without a tool call ends the "
    "conversation."
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
    """Return `respond_user` as a tool to describe; an `Episode` executes its calls."""
    return as_tool(respond_user)


_OF_ENVIRONMENTS = ("env_kwargs", "retrieval_config", "retrieval_config_kwargs")


def setup_for_tools(domain: str, options: JsonMapping) -> RolloutSetup:
    """Return a setup of environments alone, to describe tools and policy.

    `options` are those of `Episode`; what does not concern environments is not looked at.
    """
    return RolloutSetup(
        domain, **{name: options[name] for name in _OF_ENVIRONMENTS if name in options}
    )


def domain_tools(setup: RolloutSetup) -> list[Tool]:
    """Return the agent's tools in a domain, `respond_user` last, bound to a fresh environment."""
    return [*setup.new_environment().get_tools(), respond_user_tool()]


def schemas(tools: Sequence[Tool]) -> list[JsonObject]:
    """Return tools as schemas of OpenAI's API."""
    return tools_to_wire(list(tools)) or []


def instructions(environment: Environment) -> str:
    """Return the agent's system prompt, which tells it to speak through `respond_user`.

    The policy may depend on the task that the environment is prepared for.
    """
    return standard_prompt(environment.get_policy(), SPEAK_BY_TOOL)


def instructions_by_task(setup: RolloutSetup, ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each task's id and the agent's system prompt in it."""
    environment = setup.new_environment()
    for task_id in ids:
        if environment.prepares():
            environment.prepare(setup.find_task(task_id))
        yield task_id, instructions(environment)


@lru_cache(maxsize=64)
def task_ids(domain: str, split: str | None = None, count: int | None = None) -> tuple[str, ...]:
    """Return the ids of a domain's tasks, or of a split; only the first `count`.

    Raise UnknownName.
    """
    return tuple(task.id for task in get_tasks(domain, split, num_tasks=count))
