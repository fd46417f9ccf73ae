from __future__ import annotations

import json
from pathlib import Path

import pytest

from tau2.data_model.message import AssistantMessage, ToolMessage
from tau2.data_model.simulation import Results

ORACLE = ("--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user")
LAZY = ("--domain", "mock", "--agent", "lazy_agent", "--user", "scripted_user")


@pytest.fixture
def runs(tau2):
    tau2("run", *ORACLE, "--task-ids", "create_task_1", "update_task_1", "--save-to", "good")
    tau2("run", *LAZY, "--task-ids", "create_task_1", "--num-trials", "2", "--save-to", "bad")


def test_without_runs_it_says_where_it_looked(tau2):
    ended = tau2("view")
    assert ended.code == 2
    assert "data/simulations" in ended.err


def test_the_newest_run_is_shown(tau2, runs):
    ended = tau2("view")
    assert ended.code == 0
    assert "the newest of 2 runs" in ended.out
    assert "mock: lazy_agent x scripted_user" in ended.out
    assert "average reward  0.000  over 2 of 2 simulations" in ended.out


def test_all_runs_are_listed_newest_first(tau2, runs):
    lines = tau2("view", "--list").out.splitlines()
    assert [line.split()[-1] for line in lines] == ["run", "bad", "good"]
    assert "0.000" in lines[1]


def test_of_a_run_that_was_stopped_it_is_said_how_far_it_came(tau2, runs):
    stored = Path("data/simulations/good/results.json")
    data = json.loads(stored.read_text())
    del data["simulation_index"]  # written at the end of a run
    stored.write_text(json.dumps(data))
    next(stored.with_name("simulations").glob("update*.json")).unlink()
    line = next(line for line in tau2("view", "--list").out.splitlines() if "good" in line)
    assert "1 of 2" in line


def test_a_run_that_cannot_be_read_does_not_hide_the_others(tau2, runs):
    Path("data/simulations/bad/results.json").write_text("{")
    ended = tau2("view", "--list")
    assert ended.code == 0
    assert "cannot be read" in ended.out
    assert "good" in ended.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("good",),
        ("data/simulations/good",),
        ("--dir", "data/simulations/good"),
        ("--file", "data/simulations/good/results.json"),
        ("--file", "data/simulations/good"),
    ],
)
def test_a_run_is_named_in_any_way(tau2, runs, arguments):
    assert "mock: oracle_agent x scripted_user" in tau2("view", *arguments).out


def test_a_run_that_does_not_exist_suggests_the_nearest(tau2, runs):
    assert "did you mean 'good'?" in tau2("view", "godo").err
    assert tau2("view", "--file", "nowhere.json").code == 2


def test_one_conversation_is_shown_with_its_checks(tau2, runs):
    shown = tau2("view", "good", "--task-id", "create_task_1").out
    assert "→ create_task(" in shown
    assert "reference actions" in shown
    assert "✓ DB" in shown
    assert "reward 1.00, which rests on DB, COMMUNICATE" in shown


def test_a_task_or_simulation_that_was_not_played_suggests_the_nearest(tau2, runs):
    assert "did you mean 'create_task_1'?" in tau2("view", "good", "--task-id", "create_task").err
    assert tau2("view", "good", "--sim", "zzz").code == 2


def test_simulations_are_chosen_by_trial_and_by_id(tau2, runs):
    assert tau2("view", "bad", "--task-id", "create_task_1").out.count("trial ") == 2
    only = tau2("view", "bad", "--task-id", "create_task_1", "--trial", "1").out
    assert "trial 1" in only
    assert "trial 0" not in only
    first = Results.load("data/simulations/good").simulations[0].id
    assert tau2("view", "good", "--sim", first[:-3]).code == 0


def test_only_what_failed_is_shown(tau2, runs):
    assert tau2("view", "good", "--only-show-failed").out == "no simulation fits\n"
    assert "create_task_1" in tau2("view", "bad", "--only-show-failed").out
    assert "create_task_1" in tau2("view", "bad", "--only-show-all-failed").out


def test_long_tool_results_are_cut_unless_asked_for(tau2, runs):
    change_first_run(lambda messages: messages.append(ToolMessage(id="c", content="x" * 2000)))
    assert "(+1,500 characters)" in squeezed(tau2("view", "good", "--task-id", "create_task_1").out)
    assert (
        "characters)"
        not in tau2("view", "good", "--task-id", "create_task_1", "--full-tool-results").out
    )
    few = tau2("view", "good", "--task-id", "create_task_1", "--max-tool-result-chars", "10").out
    assert "(+1,990 characters)" in few


def test_what_a_model_said_cannot_touch_the_terminal(tau2, runs):
    hostile = "\x1b[31mred\x1b[0m [bold]not bold[/bold] \x1b]0;hijacked\x07 :smile: \x07\x9b2J[/]"
    change_first_run(lambda messages: messages.append(AssistantMessage(content=hostile)))
    shown = tau2("view", "good", "--task-id", "create_task_1").out
    assert "red [bold]not bold[/bold]" in shown
    assert ":smile:" in shown
    assert not any(ord(character) < 32 and character != "\n" for character in shown)
    assert "hijacked" not in shown


def test_a_single_file_run_beside_others_can_be_viewed(tau2, runs):
    Results.load("data/simulations/good").save("elsewhere.json", "json")
    assert "2 of 2 simulations" in tau2("view", "--file", "elsewhere.json").out


def test_a_broken_file_names_the_place(tau2, runs):
    path = Path("data/simulations/good/results.json")
    raw = json.loads(path.read_text())
    raw["info"]["num_trials"] = "many"
    path.write_text(json.dumps(raw))
    ended = tau2("view", "good")
    assert ended.code == 2
    assert "info.num_trials" in ended.err


def test_a_long_run_is_cut_unless_all_is_asked_for(tau2, runs, monkeypatch):
    monkeypatch.setattr("tau2.cli.view._MOST_SIMULATIONS", 1)
    shown = tau2("view", "bad").out
    assert "… and 1 more simulation; --all lists them" in shown
    assert "over 2 of 2 simulations" in shown
    assert "more simulations" not in tau2("view", "bad", "--all").out


def test_everything_is_there_as_json(tau2, runs):
    listed = json.loads(tau2("view", "--list", "--json").out)
    assert [(run["name"], run["reward"]) for run in listed] == [("bad", 0.0), ("good", 1.0)]
    run = json.loads(tau2("view", "--json").out)
    assert run["average_reward"] == 0.0
    assert [entry["task_id"] for entry in run["simulations"]] == ["create_task_1", "create_task_1"]
    assert len(json.loads(tau2("view", "bad", "--task-id", "create_task_1", "--json").out)) == 2
    assert json.loads(tau2("view", "good", "--only-show-failed", "--json").out) == []


def test_on_a_terminal_the_application_opens(tau2, runs, monkeypatch):
    opened = []
    monkeypatch.setattr("tau2.view.terminals.is_usable", lambda: True)
    monkeypatch.setattr(
        "tau2.view.app.ViewApp.run", lambda app: opened.append(app.get_default_screen().heading)
    )
    assert tau2("view").out == ""
    tau2("view", "good")
    assert opened[0].endswith("data/simulations")
    assert opened[1].startswith("mock: oracle_agent")
    assert "the newest of 2 runs" in tau2("view", "--plain").out
    assert "✓ DB" in tau2("view", "good", "--task-id", "create_task_1").out
    assert len(opened) == 2


def test_a_run_that_cannot_be_used_is_an_error_before_anything_opens(tau2, runs, monkeypatch):
    Path("data/simulations/good/results.json").write_text("{")
    monkeypatch.setattr("tau2.view.terminals.is_usable", lambda: True)
    ended = tau2("view", "good")
    assert ended.code == 2
    assert "not valid JSON" in ended.err


def change_first_run(change) -> None:
    results = Results.load("data/simulations/good")
    run = next(run for run in results.simulations if run.task_id == "create_task_1")
    change(run.messages)
    results.save("data/simulations/good", "dir")


def squeezed(text: str) -> str:
    return "".join(line.strip("│ \n") + " " for line in text.splitlines()).replace(
        " characters", " characters"
    )
