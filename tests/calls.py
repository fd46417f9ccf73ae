"""Spoken calls as ticks, drawn as two lines: one letter per tick and speaker.

The user's line: `u` speaks, `b` a backchannel, `t` speaks with a vocal tic, `n` speaks to someone
else; `T` and `N` are a tic and a phrase to someone else outside of its own speech; `*` is silence
with a burst of noise; `.` is silence. The agent's line: `a` speaks, `x` speaks and is cut off in
this tick, `.` is silent.
"""

from __future__ import annotations

from collections.abc import Mapping

from tau2.data_model.message import (
    AssistantMessage,
    Tick,
    ToolCall,
    ToolMessage,
    TurnTakingAction,
    UserMessage,
)

EFFECTS: Mapping[str, str] = {
    "t": "vocal_tic", "T": "vocal_tic", "n": "non_directed_speech", "N": "non_directed_speech",
    "*": "burst_noise",
}  # fmt: skip
_WORDS = {"u": "you ", "t": "you ", "n": "there ", "b": "mm-hmm "}
_SPEECH = "ubtnax"


def a_call(user: str, agent: str, *, tick_seconds: float = 0.2) -> list[Tick]:
    """Return the ticks of two lines of equal length."""
    user, agent = user.replace(" ", ""), agent.replace(" ", "")
    assert len(user) == len(agent), "both speakers have a letter for every tick"
    return [
        Tick(
            tick_id=number,
            timestamp=f"2026-01-01T00:00:{number * tick_seconds:06.3f}",
            user_chunk=_user_chunk(letter, user[number - 1 : number]),
            agent_chunk=_agent_chunk(agent[number]),
            tick_duration_seconds=tick_seconds,
        )
        for number, letter in enumerate(user)
    ]


def with_call(ticks: list[Tick], at: int, name: str = "look", *, failed: bool = False) -> None:
    """Let the agent call a tool in tick `at`; its result comes in the same tick."""
    call = ToolCall(id=f"call-{at}", name=name, arguments={"order": "#W1"})
    ticks[at].agent_tool_calls = [call]
    ticks[at].agent_tool_results = [ToolMessage(id=call.id, content="pending", error=failed)]


def _user_chunk(letter: str, before: str) -> UserMessage:
    kind = EFFECTS.get(letter)
    action = None
    if letter in _SPEECH:
        begins = "backchannel" if letter == "b" else "generate_message"
        action = TurnTakingAction(action="keep_talking" if before == letter else begins)
    return UserMessage(
        content=_WORDS[letter] if letter in _SPEECH else None,
        is_audio=True,
        contains_speech=letter in _SPEECH,
        turn_taking_action=action,
        source_effects=[{"effect_type": kind, "text": "ahem"}] if kind else None,
    )


def _agent_chunk(letter: str) -> AssistantMessage:
    return AssistantMessage(
        content="word " if letter in _SPEECH else None,
        is_audio=True,
        contains_speech=letter in _SPEECH,
        raw_data={"was_truncated": True} if letter == "x" else None,
    )
