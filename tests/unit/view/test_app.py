from __future__ import annotations

import shutil

import pytest
from rich.cells import cell_len

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage
from tau2.data_model.simulation import Results
from tau2.view.library import RunReader
from tau2.view.runs import RunsScreen
from tau2.view.simulations import SimulationsScreen


@pytest.fixture
def at_runs(keyboard, saved_runs):
    return keyboard(RunsScreen(saved_runs))


@pytest.fixture
def at_bad(keyboard, saved_runs):
    return keyboard(SimulationsScreen(RunReader(saved_runs / "bad")))


@pytest.fixture
def in_talk(keyboard, saved_runs):
    press = keyboard(SimulationsScreen(RunReader(saved_runs / "good")))
    press("enter")
    return press


# --- runs -----------------------------------------------------------------------------------------------------------


def test_runs_show_their_names_at_once_and_their_figures_when_there_is_time(at_runs):
    assert "good" in at_runs.shown()
    assert "mock" not in at_runs.shown()
    while at_runs.app.idle():
        pass
    assert "1.000  good" in at_runs.shown()
    assert "0.000  bad" in at_runs.shown()


def test_a_run_is_opened_and_left_again(at_runs):
    assert "mock: lazy_agent x scripted_user · 2 of 2 simulations" in at_runs("enter")
    assert "2 runs in" in at_runs("esc")
    at_runs("q")
    assert at_runs.app.is_over


def test_a_run_that_cannot_be_read_is_a_note(at_runs, saved_runs, tmp_path, keyboard):
    shutil.copytree(saved_runs, tmp_path / "runs")
    (tmp_path / "runs" / "bad" / "results.json").write_text("{")
    press = keyboard(RunsScreen(tmp_path / "runs"))
    while press.app.idle():
        pass
    assert "cannot be read" in press.shown()
    press("/", *"cannot be", "enter")
    assert "not valid JSON" in press("enter").replace("\n ", "")


def test_an_empty_folder_says_how_to_get_a_run(keyboard, tmp_path):
    press = keyboard(RunsScreen(tmp_path))
    assert "no runs here" in press.shown()
    press("enter", "down", "/", "x", "enter")
    assert not press.app.is_over


# --- simulations ----------------------------------------------------------------------------------------------------


def test_simulations_are_filtered_by_reward_outcome_and_tool(keyboard, saved_runs):
    press = keyboard(SimulationsScreen(RunReader(saved_runs / "good")))
    shown = press("f")
    assert "full reward  2" in shown
    assert "user_stop  2" in shown
    press("/", *"update_task_status", "enter", "enter", "esc")
    assert "1 of 2 simulations" in press.shown()
    assert "only: calls update_task_status" in keyboard(press.app.screen, width=140).shown()
    assert "2 of 2 simulations" in press("F")


def test_nothing_fits_says_so(keyboard, saved_runs):
    press = keyboard(SimulationsScreen(RunReader(saved_runs / "good")))
    assert "no simulation fits; F shows all" in press("x")
    assert "2 of 2" in press("x")


def test_the_tools_of_many_conversations_are_read_on_request(keyboard, saved_runs, monkeypatch):
    monkeypatch.setattr("tau2.view.simulations._READ_AT_ONCE", 1)
    press = keyboard(SimulationsScreen(RunReader(saved_runs / "good")))
    assert "read 2 conversations" in press("f")
    assert "create_task  1" in press("G", "enter")


def test_simulations_are_sorted(at_bad):
    assert "sorted by task" in at_bad("s")
    assert "sorted by reward" in at_bad("s")
    at_bad("S", "S")
    assert "by task" not in at_bad.shown().splitlines()[0]


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


def test_a_single_file_is_read_whole(saved_runs, tmp_path, keyboard):
    Results.load(saved_runs / "good").save(tmp_path / "one.json", "json")
    press = keyboard(SimulationsScreen(RunReader(tmp_path / "one.json")))
    assert "2 of 2 simulations" in press.shown()
    assert "grading: reward 1.00" in press("enter", "G")


def test_a_simulation_that_is_gone_is_a_note(saved_runs, tmp_path, keyboard):
    shutil.copytree(saved_runs / "good", tmp_path / "run")
    for file in (tmp_path / "run" / "simulations").glob("*.json"):
        file.unlink()
    assert "cannot be read" in keyboard(SimulationsScreen(RunReader(tmp_path / "run")))("enter")


# --- a conversation -------------------------------------------------------------------------------------------------


def test_a_conversation_has_folded_calls_and_the_changes_of_every_turn(in_talk):
    shown = in_talk.shown()
    assert "▸ → create_task(" in shown
    assert "+ tasks[task_2] added" in shown
    assert '"status"' not in shown


def test_a_call_unfolds_and_folds_again(in_talk):
    in_talk("/", *"→ create", "enter", "a")
    assert "▸ → create_task(" in in_talk.here()
    assert '"task_id": "task_2"' in in_talk("enter")
    assert '"task_id": "task_2"' not in in_talk(" ")


def test_one_goes_from_change_to_change_and_to_the_checks(in_talk):
    in_talk("d")
    assert "database: 2 records" in in_talk.here()
    assert "no more changes" in in_talk("d")
    shown = in_talk("c")
    assert "grading: reward 1.00" in in_talk.here()
    assert "✓ DB" in shown


def test_search_finds_what_is_folded(in_talk):
    in_talk("/", *"REFERENCE ACTIONS", "enter")
    assert "reference actions:" in in_talk.here()
    assert "not found: nowhere" in in_talk("/", *"nowhere", "enter")


def test_what_a_model_said_cannot_touch_the_screen(saved_runs, tmp_path, keyboard):
    hostile = "\x1b[31mred\x1b[0m [bold]x[/bold] \x1b]0;hijacked\x07 \x9b2J 字字 \u202eback"
    results = Results.load(saved_runs / "good")
    results.simulations[0].messages += [
        AssistantMessage(content=hostile),
        AssistantMessage(tool_calls=[ToolCall(id="1", name=hostile, arguments={hostile: hostile})]),
        ToolMessage(id="1", content=hostile, error=True),
    ]
    results.save(tmp_path / "run", "dir")
    press = keyboard(SimulationsScreen(RunReader(tmp_path / "run")), height=200)
    shown = press("enter", "a")
    assert "red [bold]x[/bold]" in shown
    assert "\\u001b]0;hijacked" in shown, "in JSON the sequence is spelled out, and does nothing"
    assert not any(
        ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e" for c in shown.replace("\n", "")
    )


# --- all screens ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(80, 24), (160, 50), (21, 5), (40, 200), (5, 2)])
def test_every_drawing_fills_the_screen_exactly(keyboard, saved_runs, width, height):
    press = keyboard(RunsScreen(saved_runs), width=width, height=height)
    for keys in ((), ("enter",), ("f",), ("esc", "enter"), ("a",), ("G",), ("?",)):
        press(*keys)
        drawn = press.app.draw(width, height)
        assert len(drawn) == height
        assert {cell_len(line.plain) for line in drawn} == {width}


def test_the_keys_are_explained(at_bad):
    assert "filter by reward, outcome or tool" in at_bad("?")
    assert "2 of 2 simulations" in at_bad("esc")


def test_a_search_may_be_given_up(at_bad):
    assert at_bad("/", "a", "b").splitlines()[-1].startswith("/ab")
    assert at_bad("backspace").splitlines()[-1].startswith("/a▏")
    at_bad("esc")
    assert "nothing is searched yet" in at_bad("n")


@pytest.mark.parametrize("key", ["ctrl-c", "Q"])
def test_one_leaves_from_anywhere(in_talk, key):
    in_talk(key)
    assert in_talk.app.is_over


def test_two_thousand_simulations_open_without_reading_one(saved_runs, tmp_path, keyboard):
    results = Results.load(saved_runs / "good")
    one = results.simulations[0]
    results.simulations = [one.model_copy(update={"id": f"{n}", "trial": n}) for n in range(2000)]
    results.simulation_index = None
    folder = tmp_path / "many"
    results.model_copy(update={"simulations": results.simulations}).save(folder, "dir")
    shutil.rmtree(folder / "simulations")
    press = keyboard(SimulationsScreen(RunReader(folder)))
    assert "2000 of 2000 simulations" in press.shown()
    assert "2000/2000" in press("G")
