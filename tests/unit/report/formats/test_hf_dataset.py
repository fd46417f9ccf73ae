"""Runs as data sets in the layout of Hugging Face, which its package loads where it is there."""

from __future__ import annotations

import json

import pytest
import yaml
from tests.unit.report.conftest import a_run, some_results

from tau2.data_model.message import AssistantMessage
from tau2.data_model.simulation import SessionUsage
from tau2.report.export import MESSAGE_COLUMNS, SIMULATION_COLUMNS
from tau2.report.formats import ExportedRun, export_as, hf_dataset


@pytest.fixture
def data_set(tmp_path):
    """Return a function that stores runs, exports them, and returns the folder."""

    def export(*runs, name="first"):
        some_results(*runs).save(tmp_path / "stored", "dir")
        export_as("hf", [ExportedRun(name, tmp_path / "stored")], tmp_path / "out")
        return tmp_path / "out"

    return export


def card(folder):
    """Return what the card says to machines, and to people."""
    _, head, text = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(head), text


def rows(folder, table):
    files = sorted((folder / "data").glob(f"{table}-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def test_the_card_lists_the_files_and_the_types(data_set):
    head, text = card(data_set(a_run("a"), a_run("b", None)))
    simulations, messages = head["configs"]
    assert simulations["data_files"] == [
        {"split": "test", "path": ["data/simulations-00000.jsonl"]}
    ]
    assert messages["config_name"] == "messages"
    features = {
        one["config_name"]: {each["name"]: each["dtype"] for each in one["features"]}
        for one in head["dataset_info"]
    }
    assert features["simulations"]["reward"] == "float64"
    assert list(features["simulations"]) == list(SIMULATION_COLUMNS)
    assert list(features["messages"]) == list(MESSAGE_COLUMNS)
    assert "| first | shop | llm_agent | a-model | user_simulator | u-model | 1 |" in text


def test_large_runs_are_written_in_several_files(data_set, monkeypatch):
    monkeypatch.setattr(hf_dataset, "BATCH", 2)
    folder = data_set(*(a_run(name) for name in "abcde"))
    assert [row["task_id"] for row in rows(folder, "simulations")] == list("abcde")
    assert [row["index"] for row in rows(folder, "messages")] == [0, 1, 2, 3] * 5
    (paths,) = [one["data_files"][0]["path"] for one in card(folder)[0]["configs"][:1]]
    assert paths == [f"data/simulations-0000{number}.jsonl" for number in range(3)]


def test_files_of_an_earlier_larger_export_are_no_part_of_it(data_set, monkeypatch):
    monkeypatch.setattr(hf_dataset, "BATCH", 1)
    data_set(a_run("a"), a_run("b"))
    monkeypatch.undo()
    head, _ = card(data_set(a_run("a"), a_run("b")))
    assert head["configs"][0]["data_files"][0]["path"] == ["data/simulations-00000.jsonl"]


def test_credentials_and_markup_are_taken_out(data_set, monkeypatch):
    monkeypatch.setenv("PROVIDER_TOKEN", "hush-hush-4711")
    run = a_run("a", messages=[AssistantMessage(content="hush-hush-4711")])
    folder = data_set(run, name="hush-hush-4711 | <b>: {x}")
    files = [folder / "README.md", *(folder / "data").iterdir()]
    assert not any("hush-hush" in file.read_text(encoding="utf-8") for file in files)
    head, text = card(folder)
    assert head["pretty_name"] == "Conversations of [redacted] | <b>: {x}"
    assert "<b>" not in text


def test_the_package_of_hugging_face_loads_it(data_set, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)  # no thread that outlives the test
    monkeypatch.setattr(hf_dataset, "BATCH", 1)
    folder = data_set(a_run("a", None), a_run("b"))
    loaded = datasets.load_dataset(
        str(folder), "simulations", split="test", cache_dir=str(tmp_path / "cache")
    )
    assert loaded["reward"][:] == [None, 1.0]
    assert loaded.column_names == list(SIMULATION_COLUMNS)


def test_a_model_that_nobody_called_is_not_named(data_set):
    _, text = card(data_set(a_run("a", agent_usage=SessionUsage(), user_usage=SessionUsage())))
    assert "| first | shop | llm_agent | none | user_simulator | none | 1 |" in text
