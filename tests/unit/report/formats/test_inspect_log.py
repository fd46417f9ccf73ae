"""Runs as logs of Inspect, which its own reader opens where it is installed."""

from __future__ import annotations

import json
from zipfile import ZipFile

import pytest
from tests.unit.report.conftest import a_priced_run, a_run, some_results

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage, UserMessage
from tau2.data_model.simulation import SessionUsage
from tau2.errors import DataFileError
from tau2.report.formats import ExportedRun, export_as


@pytest.fixture
def log(tmp_path):
    """Return a function that stores runs, exports them, and returns the file."""

    def export(*runs, num_trials=1):
        some_results(*runs, num_trials=num_trials).save(tmp_path / "stored")
        stored = ExportedRun("first", tmp_path / "stored")
        written = export_as("inspect", [stored], tmp_path / "out")
        assert written == {tmp_path / "out/first.eval": len(runs)}
        assert [file.name for file in (tmp_path / "out").iterdir()] == ["first.eval"]
        return tmp_path / "out/first.eval"

    return export


def entry(file, name):
    with ZipFile(file) as archive:
        return json.loads(archive.read(name))


def test_a_task_is_a_sample_and_a_trial_an_epoch(log):
    file = log(a_run("a"), a_run("a", 0.0, trial=1), a_run("b"), num_trials=2)
    with ZipFile(file) as archive:
        assert archive.namelist() == [
            "samples/a_epoch_1.json",
            "samples/a_epoch_2.json",
            "samples/b_epoch_1.json",
            "summaries.json",
            "header.json",
        ]
    assert [one["scores"]["reward"]["value"] for one in entry(file, "summaries.json")] == [1, 0, 1]


def test_the_header_says_what_the_run_was_and_what_it_earned(log):
    file = log(a_priced_run(0.5, task_id="a"), a_priced_run(0.5, task_id="b"), a_run("c", None))
    header = entry(file, "header.json")
    assert (header["version"], header["status"]) == (2, "success")
    assert (header["eval"]["task"], header["eval"]["model"]) == ("shop", "a-model")
    assert header["eval"]["dataset"]["sample_ids"] == ["a", "b", "c"]
    (score,) = header["results"]["scores"]
    assert (score["scored_samples"], score["unscored_samples"]) == (2, 1)
    assert score["metrics"]["mean"]["value"] == 1.0
    assert header["stats"]["model_usage"]["a-model"] == {
        "input_tokens": 20,
        "output_tokens": 2,
        "total_tokens": 22,
        "total_cost": 1.0,
    }


def test_a_sample_without_a_score_has_an_error(log):
    made = entry(log(a_run("a", None, info={"error": "503"})), "samples/a_epoch_1.json")
    assert made["error"]["message"] == "503"
    assert "scores" not in made


def test_calls_their_results_and_those_of_the_user(log):
    messages = [
        UserMessage(tool_calls=[ToolCall(id="u", name="toggle", arguments={}, requestor="user")]),
        ToolMessage(id="u", content="on", requestor="user"),
        AssistantMessage(
            reasoning_content="Look first.",
            tool_calls=[ToolCall(id="1", name="look", arguments={"order": "#W1"})],
        ),
        ToolMessage(id="1", content="no such order", error=True),
    ]
    made = entry(log(a_run("a", messages=messages)), "samples/a_epoch_1.json")
    _, user, user_result, agent, result = made["messages"]
    assert user["content"] == "toggle({})"
    assert user_result["metadata"] == {"requestor": "user"}
    assert agent["content"][0] == {"type": "reasoning", "reasoning": "Look first."}
    assert agent["tool_calls"] == [
        {"id": "1", "function": "look", "arguments": {"order": "#W1"}, "type": "function"}
    ]
    assert (result["function"], result["tool_call_id"]) == ("look", "1")
    assert result["error"] == {"type": "unknown", "message": "no such order"}


def test_a_unit_that_was_played_twice_is_kept_twice(log):
    file = log(a_run("a"), a_run("a", id="again"))
    epochs = [(one["uuid"], one["epoch"]) for one in entry(file, "summaries.json")]
    assert epochs == [("a-0", 1), ("again", 2)]


def test_the_same_run_gives_the_same_bytes(log, tmp_path):
    first = log(a_run("a")).read_bytes()
    stored = ExportedRun("first", tmp_path / "stored")
    (again,) = export_as("inspect", [stored], tmp_path / "again")
    assert again.read_bytes() == first


def test_credentials_are_taken_out(log, monkeypatch):
    monkeypatch.setenv("PROVIDER_TOKEN", "hush-hush-4711")
    file = log(a_run("a", None, info={"error": "hush-hush-4711"}))
    with ZipFile(file) as archive:
        texts = [archive.read(name).decode() for name in archive.namelist()]
    assert not any("hush-hush" in text for text in texts)
    assert any("[redacted]" in text for text in texts)


def test_summaries_are_cut_after_the_credentials_are_taken_out(log, tmp_path, monkeypatch):
    monkeypatch.setenv("PROVIDER_TOKEN", "hush-hush-4711")
    results = some_results(a_run("a"))
    results.tasks[0].user_scenario.instructions = f"{'x' * 977} hush-hush-4711 and on."
    results.save(tmp_path / "long")
    (file,) = export_as("inspect", [ExportedRun("long", tmp_path / "long")], tmp_path / "out")
    (summary,) = entry(file, "summaries.json")
    assert len(summary["input"]) < 1100
    assert "hush" not in summary["input"]


def test_a_log_that_cannot_be_finished_leaves_the_old_one(log, tmp_path):
    before = log(a_run("a")).read_bytes()
    some_results(a_run("a"), a_run("b")).save(tmp_path / "later", "dir")
    (tmp_path / "later/simulations/b-0.json").write_text("{")
    with pytest.raises(DataFileError, match="b-0"):
        export_as("inspect", [ExportedRun("first", tmp_path / "later")], tmp_path / "out")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["first.eval"]
    assert (tmp_path / "out/first.eval").read_bytes() == before


def test_the_reader_of_inspect_opens_it(log):
    reader = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed")
    usage = SessionUsage(prompt_tokens=12345678, completion_tokens=1, model_calls=1)
    file = log(a_run("a", agent_usage=usage), a_run("b/c", None, info={"error": "503"}))
    opened = reader.read_eval_log(str(file))
    scored, failed = opened.samples
    assert [message.role for message in scored.messages] == [
        "system", "assistant", "user", "assistant", "tool",
    ]  # fmt: skip
    assert (scored.scores["reward"].value, failed.error.message) == (1.0, "503")
    assert scored.model_usage["a-model"].input_tokens == 12345678
    assert opened.results.scores[0].metrics["mean"].value == 1.0
    assert len(reader.read_eval_log_sample_summaries(str(file))) == 2
    assert reader.read_eval_log_sample(str(file), id="b/c", epoch=1).error.message == "503"


def test_a_model_that_nobody_called_is_not_named(log):
    unused = SessionUsage()
    file = log(a_run("a", agent_usage=unused, user_usage=unused))
    assert entry(file, "header.json")["eval"]["model"] == "none/none"
    assert "user_llm" not in entry(file, "header.json")["eval"]["metadata"]
    assert entry(file, "samples/a_epoch_1.json")["output"]["model"] == "none/none"
