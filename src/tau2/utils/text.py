"""Small tools for texts: surrogates, lengths, numbers with their nouns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby


def clean_text(text: str) -> str:
    """Return `text` without lone surrogates, which no file or wire accepts."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def shortened(text: str, most: int) -> str:
    """Return `text`, cut to `most` characters with an ellipsis at the end."""
    return text if len(text) <= most else text[: most - 1] + "…"


_MINUTE = 60  # seconds
_MARGIN = 20_000  # characters; longer than any secret that is taken out of a text


def beginning_of(text: str, most: int, prepared: Callable[[str], str]) -> str:
    """Return `prepared(text)` cut to `most` characters, with how many are left out.

    Of a long text only the beginning is prepared. Where that is cut, half a secret may be left,
    which nothing recognises; so its end is not shown.
    """
    if len(text) <= 2 * most + _MARGIN:
        whole = prepared(text)
        if len(whole) <= most:
            return whole
        return f"{whole[:most]}… (+{plural(len(whole) - most, 'character')})"
    beginning = prepared(text[: 2 * most + _MARGIN])
    shown = beginning[: max(0, min(most, len(beginning) - _MARGIN))]
    return f"{shown}… (+{plural(len(text) - len(shown), 'character')})"


def error_text(problem: BaseException, most: int = 10_000) -> str:
    """Return what an exception says, cut to `most` characters; never fails, whatever it is.

    An exception that says nothing, or whose text cannot be made, is named by its class.
    """
    name = type(problem).__name__
    try:
        text = str(problem)
    except BaseException as failure:  # noqa: BLE001  -- foreign code may do anything in __str__
        return f"{name} (its text cannot be made: {type(failure).__name__})"
    return clean_text(shortened(text, most)) or name


def load_problem(error: BaseException) -> str:
    """Return why a plug-in could not be loaded, for the end of a sentence."""
    if isinstance(error, SystemExit):
        return f"it ends the program when it is imported (SystemExit: {error_text(error)})"
    return error_text(error)


def repr_of(value: object, most: int = 100) -> str:
    """Return the representation of any value, cut to `most` characters; never fails."""
    try:
        return shortened(ascii(value), most)
    except (ValueError, RecursionError):  # an integer of thousands of digits, or deep nesting
        return f"<{type(value).__name__}>"


def megabytes(size: int) -> str:
    """Return a number of bytes in megabytes, which are a million bytes each."""
    return f"{max(1, round(size / 1e6)):,} MB" if size else "0 MB"


def clock_text(seconds: float) -> str:
    """Return a time as minutes and seconds: "1:05"."""
    whole = int(seconds + 0.5)
    return f"{whole // 60}:{whole % 60:02d}"


NaturalKey = tuple[tuple[tuple[str, int, str], ...], str]


def natural_key(name: str) -> NaturalKey:
    """Return the key that sorts names as people do: `task_2` before `task_10`."""
    parts = []
    for is_number, characters in groupby(name, "0123456789".__contains__):
        part = "".join(characters)
        digits = part.lstrip("0")
        parts.append(("", len(digits), digits) if is_number else (part, 0, ""))
    return tuple(parts), name


def duration_text(seconds: float) -> str:
    """Return how long something took: "4.2 s", "12:05", "1:02:30"."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def plural(number: int, noun: str) -> str:
    """Return a number with its noun: "1 task", "1,200 tasks". The plural is formed with an "s"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def first_of(items: Iterable[str], most: int, separator: str = ", ") -> str:
    """Return the first `most` items in one text, and how many more there are."""
    names = list(items)
    more = f" (+{len(names) - most:,} more)" if len(names) > most else ""
    return separator.join(names[:most]) + more
