"""A real model under the grammar: every call that it makes validates, however small it is.

`TAU2_GENERATIONS=1000` asks for as many calls as the documentation reports.
"""

from __future__ import annotations

import itertools
import json
import os

from tau2.actions.plain_chat import PlainTurn
from tau2.environment.tool import Tool
from tau2.llm.local.constraint import ConstraintOptions, constraint
from tau2.llm.local.engine import Engine, Sampling
from tau2.registry import registry

GENERATIONS = int(os.environ.get("TAU2_GENERATIONS", "40"))
DOMAINS = ("mock", "retail", "airline", "telecom")


def all_tools() -> list[Tool]:
    """Return every tool of every domain, those of customers too."""
    tools: list[Tool] = []
    for domain in DOMAINS:
        made = registry.get_env_constructor(domain)()
        tools += made.get_tools()
        tools += made.get_user_tools() if made.user_tools is not None else []
    return tools


def test_every_call_parses_and_validates(engine: Engine) -> None:
    options = ConstraintOptions(follows_conversation=False)
    for number, tool in zip(range(GENERATIONS), itertools.cycle(all_tools())):
        bound = constraint([], [tool.openai_schema], tool_choice="required", options=options)
        prompt = engine.prompt_of([PlainTurn("user", f"Case {number}: {tool.name}")])
        sampling = Sampling(max_tokens=1500, temperature=1.0, seed=number, grammar=bound.grammar)
        generated = engine.generate(prompt, sampling)
        assert generated.finish_reason == "stop", generated.text
        [call] = bound.read(generated.text)["tool_calls"]
        assert call["function"]["name"] == tool.name
        tool.coerce(json.loads(call["function"]["arguments"]))
