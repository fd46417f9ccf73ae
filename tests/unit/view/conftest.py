"""Runs to look at, played once, and an application that is pressed like a keyboard."""

from __future__ import annotations

import pytest

from tau2.cli import main
from tau2.view.app import App

ORACLE = ("--domain", "mock", "--agent", "oracle_agent", "--user", "scripted_user", "--quiet")
LAZY = ("--domain", "mock", "--agent", "lazy_agent", "--user", "scripted_user", "--quiet")


@pytest.fixture(scope="session")
def saved_runs(tmp_path_factory):
    """A folder with a run that went well and one that did not."""
    folder = tmp_path_factory.mktemp("runs")
    patch = pytest.MonkeyPatch()
    patch.setenv("TAU2_SIMULATIONS_DIR", str(folder))
    main(["run", *ORACLE, "--task-ids", "create_task_1", "update_task_1", "--save-to", "good"])
    main(["run", *LAZY, "--task-ids", "create_task_1", "--num-trials", "2", "--save-to", "bad"])
    patch.undo()
    return folder


class Keyboard:
    """Presses keys, and reads the screen as text."""

    def __init__(self, app: App, width: int = 80, height: int = 24) -> None:
        self.app, self.width, self.height = app, width, height
        self.shown()

    def __call__(self, *keys: str) -> str:
        for key in keys:
            self.app.press(key)
            if not self.app.is_over:
                self.shown()
        return "" if self.app.is_over else self.shown()

    def types(self, text: str) -> str:
        return self(*text)

    def shown(self) -> str:
        return "\n".join(line.plain.rstrip() for line in self.app.draw(self.width, self.height))

    def here(self) -> str:
        """Return the line under the cursor."""
        return next(line for line in self.shown().splitlines() if line.startswith("▌"))


@pytest.fixture
def keyboard():
    """Return a keyboard before these screens."""

    def before(*screens, **size: int) -> Keyboard:
        return Keyboard(App(*screens), **size)

    return before
