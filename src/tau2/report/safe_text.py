"""Clean text for tables and panels: on one line, cut, and never read as markup."""

from __future__ import annotations

from rich.text import Text

from tau2.utils.terminal_text import clean
from tau2.utils.text import beginning_of, shortened

__all__ = ["clean", "one_line", "plain", "shorten", "task_name"]


def one_line(text: object, most: int = 100) -> str:
    """Return clean text on one line of at most `most` characters; the rest is hardly read."""
    given = str(text)
    beginning = given[: 20 * most + 4000]
    line = " ".join(clean(beginning).split())
    return shortened(line if len(beginning) == len(given) else f"{line}…", most)


def task_name(task_id: object, most: int = 200) -> str:
    """Return a task's id as it stands in a sentence: "create_task_1", but "task 7"."""
    name = one_line(task_id, most)
    return name if any(char.isalpha() for char in name) else f"task {name}"


def shorten(text: object, most: int | None) -> str:
    """Return clean text cut to `most` characters, with how many are left out; None cuts nothing."""
    return clean(text) if most is None else beginning_of(str(text), most, clean)


def plain(text: object, style: str = "") -> Text:
    """Return clean text as rich Text, which is never read as markup."""
    return Text(clean(text), style=style)
