"""Runs to look at, played once, and an application that is driven like a person drives it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from textual.widgets import Input

from tau2.cli import main
from tau2.view.app import TerminalApp

ORACLE = ("--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user", "--quiet")
LAZY = ("--domain", "mock", "--agent", "lazy_agent", "--user", "scripted_user", "--quiet")


@pytest.fixture(scope="session")
def saved_runs(tmp_path_factory):
    """A folder with a run that went well and one that did not."""
    folder = tmp_path_factory.mktemp("runs")
    patch = pytest.MonkeyPatch()
    patch.setenv("TAU2_SIMULATIONS_DIR", str(folder))
    tasks = ("create_task_1", "update_task_1")
    main(["run", *ORACLE, "--task-ids", *tasks, "--save-to", "good"])
    main(["run", *LAZY, "--task-ids", "create_task_1", "--num-trials", "2", "--save-to", "bad"])
    patch.undo()
    return folder


class Person:
    """Presses keys, clicks, and reads the screen as text."""

    def __init__(self, app: TerminalApp, pilot) -> None:
        self.app, self.pilot = app, pilot

    async def __call__(self, *keys: str) -> str:
        """Press keys, and return what the screen then shows."""
        for key in keys:
            await self.pilot.press(key)
            await self.settled()
        return self.shown()

    async def types(self, text: str) -> str:
        """Put text on the line that is typed in, and press enter."""
        line = self.app.focused
        assert isinstance(line, Input), f"{line} is no line to type in"
        line.value = text
        return await self("enter")

    async def clicks(self, column: int, line: int) -> str:
        await self.pilot.click(offset=(column, line))
        await self.settled()
        return self.shown()

    async def settled(self) -> None:
        """Wait for what the last key began: something that is read, a move that is answered."""
        for _ in range(500):
            await self.pilot.pause()
            busy = any(
                worker.is_running and worker.group in {"open", "find"}
                for worker in self.app.workers
            )
            if not busy and getattr(self.app, "_move", None) is None:
                break
            await asyncio.sleep(0.01)
        await self.pilot.pause()

    async def until(self, text: str, seconds: float = 10.0) -> str:
        """Wait until the screen shows something that comes by itself."""
        for _ in range(int(seconds / 0.02)):
            await self.pilot.pause()
            if text in self.shown():
                return self.shown()
            await asyncio.sleep(0.02)
        raise AssertionError(f"{text!r} never came:\n{self.shown()}")

    def told(self) -> str:
        """Return the notes that are shown for a few seconds, not wrapped."""
        return "\n".join(note.message for note in self.app._notifications)

    def shown(self) -> str:
        lines = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines)


@asynccontextmanager
async def _before(app: TerminalApp, size: tuple[int, int] = (80, 24)):
    async with app.run_test(size=size, notifications=True) as pilot:
        person = Person(app, pilot)
        await person.settled()
        yield person


@pytest.fixture
def before():
    """Return what puts a person before an application: `async with before(app) as press`."""
    return _before


@pytest.fixture
def tell():
    """Run an asynchronous story to its end."""
    return lambda story: asyncio.run(asyncio.wait_for(story, 60))
