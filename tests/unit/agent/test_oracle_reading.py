"""The oracle searches for what its task requires before it acts, and verifies the customer."""

from __future__ import annotations

import json
from typing import Any

from tests import shop

from tau2.agent.oracle_agent import OracleAgent
from tau2.data_model.message import AssistantMessage, ToolMessage
from tau2.data_model.tasks import Task
from tau2.environment.tool import as_tool

CLOSING = "doc_accounts_closing_001"
FEES = "doc_accounts_fees_002"
TOOL = "close_account_7392"


def KB_search(query: str) -> str:  # noqa: N802  -- the name that the variants use
    """Search the articles."""
    return query


def grep(pattern: str) -> str:
    """Find a pattern in the articles."""
    return pattern


def closing(*documents: str) -> Task:
    """Return a task that closes an account with a discoverable tool."""
    arguments = json.dumps({"account_id": "acc_7"})
    who = {"date_of_birth": "03/04/1990", "email": "ada@quill.example"}
    return shop.task(
        shop.act("log_verification", **who, phone_number="202-555-0101"),
        shop.act("unlock_discoverable_agent_tool", agent_tool_name=TOOL),
        shop.act("call_discoverable_agent_tool", agent_tool_name=TOOL, arguments=arguments),
        reason="You want to close your account acc_7.",
        known="You are Ada Quill. Your phone number is 202-555-0101. You were born 03/04/1990.",
        required_documents=list(documents),
    )


def play(task: Task, articles: dict[str, str], *answers: str) -> list[AssistantMessage]:
    """Play the oracle; a search shows the articles in which one of its words stands."""
    agent = OracleAgent(
        tools=[as_tool(KB_search), as_tool(grep)], domain_policy=shop.POLICY, task=task
    )
    state = agent.get_init_state([])
    queue = list(answers)
    said = []
    heard: Any = shop.hears(queue.pop(0))
    for _ in range(40):
        reply, state = agent.generate_next_message(heard, state)
        said.append(reply)
        if agent.is_stop(reply):
            break
        if reply.tool_calls:
            (call,) = reply.tool_calls
            query = set(str(next(iter(call.arguments.values()))).split())
            shown = [name for name, text in articles.items() if query & set(text.split())]
            heard = ToolMessage(id=call.id, content="\n".join(f"ID: {name}" for name in shown))
        else:
            heard = shop.hears(queue.pop(0) if queue else "No, thanks.")
    return said


def test_a_search_that_fails_is_not_tried_with_other_words() -> None:
    agent = OracleAgent(
        tools=[as_tool(KB_search)], domain_policy=shop.POLICY, task=closing(CLOSING, FEES)
    )
    state = agent.get_init_state([])
    first, state = agent.generate_next_message(shop.hears("I want to close my account."), state)
    (call,) = first.tool_calls or ()
    failed = ToolMessage(id=call.id, content="Error: no index", error=True)
    reply, state = agent.generate_next_message(failed, state)
    assert call.name == "KB_search"
    assert not any(one.name == "KB_search" for one in reply.tool_calls or ())


def calls(said: list[AssistantMessage]) -> list[str]:
    return [call.name for message in said for call in message.tool_calls or ()]


def test_it_reads_before_it_acts_and_stops_searching_once_everything_was_seen() -> None:
    articles = {CLOSING: "how to close an account", FEES: "what a bill costs"}
    said = play(closing(CLOSING), articles, "I want to close my account.")
    assert calls(said) == [
        "KB_search",
        "log_verification",
        "unlock_discoverable_agent_tool",
        "call_discoverable_agent_tool",
    ]


def test_it_goes_on_searching_for_what_it_has_not_seen_but_not_for_ever() -> None:
    articles = {CLOSING: "how to close an account", FEES: "nothing that anybody asks for"}
    made = [
        json.dumps(call.arguments)
        for message in play(closing(CLOSING, FEES), articles, "I want to close my account.")
        for call in message.tool_calls or ()
        if call.name in {"KB_search", "grep"}
    ]
    assert 3 <= len(made) == len(set(made)) < 12
    assert any(TOOL in query for query in made)


def test_it_asks_for_two_facts_that_the_customer_knows_before_it_notes_who_that_is() -> None:
    said = play(closing(), {}, "I want to close my account.")
    who = next(message.content for message in said if message.content)
    assert "date of birth" in who
    assert "phone number" in who
    assert "email" not in who


def test_unlocking_needs_no_consent_but_what_the_tool_does_is_proposed() -> None:
    said = play(closing(), {}, "Close it. I was born 03/04/1990, 202-555-0101.")
    assert calls(said)[0] == "log_verification"
    proposal = next(message.content or "" for message in said if message.content)
    assert "close the account acc_7" in proposal
    assert TOOL not in proposal
