"""Runs as tables: every simulation and message a row, in three forms."""

from __future__ import annotations

import csv
import io
import json

import pytest
from tests.unit.report.conftest import a_priced_run, a_run, some_results

from tau2.data_model.message import AssistantMessage, UserMessage
from tau2.errors import MissingExtra
from tau2.report.export import MESSAGE_COLUMNS, SIMULATION_COLUMNS, export


def exported(tmp_path, *runs, form="jsonl"):
    """Return the rows of both tables, as text has them."""
    written = export([("first", some_results(*runs))], tmp_path, form)
    simulations, messages = written
    if form == "csv":
        return [
            list(csv.DictReader(io.StringIO(file.read_text(), newline="")))
            for file in (simulations, messages)
        ]
    return [
        [json.loads(line) for line in file.read_text().splitlines()]
        for file in (simulations, messages)
    ]


def test_a_row_says_what_a_simulation_was(tmp_path):
    (row,), _ = exported(tmp_path, a_priced_run(0.5, task_id="a"))
    assert list(row) == list(SIMULATION_COLUMNS)
    assert (row["run"], row["task_id"], row["reward"], row["passed"], row["outcome"]) == (
        "first",
        "a",
        1.0,
        True,
        "passed",
    )
    assert (row["agent_cost"], row["agent_prompt_tokens"], row["info_agent_llm"]) == (
        0.5,
        10,
        "a-model",
    )
    assert json.loads(row["reward_breakdown"]) == {"DB": 1.0}


def test_a_failure_of_the_surroundings_neither_passed_nor_failed(tmp_path):
    (row,), _ = exported(tmp_path, a_run("a", None, info={"error": "503"}))
    assert (row["passed"], row["reward"], row["error"], row["outcome"]) == (
        None,
        None,
        "503",
        "infrastructure failure",
    )


def test_messages_keep_their_order_and_their_calls(tmp_path):
    _, rows = exported(tmp_path, a_run("a"))
    assert list(rows[0]) == list(MESSAGE_COLUMNS)
    assert [(row["index"], row["role"]) for row in rows] == [
        (0, "assistant"),
        (1, "user"),
        (2, "assistant"),
        (3, "tool"),
    ]
    assert json.loads(rows[2]["tool_calls"]) == [
        {"id": "1", "name": "look", "arguments": {"order": "#W1"}}
    ]
    assert (rows[3]["tool_call_id"], rows[3]["error"]) == ("1", False)


def test_csv_holds_lines_quotes_and_no_formulas(tmp_path):
    said = ['two\nlines, "quoted"', "=HYPERLINK(1)", "-5 degrees", "plain"]
    _, rows = exported(
        tmp_path, a_run("a", messages=[UserMessage(content=text) for text in said]), form="csv"
    )
    assert [row["content"] for row in rows] == [said[0], "'=HYPERLINK(1)", "'-5 degrees", "plain"]


def test_credentials_are_taken_out(tmp_path, monkeypatch):
    monkeypatch.setenv("PROVIDER_TOKEN", "hush-hush-4711")
    run = a_run(
        "a",
        None,
        messages=[AssistantMessage(content="hush-hush-4711")],
        info={"error": "Bearer abc.defghi"},
    )
    results = some_results(run)
    results.info.agent_info.llm_args = {"api_key": "tops3cret", "temperature": 0}
    text = "".join(file.read_text() for file in export([("first", results)], tmp_path, "jsonl"))
    assert not any(secret in text for secret in ("hush-hush", "abc.defghi", "tops3cret"))
    assert '\\"temperature\\": 0' in text


def test_halves_of_characters_do_not_stop_it(tmp_path):
    _, rows = exported(
        tmp_path,
        a_run("a", messages=[UserMessage.model_construct(role="user", content="x\ud800y")]),
    )
    assert rows[0]["content"] in {"x?y", "x\ud800y"}


def test_parquet_has_types_and_every_row(tmp_path):
    parquet = pytest.importorskip(
        "pyarrow.parquet", reason="pyarrow is not installed (extra `parquet`)"
    )
    written = export([("first", some_results(a_run("a"), a_run("b", None)))], tmp_path, "parquet")
    assert list(written.values()) == [2, 8]
    table = parquet.read_table(tmp_path / "simulations.parquet")
    assert table.column_names == list(SIMULATION_COLUMNS)
    assert (str(table.schema.field("reward").type), str(table.schema.field("passed").type)) == (
        "double",
        "bool",
    )
    assert table.column("reward").to_pylist() == [1.0, None]


def test_parquet_without_its_package_names_the_extra(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"tau2-bench\[parquet\]"):
        export([("first", some_results(a_run("a")))], tmp_path / "out", "parquet")
    assert not (tmp_path / "out").exists()
