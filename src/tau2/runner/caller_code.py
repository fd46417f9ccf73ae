"""Tells a bug in the caller's own agent, user or backend from a failure of the infrastructure."""

from __future__ import annotations

from tau2.errors import Tau2Error
from tau2.utils.own_code import BUGS, place_in_own_code


def place_of_bug(problem: BaseException) -> str | None:
    """Return where in the caller's code a bug is, as "file:line, in function"; None for no bug.

    It is one when its kind is that of wrong code, it says nothing about a model, and it was raised
    by code that is neither this package nor a library.
    """
    if not isinstance(problem, BUGS) or isinstance(problem, Tau2Error | OSError):
        return None
    if getattr(problem, "status_code", None) is not None:  # an error of a client library
        return None
    return place_in_own_code(problem)
