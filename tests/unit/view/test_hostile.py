"""The applications over hostile text: none of it reaches the terminal, or is read as markup."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from rich.segment import Segment
from tests.planted import HOSTILE, NAME_WITH_LINES, filled, raw_in
from textual.color import Color

from tau2.storage.results import Results
from tau2.view.app import CleanText, ViewApp
from tau2.view.choose import ChooseApp
from tau2.view.content.library import RunReader


@pytest.fixture
def planted(tmp_path):
    """A folder with a run in which every text is hostile."""
    (tmp_path / "planted.json").write_text(json.dumps(filled(Results, NAME_WITH_LINES)))
    return tmp_path


def is_harmless(shown: str) -> bool:
    return raw_in(shown) == [] and "\x1b" not in shown


@pytest.mark.parametrize("keys", [("enter",), ("enter", "enter"), ("enter", "enter", "a", "end")])
def test_runs_simulations_and_conversations(planted, before, tell, keys):
    async def story():
        async with before(ViewApp(folder=planted), size=(120, 50)) as press:
            assert is_harmless(press.shown())
            for key in keys:
                assert is_harmless(await press(key))
            assert is_harmless(press.told())

    tell(story())


def test_markup_is_shown_as_text(planted, before, tell):
    async def story():
        app = ViewApp(run=RunReader(planted / "planted.json"))
        async with before(app, size=(200, 50)) as press:
            assert "[bold]b[/bold]" in await press("enter", "a")
            await press("f")
            await press("slash")
            await press.types(HOSTILE.replace("\n", ""))
            assert is_harmless(press.shown())

    tell(story())


def test_a_choice_of_hostile_names(before, tell):
    async def story():
        app = ChooseApp(HOSTILE, [(NAME_WITH_LINES, HOSTILE), ("b", HOSTILE)], "b")
        async with before(app, size=(120, 20)) as press:
            assert is_harmless(press.shown())
            assert "[bold]b[/bold]" in press.shown()
            with suppress(Exception):
                await press("enter")

    tell(story())


def test_whatever_a_widget_draws_is_cleaned_last():
    (segment,) = CleanText().apply([Segment(HOSTILE)], Color(0, 0, 0))
    assert is_harmless(segment.text)
    control = Segment("\x1b[2J", None, [(1,)])
    assert CleanText().apply([control], Color(0, 0, 0)) == [control]
