"""A screen of choices: one of each group."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from rich.text import Text

from tau2.view.screen import Back, Quit, Screen


class Choice(NamedTuple):
    """One thing that can be chosen."""

    value: str
    label: str
    number: int | None
    """How many it would show."""


@dataclass(frozen=True, slots=True)
class Group:
    """Choices of which at most one is taken."""

    name: str
    choices: list[Choice]
    taken: str | None
    """The value that is taken; None takes all."""


class ChoicesScreen(Screen):
    """Groups of choices; enter takes one, or lets it go again."""

    hints = "enter take or let go  esc done"
    help = (("enter space", "take a choice; again lets it go"), ("c", "let everything go"))

    def __init__(
        self,
        title: str,
        groups: Callable[[], list[Group]],
        choose: Callable[[str, str | None], None],
    ) -> None:
        """Show what `groups` returns; `choose(group, value)` is told what is taken, None for nothing."""
        super().__init__()
        self._title, self._groups, self._choose = title, groups, choose
        self._rows: list[tuple[Group, Choice | None]] = []
        self.lay_out(0)
        self._step(1)

    @property
    def title(self) -> str:
        """What is chosen."""
        return self._title

    def lay_out(self, width: int) -> None:
        """Ask again for the groups: what is taken may have changed them."""
        self._rows = list(self._flat(self._groups()))

    @staticmethod
    def _flat(groups: list[Group]) -> Iterator[tuple[Group, Choice | None]]:
        for group in groups:
            yield group, None
            for choice in group.choices:
                yield group, choice

    def count(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def row(self, index: int, width: int) -> Text:
        """Return the name of a group, or a choice."""
        group, choice = self._rows[index]
        if choice is None:
            return Text(group.name, style="bold underline")
        taken = group.taken == choice.value
        number = "" if choice.number is None else f"  {choice.number:,}"
        return Text(
            f"  {'●' if taken else '○'} {choice.label}", style="bold cyan" if taken else ""
        ).append(number, style="dim")

    def move(self, key: str) -> bool:
        """Move, and step over the names of groups."""
        if key == " ":
            return False
        before = self.cursor.at
        if not super().move(key):
            return False
        if self._rows[self.cursor.at][1] is None:
            self._step(1 if self.cursor.at > before or self.cursor.at == 0 else -1)
        return True

    def _step(self, step: int) -> None:
        self.cursor.move(step, self.count())

    def press(self, key: str) -> Screen | Back | Quit | None:
        """Take the choice, or let it go."""
        if key == "c":
            for group in self._groups():
                self._choose(group.name, None)
            return None
        if key not in {"enter", " "}:
            return Back() if key == "f" else super().press(key)
        group, choice = self._rows[self.cursor.at]
        if choice is not None:
            self._choose(group.name, None if group.taken == choice.value else choice.value)
        return None
