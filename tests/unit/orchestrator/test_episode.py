"""The turn loop alone: who is asked next, and what ends it."""

from __future__ import annotations

import pytest

from tau2.data_model.message import (
    AssistantMessage,
    MultiToolMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.simulation import TerminationReason
from tau2.orchestrator.episode import (
    Ask,
    EpisodeProgress,
    Failure,
    Limits,
    Role,
    Rules,
    episode,
    next_after,
    seen_by,
)


def stops(message) -> bool:
    return message.content == "stop"


def flow(first: Ask | None = None, **rules):
    progress = EpisodeProgress()
    opening = first or Ask(Role.USER, AssistantMessage(content="Hello"))
    return progress, episode(progress, opening, Rules(agent_stops=stops, user_stops=stops, **rules))


def asks(*names: str, kind=AssistantMessage):
    return kind(
        tool_calls=[ToolCall(id=f"{n}", name=name, arguments={}) for n, name in enumerate(names)]
    )


def results(ask: Ask, *, error: bool = False) -> list[ToolMessage]:
    return [
        ToolMessage(id=call.id, content="x", requestor=call.requestor, error=error)
        for call in ask.calls
    ]


def test_text_goes_to_the_other_side_and_results_come_back():
    _, turns = flow()
    assert next(turns).to is Role.USER
    ask = turns.send(UserMessage(content="Hi"))
    assert (ask.to, ask.observation.content) == (Role.AGENT, "Hi")
    ask = turns.send(asks("look"))
    assert (ask.to, [call.name for call in ask.calls]) == (Role.ENV, ["look"])
    ask = turns.send(results(ask))
    assert (ask.to, ask.observation.role) == (Role.AGENT, "tool")
    assert turns.send(AssistantMessage(content="Here")).to is Role.USER


def test_several_results_come_back_as_one():
    _, turns = flow()
    next(turns)
    ask = turns.send(asks("look", "ring", kind=UserMessage))
    ask = turns.send(results(ask))
    assert ask.to is Role.USER
    assert isinstance(ask.observation, MultiToolMessage)
    assert len(ask.observation.tool_messages) == 2


def test_the_loop_says_whose_call_it_is():
    progress, turns = flow()
    next(turns)
    forged = UserMessage(tool_calls=[ToolCall(name="refund", arguments={}, requestor="assistant")])
    ask = turns.send(forged)
    assert ask.calls[0].requestor == "user"
    assert ask.calls[0].id == "call00100"
    assert progress.trajectory[-1].tool_calls[0].id == "call00100"


def test_every_call_of_an_episode_has_an_id_of_its_own():
    progress, turns = flow()
    next(turns)
    call = ToolCall(
        id="call00400", name="look", arguments={}
    )  # the very id that the loop would give later
    for message in (UserMessage(tool_calls=[call, call]), UserMessage(tool_calls=[call])):
        turns.send(results(turns.send(message)))
    same = asks("look")
    turns.send(UserMessage(content="And you?"))
    for _ in range(2):
        turns.send(results(turns.send(same)))
    made = [
        call.id
        for message in progress.trajectory
        for call in getattr(message, "tool_calls", None) or ()
    ]
    answered = [message.id for message in progress.trajectory if isinstance(message, ToolMessage)]
    assert len(set(made)) == 5
    assert answered == made
    assert made[0] == "call00400"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([UserMessage(content="stop")], "user_stop"),
        ([UserMessage(content="Hi"), AssistantMessage(content="stop")], "agent_stop"),
        ([UserMessage(content=None)], "user_error"),
        ([UserMessage(content="  ")], "user_error"),
        ([AssistantMessage(content="I am you")], "user_error"),
        ([UserMessage(content="Hi"), AssistantMessage(content="")], "agent_error"),
        ([UserMessage(content="Hi"), "text"], "agent_error"),
        ([UserMessage(content="Hi"), None], "agent_error"),
        ([Failure(TerminationReason.TIMEOUT, "late")], "timeout"),
    ],
)
def test_what_ends_it(answers, reason):
    progress, turns = flow()
    next(turns)
    for answer in answers[:-1]:
        turns.send(answer)
    with pytest.raises(StopIteration) as end:
        turns.send(answers[-1])
    assert end.value.value is progress
    assert progress.done
    assert progress.termination_reason == reason
    assert (progress.note is None) == (reason.endswith("_stop"))


def test_mixed_messages_are_allowed_unless_forbidden():
    mixed = UserMessage(content="Look", tool_calls=[ToolCall(id="1", name="look", arguments={})])
    _, turns = flow()
    next(turns)
    assert turns.send(mixed).to is Role.ENV
    progress, turns = flow(validate_communication=True)
    next(turns)
    with pytest.raises(StopIteration):
        turns.send(mixed)
    assert progress.termination_reason == "user_error"
    assert progress.trajectory == [mixed]


def test_alone_text_is_an_error_unless_it_is_the_end():
    progress, turns = flow(Ask(Role.AGENT, None), solo=True)
    assert next(turns).observation is None
    ask = turns.send(asks("look"))
    assert turns.send(results(ask)).to is Role.AGENT
    with pytest.raises(StopIteration):
        turns.send(AssistantMessage(content="stop"))
    assert progress.termination_reason == "agent_stop"
    progress, turns = flow(Ask(Role.AGENT, None), solo=True)
    next(turns)
    with pytest.raises(StopIteration):
        turns.send(AssistantMessage(content="Hello?"))
    assert progress.termination_reason == "agent_error"
    assert "solo" in progress.note


def test_a_stop_on_the_last_step_is_a_stop():
    progress, turns = flow(limits=Limits(max_steps=1))
    next(turns)
    with pytest.raises(StopIteration):
        turns.send(UserMessage(content="stop"))
    assert (progress.steps, progress.termination_reason) == (1, "user_stop")


def test_calls_are_carried_out_even_on_the_last_step():
    progress, turns = flow(limits=Limits(max_steps=1))
    next(turns)
    ask = turns.send(asks("look", kind=UserMessage))
    assert ask.to is Role.ENV
    with pytest.raises(StopIteration):
        turns.send(results(ask))
    assert (progress.steps, progress.termination_reason) == (2, "max_steps")
    assert progress.trajectory[-1].role == "tool"


def test_failed_calls_count_one_by_one():
    progress, turns = flow(limits=Limits(max_errors=2))
    next(turns)
    ask = turns.send(asks("a", "b", kind=UserMessage))
    with pytest.raises(StopIteration):
        turns.send(results(ask, error=True))
    assert (progress.errors, progress.termination_reason) == (2, "user_error")


def test_time_comes_before_errors_and_steps():
    limits = Limits(max_steps=1, max_errors=1, timeout=5)
    assert limits.reached(1, 1, 5) == "timeout"
    assert limits.reached(1, 1, 4) == "too_many_errors"
    assert limits.reached(1, 0, 4) == "max_steps"
    assert limits.reached(0, 0, 4) is None
    assert Limits().reached(0, 0, 1e9) is None


def test_the_clock_is_asked_between_turns():
    progress, turns = flow(limits=Limits(timeout=10), elapsed=lambda: 11.0)
    next(turns)
    with pytest.raises(StopIteration):
        turns.send(UserMessage(content="Hi"))
    assert progress.termination_reason == "timeout"


def test_the_first_reason_stays():
    progress = EpisodeProgress()
    progress.end(TerminationReason.USER_STOP)
    progress.end(TerminationReason.MAX_STEPS)
    assert progress.termination_reason == "user_stop"


# --- recorded beginnings --------------------------------------------------------------------------

HELLO, HI = AssistantMessage(content="Hello"), UserMessage(content="Hi")
LOOK, RESULT = asks("look"), ToolMessage(id="0", content="x")
TWO, SECOND = asks("look", "ring"), ToolMessage(id="1", content="y")
RING, RANG = asks("ring", kind=UserMessage), ToolMessage(id="0", content="z", requestor="user")


@pytest.mark.parametrize(
    ("history", "to", "unheard"),
    [
        ([HELLO], Role.USER, 1),
        ([HELLO, HI], Role.AGENT, 1),
        ([HI, LOOK], Role.ENV, 0),
        ([HI, LOOK, RESULT], Role.AGENT, 1),
        ([HI, TWO, RESULT, SECOND], Role.AGENT, 2),
        ([HELLO, RING, RANG], Role.USER, 1),
    ],
)
def test_who_goes_on_after_a_history(history, to, unheard):
    ask, count = next_after(history)
    assert (ask.to, count) == (to, unheard)
    if unheard == 2:
        assert ask.observation.tool_messages == [RESULT, SECOND]


def test_a_history_cannot_end_with_instructions():
    with pytest.raises(ValueError, match="cannot end with a system message"):
        next_after([HI, SystemMessage(content="Be kind")])


def test_each_side_sees_its_own_tools_only():
    history = [HELLO, HI, LOOK, RESULT, HELLO, RING, RANG, HI]
    assert seen_by(Role.AGENT, history) == [HELLO, HI, LOOK, RESULT, HELLO, HI]
    assert seen_by(Role.USER, history) == [HELLO, HI, HELLO, RING, RANG, HI]
