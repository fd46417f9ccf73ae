"""Voice results of the public package: loaded, read as a conversation, shown and graded again.

The file is written by hand in the public format: simulations hold ticks and no messages, chunks
hold the words of their tick, and settings have fields that this version does not know.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cast import ON_THE_LIST, mock_task

from tau2.cli import main
from tau2.data_model.simulation import Results
from tau2.domains.mock.environment import get_environment
from tau2.runner.regrade import regrade

TICKS = 16


def chunk(role: str, words: str | None, utterance: str | None = None) -> dict:
    return {
        "role": role,
        "content": words,
        "is_audio": True,
        "audio_format": {"encoding": "ulaw", "sample_rate": 8000, "channels": 1},
        "tool_calls": None,
        "contains_speech": words is not None,
        "utterance_ids": [utterance] if utterance else None,
        "turn_taking_action": {"action": "wait", "info": None, "of_the_future": 1},
        "raw_data": None,
        "from_the_future": True,
    }


def ticks() -> list[dict]:
    """Return a call in which the user interrupts, and the agent creates the task."""
    user = {0: ("Please add ", "u1"), 1: ("a meeting.", "u1"), 6: ("Yes, go on.", "u2")}
    agent = {
        3: ("I would create ", "a1"),
        4: ("a task called ", "a1"),
        5: ("Important ", "a1"),
        10: ("It is on ", "a2"),
        11: ("the list.", "a2"),
    }
    call = {"id": "c1", "name": "create_task", "arguments": ON_THE_LIST, "requestor": "assistant"}
    result = get_environment().get_response(_call(call))
    made = []
    for number in range(TICKS):
        says, said_by = user.get(number, (None, None))
        answers, answered_by = agent.get(number, (None, None))
        if number == TICKS - 1:
            says, said_by = "###STOP###", "u3"
        made.append(
            {
                "tick_id": number,
                "timestamp": f"2026-09-01T10:00:{number * 0.2:06.3f}",
                "agent_chunk": chunk("assistant", answers, answered_by),
                "user_chunk": chunk("user", says, said_by),
                "agent_tool_calls": [call] if number == 8 else [],
                "user_tool_calls": None,
                "agent_tool_results": [json.loads(result.model_dump_json())] if number == 8 else [],
                "user_tool_results": [],
                "user_transcript": "yes go on" if number == 7 else None,
                "tick_duration_seconds": 0.2,
                "wall_clock_duration_seconds": 0.21,
                "of_the_future": {},
            }
        )
    return made


def _call(raw: dict):
    from tau2.data_model.message import ToolCall

    return ToolCall.model_validate(raw)


def results(messages: list | None = None) -> dict:
    policy = get_environment().get_policy()
    return {
        "timestamp": "2026-09-01T10:00:00",
        "info": {
            "git_commit": "abc",
            "num_trials": 1,
            "max_steps": 6000,
            "max_errors": 10,
            "user_info": {
                "implementation": "voice_streaming_user_simulator",
                "llm": "gpt-4.1",
                "llm_args": {},
                "voice_settings": {"synthesis_config": {"provider": "elevenlabs"}},
            },
            "agent_info": {
                "implementation": "discrete_time_audio_native_agent",
                "llm": "gpt-live-1",
                "llm_args": {},
                "voice_settings": None,
            },
            "environment_info": {"domain_name": "mock", "policy": policy, "tool_defs": None},
            "seed": 300,
            "speech_complexity": "regular",
            "audio_native_config": {
                "provider": "openai_live",
                "model": "gpt-live-1",
                "tick_duration_seconds": 0.2,
                "max_steps_seconds": 1200,
                "live_config": {"backend_model": "gpt-6", "voice": "marin", "later": 1},
                "realtime_generation": True,
                "of_the_future": 1,
            },
        },
        "tasks": [mock_task("create_task_1").model_dump(mode="json")],
        "simulations": [
            {
                "id": "sim-1",
                "task_id": "create_task_1",
                "start_time": "2026-09-01T10:00:00",
                "end_time": "2026-09-01T10:00:04",
                "duration": 4.0,
                "termination_reason": "user_stop",
                "reward_info": {"reward": 1.0},
                "messages": messages,
                "ticks": ticks(),
                "trial": 0,
                "seed": 1,
                "mode": "full_duplex",
                "speech_environment": {"persona_name": "matt_delaney", "complexity": "regular"},
                "effect_timeline": {"events": []},
            }
        ],
    }


@pytest.fixture(params=["ticks alone", "chunks as messages"])
def stored(request, tmp_path) -> Path:
    """Return the folder of a run of the public package."""
    raw = results()
    if request.param == "chunks as messages":
        chunks = [tick[f"{role}_chunk"] for tick in ticks() for role in ("user", "agent")]
        raw = results([one for one in chunks if one["content"]])
    folder = tmp_path / "voice_run"
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps(raw))
    return folder


def test_the_call_reads_as_a_conversation(stored):
    run = Results.load(stored).simulations[0]
    lines = [
        f"{message.role}: {message.content or [call.name for call in message.calls]}"
        for message in run.get_messages()
    ]
    assert lines[:4] == [
        "user: Please add a meeting.",
        "assistant: I would create a task called Important",
        "user: Yes, go on.",
        "assistant: ['create_task']",
    ]
    assert lines[4].startswith("tool: {")
    assert lines[5:] == ["assistant: It is on the list.", "user: ###STOP###"]


def test_what_is_not_known_is_left_out(stored):
    info = Results.load(stored).info
    assert info.audio_native_config.live_config.backend_model == "gpt-6"
    assert info.audio_native_config.generates_in_real_time


def test_it_is_graded_again(stored):
    again = regrade(Results.load(stored))
    assert (again.average_after, again.changes) == (1.0, [])


@pytest.mark.parametrize(
    "command",
    [
        ("view", "{}", "--plain"),
        ("view", "{}", "--plain", "--sim", "sim-1"),
        ("view", "{}", "--json"),
        ("report", "{}", "-o", "{}/../page.html"),
        ("compare", "{}", "{}"),
        ("blame", "{}"),
        ("evaluate-trajs", "{}"),
        ("export", "{}", "--to", "csv", "-o", "{}/../tables"),
    ],
    ids=lambda command: command[0],
)
def test_no_command_stumbles_over_it(stored, command, capsys):
    assert main([part.format(stored) for part in command]) == 0
    assert "Traceback" not in capsys.readouterr().err
