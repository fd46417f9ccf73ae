"""Whole screens as text.

After a change that is meant: UPDATE_SNAPSHOTS=1 pytest tests/unit/view, and look at the diff.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tau2.view.app import ViewApp
from tau2.view.content.library import RunReader

SNAPSHOTS = Path(__file__).parent / "snapshots"
_VARIES = (
    (re.compile(r"\d\d\d\d-\d\d-\d\d \d\d:\d\d"), "2000-01-01 00:00"),
    (re.compile(r"(?<=messages, )\d+\.\d s"), "0.0 s"),
    (re.compile(r"(?<=user_stop)( +)\d+\.\d\d"), r"\1 0.00"),
    (re.compile(r"(?<=id        ).*"), "(an id)"),
    (re.compile(r"(?<=runs in ).*"), "(a folder)"),
)
"""What is different in every run."""


def assert_snapshot(name: str, shown: str) -> None:
    for pattern, same in _VARIES:
        shown = pattern.sub(same, shown)
    file = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(shown + "\n", encoding="utf-8")
    assert shown + "\n" == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("size", [(100, 20), (60, 16)])
def test_simulations_filters_and_a_conversation(before, saved_runs, size, tell):
    async def story():
        async with before(ViewApp(run=RunReader(saved_runs / "good")), size=size) as press:
            width = size[0]
            assert_snapshot(f"simulations-{width}", press.shown())
            assert_snapshot(f"filters-{width}", await press("f"))
            assert_snapshot(f"conversation-{width}", await press("escape", "enter"))
            assert_snapshot(f"checks-{width}", await press("c"))

    tell(story())


def test_runs(before, saved_runs, tell):
    async def story():
        async with before(ViewApp(folder=saved_runs), size=(80, 10)) as press:
            await press.until("0.000")
            assert_snapshot("runs-80", await press.until("1.000"))

    tell(story())
