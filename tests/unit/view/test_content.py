"""What is shown, without a terminal: blocks, rows, filters and stored runs."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage
from tau2.storage.results import Results
from tau2.view.blocks import BlockVisual
from tau2.view.content.blocks import (
    MOST_CHARACTERS,
    MOST_LINES,
    Block,
    blocks_of,
    capped,
    pretty,
    shown,
)
from tau2.view.content.library import RunReader
from tau2.view.content.rows import Column, Row, next_match, widths
from tau2.view.content.simulations import SimulationList

# --- texts ----------------------------------------------------------------------------------------


def test_short_text_is_only_cleaned():
    assert capped("\x1b[2Jred\x07\tx\r\ny") == "red x\ny"


def test_long_text_is_cut_and_says_by_how_much():
    assert capped("x" * (MOST_CHARACTERS + 1)).endswith("x… (+1 character)")
    assert capped("x\n" * 1_000).endswith(f"(+{2_000 - 2 * MOST_LINES + 1:,} characters)")
    assert capped("x\n" * 1_000).count("\n") == MOST_LINES - 1


@given(st.text(max_size=300))
def test_no_control_character_is_left(text):
    for kept in (capped(text), shown(text), pretty(text)[0]):
        assert not any(ord(c) < 32 and c != "\n" for c in kept)
        assert not any(127 <= ord(c) < 160 or "\u202a" <= c <= "\u202e" for c in kept)


def test_json_is_indented_and_what_only_looks_like_it_stays():
    assert pretty('{"a":1}')[0] == '{\n  "a": 1\n}'
    assert pretty("{not json")[0] == "{not json"
    assert pretty("[" * 100_000)[0].startswith("[[[")


# --- blocks ---------------------------------------------------------------------------------------


def test_calls_and_results_become_one_block_and_the_rest_stays_in_order(saved_runs):
    run = Results.load(saved_runs / "good").simulations[0]
    run.messages = [
        AssistantMessage(content="I look.", reasoning_content="What do they want?"),
        AssistantMessage(
            tool_calls=[
                ToolCall(id="1", name="find", arguments={"a": [1]}),
                ToolCall(id="2", name="lost", arguments={}),
            ]
        ),
        ToolMessage(id="1", content='{"b": 2}', requestor="assistant"),
        ToolMessage(id="9", content="no", error=True, requestor="user"),
        AssistantMessage(content=""),
    ]
    blocks = blocks_of(run, None, [])
    heads = [block.head for block in blocks]
    assert heads[0].startswith("task create_task_1  trial 0  seed ")
    assert heads[1:-1] == [
        "agent thinks: What do they want?",
        "agent",
        '→ find(a=[1]) = {"b": 2}',
        "user → lost() = no",
        "agent",
    ]
    assert blocks[3].body == [("a: [1]", ""), ("result:", "label"), ('{\n  "b": 2\n}', "")]
    assert blocks[4].style == "bad"
    assert blocks[5].body == [("(nothing)", "")]
    assert heads[-1].startswith("grading: reward 1.00")


def test_a_call_without_a_result_is_shown():
    call = AssistantMessage(tool_calls=[ToolCall(id="1", name="find", arguments={})])
    assert calls_of([call]) == ["→ find()  (no result)"]


def test_a_result_without_a_call_is_shown():
    assert calls_of([ToolMessage(id="1", content="x")]) == ["→ (a result without its call) = x"]


def calls_of(messages) -> list[str]:
    from tau2.data_model.simulation import SimulationRun, TerminationReason

    run = SimulationRun(
        id="1", task_id="t", start_time="", end_time="", duration=0.0, messages=messages,
        termination_reason=TerminationReason.AGENT_STOP,
    )  # fmt: skip
    return [block.head for block in blocks_of(run, None, []) if block.kind == "call"]


@given(st.text(max_size=300), st.integers(12, 60), st.booleans())
def test_no_line_of_a_block_is_wider_than_the_screen(text, width, is_folded):
    block = Block(capped(text).replace("\n", " "), "agent", [(capped(text), "")], is_folded)
    lines = BlockVisual(block, found="a").lines(width)
    assert all(cell_len(line.plain) <= width for line in lines)
    assert not any(ord(character) < 32 for line in lines for character in line.plain)


def test_lines_keep_their_indentation_and_wide_characters_take_two_cells():
    block = Block("", "", [("  - first point here\n字字字字字字字字", "")])
    lines = [line.plain for line in BlockVisual(block).lines(14)]
    assert lines == ["    - first", "    point here", "  字字字字字字", "  字字"]


# --- rows -----------------------------------------------------------------------------------------


def test_columns_share_what_the_others_leave():
    columns = (Column("task"), Column("trial", 5), Column("about"))
    rows = [Row("1", (("x" * 30, ""), ("0", ""), ("y" * 300, "")))]
    assert widths(columns, rows, 100) == [30, 5, 59]
    assert widths(columns, rows, 40) == [19, 5, 10]
    assert widths(columns, rows, 10) == [10, 5, 10]
    assert widths(columns, [], 60) == [10, 5, 39]


def test_a_search_goes_round_the_end_and_ends_where_it_began():
    texts = ["Apple", "pear", "APPLE pie"]
    assert next_match(texts, "apple", 0, 1) == 2
    assert next_match(texts, "apple", 2, 1) == 0
    assert next_match(texts, "apple", 2, -1) == 0
    assert next_match(texts, "pear", 1, 1) == 1
    assert next_match(texts, "plum", 0, 1) is None
    assert next_match([], "plum", 0, 1) is None


# --- simulations ----------------------------------------------------------------------------------


@pytest.fixture
def good(saved_runs):
    return SimulationList(RunReader(saved_runs / "good"))


def test_filters_count_what_they_would_show(good):
    good.read_tools()
    found = {row.key: row.cells[2][0] for row in good.choices()}
    assert found["reward=passed"] == "2"
    assert found["reward=failed"] == "0"
    assert found["outcome=user_stop"] == "2"
    assert found["tool=create_task"] == "1"
    good.choose("tool=create_task")
    assert [entry.task_id for entry in good.shown] == ["create_task_1"]
    good.choose("tool=create_task")
    assert len(good.shown) == 2


def test_only_tasks_that_were_never_solved(saved_runs):
    bad = SimulationList(RunReader(saved_runs / "bad"))
    bad.choose("reward=unsolved")
    assert [(entry.task_id, entry.trial) for entry in bad.shown] == [
        ("create_task_1", 0),
        ("create_task_1", 1),
    ]
    assert bad.title.endswith("only: tasks of which every trial failed")


def test_tasks_are_sorted_by_their_numbers(good):
    for entry, name in zip(good.all, ("10", "9"), strict=True):
        object.__setattr__(entry, "task_id", name)
    good.next_sort(1)
    assert [row.cells[0][0] for row in good.rows()] == ["9", "10"]


# --- stored runs ----------------------------------------------------------------------------------


def test_a_run_under_way_is_read_from_its_journal(saved_runs, tmp_path):
    shutil.copytree(saved_runs / "good", tmp_path / "run")
    results = Results.load_metadata(tmp_path / "run")
    results.simulation_index = None
    results.save_metadata(tmp_path / "run")
    entries = RunReader(tmp_path / "run").entries
    assert [(entry.task_id, entry.reward) for entry in entries] == [
        ("create_task_1", 1.0),
        ("update_task_1", 1.0),
    ]


def test_a_single_file_is_read_whole_and_is_not_under_way(saved_runs, tmp_path):
    Results.load(saved_runs / "good").save(tmp_path / "one.json", "json")
    reader = RunReader(tmp_path / "one.json")
    assert [entry.task_id for entry in reader.entries] == ["create_task_1", "update_task_1"]
    assert not reader.is_under_way
    assert reader.load(reader.entries[0].id).task_id == "create_task_1"
    assert reader.tools_of(reader.entries[0].id) == {"create_task"}


def test_a_reading_is_refreshed_only_when_the_files_changed(saved_runs, tmp_path):
    shutil.copytree(saved_runs / "good", tmp_path / "run")
    reader = RunReader(tmp_path / "run")
    assert len(reader.entries) == 2
    assert reader.refreshed() is None
    results = Results.load_metadata(tmp_path / "run")
    results.simulation_index.pop()
    results.save_metadata(tmp_path / "run")
    assert len(reader.refreshed().entries) == 1
