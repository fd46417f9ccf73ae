"""What is too much for one episode: whose failure it is, and what is recorded of it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.data_model.simulation import TerminationReason
from tau2.orchestrator.episode import Ask, EpisodeProgress, Limits, Role, Rules, episode
from tau2.utils import sizes
from tau2.utils.sizes import (
    KEPT,
    LONGEST_CONVERSATION,
    LONGEST_MESSAGE,
    LONGEST_RESULT,
    MOST_CALLS_OF_A_MESSAGE,
    size_of,
)


def started(first: Role = Role.AGENT):
    progress = EpisodeProgress()
    rules = Rules(agent_stops=lambda _: False, user_stops=lambda _: False, limits=Limits(10**6))
    turns = episode(progress, Ask(first, AssistantMessage(content="Hello")), rules)
    next(turns)
    return progress, turns


def ended(turns, answer) -> None:
    with pytest.raises(StopIteration):
        turns.send(answer)


def call(**arguments) -> ToolCall:
    return ToolCall(name="note", arguments=arguments)


def test_a_message_of_the_longest_length_is_said():
    _, turns = started()
    assert turns.send(AssistantMessage(content="a" * LONGEST_MESSAGE)).to is Role.USER


@pytest.mark.parametrize(
    "message",
    [
        AssistantMessage(content="a" * (LONGEST_MESSAGE + 1)),
        AssistantMessage(content="Hi", reasoning_content="a" * LONGEST_MESSAGE),
        AssistantMessage(tool_calls=[call(text="a" * LONGEST_MESSAGE)]),
        AssistantMessage(tool_calls=[call(text=["ab" * 500] * 1001)]),
        AssistantMessage(tool_calls=[call()] * (MOST_CALLS_OF_A_MESSAGE + 1)),
    ],
    ids=["text", "reasoning", "argument", "nested argument", "calls"],
)
def test_too_much_in_one_message_is_the_agents_error_and_its_beginning_is_recorded(message):
    progress, turns = started()
    ended(turns, message)

    assert progress.termination_reason is TerminationReason.AGENT_ERROR
    assert "more than 1,000" in (progress.note or "")
    recorded = progress.trajectory[-1]
    assert isinstance(recorded, AssistantMessage)
    assert len(recorded.content or "") <= KEPT
    assert not recorded.calls


def test_too_much_from_the_user_is_the_users_error():
    progress, turns = started(Role.USER)
    ended(turns, UserMessage(content="a" * (LONGEST_MESSAGE + 1)))

    assert progress.termination_reason is TerminationReason.USER_ERROR
    assert progress.note == "the user sent a message of more than 1,000,000 characters"


def test_a_result_that_is_too_long_is_a_failure_of_the_infrastructure():
    progress, turns = started()
    ask = turns.send(AssistantMessage(tool_calls=[call()]))
    ended(turns, [ToolMessage(id=ask.calls[0].id, content="a" * (LONGEST_RESULT + 1))])

    assert progress.termination_reason is TerminationReason.INFRASTRUCTURE_ERROR
    assert progress.note == "the result of a tool has more than 4,000,000 characters"
    assert len(progress.trajectory[-1].content) == KEPT


@pytest.mark.parametrize(
    ("agent_says", "user_says", "reason"),
    [("a" * 900_000, "b", "agent_error"), ("a", "b" * 900_000, "user_error")],
)
def test_a_conversation_that_is_too_long_is_the_fault_of_who_fills_it(
    agent_says, user_says, reason
):
    progress, turns = started()
    with suppress(StopIteration):
        while True:
            turns.send(AssistantMessage(content=agent_says))
            turns.send(UserMessage(content=user_says))

    assert progress.termination_reason == reason
    assert len(progress.trajectory) > LONGEST_CONVERSATION // 1_000_000
    assert "the conversation has more than 20,000,000 characters" in progress.note


def test_results_count_for_who_made_the_calls():
    progress, turns = started()
    with suppress(StopIteration):
        while True:
            ask = turns.send(AssistantMessage(tool_calls=[call()]))
            turns.send([ToolMessage(id=ask.calls[0].id, content="a" * 3_000_000)])

    assert progress.termination_reason is TerminationReason.AGENT_ERROR


def test_data_that_contains_itself_has_a_size():
    value: list[object] = ["a"]
    value.append(value)
    assert size_of(value, 1000) > 1000
    assert size_of({"a": [1, "two", None, 10**30]}, 1000) < 100


def test_every_cap_is_documented():
    page = (Path(__file__).parents[3] / "docs" / "faults.md").read_text(encoding="utf-8")
    caps = {name: value for name, value in vars(sizes).items() if isinstance(value, int)}
    assert len(caps) >= 6
    for name, value in caps.items():
        assert name in {"KEPT", "LARGE"} or f"| `{name}` | {value:,} " in page
    assert f"first {KEPT:,}" in " ".join(page.split())
