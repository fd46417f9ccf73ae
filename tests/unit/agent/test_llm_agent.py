"""The agents driven by a model: what they send, what they remember, what subclasses may replace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests import shop

from tau2.agent.base_agent import HalfDuplexAgent
from tau2.agent.llm_agent import (
    AGENT_INSTRUCTION,
    SYSTEM_PROMPT,
    LLMAgent,
    LLMAgentState,
    LLMGTAgent,
    LLMSoloAgent,
    create_llm_agent,
    create_llm_gt_agent,
    create_llm_solo_agent,
    is_valid_agent_history_message,
)
from tau2.data_model.message import (
    AssistantMessage,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.errors import AgentError, ParticipantError
from tau2.participant.drive import areply, reply


class Model:
    """A completion function that answers from a script and keeps what it was asked."""

    def __init__(self, *replies: Any) -> None:
        self.replies, self.asked = list(replies), []

    def __call__(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        return {"choices": [{"message": {"role": "assistant", **_message(self.replies.pop(0))}}]}


def _message(reply: Any) -> dict[str, Any]:
    if isinstance(reply, str):
        return {"content": reply}
    if isinstance(reply, dict):
        return reply
    calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": "{}"}}
        for n, name in enumerate(reply)
    ]
    return {"content": None, "tool_calls": calls}


def agent(model: Model, **kwargs: Any) -> LLMAgent:
    return LLMAgent(shop.tools(), shop.POLICY, llm="any/model", completion_fn=model, **kwargs)


def turn(who: LLMAgent, message: Any, state: Any, *, sync: bool) -> AssistantMessage:
    if sync:
        return who.generate_next_message(message, state)[0]
    return asyncio.run(who.agenerate_next_message(message, state))[0]


both_ways = pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])


@both_ways
def test_a_turn_sends_prompt_history_and_tools_and_remembers_both_messages(sync: bool) -> None:
    model = Model("Sure.")
    who = agent(model, llm_args={"temperature": 0.5})
    state = who.get_init_state([shop.says("Hi!")])
    reply = turn(who, shop.hears("Cancel it"), state, sync=sync)
    [asked] = model.asked
    assert reply.content == "Sure."
    assert [m["role"] for m in asked["messages"]] == ["system", "assistant", "user"]
    assert shop.POLICY in asked["messages"][0]["content"]
    assert {tool["function"]["name"] for tool in asked["tools"]} >= {"cancel_order", "get_order"}
    assert asked["temperature"] == 0.5
    assert shop.transcript(state.messages) == [
        "assistant: Hi!",
        "user: Cancel it",
        "assistant: Sure.",
    ]


@both_ways
def test_several_tool_results_are_remembered_one_by_one(sync: bool) -> None:
    who = agent(Model(["get_order", "get_order"], "Done."))
    state = who.get_init_state([])
    turn(who, shop.hears("Look"), state, sync=sync)
    results = MultiToolMessage(tool_messages=[shop.result("a", "c0"), shop.result("b", "c1")])
    turn(who, results, state, sync=sync)
    assert [m.role for m in state.messages] == ["user", "assistant", "tool", "tool", "assistant"]


@both_ways
def test_a_failed_call_leaves_the_state_as_it_was(sync: bool) -> None:
    def broken(**_: Any) -> Any:
        raise ConnectionError("down")

    who = LLMAgent(
        shop.tools(), "policy", llm="m", llm_args={"num_retries": 0}, completion_fn=broken
    )
    state = who.get_init_state([])
    with pytest.raises(Exception, match="down"):
        turn(who, shop.hears("Hello"), state, sync=sync)
    assert state.messages == []


def test_the_prompt_is_made_of_public_parts() -> None:
    who = agent(Model())
    assert who.system_prompt == SYSTEM_PROMPT.format(
        agent_instruction=AGENT_INSTRUCTION, domain_policy=shop.POLICY
    )
    [system] = who.get_init_state().system_messages
    assert system.content == who.system_prompt


@both_ways
def test_a_subclass_may_replace_the_prompt(sync: bool) -> None:
    class Terse(LLMAgent):
        @property
        def system_prompt(self) -> str:
            return "Be terse."

    model = Model("Ok.")
    who = Terse(shop.tools(), "policy", llm="m", completion_fn=model)
    turn(who, shop.hears("Hi"), who.get_init_state(), sync=sync)
    assert model.asked[0]["messages"][0]["content"] == "Be terse."


@both_ways
def test_a_subclass_may_replace_the_inner_turn(sync: bool) -> None:
    class Loud(LLMAgent):
        def _generate_next_message(self, message: Any, state: LLMAgentState) -> AssistantMessage:
            reply = super()._generate_next_message(message, state)
            return reply.model_copy(update={"content": f"{reply.content}!"})

    who = Loud(shop.tools(), "policy", llm="m", completion_fn=Model("Yes"))
    state = who.get_init_state()
    assert turn(who, shop.hears("Hi"), state, sync=sync).content == "Yes!"
    assert shop.transcript(state.messages) == ["user: Hi", "assistant: Yes!"]


@both_ways
def test_one_object_may_be_patched(sync: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    who = agent(Model())
    monkeypatch.setattr(who, "_generate_next_message", lambda message, state: shop.says("patched"))
    assert turn(who, shop.hears("Hi"), who.get_init_state(), sync=sync).content == "patched"


class Waiting(LLMAgent):
    async def _generate_next_message(self, message: Any, state: Any) -> AssistantMessage:  # type: ignore[override]
        await asyncio.sleep(0)
        return shop.says("after a while")


@both_ways
def test_a_subclass_may_make_the_inner_turn_asynchronous(sync: bool) -> None:
    who = Waiting(shop.tools(), "policy", llm="m")
    state = who.get_init_state()
    assert turn(who, shop.hears("Hi"), state, sync=sync).content == "after a while"
    assert shop.transcript(state.messages) == ["assistant: after a while"]


def test_both_drivers_ask_a_subclass_with_an_asynchronous_inner_turn() -> None:
    who = Waiting(shop.tools(), "policy", llm="m")
    asked = who, shop.hears("Hi"), who.get_init_state()
    assert reply(*asked)[0].content == "after a while"
    assert asyncio.run(areply(*asked))[0].content == "after a while"


def test_a_blocking_turn_of_an_asynchronous_agent_inside_a_loop_names_the_way_out() -> None:
    who = Waiting(shop.tools(), "policy", llm="m")

    async def inside() -> None:
        who.generate_next_message(shop.hears("Hi"), who.get_init_state())

    with pytest.raises(ParticipantError, match=r"await .*agenerate_next_message"):
        asyncio.run(inside())


def test_agent_classes_are_generic_in_their_state() -> None:
    class Own(HalfDuplexAgent["OwnState"]): ...

    assert issubclass(Own, HalfDuplexAgent)
    assert issubclass(LLMAgent, HalfDuplexAgent)


def test_the_seed_goes_to_the_model_and_not_into_the_callers_arguments() -> None:
    shared = {"temperature": 0.0}
    model = Model("a", "b")
    one, two = agent(model, llm_args=shared), agent(model, llm_args=shared)
    one.set_seed(7)
    turn(one, shop.hears("Hi"), one.get_init_state(), sync=True)
    turn(two, shop.hears("Hi"), two.get_init_state(), sync=True)
    assert model.asked[0]["seed"] == 7
    assert "seed" not in model.asked[1]
    assert shared == {"temperature": 0.0}


@pytest.mark.parametrize(("keep", "expected"), [(True, "I think"), (False, None)])
def test_reasoning_is_kept_and_replayed_only_on_request(keep: bool, expected: str | None) -> None:
    model = Model({"content": "One", "reasoning_content": "I think"}, "Two")
    who = agent(model, llm_args={"keep_reasoning": keep})
    state = who.get_init_state()
    assert turn(who, shop.hears("Hi"), state, sync=True).reasoning_content == "I think"
    turn(who, shop.hears("And?"), state, sync=True)
    assert model.asked[1]["messages"][2].get("reasoning_content") == expected


def test_audio_is_refused_with_a_clear_error() -> None:
    who = agent(Model())
    with pytest.raises(AgentError, match="audio"):
        turn(who, UserMessage.voice(b"RIFF"), who.get_init_state(), sync=True)


def test_history_holds_only_what_an_agent_sees() -> None:
    call = ToolCall(id="1", name="check_status_bar", arguments={}, requestor="user")
    theirs = UserMessage(tool_calls=[call])
    assert not is_valid_agent_history_message(theirs)
    assert not is_valid_agent_history_message(ToolMessage(id="1", content="x", requestor="user"))
    assert is_valid_agent_history_message(shop.result("x"))
    with pytest.raises(AgentError, match="cannot see"):
        agent(Model()).get_init_state([theirs])


def test_factories_read_only_what_they_know() -> None:
    who = create_llm_agent(
        shop.tools(), "policy", llm="m", llm_args={"a": 1}, seed=3, audio_taps_dir=None, task=None
    )
    assert (who.llm, who.llm_args) == ("m", {"a": 1, "seed": 3})


# The agent that knows the solution


def test_the_ground_truth_prompt_has_the_steps_of_agent_and_user() -> None:
    task = shop.task(*shop.CANCEL, shop.act("toggle_airplane_mode", by="user"))
    prompt = create_llm_gt_agent(shop.tools(), shop.POLICY, task=task, llm="m").system_prompt
    assert "[Step 2] Perform the following action: get_order(order_id=#S100)." in prompt
    assert (
        "[Step 4] Instruct the user to perform the following action: toggle_airplane_mode()."
        in prompt
    )
    assert shop.POLICY in prompt


def test_the_ground_truth_prompt_may_have_names_without_arguments() -> None:
    who = LLMGTAgent(shop.tools(), "policy", shop.task(), "m", provide_function_args=False)
    assert "[Step 2] Perform the following action: get_order." in who.system_prompt


def test_the_ground_truth_agent_needs_reference_actions() -> None:
    empty = shop.task(evaluation_criteria=None)
    assert not LLMGTAgent.check_valid_task(empty)
    with pytest.raises(AgentError, match="no reference actions"):
        LLMGTAgent(shop.tools(), "policy", empty, "m")
    with pytest.raises(AgentError, match="task="):
        create_llm_gt_agent(shop.tools(), "policy")


# The agent without a user


def solo(model: Callable[..., Any], tools: Any = None) -> LLMSoloAgent:
    return LLMSoloAgent(
        tools if tools is not None else shop.tools(),
        "policy",
        shop.task(),
        "m",
        completion_fn=model,
    )


def test_the_solo_agent_works_on_the_ticket_and_must_call_tools() -> None:
    model = Model(["get_order"])
    who = solo(model)
    reply = turn(who, None, who.get_init_state(), sync=True)
    assert reply.is_tool_call()
    assert model.asked[0]["tool_choice"] == "required"
    assert "done" in {tool["function"]["name"] for tool in model.asked[0]["tools"]}
    assert "Cancel order #S100." in model.asked[0]["messages"][0]["content"]


def test_the_callers_tool_list_stays_as_it_is() -> None:
    tools = shop.tools()
    first, second = solo(Model(), tools), solo(Model(), tools)
    assert "done" not in {tool.name for tool in tools}
    assert [tool.name for tool in first.tools].count("done") == 1
    assert [tool.name for tool in second.tools].count("done") == 1


@both_ways
def test_done_ends_the_episode(sync: bool) -> None:
    who = solo(Model(["done"]))
    reply = turn(who, shop.result("ok"), who.get_init_state(), sync=sync)
    assert reply.content == "###STOP###"
    assert reply.tool_calls is None
    assert who.is_stop(reply)


@both_ways
def test_tools_called_together_with_done_are_executed_first(sync: bool) -> None:
    model = Model(["cancel_order", "done"])
    who = solo(model)
    state = who.get_init_state()
    reply = turn(who, None, state, sync=sync)
    assert [call.name for call in reply.tool_calls or ()] == ["cancel_order"]
    assert not who.is_stop(reply)
    assert who.is_stop(turn(who, shop.result("cancelled", "c0"), state, sync=sync))
    assert len(model.asked) == 1, "the model said it was done; it is not asked again"


def test_a_failed_call_together_with_done_gives_the_model_another_turn() -> None:
    who = solo(Model(["cancel_order", "done"], ["get_order"]))
    state = who.get_init_state()
    turn(who, None, state, sync=True)
    reply = turn(who, shop.result("Error: no", "c0", error=True), state, sync=True)
    assert [call.name for call in reply.tool_calls or ()] == ["get_order"]


def test_a_solo_agent_may_write_only_the_stop_token() -> None:
    who = solo(Model("Let me see"))
    with pytest.raises(AgentError, match="must call a tool"):
        turn(who, None, who.get_init_state(), sync=True)
    who = solo(Model("###STOP###"))
    assert who.is_stop(turn(who, None, who.get_init_state(), sync=True))
    with pytest.raises(AgentError, match="no user"):
        turn(who, shop.hears("Hello?"), who.get_init_state(), sync=True)


def test_a_solo_task_needs_a_ticket_and_a_history_without_texts() -> None:
    talk = {"message_history": [shop.hears("Hi")]}
    assert LLMSoloAgent.check_valid_task(shop.task())
    assert not LLMSoloAgent.check_valid_task(shop.task(ticket=None))
    assert not LLMSoloAgent.check_valid_task(shop.task(initial_state=talk))
    with pytest.raises(AgentError, match="solo"):
        create_llm_solo_agent(shop.tools(), "policy", task=shop.task(ticket=None), llm="m")
