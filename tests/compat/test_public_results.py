"""Published result files are graded again: by effects, each simulation earns what it earned."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.reference import REFERENCE, needs_reference

from tau2.evaluator.evidence import ReplayRule
from tau2.runner.regrade import Regrading, regrade
from tau2.scripts.evaluate_trajectories import compute_simulation_rewards
from tau2.storage.results import Results
from tau2.submission.verification import verify

OTHER_TASKS = {"gpt-4.1-mini-2025-04-14"}
"""Agents whose conversations were about other tasks of the same ids than the ones stored with
them."""


@pytest.fixture(autouse=True)
def _public_data(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "tmp_path" in request.fixturenames and REFERENCE is not None:
        monkeypatch.setenv("TAU2_DATA_DIR", str(REFERENCE))


def public_results(domain: str, simulations: list[dict], tasks: list[dict]) -> dict[str, Any]:
    """Return a results file as the original writes it: with nulls, and with fields of its own."""
    no_voice = {"voice_settings": None, "persona_config": None}
    return {
        "timestamp": "2025-06-01T10:00:00",
        "format_version": 1,
        "info": {
            "git_commit": "0123abc",
            "num_trials": 4,
            "max_steps": 200,
            "max_errors": 10,
            "user_info": {
                "implementation": "user_simulator",
                "llm": "gpt-4.1",
                "llm_args": None,
                "global_simulation_guidelines": None,
                **no_voice,
            },
            "agent_info": {"implementation": "their_agent", "llm": "m", "llm_args": {}, **no_voice},
            "environment_info": {"domain_name": domain, "policy": "", "tool_defs": None},
            "seed": None,
            "speech_complexity": None,
            "audio_native_config": None,
            "added_later": True,
        },
        "tasks": tasks,
        "simulations": simulations,
        "simulation_index": None,
    }


def public_simulation(number: int, task_id: Any, messages: list[dict], **fields: Any) -> dict:
    return {
        "id": f"sim-{number}",
        "task_id": task_id,
        "timestamp": "2025-06-01T10:00:00",
        "start_time": "2025-06-01T10:00:00",
        "end_time": "2025-06-01T10:01:00",
        "duration": 60.0,
        "agent_cost": None,
        "user_cost": 0.01,
        "ticks": None,
        "review": None,
        "speech_environment": None,
        "trial": number,
        "seed": 300,
        "messages": messages,
        "added_later": {"anything": [1]},
        **fields,
    }


def public_messages(recorded: list[dict]) -> Iterator[dict]:
    """Yield messages with what a results file has beyond role, content and calls."""
    waiting: list[dict] = []
    for number, message in enumerate(recorded):
        of_file = {"turn_idx": number, "timestamp": "2025-06-01T10:00:00"}
        if message["role"] == "tool":
            call = waiting.pop(0)
            yield {**of_file, **message, "id": call["id"]}
            continue
        side = "user" if message["role"] == "user" else "assistant"
        calls = [
            {"id": f"{number}-{index}", "requestor": side, **call}
            for index, call in enumerate(message.get("tool_calls") or ())
        ]
        waiting += calls
        yield {
            **of_file,
            "role": message["role"],
            "content": message["content"],
            "tool_calls": calls or None,
            "cost": None,
            "usage": None,
            "raw_data": None,
            "is_audio": False,
            "audio_format": None,
        }


def load(raw: dict[str, Any], folder: Path) -> Results:
    file = folder / "results.json"
    file.write_text(json.dumps(raw))
    return Results.load(file)


def dialogues(domain: str, folder: Path) -> tuple[Results, list[dict]]:
    """Return published conversations as one results file; every record has a task of its own."""
    assert REFERENCE is not None
    with gzip.open(REFERENCE / "dialogues" / f"{domain}.jsonl.gz", "rt") as lines:
        recorded = [json.loads(line) for line in lines]
    kept = [record for record in recorded if record["agent_model"] not in OTHER_TASKS]
    tasks, simulations = [], []
    for number, record in enumerate(kept):
        name = f"{number} {record['task']['id']}"
        tasks.append({**record["task"], "id": name, "annotations": {"by": "them"}})
        simulations.append(
            public_simulation(
                number,
                name,
                list(public_messages(record["messages"])),
                termination_reason=record["termination_reason"],
                reward_info={"reward": record["reward"], "info": None, "reward_breakdown": None},
            )
        )
    return load(public_results(domain, simulations, tasks), folder), kept


def changed(regrading: Regrading) -> list[tuple[str, str]]:
    return [(entry.simulation_id, entry.reason) for entry in regrading.changes]


# --- published conversations ----------------------------------------------------------------------


@needs_reference
@pytest.mark.parametrize(("domain", "count"), [("airline", 255), ("telecom", 50)])
def test_published_conversations_earn_what_they_earned(domain, count, tmp_path):
    results, _ = dialogues(domain, tmp_path)
    assert len(results.simulations) >= count
    assert changed(regrade(results)) == []
    again = compute_simulation_rewards(results)
    assert [run.reward_info.reward for run in again.simulations] == [
        run.reward_info.reward for run in results.simulations
    ]


@needs_reference
def test_the_words_of_our_telecom_tools_count_only_under_the_strict_rule(tmp_path):
    results, recorded = dialogues("telecom", tmp_path)
    by_rule = {rule: regrade(results, replay=rule) for rule in ReplayRule}
    assert changed(by_rule[ReplayRule.EFFECTS]) == changed(by_rule[ReplayRule.LENIENT]) == []
    strict = by_rule[ReplayRule.STRICT]
    assert strict.changes
    assert all("on replay" in entry.reason for entry in strict.changes)
    assert {entry.after for entry in strict.changes} == {0.0}
    assert Counter(record["reward"] for record in recorded)[1.0] > len(strict.changes)


# --- recorded calls -------------------------------------------------------------------------------


def reference_play(trace: dict[str, Any]) -> list[dict]:
    """Return a conversation with the recorded calls of a task's reference."""
    spoken: list[dict] = [
        {"role": "assistant", "content": "Hi! How can I help you today?"},
        {"role": "user", "content": "Something does not work."},
    ]
    for call in trace["golden_calls"]:
        spoken += [
            {
                "role": call["requestor"],
                "content": None,
                "tool_calls": [{"name": call["name"], "arguments": call["arguments"]}],
            },
            {
                "role": "tool",
                "content": call["content"],
                "requestor": call["requestor"],
                "error": call["error"] or None,
            },
        ]
    return [*spoken, {"role": "user", "content": "Thanks. ###STOP###"}]


def traces_as_results(domain: str, folder: Path) -> Results:
    assert REFERENCE is not None
    lines = (REFERENCE / "traces" / f"{domain}_train.jsonl").read_text().splitlines()
    tasks = json.loads((REFERENCE / "tau2" / "domains" / domain / "tasks.json").read_text())
    by_id = {str(task["id"]): task for task in tasks}
    simulations = []
    used = []
    for number, trace in enumerate(map(json.loads, lines)):
        task = by_id[trace["task_id"]]
        if (task["initial_state"] or {}).get("message_history"):
            continue
        used.append(task)
        simulations.append(
            public_simulation(
                number,
                task["id"],
                list(public_messages(reference_play(trace))),
                termination_reason="user_stop",
                reward_info={"reward": 1.0, "reward_basis": ["ENV_ASSERTION"]},
            )
        )
    return load(public_results(domain, simulations, used), folder)


@needs_reference
@pytest.mark.parametrize("domain", ["telecom", "airline", "retail"])
def test_the_recorded_reference_of_every_task_reaches_its_end(domain, tmp_path):
    from tau2.evaluator.evaluator import EvaluationType

    regrading = regrade(traces_as_results(domain, tmp_path), evaluation_type=EvaluationType.ENV)
    assert len(regrading.entries) > 25
    assert changed(regrading) == []


@needs_reference
def test_a_submission_is_verified_by_effects(tmp_path):
    results = traces_as_results("telecom", tmp_path)
    for run in results.simulations:
        run.reward_info.reward = 1.0
    assert verify(results).mismatches == ()
    strict = verify(results, replay=ReplayRule.STRICT)
    assert strict.mismatches
    assert "on replay" in str(strict.mismatches[0])


# --- shapes of calls and results, on our own data -------------------------------------------------


def mock_play(*more: dict, **result: Any) -> list[dict]:
    """Return a conversation of the task `create_task_1` with one call; `result` overrides."""
    arguments = {"user_id": "user_1", "title": "Important Meeting"}
    call = {"id": "a", "name": "create_task", "requestor": "assistant", "arguments": arguments}
    return [
        {"role": "assistant", "content": "Hi!"},
        {"role": "user", "content": "Add a meeting."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "id": "a", "requestor": "assistant", "content": "{}", **result},
        *more,
        {"role": "user", "content": "Bye ###STOP###", "tool_calls": None},
    ]


def mock_results(messages: list[dict], folder: Path) -> Results:
    from tau2.domains.mock.environment import get_tasks

    task = next(task for task in get_tasks() if task.id == "create_task_1")
    criteria = task.evaluation_criteria
    assert criteria is not None
    for action in criteria.actions or ():
        action.arguments = {"user_id": "user_1", "title": "Important Meeting"}
    simulation = public_simulation(
        0, task.id, messages, termination_reason="user_stop", reward_info={"reward": 1.0}
    )
    return load(public_results("mock", [simulation], [task.model_dump(mode="json")]), folder)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.mark.parametrize(
    "messages",
    [
        mock_play(),
        mock_play(content="It is on the list, as the other version says."),
        mock_play(content=None),
        mock_play(error=None),
        mock_play(error=False, added_later=1),
        mock_play(id="another id"),
        [message for message in mock_play() if message["role"] != "tool"],
        mock_play({"role": "tool", "id": "z", "requestor": "user", "content": "nobody asked"}),
        mock_play({"role": "user", "content": None, "tool_calls": [], "is_audio": False}),
    ],
)
def test_what_results_say_does_not_matter(messages, folder):
    assert changed(regrade(mock_results(messages, folder))) == []


def test_what_calls_do_matters(folder):
    played = mock_play()
    played[2]["tool_calls"][0]["arguments"]["title"] = "Another Meeting"
    (entry,) = regrade(mock_results(played, folder)).entries
    assert (entry.after, entry.reason) == (0.0, "lost on DB")


def test_the_strict_rule_says_why(folder):
    results = mock_results(mock_play(), folder)
    (entry,) = regrade(results, replay=ReplayRule.STRICT).entries
    assert entry.after == 0.0
    assert "create_task" in entry.reason
    assert "'{}' was recorded" in entry.reason


def test_a_call_at_the_very_end_was_not_executed(folder):
    played = mock_play()
    played[-1:] = [played[2] | {"content": None}]
    assert changed(regrade(mock_results(played, folder))) == []
