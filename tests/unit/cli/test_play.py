from __future__ import annotations

import asyncio
import sys

import pytest

from tau2.data_model.simulation import Results
from tau2.errors import ConfigError

CALL = "create_task(user_id=user_1, title='Important Meeting')"
TASK = ("--domain", "mock", "--task-id", "create_task_1", "--as", "agent")


@pytest.fixture
def types(monkeypatch):
    """Have lines typed, and then the end of input, or Ctrl-C."""

    def typing(*lines: str, then: type[BaseException] = EOFError) -> None:
        waiting = list(lines)

        def read(prompt: str = "") -> str:
            sys.stdout.write(prompt)
            if not waiting:
                raise then
            return waiting.pop(0)

        monkeypatch.setattr("builtins.input", read)

    return typing


def test_without_arguments_the_answers_in_brackets_need_no_key(tau2, types):
    types("", "", "", CALL, "It is on your list. Anything else?")
    ended = tau2("play")
    assert ended.code == 0
    assert "you are the agent" in ended.out
    assert "reward 1.00" in ended.out
    assert "look at it with: tau2 view " in ended.out


def test_a_wrong_answer_is_asked_again(tau2, types):
    types("mok", "mock", "agent", "create_task_1", "/quit")
    assert "did you mean 'mock'?" in tau2("play").out


def test_what_was_played_is_a_run_like_any_other(tau2, types):
    types(CALL, "It is on your list. Anything else?")
    tau2("play", *TASK, "--save-to", "mine", "--seed", "5")
    results = Results.load("data/simulations/mine")
    assert results.info.agent_info.implementation == "person"
    assert results.info.user_info.implementation == "scripted_user"
    assert [(run.task_id, run.trial, run.seed) for run in results.simulations] == [
        ("create_task_1", 0, 5)
    ]
    assert "mock: person x scripted_user" in tau2("view", "mine").out
    assert "✓ DB" in tau2("view", "mine", "--task-id", "create_task_1").out


def test_a_name_that_is_taken_is_refused_before_anything_is_played(tau2, types):
    types(CALL, "It is on your list. Anything else?")
    tau2("play", *TASK, "--save-to", "mine")
    types("hello")
    ended = tau2("play", *TASK, "--save-to", "mine")
    assert ended.code == 2
    assert "holds a run already" in ended.err


def test_the_customer_may_be_played_and_nothing_kept(tau2, types, workplace):
    types("Please mark task_1 as completed for user_1", "yes", "/done")
    ended = tau2(
        "play", "--domain", "mock", "--task-id", "update_task_1", "--as", "user", "--no-save"
    )
    assert "not saved, as asked" in ended.out
    assert "ended: user_stop" in ended.out
    assert not list(workplace.glob("**/results.json"))


@pytest.mark.parametrize(("then", "code"), [(EOFError, 0), (KeyboardInterrupt, 130)])
def test_leaving_in_the_middle_says_what_happened(tau2, types, then, code):
    types("hello", then=then)
    ended = tau2("play", *TASK)
    assert ended.code == code
    assert "left after 1 move, before the end: not graded and not saved" in ended.out


def test_an_input_without_answers_names_the_options(tau2, types):
    types()
    ended = tau2("play")
    assert ended.code == 2
    assert "--domain, --task-id and --as" in ended.err


def test_names_are_checked(tau2, types):
    types()
    assert "did you mean 'oracle_agent'?" in tau2("play", *TASK, "--agent", "oracle_agnt").err
    assert (
        "did you mean 'create_task_1'?"
        in tau2("play", "--domain", "mock", "--as", "user", "--task-id", "create_task_11").err
    )


def test_a_task_for_a_judge_that_cannot_be_asked_is_graded_without(tau2, types, monkeypatch):
    def no_judge(*_args):
        raise ConfigError("no key")

    monkeypatch.setattr("tau2.rollout.model_checks.require_judge", no_judge)
    types("/done")
    ended = tau2("play", *TASK, "--no-save")
    assert ended.code == 0
    assert "no judge model can be asked here" in ended.out


# --- on a terminal --------------------------------------------------------------------------------


@pytest.fixture
def at_a_terminal(monkeypatch):
    """Have the applications opened, with a person who does these things in them."""
    monkeypatch.setattr("tau2.view.terminals.is_usable", lambda: True)

    def run(app, *lines: str, choose: str | None = None, leave: str = "enter") -> None:
        async def story() -> None:
            async with app.run_test(size=(100, 30)) as pilot:
                for line in lines:
                    app.query_one("#line").value = line
                    await pilot.press("enter")
                    while getattr(app, "_move", None) is not None:
                        await pilot.pause()
                await pilot.press(leave)

        if choose is not None:
            app.chosen = choose or app.get_default_screen().rows()[0].key
        else:
            asyncio.run(story())

    def person(*lines: str, **more: str) -> None:
        monkeypatch.setattr("tau2.view.choose.ChooseApp.run", lambda app: run(app, choose=""))
        monkeypatch.setattr("tau2.view.play.PlayApp.run", lambda app: run(app, *lines, **more))

    return person


def test_the_application_asks_plays_and_says_afterwards_what_happened(tau2, at_a_terminal):
    at_a_terminal(CALL, "It is on your list. Anything else?")
    ended = tau2("play", "--save-to", "mine")
    assert ended.code == 0
    assert "reward 1.00" in ended.out
    assert "look at it with: tau2 view mine" in ended.out
    assert Results.load("data/simulations/mine").info.agent_info.implementation == "person"


@pytest.mark.parametrize(("key", "code"), [("ctrl+d", 0), ("ctrl+c", 130)])
def test_leaving_the_application_in_the_middle(tau2, at_a_terminal, key, code):
    at_a_terminal("hello", leave=key)
    ended = tau2("play", *TASK)
    assert ended.code == code
    assert "left after 1 move, before the end: not graded and not saved" in ended.out


def test_what_the_other_side_cannot_do_ends_the_command(tau2, at_a_terminal, monkeypatch):
    async def fails(*_args):
        raise ConfigError("no key for the other side")

    at_a_terminal()
    monkeypatch.setattr("tau2.rollout.Rollout.areset", fails)
    ended = tau2("play", *TASK)
    assert ended.code == 2
    assert "no key for the other side" in ended.err


def test_lines_are_read_on_a_terminal_too_where_that_is_asked_for(tau2, at_a_terminal, types):
    types("/quit")
    at_a_terminal("/done")
    assert "agent> " in tau2("play", *TASK, "--plain").out
