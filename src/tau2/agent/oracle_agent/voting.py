"""One value out of several hearings of it, of which each may be wrong elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher


def voted(hearings: Sequence[str]) -> str:
    """Return the value that most hearings agree on, sign by sign.

    All are aligned with the one that is most like the others; where no majority differs from it, it
    counts. Raise ValueError for no hearings.
    """
    if not hearings:
        raise ValueError("there is nothing to vote on")
    base = max(hearings, key=lambda one: sum(_likeness(one, other) for other in hearings))
    slots: list[Counter[str]] = [Counter() for _ in range(2 * len(base) + 1)]
    for hearing in hearings:
        for slot, text in zip(slots, _aligned(base, hearing), strict=True):
            slot[text] += 1
    own = _aligned(base, base)
    return "".join(_winner(slot, mine) for slot, mine in zip(slots, own, strict=True))


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _aligned(base: str, hearing: str) -> list[str]:
    """Return what a hearing has for each sign of `base`, and before, between and after them."""
    slots = [""] * (2 * len(base) + 1)
    for kind, start, end, first, last in SequenceMatcher(
        None, base, hearing, autojunk=False
    ).get_opcodes():
        if kind == "insert":
            slots[2 * start] = hearing[first:last]
            continue
        for at in range(start, end):
            slots[2 * at + 1] = hearing[first + at - start : first + at - start + 1]
        if kind == "replace" and last - first > end - start:
            slots[2 * end] = hearing[first + end - start : last]
    return slots


def _winner(votes: Counter[str], own: str) -> str:
    text, count = votes.most_common(1)[0]
    return text if count > votes[own] else own
