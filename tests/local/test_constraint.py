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


def all_tools() -> list[Tool]:
    """Return every tool of every domain: those of customers, and those that are discovered, too."""
    tools: dict[str, Tool] = {}
    for domain in registry.get_domains():
        made = registry.get_env_constructor(domain)()
        for toolkit in (made.tools, made.user_tools):
            if toolkit is None:
                continue
            named = [*toolkit.get_tools().values(), *toolkit.get_discoverable_tools().values()]
            # Two forms of a domain have the same tools.
            tools |= {json.dumps(tool.openai_schema, sort_keys=True): tool for tool in named}
    return list(tools.values())


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
