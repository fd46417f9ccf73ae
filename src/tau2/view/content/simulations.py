"""The simulations of a run: one row each, filtered and sorted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tau2.report.safe_text import one_line
from tau2.utils.text import plural
from tau2.view.content.blocks import Line
from tau2.view.content.library import Entry, RunReader, average_reward, counted, unsolved
from tau2.view.content.rows import Column, Row

MOST_READ_UNASKED = (
    400  # conversations that are read for their tools when the filters open; more on request
)

REWARDS: Mapping[str, str] = {
    "passed": "full reward",
    "failed": "scored, without full reward",
    "unscored": "not scored",
    "unsolved": "tasks of which every trial failed",
}
SORTS: Mapping[str, Callable[[Entry], Any] | None] = {
    "order of the run": None,
    "task": lambda entry: (_natural(entry.task_id), entry.trial),
    "reward": lambda entry: (entry.reward is not None, entry.reward or 0.0),
    "outcome": lambda entry: entry.outcome,
    "longest": lambda entry: -(entry.duration or 0.0),
    "dearest": lambda entry: -(entry.cost or 0.0),
}


def _natural(text: str) -> tuple[int, int, str]:
    """Return a key that puts task 10 behind task 9."""
    is_number = text.isdecimal() and len(text) < 10  # noqa: PLR2004  -- digits of an id
    return (0, int(text), "") if is_number else (1, 0, text)


COLUMNS = (
    Column("task"),
    Column("trial", 5, is_number=True),
    Column("reward", 6, is_number=True),
    Column("ended"),
    Column("seconds", 8, is_number=True),
    Column("about"),
)
CHOICE_COLUMNS = (Column("", 12), Column("show only"), Column("sims", 8, is_number=True))
_GROUPS = {"reward": "reward", "outcome": "outcome", "tool": "tool called"}
READ_TOOLS = "read tools"
"""The key of the row that asks to read the conversations for their tools."""


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
        return ", ".join(one_line(part) for part in parts if part)

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


class SimulationList:
    """The simulations of a run that fit a filter, in an order."""

    def __init__(self, run: RunReader) -> None:
        """Read the index of the run. Raise DataFileError for one that cannot be used."""
        self.filter = Filter()
        self.sort = "order of the run"
        self.show(run)

    def show(self, run: RunReader) -> None:
        """Take over a newer reading of the run; filter and order stay."""
        self.run = run
        self.all = run.entries
        self._about = {
            task.id: one_line(task.description.purpose, 200)
            for task in run.metadata.tasks
            if task.description and task.description.purpose
        }

    @property
    def shown(self) -> list[Entry]:
        """The simulations that fit, in order."""
        kept = self.filter.of(self.all)
        key = SORTS[self.sort]
        return kept if key is None else sorted(kept, key=key)

    def rows(self) -> list[Row]:
        """Return a row per simulation that is shown."""
        return [self._row(entry) for entry in self.shown]

    def _row(self, entry: Entry) -> Row:
        about = self._about.get(entry.task_id, "")
        reward: Line = ("-", "warn")
        if entry.reward is not None:
            reward = (f"{entry.reward:.2f}", "good" if entry.passed else "bad")
        cells: tuple[Line, ...] = (
            (one_line(entry.task_id, 200), ""),
            (str(entry.trial), ""),
            reward,
            (one_line(entry.outcome), ""),
            ("-" if entry.duration is None else f"{entry.duration:.2f}", ""),
            (about, "dim"),
        )
        return Row(entry.id, cells, f"{entry.task_id} {entry.outcome} {entry.id} {about}")

    @property
    def title(self) -> str:
        """Which run, how many are shown, and why not all."""
        shown = self.shown
        of = f"{len(shown):,} of {plural(len(self.all), 'simulation')}"
        parts = [one_line(self.run.title, 80), of]
        if self.run.is_under_way:
            parts.append(f"not finished: {len(self.all):,} of {self.run.expected:,} played")
        reward = average_reward(shown)
        parts += [f"reward {reward:.3f}"] if reward is not None else []
        parts += [f"only: {self.filter}"] if str(self.filter) else []
        parts += [f"by {self.sort}"] if SORTS[self.sort] is not None else []
        return " · ".join(parts)

    @property
    def empty_note(self) -> str:
        """Why nothing is shown."""
        return "no simulation fits; F shows all" if self.all else "the run holds no simulation yet"

    def next_sort(self, step: int) -> None:
        """Take the next order, or the one before where `step` is -1."""
        names = list(SORTS)
        self.sort = names[(names.index(self.sort) + step) % len(names)]

    def show_all(self) -> None:
        """Let every filter go."""
        self.filter = Filter(tools=self.filter.tools)

    # --- what can be filtered by ------------------------------------------------------------------

    @property
    def needs_request(self) -> bool:
        """Whether the tools are read on request only: they are in the conversations."""
        return len(self.all) > MOST_READ_UNASKED

    def read_tools(self) -> None:
        """Read which tools the conversations call. Takes about a second per 2,000."""
        known = self.filter.tools
        missing = {
            entry.id: self.run.tools_of(entry.id) for entry in self.all if entry.id not in known
        }
        self.filter.tools = known | missing

    def choices(self) -> list[Row]:
        """Return everything that can be filtered by, with how many simulations each would show."""
        used = counted(tool for tools in self.filter.tools.values() for tool in sorted(tools))
        rewards = [(name, len(Filter(name).of(self.all))) for name in REWARDS]
        found = {
            "reward": rewards,
            "outcome": counted(entry.outcome for entry in self.all),
            "tool": used,
        }
        rows = []
        for group, values in found.items():
            heading = _GROUPS[group]
            for value, number in values:
                is_taken = getattr(self.filter, group) == value
                name = REWARDS[value] if group == "reward" else one_line(value)
                label: Line = (f"{'●' if is_taken else '○'} {name}", "taken" if is_taken else "")
                cells: Sequence[Line] = ((heading, "label"), label, (f"{number:,}", "dim"))
                rows.append(Row(f"{group}={value}", cells, name))
                heading = ""
        if self.needs_request and not self.filter.tools:
            text = f"… read {len(self.all):,} conversations"
            rows.append(Row(READ_TOOLS, ((_GROUPS["tool"], "label"), (text, ""), ("", ""))))
        return rows

    def choose(self, key: str) -> None:
        """Take the choice whose row has this key, or let it go where it is taken."""
        group, _, value = key.partition("=")
        setattr(self.filter, group, None if getattr(self.filter, group) == value else value)
