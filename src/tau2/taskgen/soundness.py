"""Whether a reference is fit to grade by, and whether two tasks are the same work."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import permutations
from typing import Any

from tau2.environment.toolkit import ToolKitBase
from tau2.errors import ToolError

Calls = Sequence[tuple[str, Mapping[str, Any]]]


def is_sound(
    fresh_tools: Callable[[], ToolKitBase],
    calls: Calls,
    communicate: Sequence[str],
    *,
    most_reordered: int = 0,
) -> bool:
    """Return whether a reference earns 1, doing nothing earns 0, and no change can be left out.

    `fresh_tools` returns the agent's tools over the initial database. Of up to `most_reordered`
    changes every order is tried: an order in which all calls work has to lead to the same state.
    """
    end = fresh_tools()
    if _refusals(end, calls):
        return False
    changes = [call for call in calls if end.tool_mutates_state(call[0])]
    if not changes:
        return bool(communicate)
    for index in range(len(changes)):
        shorter = fresh_tools()
        _refusals(shorter, changes[:index] + changes[index + 1 :])
        if shorter.db.same_as(end.db):
            return False
    if len(changes) > most_reordered:
        return True
    for order in list(permutations(changes))[1:]:
        other = fresh_tools()
        if not _refusals(other, order) and not other.db.same_as(end.db):
            return False
    return True


def _refusals(tools: ToolKitBase, calls: Calls) -> int:
    """Execute calls and return how many were refused; those change nothing and the rest goes on."""
    refused = 0
    for name, arguments in calls:
        try:
            tools.use_tool(name, **arguments)
        except ToolError:
            refused += 1
    return refused


def work_key(
    calls: Iterable[tuple[str, Mapping[str, Any]]],
    communicate: Sequence[str] | None,
    *about: str,
    any_order: bool = False,
) -> str:
    """Return a key that two tasks share when one is the other's work again.

    `any_order` says that the order of calls and figures makes no difference; `about` is whatever
    else distinguishes tasks.
    """
    work = [json.dumps([name, arguments], sort_keys=True) for name, arguments in calls]
    figures = list(communicate or ())
    if any_order:
        work.sort()
        figures.sort()
    return json.dumps([about, work, figures])
