"""The baseline agents: they do nothing, transfer, or act at random."""

from __future__ import annotations

from typing import Any

from tests import shop

from tau2.agent.baselines import HandoverAgent, LazyAgent, RandomAgent
from tau2.data_model.message import AssistantMessage


def first(agent: Any, text: str = "I want a lamp") -> AssistantMessage:
    return agent.generate_next_message(shop.hears(text), agent.get_init_state([]))[0]


def test_the_lazy_agent_ends_politely_at_once() -> None:
    reply = first(LazyAgent(shop.tools(), "policy"))
    assert LazyAgent.is_stop(reply)
    assert "sorry" in (reply.content or "")


def test_the_handover_agent_transfers_once_and_ends() -> None:
    agent = HandoverAgent(shop.tools(), "policy")
    state = agent.get_init_state([shop.says("Hi! How can I help you today?")])
    call, state = agent.generate_next_message(shop.hears("Hi"), state)
    assert [(c.name, list(c.arguments)) for c in call.tool_calls or ()] == [
        ("transfer_to_human_agents", ["summary"])
    ]
    end, _ = agent.generate_next_message(shop.result("Transfer successful"), state)
    assert agent.is_stop(end)


def test_without_a_transfer_tool_the_handover_agent_ends() -> None:
    assert HandoverAgent.is_stop(first(HandoverAgent([], "policy")))


def run_random(seed: int) -> list[Any]:
    environment = shop.environment()
    agent = RandomAgent(environment.get_tools(), "policy")
    agent.set_seed(seed)
    state, observation, made = agent.get_init_state([]), shop.hears("I am Ada, order #S100"), []
    for _ in range(50):
        reply, state = agent.generate_next_message(observation, state)
        if agent.is_stop(reply):
            return made
        [call] = reply.tool_calls or ()
        observation = environment.get_response(call)
        made.append((call.name, call.arguments, observation.content))
    raise AssertionError("it never ended")


def test_the_random_agent_makes_calls_that_fit_the_schemas() -> None:
    made = [call for seed in range(8) for call in run_random(seed)]
    assert {name for name, _, _ in made} == {tool.name for tool in shop.tools()}
    assert not [content for _, _, content in made if "invalid arguments" in (content or "")]
    reasons = {arguments["reason"] for name, arguments, _ in made if name == "cancel_order"}
    assert reasons == {"no longer needed", "ordered by mistake"}


def test_the_random_agent_follows_its_seed() -> None:
    assert run_random(1) == run_random(1)
    assert run_random(1) != run_random(2)


def test_the_random_agent_fills_nested_schemas() -> None:
    from tau2.environment.tool import as_tool

    def book(
        passengers: list[dict[str, str]],
        bags: int,
        paid: float,
        insured: bool,
        note: str | None = None,
    ) -> str:
        return "booked"

    agent = RandomAgent([as_tool(book)], "policy")
    for seed in range(20):
        agent.set_seed(seed)
        [call] = first(agent).tool_calls or ()
        assert as_tool(book).coerce(call.arguments) == call.arguments


def test_without_tools_the_random_agent_ends() -> None:
    assert RandomAgent.is_stop(first(RandomAgent([], "policy")))
