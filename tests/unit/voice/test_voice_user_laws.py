"""What holds for every call, whatever the agent does."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.voice_cast import Phone

from tau2.data_model.message import UserMessage
from tau2.voice.complexity import sample_voice_config
from tau2.voice.turn_taking.decisions import RuleDecider
from tau2.voice.turn_taking.policy import Thresholds, TurnTakingPolicy

LIVELY = TurnTakingPolicy(
    Thresholds(wait_self=1.0, unanswered=4.0), interrupts=True, backchannels=True
)
LINES = ["I lost my card.", "It is the blue one, and it was in my bag.", "Yes."] * 20
SOUNDS = st.lists(
    st.tuples(st.sampled_from(["talk", "silence"]), st.integers(1, 25)), min_size=1, max_size=8
)


def played(course: list[tuple[str, int]], seed: int) -> Phone:
    phone = Phone(
        list(LINES),
        policy=LIVELY,
        decider=RuleDecider(seed, backchannel_rate=0.5, interruption_rate=0.5),
        environment=sample_voice_config(seed).to_speech_environment(seed),
        seed=seed,
    )
    for kind, ticks in course:
        for number in range(ticks):
            words = ("so. " if number % 5 == 4 else "and ") if kind == "talk" else None
            phone.tick(words)
    return phone


def by_utterance(chunks: list[UserMessage]) -> dict[str, list[UserMessage]]:
    found = defaultdict(list)
    for chunk in chunks:
        for identifier in chunk.utterance_ids or ():
            found[identifier].append(chunk)
    return found


@given(SOUNDS, st.integers(0, 50))
@settings(max_examples=12, deadline=None)
def test_whatever_the_agent_does(course: list[tuple[str, int]], seed: int) -> None:
    phone = played(course, seed)
    chunks = phone.chunks

    # A tick of audio in each tick, and words in no other than those of speech.
    assert {len(chunk.audio_content) for chunk in chunks} == {1600}
    assert all(chunk.contains_speech for chunk in chunks if chunk.content)
    assert all(bool(chunk.utterance_ids) == chunk.contains_speech for chunk in chunks)

    # Utterances follow one another, and their words are what is recorded of them.
    found = by_utterance(chunks)
    for said in phone.state.records:
        own = found[said["id"]]
        assert "".join(chunk.content or "" for chunk in own).rstrip() == said["said"]
        assert [chunk.chunk_id for chunk in own] == list(
            range(said["start_tick"], said["end_tick"])
        )
        assert said["meant"].startswith(said["said"])
        assert said["is_cut_off"] or said["meant"] == said["said"]
        assert own[0].audio_script_gold == said["meant"]
    assert all(
        one["end_tick"] <= other["start_tick"] for one, other in pairwise(phone.state.records)
    )

    # Nobody talks over the agent for longer than the thresholds and a tick.
    for own in found.values():
        kind = next(
            (r["kind"] for r in phone.state.records if r["id"] == own[0].utterance_ids[0]), ""
        )
        if kind != "backchannel":
            overlaps = [_agent_talks(course, chunk.chunk_id or 0) for chunk in own]
            assert _longest_run(overlaps) <= LIVELY.thresholds.ticks(5.0) + 1

    # What was heard was said, in order.
    agent_words = "".join(
        ("so. " if number % 5 == 4 else "and ") if kind == "talk" else " "
        for kind, ticks in course
        for number in range(ticks)
    ).split()
    heard = " ".join(turn["text"] for turn in phone.state.heard).split()
    if not any(said["is_cut_off"] for said in phone.state.records):
        assert agent_words[: len(heard)] == heard


def _agent_talks(course: list[tuple[str, int]], tick: int) -> bool:
    place = 0
    for kind, ticks in course:
        place += ticks
        if tick < place:
            return kind == "talk"
    return False


def _longest_run(flags: list[bool]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest
