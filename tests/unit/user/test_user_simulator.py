"""The customer played by a model, and the stand-in where there is none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests import shop
from tests.unit.agent.test_llm_agent import Model

from tau2.data_model.message import AssistantMessage, MultiToolMessage, ToolCall, UserMessage
from tau2.data_model.persona import PersonaConfig
from tau2.errors import UserError
from tau2.user.user_simulator import (
    OUT_OF_SCOPE,
    STOP,
    TRANSFER,
    DummyUser,
    UserSimulator,
    UserState,
    get_global_user_sim_guidelines,
    make_user_simulator,
)
from tau2.user.user_simulator.forms import FIRST_TURN

STORY = "You want to cancel your order."


def user(model: Model, **kwargs: Any) -> UserSimulator:
    return UserSimulator(llm="any/model", instructions=STORY, completion_fn=model, **kwargs)


def turn(who: UserSimulator, message: Any, state: UserState, *, sync: bool = True) -> UserMessage:
    if sync:
        return who.generate_next_message(message, state)[0]
    return asyncio.run(who.agenerate_next_message(message, state))[0]


both_ways = pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])


@both_ways
def test_the_models_words_are_the_customers_and_roles_are_flipped(sync: bool) -> None:
    model = Model("I want to cancel", "Yes")
    who = user(model)
    state = who.get_init_state([])
    reply = turn(who, shop.says("Hi!"), state, sync=sync)
    turn(who, shop.says("Sure?"), state, sync=sync)
    assert isinstance(reply, UserMessage)
    system, *asked = model.asked[1]["messages"]
    assert [(m["role"], m["content"]) for m in asked] == [
        ("user", FIRST_TURN),
        ("assistant", "I want to cancel"),
        ("user", "Sure?"),
    ]
    assert STORY in system["content"]
    assert "Hi!" in system["content"]
    assert "tools" not in model.asked[0] or model.asked[0]["tools"] is None


@both_ways
def test_tool_calls_become_the_customers_own_and_results_come_back(sync: bool) -> None:
    model = Model(["check_status_bar"], "It says no signal")
    who = user(model, tools=shop.phone())
    state = who.get_init_state([])
    reply = turn(who, shop.says("What do you see?"), state, sync=sync)
    assert [(c.name, c.requestor) for c in reply.tool_calls or ()] == [("check_status_bar", "user")]
    result = shop.result("No signal", "c0", requestor="user")
    turn(who, MultiToolMessage(tool_messages=[result]), state, sync=sync)
    assert [m["role"] for m in model.asked[1]["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]


@both_ways
def test_a_subclass_may_replace_the_inner_turn(sync: bool) -> None:
    class Shouting(UserSimulator):
        def _generate_next_message(self, message: Any, state: UserState) -> UserMessage:
            return UserMessage(content="AAAH")

    who = Shouting(llm="m", instructions=STORY)
    assert turn(who, shop.says("Hi"), who.get_init_state(), sync=sync).content == "AAAH"


def test_arguments_are_understood_in_both_public_orders() -> None:
    tools = shop.phone()
    old = UserSimulator(tools, STORY, "m")
    new = UserSimulator("m", STORY, tools)
    named = UserSimulator(tools=None, instructions=STORY, llm="m", persona_config=None)
    assert (old.llm, old.tools) == (new.llm, new.tools) == ("m", tools)
    assert (named.llm, named.tools, named.instructions) == ("m", None, STORY)


def test_the_guidelines_come_in_two_variants_and_know_the_tokens() -> None:
    plain, with_tools = (
        get_global_user_sim_guidelines(),
        get_global_user_sim_guidelines(use_tools=True),
    )
    assert plain != with_tools
    for text in (plain, with_tools):
        assert all(
            token in text for token in (STOP, TRANSFER, OUT_OF_SCOPE, "<PERSONA_GUIDELINES>")
        )
    assert "tool" not in plain


def test_the_persona_reaches_the_prompt() -> None:
    manner = PersonaConfig(verbosity="minimal")
    assert manner.to_guidelines_text() in user(Model(), persona_config=manner).system_prompt
    assert (
        manner.to_guidelines_text()
        in user(Model(), persona_config={"verbosity": "minimal"}).system_prompt
    )
    assert "<PERSONA_GUIDELINES>" not in user(Model()).system_prompt


def test_breaches_of_the_protocol_are_user_errors() -> None:
    who = user(Model(["check_status_bar"]))
    with pytest.raises(UserError, match="no tools"):
        turn(who, shop.says("Hi"), who.get_init_state())
    with pytest.raises(UserError, match="never speaks first"):
        turn(who, None, who.get_init_state())
    with pytest.raises(UserError, match="audio"):
        turn(who, AssistantMessage.voice(b"RIFF"), who.get_init_state())
    calls = AssistantMessage(tool_calls=[ToolCall(name="cancel_order", arguments={})])
    with pytest.raises(UserError, match="cannot see"):
        turn(who, calls, who.get_init_state())
    with pytest.raises(UserError, match="cannot see"):
        who.get_init_state([shop.result("the agent's")])
    with pytest.raises(UserError, match="no instructions"):
        UserSimulator(llm="m").get_init_state()


def test_a_failed_turn_leaves_the_state_as_it_was() -> None:
    who = user(Model(["check_status_bar"]))
    state = who.get_init_state([])
    with pytest.raises(UserError):
        turn(who, shop.says("Hi"), state)
    assert state.messages == []


def test_only_tokens_in_the_text_end_the_conversation() -> None:
    call = ToolCall(name="check_status_bar", arguments={}, requestor="user")
    assert all(
        UserSimulator.is_stop(UserMessage(content=f"Bye {t}"))
        for t in (STOP, TRANSFER, OUT_OF_SCOPE)
    )
    assert not UserSimulator.is_stop(UserMessage(content="Bye"))
    assert not UserSimulator.is_stop(UserMessage(content="Bye", reasoning_content=STOP))
    assert not UserSimulator.is_stop(UserMessage(content=STOP, tool_calls=[call]))


def test_the_seed_stays_out_of_the_callers_arguments() -> None:
    shared = {"temperature": 0.0}
    who = make_user_simulator(task=shop.task(), llm="m", llm_args=shared, seed=5, tools=None)
    assert who.llm_args == {"temperature": 0.0, "seed": 5}
    assert shared == {"temperature": 0.0}
    assert "cancel your order #S100" in who.system_prompt


def test_the_dummy_is_built_like_any_user_and_never_speaks() -> None:
    dummy = DummyUser(
        tools=[], instructions="x", llm="m", llm_args={}, persona_config=None, whatever=1
    )
    dummy.set_seed(1)
    state = dummy.get_init_state([shop.says("Hi")])
    assert dummy.is_stop(UserMessage(content="x")) is False
    with pytest.raises(UserError, match="no user"):
        dummy.generate_next_message(shop.says("Hi"), state)
