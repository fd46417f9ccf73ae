"""`tau2 play` on a terminal: the conversation above, a line to type in below."""

from __future__ import annotations

import asyncio

import pytest

from tau2.errors import ConfigError
from tau2.rollout import Rollout, RolloutSetup
from tau2.view.app import INTERRUPTED
from tau2.view.choose import ChooseApp
from tau2.view.play import PlayApp, TypedLine

CALL = "create_task(user_id=user_1, title='Important Meeting')"


@pytest.fixture
def playing(before):
    """Before a played task: `async with playing() as press`."""
    rollouts = []

    def sit(*, seat: str = "agent", task: str = "create_task_1", ended=lambda: "kept"):
        setup = RolloutSetup("mock", user="scripted_user", agent="oracle_agent")
        rollouts.append(Rollout(setup, role=seat))
        return before(PlayApp(rollouts[-1], setup.find_task(task), 7, ended), size=(100, 30))

    yield sit
    for rollout in rollouts:
        rollout.close()


def line_of(press) -> str:
    return press.app.query_one(TypedLine).value


def test_a_task_is_played_graded_and_kept(playing, tell):
    kept = []

    async def story():
        async with playing(ended=lambda: kept.append(1) or "kept") as press:
            assert "you are the agent" in press.shown()
            assert "Important Meeting" in press.shown()
            assert "task_2" in await press.types(CALL)
            assert kept == []
            shown = await press.types("It is on your list. Anything else?")
            assert "ended: user_stop" in shown
            assert "✓ DB" in shown
            assert "kept; enter leaves" in shown
            assert kept == [1], "it is kept before the person leaves"
            await press("enter")
            assert not press.app.is_running
            assert not press.app.return_code

    tell(story())


def test_the_customer_may_be_played(playing, tell):
    async def story():
        async with playing(seat="user", task="update_task_1") as press:
            shown = await press.types("Please mark task_1 of user_1 as completed")
            assert shown.count("completed") > 1, "the agent proposes it, too"
            await press.types("yes")
            assert "ended: user_stop" in await press.types("/done")

    tell(story())


def test_a_move_is_taken_back(playing, tell):
    async def story():
        async with playing() as press:
            await press.types(CALL)
            assert "0 moves of yours remain" in await press.types("/undo")

    tell(story())


def test_tab_completes_and_the_arrows_bring_lines_back(playing, tell):
    async def story():
        async with playing() as press:
            await press(*"cre", "tab")
            assert line_of(press) == "create_task("
            assert "description=  title=  user_id=" in await press("tab")
            await press("t", "tab")
            assert line_of(press) == "create_task(title="
            await press("ctrl+u")
            await press.types("/last")
            await press.types("/reward")
            await press("up", "up")
            assert line_of(press) == "/last"
            await press("down", "down")
            assert line_of(press) == ""

    tell(story())


def test_one_does_not_have_to_wait_for_the_other_side(playing, monkeypatch, tell):
    async def waits(*_args):
        await asyncio.sleep(60)

    async def story():
        async with playing() as press:
            advance = Rollout.aadvance
            monkeypatch.setattr(Rollout, "aadvance", waits)
            await press.pilot.press(*"hello", "enter")
            assert "esc takes the move back" in await press.until("the other side moves")
            await press("escape")
            assert "stopped" in press.shown()
            assert press.app.session.rollout.steps == []
            monkeypatch.setattr(Rollout, "aadvance", advance)
            assert "task_2" in await press.types(CALL)

    tell(story())


@pytest.mark.parametrize(
    ("keys", "code"), [(["ctrl+c"], INTERRUPTED), (["ctrl+d"], None), ([*"/quit", "enter"], None)]
)
def test_one_may_leave_in_the_middle(playing, keys, code, tell):
    async def story():
        async with playing() as press:
            await press.types("hello")
            await press(*keys)
            assert not press.app.is_running
            assert press.app.return_code in {code, code or 0}
            assert press.app.session.rollout.run is None

    tell(story())


def test_what_the_other_side_cannot_do_ends_the_application(playing, monkeypatch, tell):
    async def fails(*_args):
        raise ConfigError("no key")

    async def story():
        async with playing() as press:
            monkeypatch.setattr(Rollout, "aadvance", fails)
            await press.types("hello")
            assert isinstance(press.app.problem, ConfigError)
            assert not press.app.is_running

    tell(story())


def test_what_cannot_be_kept_is_a_problem(playing, tell):
    def fails() -> str:
        raise OSError("disk full")

    async def story():
        async with playing(ended=fails) as press:
            await press.types("/done")
            assert isinstance(press.app.problem, OSError)

    tell(story())


def test_the_commands_are_in_the_palette_too(playing, tell):
    async def story():
        async with playing() as press:
            await press("ctrl+p", *"policy")
            await press.until("the rules the agent has to follow")
            await press("enter")
            assert "agent> /policy" in await press.until("agent> /policy")

    tell(story())


# --- what is asked before -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "chosen", "code"),
    [
        (["enter"], "mock", None),
        (["j", "enter"], "airline", None),
        (["slash", *"tail", "enter", "enter"], "retail", None),
        (["escape"], None, None),
        (["ctrl+c"], None, INTERRUPTED),
    ],
)
def test_a_name_is_chosen_from_a_list(before, keys, chosen, code, tell):
    names = [("airline", "flights"), ("mock", "lists"), ("retail", "orders")]

    async def story():
        app = ChooseApp("domain", names, "mock")
        async with before(app) as press:
            assert "domain?" in press.shown()
            await press(*keys)
        assert app.chosen == chosen
        assert app.return_code in {code, code or 0}

    tell(story())
