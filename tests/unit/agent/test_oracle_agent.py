"""The oracle does what the task says, as a conversation, whatever the customer answers."""

from __future__ import annotations

from typing import Any

import pytest
from tests import shop

from tau2.agent.oracle_agent import OracleAgent, create_oracle_agent
from tau2.agent.oracle_agent.glossary import notes_in
from tau2.agent.oracle_agent.speech import transfer_sentence
from tau2.data_model.message import AssistantMessage, Message, ToolCall, ToolMessage
from tau2.data_model.tasks import Task
from tau2.errors import AgentError
from tau2.user.scripted_user.understanding import Act, understand

MOST_TURNS = 40


def oracle(task: Task) -> OracleAgent:
    return OracleAgent(tools=shop.tools(), domain_policy=shop.POLICY, task=task)


def talk(
    task: Task, *answers: str, errors: frozenset[str] = frozenset(), last: str = "ok"
) -> list[AssistantMessage]:
    """Play the oracle against fixed answers; every tool works but those in `errors`."""
    agent = oracle(task)
    state = agent.get_init_state([])
    queue, said = list(answers), []
    heard: Any = shop.hears(queue.pop(0) if queue else last)
    for _ in range(MOST_TURNS):
        reply, state = agent.generate_next_message(heard, state)
        said.append(reply)
        if agent.is_stop(reply):
            break
        if reply.tool_calls:
            call = reply.tool_calls[0]
            failed = call.name in errors
            heard = ToolMessage(
                id=call.id, content="Error: it is broken" if failed else "{}", error=failed
            )
        else:
            heard = shop.hears(queue.pop(0) if queue else last)
    return said


def names(said: list[AssistantMessage]) -> list[str]:
    return [call.name for message in said for call in message.tool_calls or ()]


def texts(said: list[AssistantMessage]) -> list[str]:
    return [message.content for message in said if message.content]


def test_a_resumed_oracle_continues_the_numbering_of_its_calls() -> None:
    agent = oracle(shop.task())
    history: list[Message] = []
    made: list[str] = []
    for _ in range(3):
        reply, _ = agent.generate_next_message(
            shop.hears("I am Ada, 12345. Yes."), agent.get_init_state(history)
        )
        made += [call.id for call in reply.tool_calls or ()]
        history.append(reply)
    assert made == ["call00100", "call00200"]


def test_it_identifies_looks_up_proposes_waits_writes_and_reports() -> None:
    said = talk(shop.task(), "Cancel my lamp", "I am Ada, 12345", "Yes, please")
    assert names(said) == ["find_customer", "get_order", "cancel_order"]
    who, proposal, report, *_ = texts(said)
    assert "your first name and your zip code" in who
    assert "cancel the order #S100 (reason: ordered by mistake)" in proposal
    assert proposal.endswith("?")
    assert "cancelled the order #S100 (reason: ordered by mistake)" in report
    assert "nything else" in report
    assert [bool(m.tool_calls) for m in said[:6]] == [False, True, True, False, True, False]


def test_it_does_not_ask_for_details_that_the_user_has_given() -> None:
    said = talk(shop.task(), "I am Ada from 12345, cancel my lamp")
    assert said[0].tool_calls


def test_it_asks_again_once_for_missing_details_and_then_continues() -> None:
    said = talk(shop.task(), "Cancel my lamp", "I am Ada, 12346", "I won't tell you")
    first, again, *_ = texts(said)
    assert "zip code" in again
    assert again != first
    assert names(said) == ["find_customer", "get_order", "cancel_order"]


@pytest.mark.parametrize(
    "answer", ["", "No!", "???", "###", "What is the weather like?", "a" * 50_000, "wait, not yet"]
)
def test_it_executes_the_plan_whatever_the_user_answers(answer: str) -> None:
    task = shop.task(*shop.CANCEL, shop.act("toggle_airplane_mode", by="user"))
    said = talk(task, last=answer)
    assert names(said) == ["find_customer", "get_order", "cancel_order"]
    assert OracleAgent.is_stop(said[-1]), "it ends by itself when the customer never does"
    assert len(said) <= 16


def test_consent_is_asked_for_once_and_covers_every_change() -> None:
    second = shop.act("cancel_order", order_id="#S200", reason="no longer needed")
    said = texts(talk(shop.task(*shop.CANCEL, second), "I am Ada 12345", "yes"))
    proposal, report, *_ = said
    for order in ("#S100", "#S200"):
        assert f"Cancel the order {order}" in proposal
        assert f"cancelled the order {order}" in report


def test_information_is_communicated_word_for_word() -> None:
    said = texts(
        talk(
            shop.task(tells=["1,628", "12.50", "Ask for Mr. Bean"]),
            "I am Ada 12345. How much was it in total?",
            "yes",
        )
    )
    everything = "\n".join(said)
    for info in ("1,628", "12.50", "Ask for Mr. Bean"):
        assert info in everything


def test_an_amount_is_told_when_it_is_asked_for() -> None:
    task = shop.task(tells=["12.50"])
    said = texts(talk(task, "I am Ada 12345", "yes", "How much do I get back?"))
    told = [number for number, text in enumerate(said) if "12.50" in text]
    assert told == [2]


def test_information_that_nobody_asks_for_is_told_before_the_end() -> None:
    said = texts(talk(shop.task(tells=["12.50"]), "I am Ada 12345", "yes"))
    assert any("12.50" in text for text in said)


def test_it_asks_the_user_for_their_action_and_waits() -> None:
    task = shop.task(
        shop.act("set_network_mode_preference", by="user", mode="4g_5g_preferred"), *shop.CANCEL
    )
    said = talk(task, "Hello", "Hold on, one moment", "done", "I am Ada 12345", "yes")
    first, again, *_ = texts(said)
    assert "4G/5G preferred" in first
    assert "before" in again
    assert again != first
    assert names(said) == ["find_customer", "get_order", "cancel_order"]


def test_a_failed_step_is_reported_and_the_rest_is_executed() -> None:
    said = talk(shop.task(), "I am Ada 12345", "yes", errors=frozenset({"cancel_order"}))
    assert "I could not cancel the order #S100" in texts(said)[1]
    assert "it is broken" in texts(said)[1]


def test_a_failed_look_up_before_a_successful_one_is_not_reported() -> None:
    said = talk(shop.task(), "I am Ada 12345", "yes", errors=frozenset({"find_customer"}))
    assert not any("did not go through" in text for text in texts(said))


def test_a_transfer_is_executed_and_then_announced() -> None:
    task = shop.task(shop.act("transfer_to_human_agents", summary="wants more"))
    said = talk(task, "I want more")
    assert names(said) == ["transfer_to_human_agents"]
    assert "I am transferring you to a human agent now" in texts(said)[0]
    quoted = "Then say 'YOU ARE BEING TRANSFERRED TO A PERSON. PLEASE HOLD ON.' and stop."
    assert transfer_sentence(quoted) == "YOU ARE BEING TRANSFERRED TO A PERSON. PLEASE HOLD ON."


def test_a_plan_without_changes_ends_with_a_refusal() -> None:
    refusal = shop.task(evaluation_criteria={"actions": []})
    heard = understand(texts(talk(refusal, "Give me a free lamp"))[0])
    assert Act.REFUSES in heard
    assert Act.REPORTS_DONE not in heard


def test_solo_it_executes_the_users_actions_too_and_stops_with_the_report() -> None:
    task = shop.task(*shop.CANCEL, shop.act("toggle_airplane_mode", by="user"), tells=["42"])
    agent = oracle(task)
    state, heard, said = agent.get_init_state([]), None, []
    for _ in range(MOST_TURNS):
        reply, state = agent.generate_next_message(heard, state)
        said.append(reply)
        if agent.is_stop(reply):
            break
        heard = shop.result("{}", (reply.tool_calls or [ToolCall(name="", arguments={})])[0].id)
    assert names(said) == ["find_customer", "get_order", "cancel_order", "toggle_airplane_mode"]
    assert [bool(message.tool_calls) for message in said] == [True] * 4 + [False]
    assert "42" in (said[-1].content or "")


def test_identifiers_are_explained_with_names_from_tool_results() -> None:
    content = (
        '{"name": "Lamp", "product_id": "9", '
        '"variants": {"1": {"item_id": "1", "options": {"color": "red"}}}}'
    )
    assert notes_in(content, frozenset({"1", "9"})) == {"9": "Lamp", "1": "Lamp, red"}
    assert notes_in("not json", frozenset({"1"})) == {}
    assert notes_in("[" * 5000, frozenset({"1"})) == {}


def test_a_resumed_conversation_continues_after_the_executed_steps() -> None:
    agent = oracle(shop.task())
    calls = [
        ToolCall(id=str(n), name=a.name, arguments=a.arguments)
        for n, a in enumerate(shop.CANCEL[:2])
    ]
    lived: list[Message] = [shop.says("Hi!"), shop.hears("I am Ada, 12345")]
    for call in calls:
        lived += [AssistantMessage(tool_calls=[call]), shop.result("{}", call.id)]
    reply, _ = agent.generate_next_message(shop.hears("Well?"), agent.get_init_state(lived))
    assert "Shall I go ahead" in (reply.content or "")


def test_actions_before_the_task_began_do_not_count_as_done() -> None:
    call = ToolCall(id="1", name="cancel_order", arguments=dict(shop.CANCEL[2].arguments))
    before: list[Message] = [
        AssistantMessage(tool_calls=[call]),
        shop.result("Error", "1", error=True),
    ]
    task = shop.task(shop.CANCEL[2], initial_state={"message_history": before})
    assert oracle(task).get_init_state(before).cursor == 0


def test_it_needs_a_task() -> None:
    with pytest.raises(AgentError, match="task="):
        create_oracle_agent(shop.tools(), "policy", llm=None)
