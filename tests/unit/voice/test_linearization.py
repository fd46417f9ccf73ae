"""A call as text: utterances in order, with what was really heard of them."""

from __future__ import annotations

from tests.call_cast import staged_call
from tests.cast import calls, create_meeting

from tau2.data_model.conventions import STOP
from tau2.data_model.message import AssistantMessage, Tick, ToolCall, ToolMessage, UserMessage
from tau2.data_model.utterances import as_conversation, utterances
from tau2.voice.linearization import LinearizationStrategy, linearized


def a_call(agent=(), user=()):
    """Return the ticks of a call; each utterance is (first tick, words, id)."""
    spoken = {"agent": dict(_by_tick(agent)), "user": dict(_by_tick(user))}
    last = max((tick for of in spoken.values() for tick in of), default=0)
    return [
        Tick(
            tick_id=number,
            timestamp=f"t{number}",
            tick_duration_seconds=0.2,
            agent_chunk=_chunk(AssistantMessage, spoken["agent"].get(number)),
            user_chunk=_chunk(UserMessage, spoken["user"].get(number)),
        )
        for number in range(last + 1)
    ]


def _by_tick(spoken):
    for start, words, name in spoken:
        pieces = words.split()
        for place, piece in enumerate(pieces):
            space = " " if place < len(pieces) - 1 else ""
            yield start + place, (piece + space, name)


def _chunk(kind, said):
    if said is None:
        return kind(is_audio=True, contains_speech=False)
    words, name = said
    return kind(content=words, is_audio=True, utterance_ids=[name] if name else None)


def lines(messages):
    return [f"{message.role}: {message.content}" for message in messages]


def test_words_of_ticks_become_utterances():
    ticks = a_call(agent=[(0, "How can I help?", "a")], user=[(5, "I lost my card.", "u")])
    assert lines(as_conversation(ticks)) == [
        "assistant: How can I help?",
        "user: I lost my card.",
    ]
    assert [(said.start, said.end) for said in utterances(ticks, "user")] == [(5, 9)]


def test_ids_tell_utterances_apart_and_hold_them_together():
    ticks = a_call(agent=[(0, "One moment.", "a"), (2, "Here it is.", "b")])
    assert lines(as_conversation(ticks)) == ["assistant: One moment.", "assistant: Here it is."]
    ticks = a_call(agent=[(0, "One", "a"), (30, "moment.", "a")])
    assert lines(as_conversation(ticks)) == ["assistant: One moment."]


def test_without_ids_a_long_pause_ends_an_utterance():
    near = a_call(user=[(0, "My id", None), (4, "is seven.", None)])
    assert lines(as_conversation(near)) == ["user: My id is seven."]
    far = a_call(user=[(0, "My id", None), (9, "is seven.", None)])
    assert lines(as_conversation(far)) == ["user: My id", "user: is seven."]


def test_what_was_cut_off_is_not_in_the_conversation():
    meant = "Your order was shipped on Monday and will arrive soon."
    ticks = a_call(agent=[(0, "Your order was", "a")], user=[(2, "No, wait.", "u")])
    ticks[0].agent_chunk.audio_script_gold = meant
    assert lines(as_conversation(ticks)) == ["assistant: Your order was", "user: No, wait."]


def test_tool_calls_stand_where_they_were_made_with_their_results():
    script = {0: "Let me", 1: " look.", 2: [create_meeting(), calls("get_users")], 6: "Done."}
    ticks = staged_call("create_task_1", script, {9: STOP}).run().ticks
    messages = as_conversation(ticks)
    assert [message.role for message in messages] == [
        *("assistant", "assistant", "tool", "tool"),
        *("assistant", "user"),
    ]
    assert [call.id for call in messages[1].tool_calls] == [result.id for result in messages[2:4]]
    assert [message.turn_idx for message in messages] == list(range(6))


def test_older_files_hold_calls_on_chunks():
    made = ToolCall(id="c", name="get_users", arguments={})
    chunk = AssistantMessage(tool_calls=[made], is_audio=True)
    result = ToolMessage(id="c", content="[]")
    ticks = [
        Tick(tick_id=0, timestamp="t", agent_chunk=chunk),
        Tick(tick_id=1, timestamp="t", agent_tool_results=[result]),
    ]
    assert [message.role for message in as_conversation(ticks)] == ["assistant", "tool"]


BARGE_IN = {
    "agent": [(0, "Your order has been shipped today", "a")],
    "user": [(3, "No I want to cancel it", "u")],
}
BACKCHANNEL = {"agent": [(0, "Your order has been shipped today", "a")], "user": [(3, "Yes", "u")]}


def test_simple_keeps_utterances_whole():
    both = linearized(a_call(**BARGE_IN), LinearizationStrategy.SIMPLE)
    assert lines(both) == [
        "assistant: Your order has been shipped today",
        "user: No I want to cancel it",
    ]


def test_overlap_divides_where_the_other_begins():
    for strategy in (LinearizationStrategy.OVERLAP, LinearizationStrategy.CONTAINMENT_AWARE):
        assert lines(linearized(a_call(**BARGE_IN), strategy)) == [
            "assistant: Your order has",
            "user: [at the same time] No I want to cancel it",
            "assistant: [at the same time] been shipped today",
        ]


def test_containment_leaves_the_outer_utterance_whole():
    assert lines(linearized(a_call(**BACKCHANNEL))) == [
        "assistant: Your order has been shipped today",
        "user: [meanwhile] Yes",
    ]
    divided = linearized(a_call(**BACKCHANNEL), LinearizationStrategy.OVERLAP)
    assert lines(divided) == [
        "assistant: Your order has",
        "user: [at the same time] Yes",
        "assistant: [at the same time] been shipped today",
    ]


def test_long_silence_is_mentioned():
    ticks = a_call(agent=[(0, "Hello?", "a")], user=[(26, "Yes.", "u")])
    assert lines(linearized(ticks, silence_seconds=4.0)) == [
        "assistant: Hello?",
        "user: [5.0 s of silence] Yes.",
    ]
    assert lines(linearized(ticks, silence_seconds=6.0))[1] == "user: Yes."


def test_a_silent_call_is_no_conversation():
    assert as_conversation(a_call()) == []
    assert linearized([], silence_seconds=1.0) == []
