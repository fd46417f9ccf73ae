"""`tau2 view` as a person uses it: keys and clicks in, a screen out."""

from __future__ import annotations

import shutil
import time

import pytest

from tau2.data_model.message import AssistantMessage, ToolCall, ToolMessage
from tau2.storage.journal import Journal, Stored
from tau2.storage.results import Results, indexed, journal_file
from tau2.view.app import ViewApp
from tau2.view.content.library import RunReader


@pytest.fixture
def at_runs(before, saved_runs):
    return lambda **size: before(ViewApp(folder=saved_runs), **size)


@pytest.fixture
def at(before, saved_runs):
    """Before the simulations of a run."""
    return lambda name, **size: before(ViewApp(run=RunReader(saved_runs / name)), **size)


# --- runs -----------------------------------------------------------------------------------------


def test_runs_show_their_figures_when_they_are_read(at_runs, tell):
    async def story():
        async with at_runs() as press:
            shown = await press.until("0.000")
            assert "2 runs in" in shown
            assert any(line.split()[-3:] == ["2", "1.000", "good"] for line in shown.splitlines())
            assert any(line.split()[-3:] == ["2", "0.000", "bad"] for line in shown.splitlines())

    tell(story())


def test_a_run_is_opened_and_left_again(at_runs, tell):
    async def story():
        async with at_runs() as press:
            assert "mock: lazy_agent x scripted_user · 2 of 2 simulations" in await press("enter")
            assert "2 runs in" in await press("escape")
            await press("q")
            assert not press.app.is_running

    tell(story())


def test_the_cursor_stays_on_the_run_that_was_opened(at_runs, tell):
    async def story():
        async with at_runs() as press:
            assert "oracle_agent" in await press("j", "l")
            await press("h")
            assert "oracle_agent" in await press("right")

    tell(story())


def test_a_run_that_cannot_be_read_is_told(before, saved_runs, tmp_path, tell):
    shutil.copytree(saved_runs, tmp_path / "runs")
    (tmp_path / "runs" / "bad" / "results.json").write_text("{")

    async def story():
        async with before(ViewApp(folder=tmp_path / "runs"), size=(100, 24)) as press:
            await press.until("cannot be read")
            await press("slash")
            await press.types("cannot be")
            await press("enter")
            assert "not valid JSON" in press.told()
            assert press.app.is_running

    tell(story())


def test_an_empty_folder_says_how_to_get_a_run(before, tmp_path, tell):
    async def story():
        async with before(ViewApp(folder=tmp_path)) as press:
            assert "no runs here; tau2 run" in press.shown()
            await press("enter", "down", "slash")
            await press.types("x")
            assert press.app.is_running

    tell(story())


def test_a_run_that_begins_appears_by_itself(before, saved_runs, tmp_path, monkeypatch, tell):
    monkeypatch.setattr("tau2.view.runs._POLL", 0.05)

    async def story():
        async with before(ViewApp(folder=tmp_path)) as press:
            shutil.copytree(saved_runs / "good", tmp_path / "later")
            assert "later" in await press.until("1.000")

    tell(story())


# --- simulations ----------------------------------------------------------------------------------


def test_simulations_are_filtered_by_reward_outcome_and_tool(at, tell):
    async def story():
        async with at("good", size=(140, 24)) as press:
            shown = " ".join((await press("f")).split())
            assert "full reward 2" in shown
            assert "user_stop 2" in shown
            await press("slash")
            await press.types("update_task_status")
            shown = await press("enter", "escape")
            assert "1 of 2 simulations" in shown
            assert "only: calls update_task_status" in shown
            assert "2 of 2 simulations" in await press("F")

    tell(story())


def test_a_choice_is_let_go_by_taking_it_again(at, tell):
    async def story():
        async with at("good") as press:
            assert "● full reward" in await press("f", "space")
            assert "○ full reward" in await press("space")
            assert "● full reward" in await press("space")
            assert "○ full reward" in await press("c")

    tell(story())


def test_nothing_fits_says_so(at, tell):
    async def story():
        async with at("good") as press:
            assert "no simulation fits; F shows all" in await press("x")
            assert "2 of 2" in await press("x")
            assert "seed" in await press("enter"), "the table has the keys again"

    tell(story())


def test_the_tools_of_many_conversations_are_read_on_request(at, monkeypatch, tell):
    monkeypatch.setattr("tau2.view.content.simulations.MOST_READ_UNASKED", 1)

    async def story():
        async with at("good") as press:
            assert "read 2 conversations" in await press("f")
            assert "create_task" in await press("G", "enter")

    tell(story())


def test_simulations_are_sorted_by_key_and_by_click(at, tell):
    async def story():
        async with at("bad", size=(120, 24)) as press:
            assert "by task" in await press("s")
            assert "by reward" in await press("s")
            assert " by " not in (await press("S", "S")).splitlines()[0]
            column = press.shown().splitlines()[1].index("seconds")
            assert "by longest" in await press.clicks(column + 1, 1)

    tell(story())


def test_a_click_opens_the_row_that_the_cursor_is_on(at, tell):
    async def story():
        async with at("good") as press:
            assert "update_task_1" in await press.clicks(4, 3)
            assert "seed" in await press.clicks(4, 3)

    tell(story())


def test_a_run_under_way_grows_while_it_is_open(before, saved_runs, tmp_path, monkeypatch, tell):
    monkeypatch.setattr("tau2.view.simulations._POLL", 0.05)
    records = half_of(saved_runs / "good", tmp_path / "run")
    stored = {entry.id for entry in RunReader(tmp_path / "run").entries}
    missing = next(record for record in records if record.id not in stored)

    async def story():
        async with before(ViewApp(run=RunReader(tmp_path / "run")), size=(120, 24)) as press:
            assert "1 of 1 simulation · not finished: 1 of 2 played" in press.shown()
            journal = Journal(journal_file(tmp_path / "run"), 3)
            journal.append(missing)
            journal.close()
            shown = await press.until("2 of 2 simulations")
            assert "not finished: 2 of 2 played" in shown
            assert missing.task_id in shown
            shutil.copy(saved_runs / "good" / "results.json", tmp_path / "run" / "results.json")
            shown = await press.until("2 of 2 simulations · reward")
            assert "not finished" not in shown

    tell(story())


def half_of(run, copy) -> list[Stored]:
    """Copy a run as it was with its first simulation; return the records of all of them."""
    shutil.copytree(run, copy)
    results = Results.load_metadata(copy)
    results.simulation_index = None
    results.save_metadata(copy)
    lines = journal_file(copy).read_bytes().splitlines(keepends=True)
    journal_file(copy).write_bytes(b"".join(lines[:2]))
    entries = {run.id: run for run in Results.load(run).simulations}
    return [
        Stored(
            task_id=each.task_id, trial=0, seed=each.seed, id=each.id, size=1, sha256="",
            termination=each.termination_reason.value, reward=each.reward_info.reward,
        )
        for each in entries.values()
    ]  # fmt: skip


def test_a_simulation_that_is_gone_is_told(before, saved_runs, tmp_path, tell):
    shutil.copytree(saved_runs / "good", tmp_path / "run")
    for file in (tmp_path / "run" / "simulations").glob("*.json"):
        file.unlink()

    async def story():
        async with before(ViewApp(run=RunReader(tmp_path / "run"))) as press:
            await press("enter")
            assert "the index and the files disagree" in press.told()

    tell(story())


def test_two_thousand_simulations_open_without_reading_one(before, saved_runs, tmp_path, tell):
    results = Results.load(saved_runs / "good")
    one = results.simulations[0]
    results.simulations = [one.model_copy(update={"id": f"{n}", "trial": n}) for n in range(2000)]
    (tmp_path / "many").mkdir()
    indexed(results).save_metadata(tmp_path / "many")

    async def story():
        async with before(ViewApp(run=RunReader(tmp_path / "many"))) as press:
            assert "2,000 of 2,000 simulations" in press.shown()
            assert " 1999 " in await press("G")

    tell(story())


# --- a conversation -------------------------------------------------------------------------------


def test_a_conversation_has_folded_calls_and_the_changes_of_every_turn(at, tell):
    async def story():
        async with at("good") as press:
            shown = await press("enter")
            assert "▸ → create_task(" in shown
            assert "+ tasks[task_2] added" in shown
            assert '"status"' not in shown

    tell(story())


def test_a_call_unfolds_and_folds_again(at, tell):
    async def story():
        async with at("good", size=(80, 40)) as press:
            await press("enter", "slash")
            await press.types('create_task(user_id="')
            assert '"task_id": "task_2"' in await press("enter")
            assert '"task_id": "task_2"' not in await press("space")
            assert "▸" not in await press("a")
            assert "▸ → create_task(" in await press("a")

    tell(story())


def test_a_click_goes_to_a_part_and_another_unfolds_it(at, tell):
    async def story():
        async with at("good", size=(80, 40)) as press:
            lines = (await press("enter")).splitlines()
            line = next(n for n, text in enumerate(lines) if "▸ → create_task(" in text)
            assert "▸ → create_task(" in await press.clicks(10, line)
            assert "▾ → create_task(" in await press.clicks(10, line)

    tell(story())


def test_one_goes_from_change_to_change_and_to_the_checks(at, tell):
    async def story():
        async with at("good", size=(80, 30)) as press:
            await press("enter", "d")
            blocks = press.app.screen.blocks
            assert blocks.current.head == "database: 2 records"
            await press("d")
            assert "no more changes" in press.told()
            shown = await press("c")
            assert blocks.current.kind == "grading"
            assert "✓ DB" in shown
            await press("shift+tab")
            assert blocks.current.kind == "message"
            await press("g", "D")
            assert blocks.highlighted == 0

    tell(story())


def test_search_finds_what_is_folded(at, tell):
    async def story():
        async with at("good", size=(80, 40)) as press:
            await press("enter", "slash")
            assert "reference actions:" in await press.types("REFERENCE ACTIONS")
            await press("slash")
            await press.types("nowhere")
            assert "not found: nowhere" in press.told()

    tell(story())


def test_a_part_taller_than_the_screen_is_read_line_by_line(before, saved_runs, tmp_path, tell):
    results = Results.load(saved_runs / "good")
    results.simulations[0].messages += [
        AssistantMessage(content="\n".join(f"line {n}" for n in range(24))),
        AssistantMessage(content="the end"),
    ]
    results.save(tmp_path / "run", "dir")

    async def story():
        async with before(ViewApp(run=RunReader(tmp_path / "run")), size=(60, 12)) as press:
            await press("enter", "slash")
            await press.types("line 0")
            seen = press.shown()
            while "the end" not in seen:
                below = await press("down")
                assert below != seen, "every step shows something new"
                seen = below
            assert "line 23" in seen
            await press("up", "up")
            assert "line 10" in await press("pageup")
            await press("g")
            for _ in range(8):
                await press("pagedown")
            assert "grading" in press.shown()
            assert press.app.screen.blocks.current.kind == "grading"

    tell(story())


def test_what_a_model_said_cannot_touch_the_screen(before, saved_runs, tmp_path, tell):
    hostile = "\x1b[31mred\x1b[0m [bold]x[/bold] \x1b]0;hijacked\x07 \x9b2J 字字 \u202eback [/]"
    results = Results.load(saved_runs / "good")
    results.simulations[1].messages += [
        AssistantMessage(content=hostile),
        AssistantMessage(tool_calls=[ToolCall(id="1", name=hostile, arguments={hostile: hostile})]),
        ToolMessage(id="1", content=hostile, error=True),
    ]
    results.simulations[1].task_id = hostile
    results.save(tmp_path / "run", "dir")

    async def story():
        async with before(ViewApp(run=RunReader(tmp_path / "run")), size=(100, 60)) as press:
            shown = [
                press.shown(),
                await press("f"),
                await press("escape", "enter"),
                await press("a"),
            ]
            assert "red [bold]x[/bold]" in shown[0]
            assert "red [bold]x[/bold]" in shown[3]
            assert "\\u001b]0;hijacked" in shown[3], "in JSON it is spelled out, and does nothing"
            for text in "".join(shown).replace("\n", ""):
                assert ord(text) >= 32
                assert not 127 <= ord(text) < 160
                assert text != "\u202e"

    tell(story())


def test_a_message_of_thirty_megabytes_is_cut_and_says_so(before, saved_runs, tmp_path, tell):
    results = Results.load(saved_runs / "good")
    results.simulations[0].messages += [
        AssistantMessage(content="abc " * 7_500_000),
        AssistantMessage(tool_calls=[ToolCall(id="1", name="find", arguments={})]),
        ToolMessage(id="1", content="x\n" * 1_000_000),
    ]
    results.save(tmp_path / "run", "dir")

    async def story():
        async with before(ViewApp(run=RunReader(tmp_path / "run"))) as press:
            assert "task create_task_1" in await press("enter")
            began = time.process_time()
            await press("slash")
            shown = await press.types("29,980,000")
            assert "(+29,980,000 characters)" in " ".join(shown.split())
            await press("a", "G", "g")
            assert time.process_time() - began < 10
            assert "(+1,999,001 characters)" in press.app.screen.blocks.blocks[-2].text

    tell(story())


# --- every screen ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(160, 50), (60, 20), (5, 2)])
def test_every_screen_fits_every_size(at_runs, size, tell):
    async def story():
        async with at_runs(size=size) as press:
            for keys in (
                (),
                ("enter",),
                ("f",),
                ("escape", "enter"),
                ("a",),
                ("G",),
                ("question_mark",),
            ):
                shown = await press(*keys)
                assert len(shown.splitlines()) <= size[1]
                await press.pilot.resize_terminal(*size)
            await press.pilot.resize_terminal(90, 30)
            assert "▾" in press.shown()

    tell(story())


def test_the_keys_are_explained_and_hidden_again(at, tell):
    async def story():
        async with at("bad", size=(120, 50)) as press:
            assert "Previous order" in await press("question_mark")
            assert "Previous order" not in await press("question_mark")

    tell(story())


def test_a_search_may_be_given_up(at, tell):
    async def story():
        async with at("bad") as press:
            assert "ab" in (await press("slash", "a", "b")).splitlines()[-3]
            assert "search" not in await press("escape")
            await press("n")
            assert "nothing is searched yet" in press.told()

    tell(story())


@pytest.mark.parametrize(
    ("way", "key"),
    [("enter", "ctrl+c"), ("enter", "Q"), ("f", "ctrl+c"), ("f", "Q"), ("f", "ctrl+q")],
)
def test_one_leaves_from_anywhere(at, way, key, tell):
    async def story():
        async with at("good") as press:
            await press(way, key)
            assert not press.app.is_running
            assert not press.app.return_code

    tell(story())


def test_the_command_palette_sorts_filters_and_changes_the_theme(at, tell):
    async def story():
        async with at("good", size=(120, 40)) as press:
            await press("ctrl+p", *"longest")
            await press.until("Sort: longest")
            await press("enter")
            await press.until("by longest")
            await press("ctrl+p", *"Failed")
            await press.until("Only what lost reward")
            await press("enter")
            await press.until("no simulation fits")
            press.app.theme = "textual-light"
            assert "no simulation fits" in await press("ctrl+l")

    tell(story())


def test_a_part_is_copied_to_the_clipboard(at, tell):
    async def story():
        async with at("good") as press:
            await press("enter", "d", "y")
            assert press.app.clipboard.startswith("database: 2 records\n")

    tell(story())
