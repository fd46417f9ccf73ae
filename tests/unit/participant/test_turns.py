"""Small questions about turns."""

from __future__ import annotations

import asyncio
from typing import Any

from tests import shop

from tau2.data_model.message import MultiToolMessage
from tau2.participant.turns import awaited, flat, is_async, load_prompt, overrides_sync


class Both:
    def generate_next_message(self, message: Any, state: Any) -> Any: ...

    async def agenerate_next_message(self, message: Any, state: Any) -> Any: ...


class Newer(Both):
    def _generate_next_message(self, message: Any, state: Any) -> Any: ...


class NewestAsync(Newer):
    async def agenerate_next_message(self, message: Any, state: Any) -> Any: ...


class Neither: ...


def test_the_most_specific_way_to_answer_wins() -> None:
    assert [overrides_sync(kind()) for kind in (Both, Newer, NewestAsync, Neither)] == [
        False,
        True,
        False,
        True,
    ]
    patched = NewestAsync()
    patched.generate_next_message = lambda message, state: None  # type: ignore[method-assign]
    assert overrides_sync(patched)


def test_what_was_heard_is_unwrapped() -> None:
    one, two = shop.result("a"), shop.result("b", "2")
    assert flat(None) == []
    assert flat(one) == [one]
    assert flat(MultiToolMessage(tool_messages=[one, two])) == [one, two]


def test_values_are_awaited_only_where_needed() -> None:
    async def later() -> int:
        return 2

    assert is_async(later)
    assert asyncio.run(awaited(later())) == 2
    assert asyncio.run(awaited(1)) == 1


def test_prompts_lie_beside_the_code() -> None:
    assert load_prompt("tau2.agent.llm_agent", "instruction.md").startswith("You are an agent")
