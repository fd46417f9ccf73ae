"""The second screen: the simulations of a run, filtered and sorted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from tau2.report.safe_text import one_line
from tau2.view.choices import Choice, ChoicesScreen, Group
from tau2.view.conversation import ConversationScreen
from tau2.view.library import Entry, RunReader, counted, unsolved
from tau2.view.screen import Back, Quit, Screen
from tau2.view.wrap import fitted

_READ_AT_ONCE = (
    400  # conversations whose tools are read when the filter opens; more are read on request
)

REWARDS: dict[str, str] = {
    "passed": "full reward",
    "failed": "scored, without full reward",
    "unscored": "not scored",
    "unsolved": "tasks of which every trial failed",
}
_SORTS: dict[str, Callable[[Entry], Any] | None] = {
    "order of the run": None,
    "task": lambda entry: (_natural(entry.task_id), entry.trial),
    "reward": lambda entry: (entry.reward is not None, entry.reward or 0.0),
    "outcome": lambda entry: entry.outcome,
    "longest": lambda entry: -(entry.duration or 0.0),
    "dearest": lambda entry: -(entry.cost or 0.0),
}


def _natural(text: str) -> tuple[int, int, str]:
    """Return a key that puts task 10 behind task 9."""
    return (0, int(text), "") if text.isdecimal() and len(text) < 10 else (1, 0, text)  # noqa: PLR2004  -- digits of an id


@dataclass(slots=True)
class Filter:
    """What is shown of a run; None shows all."""

    reward: str | None = None
    outcome: str | None = None
    tool: str | None = None
    tools: dict[str, frozenset[str]] = field(default_factory=dict)
    """Simulation → the tools it calls, once they are read."""

    def __str__(self) -> str:
        parts = (
            REWARDS.get(self.reward or ""),
            self.outcome,
            f"calls {self.tool}" if self.tool else None,
        )
        return ", ".join(part for part in parts if part)

    def of(self, entries: list[Entry]) -> list[Entry]:
        """Return the entries that fit."""
        hard = unsolved(entries) if self.reward == "unsolved" else set()
        return [entry for entry in entries if self._fits(entry, hard)]

    def _fits(self, entry: Entry, hard: set[str]) -> bool:
        rewards = {
            None: True,
            "passed": entry.passed,
            "failed": entry.reward is not None and not entry.passed,
            "unscored": entry.reward is None,
            "unsolved": entry.task_id in hard,
        }
        return (
            rewards[self.reward]
            and self.outcome in {None, entry.outcome}
            and (self.tool is None or self.tool in self.tools.get(entry.id, frozenset()))
        )


class SimulationsScreen(Screen):
    """One line per simulation."""

    hints = "enter open  f filter  s sort  / search  esc back"
    help = (
        ("f", "filter by reward, outcome or tool"),
        ("F", "show all again"),
        ("s  S", "next or previous order"),
        ("x", "only what lost reward, or all"),
    )

    def __init__(self, run: RunReader, chosen: Filter | None = None) -> None:
        """Read the index of the run. Raise DataFileError for one that cannot be used."""
        super().__init__()
        self.run, self.filter = run, chosen or Filter()
        self._sort = 0
        self._all = run.entries
        self._about = {
            task.id: one_line(task.description.purpose, 200)
            for task in run.metadata.tasks
            if task.description and task.description.purpose
        }
        self.shown = self._all
        self._apply()

    def _apply(self) -> None:
        key = list(_SORTS.values())[self._sort]
        kept = self.filter.of(self._all)
        self.shown = kept if key is None else sorted(kept, key=key)
        self.cursor.at = self.cursor.top = 0

    @property
    def title(self) -> str:
        """Which run, how many are shown, and why not all."""
        scored = [entry.reward for entry in self.shown if entry.reward is not None]
        parts = [one_line(self.run.title, 80), f"{len(self.shown)} of {len(self._all)} simulations"]
        parts += [f"reward {sum(scored) / len(scored):.3f}"] if scored else []
        parts += [f"only: {self.filter}"] if str(self.filter) else []
        parts += [f"by {list(_SORTS)[self._sort]}"] if self._sort else []
        return " · ".join(parts)

    def _task_width(self, width: int) -> int:
        longest = max(
            (cell_len(one_line(entry.task_id, 200)) for entry in self.shown[:1000]), default=4
        )
        return max(8, min(longest, width - 46))

    def lay_out(self, width: int) -> None:
        """Measure the task column once per drawing."""
        self._width = self._task_width(width)

    def heading(self, width: int) -> str:
        """Return the names of the columns."""
        return f"{'task':<{self._width}}  trial  reward  {'ended':<20} {'seconds':>8}  about"

    def count(self) -> int:
        """Return the number of simulations that are shown."""
        return len(self.shown)

    def empty_note(self) -> str:
        """Return why nothing is shown."""
        return "no simulation fits; F shows all" if self._all else "the run holds no simulation yet"

    def row(self, index: int, width: int) -> Text:
        """Return a simulation."""
        entry = self.shown[index]
        style = "green" if entry.passed else "yellow" if entry.reward is None else "red"
        seconds = f"{entry.duration:.2f}" if entry.duration is not None else "-"
        text = Text(
            f"{fitted(one_line(entry.task_id, 200), getattr(self, '_width', 40))}  {entry.trial:>5}  "
        )
        text.append("     -" if entry.reward is None else f"{entry.reward:>6.2f}", style=style)
        text.append(f"  {fitted(one_line(entry.outcome), 20)} {seconds:>8}  ")
        return text.append(self._about.get(entry.task_id, ""), style="dim")

    def text_of(self, index: int) -> str:
        """Return what is searched: task, outcome and id, whole."""
        entry = self.shown[index]
        return f"{entry.task_id} {entry.outcome} {entry.id} {self._about.get(entry.task_id, '')}"

    def press(self, key: str) -> Screen | Back | Quit | None:
        """Open a conversation, filter or sort."""
        if key in {"enter", "right", "l"} and self.shown:
            return ConversationScreen(self.run, self.shown[self.cursor.at].id)
        if key == "f":
            return self._filters()
        if key in {"s", "S"}:
            self._sort = (self._sort + (1 if key == "s" else -1)) % len(_SORTS)
            self._apply()
            self.note = f"sorted by {list(_SORTS)[self._sort]}"
            return None
        if key in {"F", "x"}:
            self.filter = Filter(
                "failed" if key == "x" and self.filter.reward != "failed" else None,
                tools=self.filter.tools,
            )
            self._apply()
            return None
        return super().press(key)

    def _filters(self) -> ChoicesScreen:
        if len(self._all) <= _READ_AT_ONCE:
            self._read_tools()
        return ChoicesScreen("show only", self._groups, self._choose)

    def _read_tools(self) -> None:
        if not self.filter.tools:
            self.filter.tools = {entry.id: self.run.tools_of(entry.id) for entry in self._all}

    def _groups(self) -> list[Group]:
        chosen = self.filter
        outcomes = counted(entry.outcome for entry in self._all)
        rewards = [(name, len(Filter(name).of(self._all)), text) for name, text in REWARDS.items()]
        used = counted(tool for tools in chosen.tools.values() for tool in tools)
        groups = [
            Group(
                "reward",
                [Choice(name, text, number) for name, number, text in rewards],
                chosen.reward,
            ),
            Group(
                "outcome", [Choice(name, name, number) for name, number in outcomes], chosen.outcome
            ),
        ]
        if chosen.tools or len(self._all) <= _READ_AT_ONCE:
            tools = [Choice(name, one_line(name), number) for name, number in used]
        else:
            tools = [Choice("", f"… read {len(self._all):,} conversations to find them", None)]
        return [*groups, Group("tool called", tools, chosen.tool)]

    def _choose(self, group: str, value: str | None) -> None:
        if group == "tool called" and value == "":
            self._read_tools()
            return
        name = {"reward": "reward", "outcome": "outcome", "tool called": "tool"}[group]
        setattr(self.filter, name, value)
        self._apply()
