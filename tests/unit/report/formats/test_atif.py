"""Runs as ATIF trajectories, which the models of the package `atif` accept."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest
from tests.unit.report.conftest import a_priced_run, a_run, some_results

from tau2.data_model.message import (
    AssistantMessage,
    MultiToolMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tau2.data_model.simulation import SessionUsage
from tau2.report.formats import ExportedRun, export_as

NOW = "2026-01-01T00:00:00"


def call(call_id, name, requestor="assistant"):
    return ToolCall(id=call_id, name=name, arguments={"order": "#W1"}, requestor=requestor)


@pytest.fixture
def exported(tmp_path):
    """Return a function that stores runs, exports them, and reads one trajectory."""

    def export(*runs, read="a-0"):
        some_results(*runs).save(tmp_path / "stored")
        written = export_as("atif", [ExportedRun("first", tmp_path / "stored")], tmp_path / "out")
        assert written == {tmp_path / "out/first": len(runs)}
        for file in (tmp_path / "out/first").iterdir():
            check(json.loads(file.read_text()))
        (file,) = (tmp_path / "out/first").glob(f"{read}.json")
        return json.loads(file.read_text())

    return export


def check(document):
    """Let the public models, where there are some, accept a document and give it back unchanged."""
    if find_spec("atif"):
        from atif import Trajectory

        assert Trajectory.model_validate(document).to_json_dict() == document


def test_the_public_models_are_there_to_check_these_tests():
    atif = pytest.importorskip("atif", reason="the package atif is not installed")
    with pytest.raises(ValueError, match="schema_version"):
        atif.Trajectory.model_validate({"steps": []})


def test_a_step_is_a_turn_and_holds_the_results_of_its_calls(exported):
    document = exported(a_run("a"))
    assert [(step["step_id"], step["source"], step["message"]) for step in document["steps"]] == [
        (1, "system", "Be kind."),
        (2, "agent", "Hello"),
        (3, "user", "Help me"),
        (4, "agent", ""),
    ]
    assert document["steps"][3]["tool_calls"] == [
        {"tool_call_id": "1", "function_name": "look", "arguments": {"order": "#W1"}}
    ]
    assert document["steps"][3]["observation"] == {
        "results": [{"source_call_id": "1", "content": '{"status": "pending"}'}]
    }


def test_the_document_says_who_played_and_what_it_earned(exported):
    document = exported(a_priced_run(0.5, tokens=12345678, task_id="a"))
    assert (document["session_id"], document["trajectory_id"]) == ("first", "a-0")
    assert (document["agent"]["name"], document["agent"]["model_name"]) == ("llm_agent", "a-model")
    metrics = document["final_metrics"]
    assert (metrics["total_prompt_tokens"], metrics["total_cost_usd"]) == (12345678, 0.5)
    extra = document["extra"]
    assert (extra["domain"], extra["reward"], extra["passed"]) == ("shop", 1.0, True)
    assert extra["reward_breakdown"] == {"DB": 1.0}


def test_a_simulation_that_was_not_scored_says_why(exported):
    extra = exported(a_run("a", None, info={"error": "503"}))["extra"]
    assert (extra["error"], extra["outcome"]) == ("503", "infrastructure failure")
    assert not {"reward", "passed"} & set(extra)


def test_parallel_calls_of_one_id_are_told_apart(exported):
    messages = [
        AssistantMessage(tool_calls=[call("x", "look"), call("x", "find")]),
        MultiToolMessage(
            tool_messages=[
                ToolMessage(id="x", content="one"),
                ToolMessage(id="x", content="two", error=True),
            ]
        ),
    ]
    step = exported(a_run("a", messages=messages))["steps"][1]
    assert [entry["tool_call_id"] for entry in step["tool_calls"]] == ["x", "call-2"]
    assert step["observation"]["results"] == [
        {"source_call_id": "x", "content": "one"},
        {"source_call_id": "call-2", "content": "two", "extra": {"error": True}},
    ]


def test_tools_of_the_user_are_extra_to_its_step(exported):
    messages = [
        UserMessage(tool_calls=[call("u", "toggle", "user")]),
        ToolMessage(id="u", content="on", requestor="user"),
        AssistantMessage(content="Good."),
    ]
    _, user, agent = exported(a_run("a", messages=messages))["steps"]
    assert user["source"] == "user"
    assert user["extra"]["tool_calls"][0]["function_name"] == "toggle"
    assert user["extra"]["tool_results"] == [{"source_call_id": "u", "content": "on"}]
    assert "observation" not in agent


def test_tokens_reasoning_and_times_of_a_turn(exported):
    message = AssistantMessage(
        content="Hello",
        timestamp=NOW,
        reasoning_content="Greet first.",
        cost=0.25,
        usage={
            "prompt_tokens": 10,
            "completion_tokens": 2,
            "prompt_tokens_details": {"cached_tokens": 4},
        },
        generation_time_seconds=1.5,
    )
    old = UserMessage(content="Hi", timestamp="yesterday")
    _, step, other = exported(a_run("a", messages=[message, old]))["steps"]
    assert step["metrics"] == {
        "prompt_tokens": 10,
        "completion_tokens": 2,
        "cached_tokens": 4,
        "cost_usd": 0.25,
        "extra": {"generation_time_seconds": 1.5},
    }
    assert (step["reasoning_content"], step["timestamp"]) == ("Greet first.", NOW)
    assert "timestamp" not in other


def test_a_result_without_its_call_is_a_step_of_the_system(exported):
    step = exported(a_run("a", messages=[ToolMessage(id="gone", content="late")]))["steps"][1]
    assert (step["source"], step["observation"]) == ("system", {"results": [{"content": "late"}]})


def test_credentials_are_taken_out_and_the_run_is_as_it_was(exported, tmp_path, monkeypatch):
    monkeypatch.setenv("PROVIDER_TOKEN", "hush-hush-4711")
    told = ToolCall(id="1", name="look", arguments={"text": "hush-hush-4711", "api_key": "tops3c"})
    run = a_run("a", messages=[AssistantMessage(content="hush-hush-4711", tool_calls=[told])])
    document = exported(run, a_run("b"))
    assert not any(secret in json.dumps(document) for secret in ("hush-hush", "tops3c"))
    assert "hush-hush" in (tmp_path / "stored/results.json").read_text()


def test_halves_of_characters_and_odd_ids_do_not_stop_it(exported):
    odd = UserMessage.model_construct(role="user", content="x\ud800y", tool_calls=None)
    document = exported(a_run("a", id="../a b", messages=[odd]), read="*")
    assert document["trajectory_id"] == "../a b"


def test_of_an_interrupted_run_each_trial_is_exported_once(tmp_path):
    results = some_results(
        a_run("a", None, id="failed", timestamp=NOW),
        a_run("a", 1.0, id="good", timestamp="2026-01-02T00:00:00"),
        a_run("b", 1.0, id="other"),
    )
    results.save(tmp_path / "stored", "dir")
    index = tmp_path / "stored/results.json"
    about = json.loads(index.read_text())
    del about["simulation_index"]
    index.write_text(json.dumps(about))
    written = export_as("atif", [ExportedRun("first", tmp_path / "stored")], tmp_path / "out")
    assert list(written.values()) == [2]
    assert {file.stem for file in (tmp_path / "out/first").iterdir()} == {"good", "other"}


def test_usage_of_the_user_is_told_apart(exported):
    run = a_run("a", user_usage=SessionUsage(prompt_tokens=7, model_calls=2), user_cost=0.1)
    extra = exported(run)["final_metrics"]["extra"]
    assert (extra["user_prompt_tokens"], extra["user_model_calls"], extra["user_cost_usd"]) == (
        7,
        2,
        0.1,
    )
