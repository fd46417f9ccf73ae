"""Which method takes a turn, and the helpers that agents and users share."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests import shop

from tau2.data_model.message import MultiToolMessage
from tau2.errors import ParticipantError
from tau2.participant.turns import (
    flat,
    has_async_inner_turn,
    is_async,
    load_prompt,
    overrides_sync,
    run_on_own_loop,
)


class Both:
    def generate_next_message(self, message: Any, state: Any) -> Any: ...

    async def agenerate_next_message(self, message: Any, state: Any) -> Any: ...


class Newer(Both):
    def _generate_next_message(self, message: Any, state: Any) -> Any: ...


class NewestAsync(Newer):
    async def agenerate_next_message(self, message: Any, state: Any) -> Any: ...


class AsyncInner(Both):
    async def _generate_next_message(self, message: Any, state: Any) -> Any: ...


class Replaced(AsyncInner):
    def generate_next_message(self, message: Any, state: Any) -> Any: ...


class Neither: ...


def test_the_most_specific_method_decides_whether_a_turn_is_synchronous() -> None:
    decided = {kind.__name__: overrides_sync(kind()) for kind in (Both, Newer, NewestAsync)}
    assert decided == {"Both": False, "Newer": True, "NewestAsync": False}
    assert not overrides_sync(AsyncInner())
    assert overrides_sync(Replaced())
    assert overrides_sync(Neither())


def test_a_method_replaced_on_one_object_counts() -> None:
    patched = NewestAsync()
    patched.generate_next_message = lambda message, state: None  # type: ignore[method-assign]
    assert overrides_sync(patched)


def test_an_async_inner_turn_counts_unless_the_outer_one_is_replaced() -> None:
    assert has_async_inner_turn(AsyncInner())
    for other in (Both(), Newer(), Replaced(), Neither()):
        assert not has_async_inner_turn(other)


def test_flat_unwraps_the_results_of_several_calls() -> None:
    one, two = shop.result("a"), shop.result("b", "2")
    assert flat(None) == []
    assert flat(one) == [one]
    assert flat(MultiToolMessage(tool_messages=[one, two])) == [one, two]


async def later() -> int:
    return 2


def test_only_coroutine_functions_are_async() -> None:
    assert is_async(later)
    assert not is_async(shop.result)


def test_a_coroutine_runs_on_a_loop_of_its_own_where_none_is_running() -> None:
    assert run_on_own_loop(later(), Both()) == 2

    async def inside() -> int:
        return run_on_own_loop(later(), Both())

    with pytest.raises(ParticipantError, match="Both is asynchronous"):
        asyncio.run(inside())


def test_load_prompt_reads_a_file_of_the_package() -> None:
    assert load_prompt("tau2.agent.llm_agent", "instruction.md").startswith("You are an agent")
